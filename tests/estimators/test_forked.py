"""A child that is forked after training must refuse XLA at once: there it would hang."""

import multiprocessing
import traceback
import warnings

import jax
import numpy as np
import optax
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from multilayer import ForkedProcessError, MLPClassifier, MLPRegressor, nn, portable, save

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(
        "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
    ),
]

BY_XLA = {"activation": jax.nn.hard_tanh}  # natively, a fit in a forked child simply works
SETTINGS = {"hidden_layer_sizes": (8,), "max_iter": 5, "batch_size": 32, "random_state": 0} | BY_XLA
X, y = scale(load_iris().data), load_iris().target


@pytest.fixture(scope="module")
def clf():
    return MLPClassifier(**SETTINGS).fit(X, y)


def fitted_again(clf):
    clf.fit(X, y)


def fitted_anew(clf):
    MLPClassifier((4,), max_iter=1, **BY_XLA).fit(X, y)


def fitted_by_lbfgs(clf):
    MLPClassifier((4,), solver="lbfgs", max_iter=1, **BY_XLA).fit(X, y)


def fitted_with_validation_data(clf):
    clf.fit(X, y, X_val=X, y_val=y)


def fitted_on(clf):
    clf.partial_fit(X, y)


def predicted(clf):
    clf.predict(X)


def transformed(clf):
    clf.transform(X)


def fitted_regressor(clf):
    MLPRegressor(hidden_layer_sizes=(4,), max_iter=1, **BY_XLA).fit(X, y)


NETWORK = nn.sequential(nn.dense(3), nn.batch_norm(), nn.relu, nn.layer_norm(), nn.dense(2))
STEP = nn.train_step(NETWORK, nn.squared_error, optax.sgd(0.1))
WEIGHT = np.ones(len(X), np.float32)


@pytest.fixture(scope="module")
def params(clf):
    """First parameters, the keys of JAX behind them drawn in the parent."""
    return NETWORK.init(nn.key(0), X.shape[1])


HAND_BUILT = {
    "key": lambda params: nn.key(1),
    "init": lambda params: NETWORK.init(1, X.shape[1]),
    "apply": lambda params: NETWORK.apply(params, X),
    "apply_in_training": lambda params: NETWORK.apply_in_training(
        params, X, key=None, weight=WEIGHT
    ),
    "batch_norm": lambda params: nn.batch_norm().apply(params[1], X[:, :3]),
    "layer_norm": lambda params: nn.layer_norm().apply(params[3], X[:, :3]),
    "activation": lambda params: nn.gelu(X),
    "derivative": lambda params: nn.derivative(nn.tanh)(X),
    "loss of classes": lambda params: nn.sparse_softmax_cross_entropy(X, y),
    "loss of numbers": lambda params: nn.squared_error(X, X),
    "metric": lambda params: nn.accuracy(X, y),
    "own loop": STEP.init,
}


@pytest.mark.parametrize("name", HAND_BUILT)
def test_networks_built_by_hand_refuse_a_forked_child(name, params):
    refused, message = after_fork(HAND_BUILT[name], params)
    assert refused, message
    HAND_BUILT[name](params)  # the parent goes on


def test_a_forked_child_predicts_with_what_was_loaded_before(tmp_path):
    clf = MLPClassifier((8,), max_iter=1).fit(X, y)  # activations of the user's are not saved
    save(clf, tmp_path / "clf.safetensors")
    predictor = portable.load(tmp_path / "clf.safetensors")

    def job(_):
        raise ForkedProcessError(predictor.predict(X).tolist())  # what is reported back

    refused, message = after_fork(job, clf)
    assert refused
    assert str(clf.predict(X).tolist()) in message


def report_error(job, clf, pipe):
    """In the child: send what happened."""
    try:
        job(clf)
    except BaseException as error:
        message = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        pipe.send((isinstance(error, ForkedProcessError), message))
    else:
        pipe.send((False, "no error"))


def after_fork(job, clf):
    """Do a job in a forked child; a child that hangs is killed and told of."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=report_error, args=(job, clf, there))
    with warnings.catch_warnings():
        # JAX (RuntimeWarning) and Python 3.12 (DeprecationWarning) warn of forking with threads
        # about, which is what this test does.
        warnings.filterwarnings("ignore", message=r".*fork\(\)")
        child.start()
    there.close()
    try:
        return here.recv() if here.poll(20) else (False, "the child hangs")
    except EOFError:
        child.join(5)
        return False, f"the child died of {child.exitcode}"
    finally:
        here.close()
        child.kill()
        child.join()


@pytest.mark.parametrize(
    "job",
    [
        fitted_again,
        fitted_anew,
        fitted_by_lbfgs,
        fitted_with_validation_data,
        fitted_on,
        fitted_regressor,
        predicted,
        transformed,
    ],
)
def test_a_forked_child_is_refused(job, clf):
    refused, message = after_fork(job, clf)
    assert refused, message
    assert "'spawn' or 'forkserver'" in message
    assert "load before forking, predict after, with multilayer.portable" in message
    clf.predict(X)  # the parent goes on


def refit_that_changes_nothing(clf):
    """Raise what the refused fit raised, if it left the network as it was."""
    before = [part.copy() for part in clf.coefs_]
    with pytest.raises(ForkedProcessError) as caught:
        clf.fit(X, y)
    np.testing.assert_array_equal(clf.coefs_[0], before[0])
    np.testing.assert_array_equal(clf.coefs_[1], before[1])
    assert clf.stop_reason_ == "max_iter"
    raise caught.value


def test_a_fit_refused_in_a_forked_child_changes_nothing(clf):
    refused, message = after_fork(refit_that_changes_nothing, clf)
    assert refused, message


def test_a_forked_child_that_asks_nothing_of_the_engine(clf):
    _, message = after_fork(lambda clf: clone(clf).get_params() and repr(clf), clf)
    assert message == "no error"
