import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from multilayer import DataError, DivergenceError, InvalidArgumentError, MLPClassifier, Perceptron

IRIS = load_iris(return_X_y=True)
PETALS = IRIS[0][:, (2, 3)]
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
AND = XOR[0], np.array([0, 0, 0, 1])


# What it is for ---------------------------------------------------------------------------------


def test_cell_of_the_chapter():
    clf = Perceptron(random_state=42).fit(PETALS, (IRIS[1] == 0).astype(int))
    assert_array_equal(clf.predict([[2, 0.5]]), [1])
    assert clf.score(PETALS, IRIS[1] == 0) == 1
    assert clf.converged_


def test_labels_come_back_as_they_were():
    names = np.array(["setosa", "versicolor", "virginica"])[IRIS[1]]
    clf = Perceptron().fit(PETALS, names)
    assert set(clf.predict(PETALS)) <= set(names)
    assert clf.score(PETALS, names) > 0.8
    assert clf.decision_function(PETALS).shape == (150, 3)


def test_score_of_0_is_the_first_class():
    clf = Perceptron(tol=None).fit([[-1.0], [1.0]], ["no", "yes"])
    clf.intercept_[:] = 0
    assert_array_equal(clf.decision_function([[0.0]]), [0])
    assert_array_equal(clf.predict([[0.0]]), ["no"])


def test_columns_of_yes_and_no():
    X, Y = make_multilabel_classification(n_samples=80, n_classes=4, random_state=1)
    clf = Perceptron(max_iter=200, class_weight=[{}, {1: 2}, {0: 3}, {}]).fit(X, Y)
    assert_array_equal(clf.classes_, range(4))
    assert clf.predict(X).shape == Y.shape
    assert (clf.predict(X) == Y).mean() > 0.8
    assert_array_equal(clf.fit(X, sparse.csr_array(Y)).predict(X), clf.fit(X, Y).predict(X))


def test_columns_of_yes_and_no_stop_early():
    X, Y = make_multilabel_classification(n_samples=80, n_classes=4, random_state=1)
    clf = Perceptron(early_stopping=True, validation_fraction=0.3).fit(X, Y)
    assert (clf.predict(X) == Y).mean() > 0.7


def test_calibrated_probabilities():
    clf = CalibratedClassifierCV(Perceptron()).fit(*IRIS)
    assert clf.predict_proba(IRIS[0]).shape == (150, 3)


def test_search():
    search = GridSearchCV(Perceptron(), {"penalty": [None, "l2"], "eta0": [0.5, 1.0]}, cv=3)
    assert search.fit(*IRIS).best_score_ > 0.8


# The convergence theorem ------------------------------------------------------------------------

DIGITS = load_digits(return_X_y=True)
SEPARABLE = {
    "setosa by its petals": (PETALS, IRIS[1] == 0),
    "setosa": (IRIS[0], IRIS[1] == 0),
    "the digit 0": (DIGITS[0][:500], DIGITS[1][:500] == 0),
    "the digit 6": (DIGITS[0][:500], DIGITS[1][:500] == 6),
}


def with_bias(X):
    return np.column_stack([X, np.ones(len(X))])


@pytest.mark.parametrize("form", [np.asarray, np.float32])
@pytest.mark.parametrize("name", SEPARABLE)
def test_convergence_theorem(name, form):
    """Novikoff's bound on the updates, and both inequalities that prove it."""
    X, positive = SEPARABLE[name]
    machine = SVC(kernel="linear", C=1e6).fit(X, positive)
    u = np.append(machine.coef_, machine.intercept_)
    u /= np.linalg.norm(u)
    rows = np.where(positive, 1, -1)[:, None] * with_bias(X)
    gamma, radius = (rows @ u).min(), np.linalg.norm(rows, axis=1).max()
    assert gamma > 0
    for seed in range(5):
        clf = Perceptron(tol=None, random_state=seed).fit(form(X), positive)
        w = np.append(clf.coef_, clf.intercept_)
        assert clf.converged_
        assert (with_bias(form(X)) @ w > 0).tolist() == positive.tolist()
        assert 0 < clf.n_updates_ <= (radius / gamma) ** 2
        assert w @ u >= clf.n_updates_ * gamma * (1 - 1e-6)
        assert w @ w <= clf.n_updates_ * radius**2 * (1 + 1e-6)


def test_bound_is_met_by_the_worst_case():
    """One row and its opposite margin: R = gamma, a single update."""
    clf = Perceptron(tol=None, fit_intercept=False).fit([[3.0, 4], [-3, -4]], [1, 0])
    assert (clf.n_updates_, clf.n_iter_) == (1, 2)


def test_once_converged_it_stays():
    clf = Perceptron(tol=None, warm_start=True).fit(*SEPARABLE["setosa"])
    before = clf.coef_.copy(), clf.intercept_.copy()
    clf.fit(*SEPARABLE["setosa"]).partial_fit(*SEPARABLE["setosa"])
    assert_array_equal(clf.coef_, before[0])
    assert_array_equal(clf.intercept_, before[1])
    assert (clf.n_iter_, clf.n_updates_, clf.converged_) == (1, 0, True)


