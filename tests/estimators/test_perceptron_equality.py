"""Weights equal those of scikit-learn: exactly on whole numbers, to 1e-9 on others."""

from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import linear_model
from sklearn.datasets import load_breast_cancer, load_digits, load_iris

from multilayer import Perceptron

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
TENTHS = (10 * IRIS[0]).round(), IRIS[1]  # iris in millimetres: whole numbers
SETOSA = IRIS[0][:, 2:], (IRIS[1] == 0).astype(int)
CANCER = load_breast_cancer(return_X_y=True)
DIGITS = tuple(part[:600] for part in load_digits(return_X_y=True))
SETS = {"iris": IRIS, "setosa": SETOSA, "cancer": CANCER}
WHOLE = {"iris in mm": TENTHS, "digits": DIGITS}
RULE_OF_SGD = {"loss": "perceptron", "learning_rate": "constant", "eta0": 1, "penalty": None}


def random_separable(seed, scale=1.0):
    """Whole numbers times a scale, and the side of a plane that each row lies on."""
    rng = np.random.default_rng(seed)
    n_features = int(rng.integers(2, 30))
    X = rng.integers(-20, 21, (150, n_features)).astype(float)
    side = X @ rng.integers(-5, 6, n_features) + rng.integers(-20, 21)
    return X[side != 0] * scale, np.where(side[side != 0] > 0, "on", "off")


def same(ours, theirs, exact=False):
    """Compare what the two have learnt."""
    assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.coef_.shape == theirs.coef_.shape
    assert ours.intercept_.shape == theirs.intercept_.shape
    if exact:
        assert_array_equal(ours.coef_, theirs.coef_)
        assert_array_equal(ours.intercept_, theirs.intercept_)
    else:
        size = np.abs(theirs.coef_).max()
        assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9, atol=1e-9 * size)
        assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)


def both(X, y, sample_weight=None, exact=False, **arguments):
    """Fit both, and compare all that scikit-learn's has."""
    theirs = linear_model.Perceptron(**deepcopy(arguments)).fit(X, y, sample_weight=sample_weight)
    ours = Perceptron(**deepcopy(arguments)).fit(X, y, sample_weight=sample_weight)
    same(ours, theirs, exact)
    if arguments.get("tol", 1) is not None:
        assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)
    assert_array_equal(ours.predict(X), theirs.predict(X))
    return ours


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers(name, shuffle):
    both(*WHOLE[name], shuffle=shuffle, exact=True)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("name", SETS)
def test_real_data(name, shuffle):
    both(*SETS[name], shuffle=shuffle)


@pytest.mark.parametrize("name", SETS | WHOLE)
def test_sgd_classifier(name):
    X, y = (SETS | WHOLE)[name]
    arguments = {"shuffle": False, "max_iter": 30, "tol": None}
    theirs = linear_model.SGDClassifier(**RULE_OF_SGD, **arguments).fit(X, y)
    same(Perceptron(**arguments).fit(X, y), theirs, exact=name in WHOLE)


@pytest.mark.parametrize("seed", range(20))
def test_random_separable_sets(seed):
    whole = both(*random_separable(seed), shuffle=False, tol=None, max_iter=300, exact=True)
    assert (whole.n_iter_ < 300) == whole.converged_
    both(*random_separable(seed, scale=0.1), shuffle=False, tol=None, max_iter=300)
    both(*random_separable(seed), random_state=seed, exact=True)


@pytest.mark.parametrize("random_state", [0, 7, 123456789])
@pytest.mark.parametrize("name", ["digits", "iris in mm"])
def test_order_of_rows_under_a_seed(name, random_state):
    both(*WHOLE[name], random_state=random_state, max_iter=4, tol=None, exact=True)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", ["digits", "iris in mm"])
@pytest.mark.parametrize("two_classes", [False, True])
def test_order_of_rows_under_a_generator(name, two_classes, early_stopping):
    X, y = WHOLE[name]
    both(
        *(X, y > 0 if two_classes else y),
        random_state=np.random.RandomState(5),
        early_stopping=early_stopping,
        exact=True,
    )


def test_order_of_rows_under_the_global_state():
    # The legacy generator that scikit-learn draws from when random_state is None.
    state = np.random.get_state()  # noqa: NPY002
    theirs = linear_model.Perceptron(random_state=None).fit(*TENTHS)
    np.random.set_state(state)  # noqa: NPY002
    same(Perceptron(random_state=None).fit(*TENTHS), theirs, exact=True)


@pytest.mark.parametrize("name", SETS | WHOLE)
def test_early_stopping(name):
    both(*(SETS | WHOLE)[name], early_stopping=True, validation_fraction=0.25, exact=name in WHOLE)


