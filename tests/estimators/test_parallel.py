"""Many fits at once: in threads, in joblib's workers, in new processes."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import scale

from multilayer import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = {"hidden_layer_sizes": (8,), "max_iter": 5, "batch_size": 32, "random_state": 0}
X, y = scale(load_iris().data), load_iris().target
LATEST = 120  # seconds after which a process counts as hanging


def needs(method):
    """Skip where processes cannot be started so: Windows has neither fork nor forkserver."""
    missing = method not in multiprocessing.get_all_start_methods()
    return pytest.mark.skipif(missing, reason=f"this system has no {method!r}")


def train(estimator, target=y):
    """Fit a clone: a worker's whole job."""
    return clone(estimator).fit(X, target)


def parts(estimator):
    """Everything that training decided."""
    curve = estimator.loss_curve_ if estimator.solver != "lbfgs" else []
    return [*estimator.coefs_, *estimator.intercepts_, estimator.loss_, curve]


def assert_same(mine, theirs):
    for a, b in zip(parts(mine), parts(theirs), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def workers():
    """joblib's own processes, kept for all tests here and ended afterwards."""
    yield
    get_reusable_executor().shutdown(wait=True)


@pytest.fixture
def loky(workers):
    with joblib.parallel_config("loky", n_jobs=2):
        yield


# One process --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [{}, {"dropout": 0.3, "early_stopping": True}, {"solver": "lbfgs"}],
    ids=["plain", "dropout, early stopping", "lbfgs"],
)
@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_a_seed_gives_the_same_bits(Estimator, arguments):
    estimator = Estimator(**SETTINGS | arguments)
    first, second = train(estimator), train(estimator)
    assert_same(first, second)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    other = train(clone(estimator).set_params(random_state=1))
    assert (other.coefs_[0] != first.coefs_[0]).any()


def test_numpys_own_random_numbers_are_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 (scikit-learn's random_state=None)
    train(MLPClassifier(**SETTINGS))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_random_state_is_drawn_from():
    fits = []
    for _ in range(2):
        state = np.random.RandomState(0)
        fits.append([MLPClassifier(**SETTINGS | {"random_state": state}).fit(X, y) for _ in "ab"])
    for a, b in zip(*fits, strict=True):
        assert_same(a, b)
    assert (fits[0][0].coefs_[0] != fits[0][1].coefs_[0]).any()


# Threads ------------------------------------------------------------------------------------------


def at_once(function, arguments):
    """Call a function once per argument, each call in its own thread, all from one moment on."""
    barrier = threading.Barrier(len(arguments))

    def call(argument):
        barrier.wait(LATEST)
        return function(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(call, arguments))


def test_threads_predict_with_one_network():
    clf = MLPClassifier(**SETTINGS).fit(X, y)
    many = np.tile(X, (20, 1))
    expected = {n: clf.predict_proba(many[:n]) for n in (7, 150, 3_000)}

    def predict(thread):
        return [(n, clf.predict_proba(many[:n])) for n in [*expected][:: 1 - thread % 2 * 2] * 3]

    for answers in at_once(predict, range(8)):
        assert len(answers) == 9
        for n, p in answers:
            np.testing.assert_array_equal(p, expected[n])


def test_threads_fit_networks_of_different_shapes():
    """None of them compiled before: the threads compile at once."""
    networks = [MLPClassifier(**SETTINGS | {"hidden_layer_sizes": (n,)}) for n in (3, 4, 5)]
    networks = networks + networks  # each shape in two threads
    fits = at_once(train, networks)
    for network, fitted in zip(networks, fits, strict=True):
        assert_same(fitted, train(network))


def test_joblibs_threads_are_sequential_fits():
    networks = [MLPClassifier(**SETTINGS | {"random_state": seed}) for seed in range(6)]
    fits = joblib.Parallel(2, backend="threading")(joblib.delayed(train)(n) for n in networks)
    for network, fitted in zip(networks, fits, strict=True):
        assert_same(fitted, train(network))
    with joblib.parallel_config("threading", n_jobs=2):
        scores = cross_val_score(networks[0], X, y, cv=4)
    np.testing.assert_array_equal(scores, cross_val_score(networks[0], X, y, cv=4, n_jobs=1))


# joblib's processes -------------------------------------------------------------------------------


@pytest.mark.parametrize("Estimator", [MLPClassifier, MLPRegressor])
def test_cross_validation_in_two_processes(Estimator, loky):
    network = Estimator(**SETTINGS)
    scores = [
        cross_val_score(network, X, y, cv=4, n_jobs=n_jobs, error_score="raise")
        for n_jobs in (1, 2)
    ]
    np.testing.assert_array_equal(*scores)
    assert len(set(scores[0])) > 1  # the folds do differ


@pytest.mark.slow
def test_search_in_two_processes(loky):
    grid = {"hidden_layer_sizes": [(8,), (3,)], "learning_rate_init": [0.001, 0.02]}
    searches = [
        GridSearchCV(MLPClassifier(**SETTINGS), grid, cv=3, n_jobs=n_jobs).fit(X, y)
        for n_jobs in (1, 2)
    ]
    here, there = (search.cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_array_equal(here, there)
    assert_same(*(search.best_estimator_ for search in searches))


@pytest.mark.slow
def test_data_that_joblib_maps_into_memory(loky):
    """joblib hands large arrays to its workers as memory maps: the same bits must come back."""
    images, digit = load_digits(return_X_y=True)
    network = MLPClassifier(**SETTINGS | {"batch_size": 100})
    vote = VotingClassifier([("a", network), ("b", clone(network).set_params(random_state=1))])
    alone = clone(vote).set_params(n_jobs=1).fit(images, digit)
    with joblib.parallel_config("loky", n_jobs=2, max_nbytes=10_000):
        shared = clone(vote).fit(images, digit)
    for mine, theirs in zip(shared.estimators_, alone.estimators_, strict=True):
        assert_same(mine, theirs)


@pytest.mark.slow
def test_fitted_networks_predict_in_other_processes(loky):
    clf = MLPClassifier(**SETTINGS).fit(X, y)
    answers = joblib.Parallel()(joblib.delayed(clf.predict_proba)(X) for _ in range(4))
    for p in answers:
        np.testing.assert_array_equal(p, clf.predict_proba(X))


# New processes ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", pytest.param("forkserver", marks=needs("forkserver"))])
def test_a_new_process_finds_the_same_network(method):
    network = MLPClassifier(**SETTINGS)
    here = train(network)
    context = multiprocessing.get_context(method)
    # Methods of the estimator are the job: a test's own functions cannot be imported there.
    with context.Pool(1) as pool:
        there = pool.apply_async(network.fit, (X, y)).get(LATEST)
        p = pool.apply_async(here.predict_proba, (X,)).get(LATEST)
        on = pool.apply_async(here.partial_fit, (X, y)).get(LATEST)
    assert_same(there, here)
    np.testing.assert_array_equal(p, here.predict_proba(X))
    assert_same(on, here.partial_fit(X, y))