@pytest.mark.parametrize("eta0", [0.125, 3.0])
def test_size_of_the_steps_changes_no_decision(eta0):
    one = Perceptron(tol=None).fit(*SEPARABLE["the digit 0"])
    other = Perceptron(tol=None, eta0=eta0).fit(*SEPARABLE["the digit 0"])
    assert_allclose(other.coef_, eta0 * one.coef_, rtol=1e-12)
    assert other.n_updates_ == one.n_updates_


def test_updates_are_counted_over_partial_fits():
    X, y = SEPARABLE["the digit 6"]
    whole = Perceptron(tol=None, shuffle=False).fit(X, y)
    clf, passes = Perceptron(shuffle=False), 0
    while not (passes and clf.converged_):
        clf.partial_fit(X, y, classes=[False, True])
        passes += 1
    assert (passes, clf.n_updates_) == (whole.n_iter_, whole.n_updates_)
    assert_array_equal(clf.coef_, whole.coef_)


# XOR --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [{}, {"tol": None}, {"shuffle": False}, {"eta0": 0.1}], ids=str
)
@pytest.mark.parametrize("random_state", range(5))
def test_xor_never_converges_and_says_so(arguments, random_state):
    clf = Perceptron(random_state=random_state, **arguments)
    with pytest.warns(ConvergenceWarning, match=r"not linearly separable.*hidden layer") as caught:
        clf.fit(*XOR)
    assert [warning.filename for warning in caught] == [__file__]
    assert not clf.converged_
    assert clf.score(*XOR) <= 0.75


def test_two_hidden_units_solve_xor():
    clf = MLPClassifier(2, activation="tanh", solver="lbfgs", random_state=5).fit(*XOR)
    assert clf.score(*XOR) == 1


