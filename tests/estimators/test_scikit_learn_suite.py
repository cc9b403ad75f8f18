"""scikit-learn's own tests of its MLPClassifier and MLPRegressor, run on ours.

Each test function of the installed scikit-learn is copied with these names bound to our classes,
with all its parameters. Tests that ours is not held to are listed with the reason, and
what they look at is tested on public attributes at the end.
"""

import inspect
import types
from functools import partial
from importlib import import_module

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.preprocessing import minmax_scale

from multilayer import MLPClassifier, MLPRegressor

theirs = import_module("sklearn.neural_network.tests.test_mlp")

# Their suite lets this warning pass; a test that looks for it still sees it.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OURS = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}

PRIVATE = "looks at private attributes: "
DIFFERENT = {
    "test_fit": PRIVATE + "builds a fitted estimator out of them",
    "test_gradient": PRIVATE + "the function that SciPy minimises",
    "test_learning_rate_warmstart": PRIVATE + "the optimizer's rate; ours is in history_",
    "test_adaptive_learning_rate": PRIVATE + "the optimizer's rate; ours is in history_",
    "test_n_iter_no_change": PRIVATE + "the count of epochs without improvement",
    "test_n_iter_no_change_inf": PRIVATE + "the count of epochs without improvement",
    "test_predict_proba_multilabel": (
        "probabilities are exactly 1 above a logit of 17 (in float64 of 37), and tie where their "
        "logarithms do not"
    ),
    "test_early_stopping_stratified": "the message names the class by another text",
    "test_mlp_param_dtypes[float64]": "the type of parameters is an argument",  # tested below
    "test_preserve_feature_names": "y has one class only, which ours refuses",
    "test_nonfinite_params": "values beyond float32 are refused, of float64 in other words",
    "test_mlp_diverging_loss": "a loss that is not finite is an error under early stopping too",
    "test_mlp_partial_fit_after_fit": "partial_fit under early_stopping is refused; ours does it",
}
"""Tests, or parameters of them, that ours is not held to."""

SLOW = (
    "test_alpha",
    "test_multilabel_classification",
    "test_partial_fit_classification",
    "test_lbfgs_classification",
    "test_mlp_classifier_dtypes_casting",
    "test_early_stopping",
    "test_lbfgs_classification_maxfun",
)


@pytest.fixture
def global_random_seed():
    """What their conftest provides, one seed of it."""
    return 42


def their_tests():
    return {n: f for n, f in vars(theirs).items() if n.startswith("test_") and callable(f)}


def names_in(code):
    """All names that a function's code uses, those of the functions inside it too."""
    inner = (names_in(c) for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*inner)


def parametrised(function):
    """The classes that a test takes as parameters."""
    marks = getattr(function, "pytestmark", [])
    values = (value for m in marks if m.name == "parametrize" for value in m.args[1])
    return {value.__name__ for value in values if isinstance(value, type)}


def is_for_ours(function):
    used = names_in(function.__code__) | parametrised(function)
    return bool(used & set(OURS))


def adapted(name, mark):
    """Put our estimators into a parametrisation; drop what is different."""
    if mark.name != "parametrize":
        return mark
    argument, values = mark.args
    kept = []
    for value in values:
        label = getattr(value, "__name__", None)
        if f"{name}[{label}]" not in DIFFERENT:
            kept.append(OURS.get(label, value))
    return getattr(pytest.mark, mark.name)(argument, kept, **mark.kwargs).mark


def bound_to_ours(name, function):
    """Copy a test function so that it sees our estimators under their names."""
    scope = {**vars(theirs), **OURS}
    copy = types.FunctionType(function.__code__, scope, name, function.__defaults__)
    copy.pytestmark = [adapted(name, mark) for mark in getattr(function, "pytestmark", [])]
    return pytest.mark.slow(copy) if name in SLOW else copy


for _name, _function in their_tests().items():
    if is_for_ours(_function) and _name not in DIFFERENT:
        globals()[_name] = bound_to_ours(_name, _function)


# The lists themselves ---------------------------------------------------------------------------


def test_every_test_of_theirs_is_run_or_listed():
    ours = {name for name, function in their_tests().items() if is_for_ours(function)}
    assert len(ours - set(DIFFERENT)) >= 25
    assert set(DIFFERENT) - ours == {n for n in DIFFERENT if "[" in n}
    assert set(their_tests()) == ours


@pytest.mark.parametrize("entry", [entry for entry in DIFFERENT if "[" in entry])
def test_parameters_that_are_different_still_exist(entry):
    name, _, parameter = entry.rstrip("]").partition("[")
    marks = their_tests()[name].pytestmark
    assert parameter in [getattr(value, "__name__", None) for m in marks for value in m.args[1]]


@pytest.mark.parametrize("name", [n for n, why in DIFFERENT.items() if why.startswith(PRIVATE)])
def test_what_looks_at_private_attributes_does_so(name):
    source = inspect.getsource(import_module("sklearn.neural_network._multilayer_perceptron"))
    private = {n for n in names_in(their_tests()[name].__code__) if n.startswith("_")}
    theirs_alone = {n for n in private if not hasattr(MLPClassifier, n)}
    assert any(f"self.{n}" in source or f"def {n}(" in source for n in theirs_alone)


@pytest.mark.parametrize("name", SLOW)
def test_slow_ones_still_exist(name):
    assert name in their_tests()


# What the different ones look at, on public attributes ----------------------------------------