@pytest.mark.parametrize(
    "arguments",
    [
        {"fit_intercept": False},
        {"eta0": 0.25},
        {"tol": 0.0},
        {"tol": 5.0, "n_iter_no_change": 2},
        {"class_weight": "balanced"},
        {"class_weight": {0: 0.5, 1: 3.0}},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["iris", "cancer", "digits"])
def test_arguments(name, arguments):
    both(*(SETS | WHOLE)[name], **({"max_iter": 60} | arguments))


@pytest.mark.parametrize("arguments", [{}, {"class_weight": "balanced"}, {"early_stopping": True}])
def test_sample_weight(arguments):
    weight = np.random.default_rng(0).integers(0, 4, 150) / 2
    both(*TENTHS, sample_weight=weight, **arguments)


@pytest.mark.parametrize(
    "penalty",
    [
        {"penalty": "l2", "alpha": 0.001},
        {"penalty": "l2", "alpha": 2.0},  # weights shrink below the smallest factor
        {"penalty": "l1", "alpha": 0.01},
        {"penalty": "elasticnet", "alpha": 0.01, "l1_ratio": 0.4},
        {"penalty": "elasticnet", "l1_ratio": 0.0},
        {"penalty": "elasticnet", "l1_ratio": 1.0},
        {"penalty": "l1", "alpha": 0.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_penalties(penalty, form):
    both(form(IRIS[0]), IRIS[1], max_iter=5, tol=None, **penalty)


@pytest.mark.parametrize("penalty", ["l1", "l2", "elasticnet"])
def test_penalties_in_the_stopping_rule(penalty):
    pytest.importorskip("sklearn", minversion="1.8", reason="its loss had no penalty before")
    both(*IRIS, penalty=penalty, alpha=0.01)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csr_matrix, sparse.csc_matrix])
def test_sparse(form, shuffle):
    X, y = DIGITS
    ours = both(form(X), y, shuffle=shuffle)
    assert np.abs(ours.intercept_).max() < 1  # hundredths of a step
    assert_array_equal(ours.predict(form(X)), ours.predict(X))


def test_given_weights():
    rng = np.random.default_rng(0)
    coef, intercept = rng.integers(-9, 9, (3, 4)).astype(float), np.array([1.0, -2, 3])
    theirs = linear_model.Perceptron().fit(*TENTHS, coef.copy(), intercept.copy())
    same(Perceptron().fit(*TENTHS, coef, intercept), theirs, exact=True)


@pytest.mark.parametrize("intercept", [np.array([3.0]), 3.0])
@pytest.mark.parametrize("coef", [np.array([[1.0, -2]]), np.array([1.0, -2])])
def test_given_weights_of_one_unit(coef, intercept):
    X, y = SETOSA
    theirs = linear_model.Perceptron().fit(X, y, coef.copy(), np.copy(intercept))
    same(Perceptron().fit(X, y, coef, intercept), theirs)


@pytest.mark.parametrize("arguments", [{}, {"early_stopping": True}, {"tol": None}])
def test_warm_start(arguments):
    ours, theirs = (
        model(warm_start=True, max_iter=3, **arguments)
        for model in (Perceptron, linear_model.Perceptron)
    )
    for _ in range(3):
        same(ours.fit(*TENTHS), theirs.fit(*TENTHS), exact=True)
        assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)


@pytest.mark.parametrize("penalty", [None, "elasticnet"])
def test_partial_fit(penalty):
    X, y = DIGITS
    ours, theirs = (
        model(penalty=penalty, class_weight={3: 2.0})
        for model in (Perceptron, linear_model.Perceptron)
    )
    for start in range(0, 400, 100):
        rows = slice(start, start + 100)
        for model in (ours, theirs):
            model.partial_fit(X[rows], y[rows], classes=range(10) if start == 0 else None)
        same(ours, theirs, exact=penalty is None)
        assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)


def test_partial_fit_after_fit():
    ours, theirs = Perceptron(), linear_model.Perceptron()
    for model in (ours, theirs):
        model.fit(*TENTHS).partial_fit(TENTHS[0][::2], TENTHS[1][::2])
    same(ours, theirs, exact=True)
    assert ours.t_ == theirs.t_


def test_columns_of_an_indicator_matrix_are_units_of_their_own():
    """scikit-learn's has no such targets: each unit is one that is trained alone."""
    X = TENTHS[0]
    Y = np.column_stack([IRIS[1] == 0, X[:, 0] > 58, X[:, 1] > 30]).astype(int)
    ours = Perceptron(shuffle=False, tol=None, max_iter=20).fit(X, Y)
    alone = linear_model.Perceptron(shuffle=False, tol=None, max_iter=20)
    for column, weights, bias in zip(Y.T, ours.coef_, ours.intercept_, strict=True):
        alone.fit(X, column)
        assert_array_equal(weights, alone.coef_[0])
        assert bias == alone.intercept_[0]
    assert_array_equal(ours.predict(X), (X @ ours.coef_.T + ours.intercept_ > 0).astype(int))


def test_arguments_are_theirs_with_their_defaults():
    assert Perceptron().get_params() == linear_model.Perceptron().get_params()
