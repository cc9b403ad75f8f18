"""Several columns of classes, class weights, and output activations of the classifier."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.preprocessing import scale
from sklearn.utils.class_weight import compute_sample_weight

from multilayer import InvalidArgumentError, MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X = scale(X).astype(np.float32)
NAMES = np.array(["setosa", "versicolor", "virginica"])
COLUMNS = np.column_stack([NAMES[y], np.where(X[:, 0] > 0, "long", "short")])
SETTINGS = {
    "hidden_layer_sizes": (8,),
    "learning_rate_init": 0.02,
    "batch_size": 32,
    "max_iter": 40,
    "random_state": 0,
}


def classifier(**changes):
    return MLPClassifier(**SETTINGS | changes)


# Several columns of classes ---------------------------------------------------------------------


def test_one_network_for_several_columns():
    clf = classifier().fit(X, COLUMNS)
    assert [classes.tolist() for classes in clf.classes_] == [NAMES.tolist(), ["long", "short"]]
    assert clf.coefs_[-1].shape == (8, 5)
    predicted = clf.predict(X)
    assert predicted.shape == COLUMNS.shape
    assert (predicted == COLUMNS).mean(axis=0).min() > 0.9
    assert clf.score(X, COLUMNS) == np.all(predicted == COLUMNS, axis=1).mean()
    for p, log_p, z, classes in zip(
        clf.predict_proba(X),
        clf.predict_log_proba(X),
        clf.decision_function(X),
        clf.classes_,
        strict=True,
    ):
        assert p.shape == z.shape == (len(X), len(classes))
        assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        assert_allclose(np.exp(log_p), p, rtol=1e-4, atol=1e-7)
        assert_allclose(p.argmax(axis=1), z.argmax(axis=1))


def test_a_single_column_among_several_is_as_the_others():
    """The loss of several heads is the sum of theirs."""
    clf = classifier(max_iter=3).fit(X, COLUMNS)
    figures = clf.evaluate(X, COLUMNS)
    picked = [
        log_p[np.arange(len(X)), np.searchsorted(classes, column)]
        for log_p, classes, column in zip(
            clf.predict_log_proba(X), clf.classes_, COLUMNS.T, strict=True
        )
    ]
    assert_allclose(figures["average_loss"], -np.mean(np.sum(picked, axis=0)), rtol=1e-5)
    assert figures["accuracy"] == clf.score(X, COLUMNS)


def test_validation_and_early_stopping_of_several_columns():
    clf = classifier(early_stopping=True, n_iter_no_change=4, max_iter=100).fit(X, COLUMNS)
    assert clf.stop_reason_ == "converged"
    clf = classifier().fit(X, COLUMNS, X_val=X[:50], y_val=COLUMNS[:50])
    assert_allclose(clf.validation_scores_[-1], clf.score(X[:50], COLUMNS[:50]), rtol=1e-6)


def test_partial_fit_of_several_columns():
    clf = classifier()
    classes = [NAMES, np.array(["long", "short"])]
    for _ in range(30):
        clf.partial_fit(X, COLUMNS, classes=classes)
    assert clf.score(X, COLUMNS) > 0.8
    with pytest.raises(ValueError, match="not the same as on last call"):
        clf.partial_fit(X, COLUMNS, classes=[NAMES, np.array(["long", "tall"])])


def test_number_of_columns_must_stay():
    clf = classifier(max_iter=1).fit(X, COLUMNS)
    with pytest.raises(ValueError, match="y must be 2 columns of classes"):
        clf.evaluate(X, COLUMNS[:, 0])


# Class weights -----------------------------------------------------------------------------------


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 2: 0.5}])
def test_class_weights_are_sample_weights(class_weight):
    few = np.r_[0:20, 50:150]  # classes of unequal size
    table = class_weight if isinstance(class_weight, str) else {0: 3.0, 1: 1.0, 2: 0.5}
    weights = compute_sample_weight(table, y[few])
    one = classifier(class_weight=class_weight).fit(X[few], y[few])
    unbiased = {"weight_normalization": "data"}
    other = classifier(**unbiased).fit(X[few], y[few], sample_weight=weights)
    assert_array_equal(one.coefs_[0], other.coefs_[0])
    both = classifier(class_weight=class_weight, **unbiased)
    both.fit(X[few], y[few], sample_weight=weights)
    square = classifier(**unbiased).fit(X[few], y[few], sample_weight=weights**2)
    assert_allclose(both.coefs_[0], square.coefs_[0], atol=1e-5)


def test_balanced_weights_help_a_rare_class():
    rng = np.random.default_rng(0)
    n, rare = 600, 30
    inputs = rng.normal(size=(n, 2)).astype(np.float32)
    labels = np.zeros(n, int)
    labels[:rare] = 1
    inputs[:rare] += 1
    plain = classifier().fit(inputs, labels)
    balanced = classifier(class_weight="balanced").fit(inputs, labels)
    found = [clf.predict(inputs[:rare]).mean() for clf in (plain, balanced)]
    assert found[1] > found[0] + 0.3


def test_class_weights_of_several_outputs():
    """Weights of 1 change nothing; a class of weight 0 in one head teaches that head nothing."""
    plain = classifier().fit(X, COLUMNS)
    ones = [dict.fromkeys(NAMES, 1.0), {"long": 1.0, "short": 1.0}]
    weighed = classifier(class_weight=ones).fit(X, COLUMNS)
    assert_allclose(weighed.coefs_[0], plain.coefs_[0], atol=1e-5)
    blind = [{}, {"short": 0.0}]
    clf = classifier(class_weight=blind).fit(X, COLUMNS)
    assert (clf.predict(X)[:, 1] == "long").all()
    assert (clf.predict(X)[:, 0] == COLUMNS[:, 0]).mean() > 0.9


def test_class_weights_of_labels():
    inputs, Y = make_multilabel_classification(n_samples=150, n_classes=3, random_state=0)
    inputs = scale(inputs)
    heavy = [{1: 20.0}, {}, {}]
    plain = classifier().fit(inputs, Y)
    clf = classifier(class_weight=heavy).fit(inputs, Y)
    assert clf.predict(inputs)[:, 0].sum() > plain.predict(inputs)[:, 0].sum()
    balanced = classifier(class_weight="balanced").fit(inputs, Y)
    assert balanced.score(inputs, Y) > 0.3


@pytest.mark.parametrize(
    ("target", "class_weight", "message"),
    [
        (COLUMNS, {"long": 2.0}, "a list of 2 dicts"),
        (COLUMNS, [{}], "a list of 2 dicts"),
        (y, [{}, {}], "a dict for a single output"),
        (y, {5: 1.0}, r"Remove \[5\]"),
        (y, {0: 0.0, 1: 0.0, 2: 0.0}, "above 0 for a class that has samples"),
    ],
)
def test_class_weights_that_do_not_fit(target, class_weight, message):
    with pytest.raises(InvalidArgumentError, match=message):
        classifier(class_weight=class_weight).fit(X, target)


def test_partial_fit_with_class_weights():
    clf = classifier(class_weight={0: 0.0})
    for _ in range(20):
        clf.partial_fit(X, y, classes=[0, 1, 2])
    assert 0 not in clf.predict(X)
    with pytest.raises(InvalidArgumentError, match="never sees all samples"):
        classifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])


# Output activations ----------------------------------------------------------------------------


def test_softmax_for_two_classes():
    keep = y < 2
    clf = classifier(out_activation="softmax").fit(X[keep], y[keep])
    assert clf.coefs_[-1].shape == (8, 2)
    assert clf.out_activation_ == "softmax"
    z, p = clf.decision_function(X[keep]), clf.predict_proba(X[keep])
    assert z.shape == (keep.sum(),)
    assert_allclose(p[:, 1], 1 / (1 + np.exp(-z)), rtol=1e-4, atol=1e-6)
    assert clf.score(X[keep], y[keep]) == 1


def test_one_yes_no_output_for_each_class():
    clf = classifier(out_activation="logistic").fit(X, y)
    assert clf.out_activation_ == "logistic"
    z, p = clf.decision_function(X), clf.predict_proba(X)
    yes = 1 / (1 + np.exp(-z.astype(np.float64)))
    assert_allclose(p, yes / yes.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-6)
    assert clf.score(X, y) > 0.9
    hit = np.eye(3)[y]
    expected = np.mean(np.sum(np.logaddexp(0, z) - hit * z, axis=1))
    assert_allclose(clf.evaluate(X, y)["average_loss"], expected, rtol=1e-5)


def test_two_units_for_each_label():
    Y = (X[:, :3] > 0).astype(int)
    clf = classifier(out_activation="softmax").fit(X, Y, X_val=X, y_val=Y)
    assert clf.coefs_[-1].shape == (8, 6)
    z, p = clf.decision_function(X), clf.predict_proba(X)
    assert z.shape == p.shape == Y.shape
    assert_array_equal(clf.predict(X), z > 0)
    assert_allclose(p, 1 / (1 + np.exp(-z)), rtol=1e-4, atol=1e-6)
    assert clf.score(X, Y) > 0.9
    assert_allclose(clf.validation_scores_[-1], clf.score(X, Y), rtol=1e-6)
    losses = np.logaddexp(0, np.where(Y, -z, z)).sum(axis=1)
    assert_allclose(clf.evaluate(X, Y)["average_loss"], losses.mean(), rtol=1e-4)


def test_changing_an_argument_leaves_a_fitted_network_as_it_is():
    clf = classifier(activation="tanh").fit(X, y)
    before = clf.predict_proba(X)
    clf.set_params(activation="relu", out_activation="logistic", norm="batch")
    assert_array_equal(clf.predict_proba(X), before)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "uint8", "int64", "object"])
def test_results_come_in_the_type_that_scikit_learn_returns(dtype):
    clf, rows = classifier(max_iter=3).fit(X, y), np.round(np.abs(X)).astype(dtype)
    expected = np.float64 if dtype in ("float64", "int64", "object") else np.float32
    for method in ("predict_proba", "predict_log_proba", "decision_function", "transform"):
        assert getattr(clf, method)(rows).dtype == expected, method
    same = np.round(np.abs(X))
    assert_array_equal(clf.decision_function(rows), clf.decision_function(same))
    assert_allclose(clf.predict_proba(rows), clf.predict_proba(same), rtol=1e-5)
