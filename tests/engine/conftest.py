"""Training runs of the engine, built from an estimator's arguments as ``fit`` builds them."""

import jax
import numpy as np
import pytest

from multilayer._core.types import REPORT_COLUMNS, computing_type
from multilayer._data.order import shuffled
from multilayer._data.source import ResidentSource
from multilayer._engine.loop import Training
from multilayer._engine.xla.maker import XLA
from multilayer._nn.network import initialize
from multilayer._objectives.objective import Objective
from multilayer._sklearn.arguments.resolved import check_parameters
from multilayer._sklearn.fit import assembly
from multilayer._sklearn.fit.samples import Samples
from multilayer._sklearn.targets import class_outputs


def _targets(y):
    """The objective and its targets: two classes have one output, more have one each."""
    n_classes = len(np.unique(y))
    if y.ndim == 2 or n_classes == 2:
        targets = y.reshape(len(y), -1).astype(np.float32)
        return Objective("logistic", "logistic", (1,) * targets.shape[1]), targets
    return Objective("softmax", "softmax", (n_classes,)), y.astype(np.int32)


def _training(
    estimator,
    X,
    y,
    *,
    weight=None,
    weighted=False,
    order=None,
    make_source=None,
    validation=None,
    epochs=1,
    seed=0,
    params=None,
    maker=XLA,
):
    """Build a training run that has done no step yet."""
    objective, targets = _targets(y)
    hidden = np.atleast_1d(np.array(estimator.hidden_layer_sizes, int)).tolist()
    sizes = (X.shape[1], *hidden, sum(objective.heads))
    resolved = check_parameters(estimator)
    network = resolved.network(sizes)
    config = assembly.configuration(
        resolved,
        network,
        objective,
        weighted=weighted,
        validate=validation is not None,
        dtype=computing_type(estimator.precision),
    )
    if weight is None:
        weight = np.ones(len(X))
    make_source = make_source or ResidentSource
    source = make_source(
        X.astype(config.dtype),
        targets,
        np.asarray(weight, config.dtype),
        assembly.batch_size(estimator, len(X)),
        order or shuffled(len(X), seed),
    )
    if params is None:
        rng = np.random.RandomState(seed)
        params = initialize(
            network,
            rng,
            weights="auto",
            bias="auto",
            output_like=resolved.architecture.output_like,
            dtype=config.dtype,
        )
    if validation is not None:
        X_val, y_val = validation
        ones = np.ones(len(X_val), config.dtype)
        samples = Samples(X_val.astype(config.dtype), _targets(y_val)[1], ones, y_val)
        validation = assembly.validation_of(config, samples, params, maker.put)
    numbers = class_outputs.classifier_numbers(estimator, config.dtype)
    hyper = assembly.hyper_parameters(resolved, numbers, config, source, seed)
    return Training(
        maker=maker,
        config=config,
        hyper=hyper,
        source=source,
        schedule=assembly.schedule(resolved, source, epochs),
        validation=validation,
        state=maker.initial_state(config, hyper, params),
    )


@pytest.fixture
def make_training():
    """A function that builds a training run from an estimator, X and y."""
    return _training


def _leaves(training):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(training.state)]


@pytest.fixture
def assert_same_bits():
    """A function that compares the states and curves of two runs bit by bit."""

    def check(first, second):
        for a, b in zip(_leaves(first), _leaves(second), strict=True):
            np.testing.assert_array_equal(a, b)
        mine, theirs = (
            {name: run.history[name] for name in REPORT_COLUMNS} for run in (first, second)
        )
        for name in set(mine) - {"seconds"}:
            np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)

    return check


@pytest.fixture
def blobs():
    """Three overlapping classes: X (211, 5), y (211,)."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=211)
    X = rng.normal(size=(211, 5)) + np.eye(3, 5)[y]
    return X.astype(np.float32), y