@pytest.mark.parametrize("random_state", range(20))
def test_nothing_is_said_of_and(random_state):
    """It is separable, and both rules end in peace, with errors left or without."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Perceptron(random_state=random_state).fit(*AND)
        assert Perceptron(random_state=random_state, tol=None).fit(*AND).converged_


def test_max_iter_is_told_with_errors_left_alone():
    with pytest.warns(ConvergenceWarning, match="max_iter=2 passes .* hidden layer"):
        Perceptron(max_iter=2).fit(*DIGITS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Perceptron(max_iter=3, random_state=3).fit(*SEPARABLE["setosa by its petals"])


def test_a_missing_bias_is_named():
    with pytest.warns(ConvergenceWarning, match=r"through the origin.*set fit_intercept=True"):
        Perceptron(fit_intercept=False).fit([[1.0], [2.0]], [0, 1])


# No probabilities -------------------------------------------------------------------------------


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("name", ["predict_proba", "predict_log_proba"])
def test_no_probabilities(name, fitted):
    clf = Perceptron().fit(*AND) if fitted else Perceptron()
    assert not hasattr(clf, name)
    with pytest.raises(
        AttributeError, match=rf"no attribute '{name}': .*MLPClassifier.*Calibrated"
    ):
        getattr(clf, name)


# Estimators in general --------------------------------------------------------------------------


def test_float32_is_computed_in_float64():
    X = IRIS[0].astype(np.float32)
    clf = Perceptron(max_iter=20).fit(X, IRIS[1])
    assert clf.coef_.dtype == clf.intercept_.dtype == clf.decision_function(X).dtype == np.float64
    assert_array_equal(clf.coef_, Perceptron(max_iter=20).fit(X.astype(float), IRIS[1]).coef_)


@pytest.mark.parametrize("form", [np.uint8, lambda X: X > 8, sparse.csr_matrix, sparse.coo_array])
def test_forms_of_x(form):
    X, y = form(DIGITS[0][:300]), DIGITS[1][:300]
    clf = Perceptron().fit(X, y)
    assert clf.score(X, y) > 0.95


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weights_are_copies_of_what_is_given():
    coef, intercept = np.zeros((1, 2)), np.zeros(1)
    clf = Perceptron(warm_start=True, max_iter=1).fit(PETALS, IRIS[1] == 1, coef, intercept)
    first = clf.coef_
    before = first.copy()
    clf.fit(PETALS, IRIS[1] == 1)
    assert not coef.any()
    assert not intercept.any()
    assert_array_equal(first, before)


def test_copies():
    clf = Perceptron(random_state=3).fit(*IRIS)
    again = pickle.loads(pickle.dumps(clf))
    assert_array_equal(again.predict(IRIS[0]), clf.predict(IRIS[0]))
    assert clone(clf).get_params() == clf.get_params()
    with pytest.raises(NotFittedError):
        clone(clf).predict(IRIS[0])


def test_sparse_weights():
    X, y = DIGITS[0][:200], DIGITS[1][:200]
    clf = Perceptron(penalty="l1", alpha=0.01).fit(X, y)
    dense, predicted = clf.coef_, clf.predict(X)
    assert sparse.issparse(clf.sparsify().coef_)
    assert clf.coef_.nnz == np.count_nonzero(dense) < dense.size
    assert_array_equal(clf.predict(X), predicted)
    assert_array_equal(clf.predict(sparse.csr_array(X)), predicted)
    assert_array_equal(clf.densify().densify().coef_, dense)
    clf.sparsify().partial_fit(X, y)
    assert isinstance(clf.coef_, np.ndarray)


def test_verbose_prints_the_loss_of_each_pass(capsys):
    clf = Perceptron(verbose=True).fit(PETALS, IRIS[1] == 0)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == clf.n_iter_
    assert lines[-1] == f"Iteration {clf.n_iter_}, loss = 0.00000000"
    Perceptron().fit(PETALS, IRIS[1] == 0)
    assert capsys.readouterr().out == ""


# What is refused --------------------------------------------------------------------------------

WRONG = {
    "penalty": ["L2", "none", 2],
    "alpha": [-1, "0.1", np.inf],
    "l1_ratio": [-0.1, 1.5, None],
    "fit_intercept": [1, "yes"],
    "max_iter": [0, 1.5, True],
    "tol": [-1, "auto", np.inf],
    "shuffle": ["yes", 1],
    "verbose": [-1, "yes"],
    "eta0": [0, -1, None],
    "n_jobs": ["all", 1.5],
    "random_state": [-1, "seed"],
    "early_stopping": [1],
    "validation_fraction": [0, 1, 5],
    "n_iter_no_change": [0, 2.5],
    "class_weight": ["even", {0: -1}, 3],
    "warm_start": [0, "yes"],
}


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in WRONG.items() for v in vs])
def test_wrong_arguments(name, value, partial):
    clf = Perceptron(**{name: value})
    with pytest.raises(InvalidArgumentError, match=rf"^{name}.* must be "):
        clf.partial_fit(*AND, classes=[0, 1]) if partial else clf.fit(*AND)
    assert set(WRONG) == set(clf.get_params())


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ({"y": [1, 1, 1, 1]}, DataError, "at least 2 classes"),
        ({"y": [[0, 1], [1, 2], [2, 0], [1, 1]]}, DataError, "2 columns of classes"),
        ({"y": [0.5, 0.1, 0.2, 0.3]}, ValueError, "Unknown label type"),
        ({"X": [[np.nan], [1], [2], [3]]}, ValueError, "NaN"),
        ({"sample_weight": [1, -1, 1, 1]}, ValueError, "[Nn]egative"),
        ({"sample_weight": np.zeros(4)}, DataError, "zero"),
        ({"coef_init": np.ones((2, 2))}, InvalidArgumentError, r"coef_init .*\(1, 2\)"),
        ({"coef_init": np.ones(3)}, InvalidArgumentError, "coef_init must be"),
        ({"intercept_init": np.ones(2)}, InvalidArgumentError, "intercept_init must be"),
        ({"X": np.full((4, 2), 1e308)}, DivergenceError, "Scale the columns"),
    ],
    ids=str,
)
def test_wrong_data_leave_the_estimator_as_it_was(data, error, message):
    X = PETALS[45:55]
    clf = Perceptron(eta0=4.0).fit(X, IRIS[1][45:55])
    before = dict(vars(clf))
    with pytest.raises(error, match=message):
        clf.fit(**({"X": AND[0], "y": AND[1]} | data))
    assert {name: id(value) for name, value in vars(clf).items()} == {
        name: id(value) for name, value in before.items()
    }
    assert_array_equal(clf.predict(X), IRIS[1][45:55])


@pytest.mark.parametrize("y", [["a", "b", "a", "b"], [0, 1, 2, 1], np.eye(4, dtype=int)], ids=str)
def test_training_goes_on_with_the_same_classes_only(y):
    clf = Perceptron(warm_start=True).fit(*AND)
    with pytest.raises(DataError):
        clf.fit(AND[0], y)
    with pytest.raises(DataError):
        clf.partial_fit(AND[0], y)
    assert clf.set_params(warm_start=False).fit(AND[0], y).predict(AND[0]).shape == np.shape(y)


def test_partial_fit_refuses_what_needs_all_rows():
    with pytest.raises(InvalidArgumentError, match="early_stopping must be False for partial_fit"):
        Perceptron(early_stopping=True).partial_fit(*AND, classes=[0, 1])
    with pytest.raises(InvalidArgumentError, match="class_weight must be None or a dict"):
        Perceptron(class_weight="balanced").partial_fit(*AND, classes=[0, 1])
    with pytest.raises(DataError, match="classes must be passed on the first call"):
        Perceptron().partial_fit(*AND)


def test_early_stopping_needs_rows_to_set_aside():
    with pytest.raises(DataError, match=r"validation_fraction=0\.1 cannot set .* aside"):
        Perceptron(early_stopping=True).fit(*AND)
    for row in range(20):  # in the one part or in the other
        with pytest.raises(DataError, match="zero for all of the rows that early_stopping sets"):
            Perceptron(early_stopping=True).fit(*IRIS, sample_weight=np.arange(150) == row)


def test_class_weight_of_0_everywhere():
    with pytest.raises(InvalidArgumentError, match="class_weight must be above 0"):
        Perceptron(class_weight={0: 0, 1: 0}).fit(*AND)
