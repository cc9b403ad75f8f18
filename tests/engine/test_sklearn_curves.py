"""Loss curves equal to scikit-learn's, from the same weights over the same batches.

scikit-learn draws weights and the order of rows from one RandomState; the order is drawn again
here and handed to the engine. In float64 the two agree to rounding, in float32 to 1e-5 of the
loss. Both engines compute float64: JAX where it is set to, the native one by its argument.
"""

from functools import lru_cache

import jax
import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_digits, load_iris
from sklearn.preprocessing import scale
from sklearn.utils import shuffle

from multilayer import MLPClassifier
from multilayer._data.source import MOST_EPOCHS
from multilayer._engine.loop import train
from multilayer._engine.native.maker import NATIVE
from multilayer._engine.xla.maker import XLA
from multilayer._nn.network import Network, initialize

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EPOCHS = 20
SEED = 3

DATA = {
    "digits": lambda: (load_digits().data / 16, load_digits().target),
    "iris": lambda: (scale(load_iris().data), load_iris().target),
    "two digits": lambda: tuple(np.array(a) for a in load_digits(n_class=2, return_X_y=True)),
}
HIDDEN = {"digits": (30,), "iris": (10, 8), "two digits": (9,)}
SOLVERS = {
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.05},
    "momentum": {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
    "no momentum": {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0},
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
}
MAKERS = {"xla": XLA, "native": NATIVE}
NEVER_STOP = {"n_iter_no_change": 10**6, "max_iter": EPOCHS}


def weights_and_orders(sizes, activation, n_rows, dtype):
    """Repeat scikit-learn's draws: weights layer by layer, then a shuffle of the last order."""
    rng = np.random.RandomState(SEED)
    network = Network(sizes, (activation,) * (len(sizes) - 2))
    params = initialize(
        network, rng, weights="auto", bias="auto", output_like=activation, dtype=dtype
    )
    orders = [shuffle(np.arange(n_rows), random_state=rng)]
    while len(orders) < EPOCHS + MOST_EPOCHS:  # windows look some epochs ahead
        orders.append(shuffle(orders[-1], random_state=rng))
    return params, orders.__getitem__


@lru_cache
def theirs_trained(data, arguments):
    """Train scikit-learn's network once for both engines and types; the arguments are pairs."""
    X, y = DATA[data]()
    return neural_network.MLPClassifier(random_state=SEED, **dict(arguments)).fit(X, y)


def both_curves(make_training, data, dtype, arguments, maker=XLA):
    """Train scikit-learn's network in float64 and the engine's in ``dtype``."""
    X, y = DATA[data]()
    arguments = {"hidden_layer_sizes": HIDDEN[data], **NEVER_STOP, **arguments}
    theirs = theirs_trained(data, tuple(arguments.items()))
    sizes = (X.shape[1], *HIDDEN[data], theirs.n_outputs_)
    with jax.enable_x64(dtype == "float64" and maker is XLA):
        params, order = weights_and_orders(sizes, theirs.activation, len(X), dtype)
        network = MLPClassifier(**arguments, precision=dtype)
        ours = {"order": order, "params": params, "epochs": EPOCHS, "maker": maker}
        training = make_training(network, X, y, **ours)
        assert training.config.dtype == dtype
        train(training, arguments["max_iter"] * training.source.steps_per_epoch)
    return theirs, training.history


@pytest.mark.parametrize(
    ("solver", "dtype", "maker", "rtol"),
    [
        *((solver, "float64", maker, 1e-10) for solver in SOLVERS for maker in MAKERS),
        *((solver, "float32", "xla", 1e-5) for solver in ("nesterov", "adam")),
    ],
)
@pytest.mark.parametrize("data", ["digits", "iris"])
def test_loss_curve(make_training, data, solver, dtype, maker, rtol):
    theirs, history = both_curves(make_training, data, dtype, SOLVERS[solver], MAKERS[maker])
    assert len(history) == EPOCHS
    assert theirs.loss_curve_[-1] < 0.7 * theirs.loss_curve_[0]
    np.testing.assert_allclose(history["loss"], theirs.loss_curve_, rtol=rtol)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh"])
def test_loss_curve_of_other_activations_and_two_classes(make_training, activation, maker):
    """Inputs up to 16, a batch size that leaves a rest, and a large penalty."""
    arguments = {**SOLVERS["adam"], "activation": activation, "alpha": 1.0, "batch_size": 50}
    theirs, history = both_curves(make_training, "two digits", "float64", arguments, MAKERS[maker])
    assert theirs.n_outputs_ == 1
    # Not to 1e-11: scikit-learn clips probabilities before it takes their logarithm.
    np.testing.assert_allclose(history["loss"], theirs.loss_curve_, rtol=1e-9)


def test_invscaling(make_training):
    arguments = {**SOLVERS["no momentum"], "learning_rate": "invscaling", "power_t": 0.3}
    theirs, history = both_curves(make_training, "digits", "float64", arguments)
    np.testing.assert_allclose(history["loss"], theirs.loss_curve_, rtol=1e-9)
    rates = 0.1 / (1 + 1797 * np.arange(EPOCHS)) ** 0.3
    np.testing.assert_allclose(history["learning_rate"], rates, rtol=1e-12)


@pytest.mark.parametrize("maker", MAKERS)
def test_adaptive(make_training, maker):
    arguments = {
        **SOLVERS["no momentum"],
        "learning_rate": "adaptive",
        "tol": 0.05,
        "n_iter_no_change": 2,
        "max_iter": 60,
    }
    theirs, history = both_curves(make_training, "iris", "float64", arguments, MAKERS[maker])
    assert theirs.n_iter_ == len(history) < 60
    np.testing.assert_allclose(history["loss"], theirs.loss_curve_, rtol=1e-9)
    assert len(np.unique(history["learning_rate"])) > 5
    assert theirs._optimizer.learning_rate == pytest.approx(history["learning_rate"][-1])