@pytest.fixture(scope="module")
def two_digits():
    keep = theirs.y_digits < 2
    return minmax_scale(theirs.X_digits[keep][:100]), theirs.y_digits[keep][:100]


def test_step_worked_out_by_hand():
    """The example of their test_fit, one step of plain gradient descent, to seven digits."""
    clf = MLPClassifier(
        2,
        activation="logistic",
        solver="sgd",
        momentum=0,
        alpha=0.1,
        learning_rate_init=0.1,
        max_iter=0,
    ).fit([[0.0, 0, 0], [1, 1, 1]], [0, 1])
    clf.coefs_ = [np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0]]), np.array([[0.1], [0.2]])]
    clf.intercepts_ = [np.array([0.1, 0.1]), np.array([1.0])]
    clf.partial_fit([[0.6, 0.8, 0.7]], [0])
    first = [[0.0979993, 0.1957545], [0.2956657, 0.0960061], [0.4938325, -0.0026197]]
    assert_allclose(clf.coefs_[0], first, atol=2e-7)
    assert_allclose(clf.coefs_[1], [[0.0470121], [0.1540292]], atol=2e-7)
    assert_allclose(clf.intercepts_[0], [0.0983321, 0.0962576], atol=2e-7)
    assert_allclose(clf.intercepts_[1], [0.9234548], atol=2e-7)
    assert_allclose(clf.predict_proba([[0.6, 0.8, 0.7]])[0, 1], 0.7394919, atol=2e-7)


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
def test_warm_start_goes_on_with_the_schedule(learning_rate):
    X, y = [[3, 2], [1, 6], [5, 6], [-2, -4]], [1, 1, 1, 0]
    clf = MLPClassifier(
        4,
        solver="sgd",
        learning_rate=learning_rate,
        power_t=0.25,
        max_iter=1,
        warm_start=True,
        random_state=0,
    )
    for _ in range(3):
        clf.fit(X, y)
    exponent = 0.25 if learning_rate == "invscaling" else 0
    expected = 0.001 / np.array([1.0, 5.0, 9.0]) ** exponent  # rows seen before the epoch, plus 1
    assert_allclose(clf.history_["learning_rate"], expected, rtol=1e-6)


def test_adaptive_rate_falls_below_a_millionth():
    clf = MLPClassifier(
        tol=0.5, max_iter=3000, solver="sgd", learning_rate="adaptive", random_state=0
    )
    clf.fit([[3, 2], [1, 6]], [1, 0])
    rates = clf.history_["learning_rate"]
    assert clf.n_iter_ < clf.max_iter
    assert_allclose(np.unique(rates)[::-1], 0.001 / 5.0 ** np.arange(6), rtol=1e-5)
    assert rates[-1] < 1e-6 < rates[-1] * 5


@pytest.mark.parametrize("patience", [2, 5, 10, 50, 100])
def test_patience_is_counted_as_theirs(two_digits, patience):
    clf = MLPClassifier(
        tol=0.01, max_iter=3000, solver="sgd", n_iter_no_change=patience, random_state=0
    ).fit(*two_digits)
    best, stale = np.inf, 0
    for loss in clf.loss_curve_:
        assert stale <= patience
        stale = stale + 1 if loss > best - clf.tol else 0
        best = min(best, loss)
    assert stale == patience + 1
    assert clf.stop_reason_ == "converged"


def test_infinite_patience(two_digits):
    clf = MLPClassifier(
        tol=1e9, max_iter=300, solver="sgd", n_iter_no_change=np.inf, random_state=0
    ).fit(*two_digits)
    assert clf.n_iter_ == len(clf.loss_curve_) == 300


def test_multilabel_probabilities():
    X, Y = make_multilabel_classification(n_samples=50, random_state=0, return_indicator=True)
    clf = MLPClassifier(30, solver="lbfgs", random_state=0).fit(X, Y)
    p, log_p = clf.predict_proba(X), clf.predict_log_proba(X)
    assert p.shape == log_p.shape == Y.shape
    assert_array_equal(p > 0.5, Y)
    assert_allclose(np.exp(log_p), p, rtol=1e-4, atol=1e-30)
    assert np.abs(p.sum(axis=1) - 1).max() > 0.5


@pytest.mark.parametrize("estimator", OURS.values())
def test_parameters_of_float64(estimator):
    theirs.test_mlp_param_dtypes(np.float64, partial(estimator, precision="float64"))


def test_values_that_overflow_float64():
    X = np.finfo(np.float64).max * np.random.RandomState(0).uniform(size=(10, 2))
    with pytest.raises(ValueError, match="solver produced non-finite parameter weights"):
        MLPRegressor(precision="float64", random_state=0).fit(X, X[:, 0] > 0.5)


def test_early_stopping_keeps_feature_names():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(np.random.default_rng(0).normal(size=(20, 2)), columns=["a", "b"])
    clf = MLPClassifier(early_stopping=True, validation_fraction=0.2, max_iter=2)
    clf.fit(X, [0, 1] * 10).score(X, [0, 1] * 10)  # a UserWarning about names would fail
    assert_array_equal(clf.feature_names_in_, ["a", "b"])


def test_early_stopping_refuses_a_class_of_one_row():
    with pytest.raises(ValueError, match=r"class.* in y ha(s|ve) only 1 member"):
        MLPClassifier(early_stopping=True).fit([[1, 2], [2, 3], [3, 4], [4, 5]], [0, 0, 0, 1])
