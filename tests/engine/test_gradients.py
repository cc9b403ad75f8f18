"""Gradients against a network written out in NumPy float64, and against finite differences."""

from itertools import pairwise
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from multilayer import MLPClassifier
from multilayer._core.types import computing_type
from multilayer._data.source import Rows
from multilayer._engine.xla.step import add_penalty, batch_loss, gather, reciprocal
from multilayer._nn.model import Disturbance
from multilayer._nn.network import Dense, Network
from multilayer._objectives.losses import quick_sum
from multilayer._objectives.objective import Objective
from multilayer._sklearn.arguments.resolved import check_parameters
from multilayer._sklearn.fit import assembly
from multilayer._sklearn.targets import class_outputs

SIZES = {"softmax": (5, 7, 6, 3), "logistic": (5, 7, 6, 2)}
N_ROWS = 12

# activation(z), its derivative as a function of (z, activation(z))
REFERENCE = {
    "identity": (lambda z: z, lambda z, a: np.ones_like(z)),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0).astype(float)),
    "tanh": (np.tanh, lambda z, a: 1 - a**2),
    "logistic": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
}


def reference(params, X, y, weight, *, loss, activation, alpha, smoothing):
    """Loss and gradient in float64, forward and backward pass written out."""
    function, derivative = REFERENCE[activation]
    total = weight.sum()
    inputs, sums, x = [], [], X
    for i, (W, b) in enumerate(params):
        inputs.append(x)
        sums.append(x @ W + b)
        x = function(sums[-1]) if i < len(params) - 1 else sums[-1]
    if loss == "softmax":
        p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        target = (1 - smoothing) * np.eye(x.shape[1])[y] + smoothing / x.shape[1]
        losses = -(target * np.log(p)).sum(axis=1)
    else:
        p = 1 / (1 + np.exp(-x))
        target = (1 - smoothing) * y + smoothing / 2
        losses = -(target * np.log(p) + (1 - target) * np.log(1 - p)).sum(axis=1)
    value = (weight * losses).sum() / total
    value += 0.5 * alpha / total * sum((W**2).sum() for W, _ in params)
    delta = (p - target) * weight[:, None] / total
    gradient = [None] * len(params)
    for i in reversed(range(len(params))):
        W, _ = params[i]
        gradient[i] = (inputs[i].T @ delta + alpha / total * W, delta.sum(axis=0))
        if i:
            delta = (delta @ W.T) * derivative(sums[i - 1], inputs[i])
    return value, gradient


def flat(params):
    leaves = jax.tree.leaves(params)
    return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in leaves])


def problem(loss, dtype):
    """Parameters and rows; a third of the weights are zero."""
    rng = np.random.default_rng(7)
    sizes = SIZES[loss]
    params = tuple(
        Dense(rng.normal(size=(n, m)).astype(dtype), rng.normal(size=m).astype(dtype))
        for n, m in pairwise(sizes)
    )
    X = rng.normal(size=(N_ROWS, 5)).astype(dtype)
    classes = rng.integers(3, size=N_ROWS).astype(np.int32)
    y = classes if loss == "softmax" else rng.integers(2, size=(N_ROWS, 2)).astype(dtype)
    weight = rng.uniform(0.5, 3, N_ROWS).astype(dtype)
    weight[::3] = 0
    return params, Rows(X, y, weight)


def static_and_traced(loss, estimator, *, weighted=True):
    """The engine's configuration and hyper-parameters for an estimator."""
    units = SIZES[loss][-1]
    objective = Objective(loss, loss, (units,) if loss == "softmax" else (1,) * units)
    resolved, dtype = check_parameters(estimator), computing_type()
    config = assembly.configuration(
        resolved,
        resolved.network(SIZES[loss]),
        objective,
        weighted=weighted,
        validate=False,
        dtype=dtype,
    )
    numbers = class_outputs.classifier_numbers(estimator, dtype)
    source = SimpleNamespace(steps_per_epoch=1)
    return config, assembly.hyper_parameters(resolved, numbers, config, source, 0)


def compiled(loss, activation, dtype, **arguments):
    """Return the engine's loss and gradient as a function of (params, rows, line)."""
    estimator = MLPClassifier(SIZES[loss][1:-1], activation, **arguments)
    config, hyper = static_and_traced(loss, estimator)
    assert config.dtype == dtype

    @jax.jit
    def function(params, rows, line):
        batch = gather(rows, line)
        (value, _), gradient = jax.value_and_grad(batch_loss, has_aux=True)(
            params, config, hyper, batch, np.int32(0)
        )
        weight = batch.weight.sum()
        penalty, gradient = add_penalty(config, hyper, gradient, weight, params)
        return value + penalty * reciprocal(weight), gradient

    return function


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
@pytest.mark.parametrize("activation", REFERENCE)
def test_gradient_is_that_of_the_written_out_network(loss, activation):
    params, rows = problem(loss, "float32")
    line = np.array([3, -1, 1, 11, 2, 0, -1, 7, -1], np.int32)  # -1: padding
    function = compiled(loss, activation, "float32", alpha=0.7, label_smoothing=0.1)
    value, gradient = function(params, rows, line)
    picked = line[line >= 0]
    expected_value, expected = reference(
        [(np.float64(layer.kernel), np.float64(layer.bias)) for layer in params],
        *(np.asarray(part[picked], np.float64 if part.ndim == 2 else None) for part in rows[:2]),
        np.float64(rows.weight[picked]),
        loss=loss,
        activation=activation,
        alpha=0.7,
        smoothing=0.1,
    )
    assert value == pytest.approx(expected_value, rel=1e-5)
    error = np.linalg.norm(flat(gradient) - flat(expected))
    assert error <= 1e-5 * np.linalg.norm(flat(expected))


