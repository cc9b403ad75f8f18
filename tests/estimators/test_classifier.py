"""What MLPClassifier promises beyond scikit-learn's contract."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_digits, make_multilabel_classification

from multilayer import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
y3 = rng.integers(3, size=120)
X = rng.normal(size=(120, 4)) + np.eye(3, 4)[y3]
y2 = (y3 == 0).astype(int)


def classifier(**arguments):
    defaults = {"hidden_layer_sizes": 6, "max_iter": 5, "batch_size": 32, "random_state": 0}
    return MLPClassifier(**defaults | arguments)


def assert_same_network(a, b, **tolerance):
    for mine, theirs in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_allclose(mine, theirs, **{"rtol": 0, "atol": 0} | tolerance)


@pytest.fixture(scope="module")
def digits():
    return load_digits().data / 16, load_digits().target


# Learning -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("solver", "rate", "max_iter"),
    [
        ("sgd", 0.05, 20),
        ("adam", 0.005, 20),
        ("adamw", 0.005, 20),
        ("adagrad", 0.05, 20),
        ("rmsprop", 0.003, 20),
        ("lbfgs", 0.001, 50),
    ],
)
def test_each_solver_learns_digits(digits, solver, rate, max_iter):
    clf = MLPClassifier(
        (30,),
        solver=solver,
        learning_rate_init=rate,
        max_iter=max_iter,
        batch_size=100,
        random_state=0,
    ).fit(*digits)
    assert clf.score(*digits) > 0.95
    assert clf.evaluate(*digits)["accuracy"] == pytest.approx(clf.score(*digits))


def test_evaluate_is_accuracy_and_mean_cross_entropy():
    weight = rng.uniform(0, 1, len(X))
    for y in (y2, y3):
        clf = classifier(alpha=10.0, label_smoothing=0.3).fit(X, y)
        figures = clf.evaluate(X, y, sample_weight=weight)
        p = clf.predict_proba(X)[np.arange(len(y)), y]
        expected = np.average(-np.log(p), weights=weight)
        assert figures["average_loss"] == pytest.approx(expected, rel=1e-5)
        assert figures["accuracy"] == pytest.approx(clf.score(X, y, sample_weight=weight))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_fitted_attributes(solver):
    clf = classifier(solver=solver, max_iter=4).fit(X, y3)
    assert [w.shape for w in clf.coefs_] == [(4, 6), (6, 3)]
    assert [b.shape for b in clf.intercepts_] == [(6,), (3,)]
    assert {part.dtype.name for part in clf.coefs_ + clf.intercepts_} == {"float32"}
    np.testing.assert_array_equal(clf.classes_, [0, 1, 2])
    assert (clf.n_layers_, clf.n_outputs_, clf.out_activation_) == (3, 3, "softmax")
    assert (clf.n_features_in_, clf.n_iter_) == (4, 4)
    assert (type(clf.loss_), clf.stop_reason_) == (float, "max_iter")
    assert clf.validation_scores_ is clf.best_validation_score_ is None
    if solver != "lbfgs":
        assert clf.t_ == 4 * 120
        assert (type(clf.loss_curve_), len(clf.loss_curve_)) == (list, 4)
        assert (clf.loss_, clf.best_loss_) == (clf.loss_curve_[-1], min(clf.loss_curve_))
        assert clf.fit_seconds_ > 0
        assert clf.compile_seconds_ >= 0


def test_history():
    history = classifier().fit(X, y3).history_
    assert list(history) == [
        "epoch",
        "loss",
        "validation_loss",
        "validation_score",
        "learning_rate",
        "steps",
        "seconds",
    ]
    assert {column.shape for column in history.values()} == {(5,)}
    np.testing.assert_array_equal(history["epoch"], np.arange(5))
    np.testing.assert_array_equal(history["steps"], 4 * np.arange(1, 6))
    assert np.isnan(history["validation_loss"]).all()
    assert (np.diff(history["seconds"]) >= 0).all()


def test_no_epochs_give_scikit_learns_initial_network():
    clf = classifier(max_iter=0).fit(X, y3)
    theirs = neural_network.MLPClassifier((6,), max_iter=1, random_state=0, solver="sgd")
    theirs.set_params(learning_rate_init=1e-30, momentum=0, alpha=0).fit(X, y3)
    assert_same_network(clf, theirs, rtol=1e-6)
    assert clf.predict(X).shape == (120,)
    assert (clf.n_iter_, clf.loss_curve_) == (0, [])


def test_a_seed_gives_the_same_bits_and_another_one_others():
    clf = classifier(dropout=0.3, early_stopping=True).fit(X, y3)
    assert_same_network(clf, classifier(dropout=0.3, early_stopping=True).fit(X, y3))
    other = classifier(dropout=0.3, early_stopping=True, random_state=1).fit(X, y3)
    assert (clf.coefs_[0] != other.coefs_[0]).any()


def test_dropout_acts_in_training_alone():
    dry, wet = classifier().fit(X, y3), classifier(dropout=0.5).fit(X, y3)
    assert (dry.coefs_[0] != wet.coefs_[0]).any()
    probabilities = wet.predict_proba(X)
    np.testing.assert_array_equal(probabilities, wet.predict_proba(X))
    wet.set_params(dropout=0.0)
    np.testing.assert_array_equal(probabilities, wet.predict_proba(X))
    hidden = np.maximum(X @ wet.coefs_[0] + wet.intercepts_[0], 0)
    logits = hidden @ wet.coefs_[1] + wet.intercepts_[1]
    np.testing.assert_allclose(wet.decision_function(X), logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rates", [0.5, (0.0, 0.5), [0.5, 0.0]])
def test_dropout_per_layer(rates):
    """The loss of the first step, at rate zero: what is left scaled up keeps the mean."""
    settings = {"hidden_layer_sizes": (40, 40), "max_iter": 1, "batch_size": 120, "alpha": 0}
    plain = classifier(**settings).fit(X, y3)
    dropped = classifier(**settings, dropout=rates).fit(X, y3)
    assert plain.loss_ != dropped.loss_
    assert plain.loss_ == pytest.approx(dropped.loss_, rel=0.2)


def test_label_smoothing_pulls_towards_equal_chances():
    settings = {"hidden_layer_sizes": 50, "solver": "lbfgs", "max_iter": 300, "alpha": 0}
    sharp = classifier(**settings).fit(X[:15], y3[:15])
    smooth = classifier(**settings, label_smoothing=0.3).fit(X[:15], y3[:15])
    truth = np.eye(3)[y3[:15]]
    np.testing.assert_allclose(sharp.predict_proba(X[:15]), truth, atol=0.01)
    np.testing.assert_allclose(smooth.predict_proba(X[:15]), 0.7 * truth + 0.1, atol=0.02)


# Labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [["no", "yes"], [-1, 1], [False, True], [2.0, 7.0]], ids=["str", "int", "bool", "real"]
)
def test_two_classes(names):
    y = np.array(names)[y2]
    clf = classifier(max_iter=100, learning_rate_init=0.02).fit(X, y)
    logits, p, log_p = clf.decision_function(X), clf.predict_proba(X), clf.predict_log_proba(X)
    assert (logits.shape, p.shape, clf.n_outputs_) == ((120,), (120, 2), 1)
    assert clf.coefs_[-1].shape == (6, 1)
    np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(-logits.astype(float))), rtol=1e-5)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.exp(log_p), p, rtol=1e-5)
    np.testing.assert_array_equal(clf.predict(X), np.array(names)[(logits > 0).astype(int)])
    assert clf.predict(X).dtype == y.dtype
    assert clf.score(X, y) > 0.8


def test_small_chances_keep_their_size():
    clf = classifier(max_iter=0).fit(X, y2)
    clf.coefs_[-1] = clf.coefs_[-1] * 1e3
    logits = clf.decision_function(X).astype(float)
    assert np.abs(logits).max() > 50
    np.testing.assert_allclose(
        clf.predict_log_proba(X),
        -np.logaddexp(0, np.column_stack([logits, -logits])),
        rtol=1e-5,
        atol=1e-30,
    )
    assert clf.predict_proba(X)[np.abs(logits) < 80].min() > 0


def test_strings_of_three_classes():
    names = np.array(["ant", "bee", "elephant"])
    clf = classifier().fit(X, names[y3].tolist(), X_val=X, y_val=names[y3])
    np.testing.assert_array_equal(clf.classes_, names)
    np.testing.assert_array_equal(clf.predict(X), names[np.argmax(clf.predict_proba(X), axis=1)])
    assert clf.validation_scores_[-1] == pytest.approx(clf.score(X, names[y3]), rel=1e-6)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array, np.ndarray.tolist])
def test_several_labels_per_row(convert):
    X, Y = make_multilabel_classification(n_samples=80, n_classes=4, random_state=0)
    clf = classifier(max_iter=60, learning_rate_init=0.02).fit(X, convert(Y))
    p = clf.predict_proba(X)
    assert (p.shape, clf.n_outputs_, clf.out_activation_) == ((80, 4), 4, "logistic")
    np.testing.assert_array_equal(clf.predict(X), (clf.decision_function(X) > 0).astype(int))
    np.testing.assert_array_equal(clf.predict(X), (p > 0.5).astype(int))
    assert (clf.predict(X) == Y).mean() > 0.8
    assert clf.evaluate(X, Y)["accuracy"] == pytest.approx(clf.score(X, Y))


# Kinds of X ---------------------------------------------------------------------------------------


def test_scaled_bytes_are_floats():
    images = load_digits().images.reshape(1797, 64).astype(np.uint8)[:200]
    y = load_digits().target[:200]
    as_bytes = classifier(input_scale=1 / 16).fit(images, y, X_val=images, y_val=y)
    as_floats = classifier().fit(images / np.float32(16), y, X_val=images / np.float32(16), y_val=y)
    assert_same_network(as_bytes, as_floats, rtol=1e-5, atol=1e-6)
    probabilities = as_floats.predict_proba(images / 16)
    np.testing.assert_allclose(as_bytes.predict_proba(images), probabilities, atol=1e-5)


def test_truths_are_zeros_and_ones():
    as_truths = classifier().fit(X > 0, y3)
    assert_same_network(as_truths, classifier().fit((X > 0).astype(float), y3), atol=1e-6)


@pytest.mark.parametrize(
    "convert", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array, "memmap", "F", "float64"]
)
def test_other_holders_of_the_same_numbers(tmp_path, convert):
    dense = np.round(np.maximum(X, 0), 2).astype(np.float32)
    if convert == "memmap":
        held = np.memmap(tmp_path / "X", np.float32, "w+", shape=dense.shape)
        held[:] = dense
    elif convert == "F":
        held = np.asfortranarray(dense)
    else:
        held = dense.astype(float) if convert == "float64" else convert(dense)
    mine, theirs = classifier().fit(held, y3), classifier().fit(dense, y3)
    assert_same_network(mine, theirs, rtol=1e-5, atol=1e-6)
    same = classifier(max_iter=0).fit(dense, y3)
    np.testing.assert_array_equal(same.decision_function(held), same.decision_function(dense))


def test_early_stopping_on_streamed_data():
    mine, theirs = (
        classifier(early_stopping=True).fit(held, y3) for held in (sparse.csr_array(X), X)
    )
    assert mine.validation_scores_ == pytest.approx(theirs.validation_scores_)


def test_a_prediction_depends_on_its_own_row_alone():
    clf = classifier().fit(X, y3)
    many = np.tile(X, (20, 1))  # more rows than a block
    whole = clf.predict_proba(many)
    np.testing.assert_array_equal(whole[:120], whole[-120:])
    backwards = clf.predict_proba(X[::-1])[::-1]
    np.testing.assert_array_equal(backwards, clf.predict_proba(X))
    singles = np.concatenate([clf.predict_proba(X[i : i + 1]) for i in range(40)])
    np.testing.assert_allclose(singles, whole[:40], rtol=1e-6)


# Constructing -------------------------------------------------------------------------------------


def test_scikit_learns_arguments_come_first_in_its_order():
    theirs = list(neural_network.MLPClassifier().get_params(deep=False))
    mine = MLPClassifier().get_params()
    assert set(theirs) <= set(mine)
    for name, value in neural_network.MLPClassifier().get_params().items():
        assert mine[name] == value, name


def test_clones_are_unfitted_and_alike():
    sizes = [5, 4]
    clf = MLPClassifier(sizes, solver_params={"decay": 0.8}, solver="rmsprop", max_iter=1)
    clf.fit(X, y3)
    assert clf.hidden_layer_sizes is sizes
    copy = clone(clf)
    assert copy.get_params() == clf.get_params()
    assert not hasattr(copy, "coefs_")