@pytest.mark.parametrize(
    ("activation", "loss"),
    [("identity", "logistic"), ("relu", "logistic"), ("tanh", "softmax"), ("logistic", "softmax")],
)
def test_gradient_is_that_of_finite_differences(activation, loss):
    with jax.enable_x64(True):
        params, rows = problem(loss, "float64")
        line = np.arange(-2, N_ROWS, dtype=np.int32).clip(-1)
        function = compiled(loss, activation, "float64", alpha=0.3, label_smoothing=0.2)
        _, gradient = function(params, rows, line)
        leaves, structure = jax.tree.flatten(params)
        differences = []
        for i, leaf in enumerate(leaves):
            for place in np.ndindex(leaf.shape):
                ends = []
                for h in (1e-5, -1e-5):
                    moved = leaf.copy()
                    moved[place] += h
                    changed = [*leaves[:i], moved, *leaves[i + 1 :]]
                    ends.append(function(jax.tree.unflatten(structure, changed), rows, line)[0])
                differences.append((float(ends[0]) - float(ends[1])) / 2e-5)
    assert gradient[0].kernel.dtype == np.float64
    error = np.linalg.norm(flat(gradient) - differences)
    assert error <= 1e-6 * np.linalg.norm(differences)


def test_relu_has_no_slope_at_zero():
    """As in scikit-learn: a unit whose input is exactly zero learns nothing."""
    params, rows = problem("softmax", "float32")
    still = (Dense(np.zeros((5, 7), np.float32), np.zeros(7, np.float32)), *params[1:])
    _, gradient = compiled("softmax", "relu", "float32", alpha=0.0)(
        still, rows, np.arange(N_ROWS, dtype=np.int32)
    )
    assert not np.any(gradient[0].bias)
    assert np.any(gradient[1].bias)


def test_batch_without_weight_has_no_loss_and_no_gradient():
    params, rows = problem("softmax", "float32")
    line = np.array([0, 3, 6, -1], np.int32)  # every third weight is zero
    value, gradient = compiled("softmax", "relu", "float32", alpha=0.5)(params, rows, line)
    assert value == 0
    assert not np.any(flat(gradient))


def test_dropout_is_a_function_of_seed_step_and_layer():
    """Units of value 1 become 0 or 1 / (1 - rate), others in each row, layer, step and seed."""
    n = 400
    identity = Dense(np.eye(n, dtype=np.float32), np.zeros(n, np.float32))
    network = Network((n, n, n, n), ("identity", "identity"), dropout=True)
    ones = np.ones((2, n), np.float32)

    @jax.jit
    def dropped(seed, step, rates):
        key = jax.random.fold_in(jax.random.key(seed), step)
        disturbance = Disturbance(rates, 0.0, 0.0)
        return network.apply_in_training((identity,) * 3, ones, ones[:, 0], disturbance, key)[0]

    rates = np.array([0.2, 0], np.float32), np.array([0, 0.2], np.float32)
    units = np.asarray(dropped(0, 0, rates[0]))
    np.testing.assert_allclose(np.unique(units), [0, 1.25], rtol=1e-6)
    assert np.mean(units > 0) == pytest.approx(0.8, abs=0.04)
    np.testing.assert_array_equal(units, dropped(0, 0, rates[0]))
    others = (
        units[::-1],
        dropped(0, 1, rates[0]),
        dropped(1, 0, rates[0]),
        dropped(0, 0, rates[1]),
    )
    for other in others:
        assert np.mean((units > 0) != (other > 0)) == pytest.approx(2 * 0.8 * 0.2, abs=0.06)


def test_dropout_is_drawn_anew_in_each_step():
    params, rows = problem("softmax", "float32")
    estimator = MLPClassifier(SIZES["softmax"][1:-1], dropout=0.5)
    config, hyper = static_and_traced("softmax", estimator)
    loss = jax.jit(lambda step: batch_loss(params, config, hyper, rows, step)[0])
    assert len({float(loss(np.int32(step))) for step in range(5)}) == 5
    assert loss(np.int32(3)) == loss(np.int32(3))


@pytest.mark.parametrize("shape", [(3, 5), (64, 64), (67, 63), (784, 300)])
def test_quick_sum(shape):
    values = np.square(np.random.default_rng(0).normal(size=shape)).astype(np.float32)
    expected = values.astype(np.float64).sum()
    assert float(jax.jit(quick_sum)(values)) == pytest.approx(expected, rel=2e-6)
