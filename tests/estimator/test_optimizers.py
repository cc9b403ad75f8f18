"""Optimizers by name, against their formulas in NumPy; those of Optax."""

import numpy as np
import optax
import pytest

from multilayer import InvalidArgumentError, estimator
from multilayer.estimator.learnt import first_parameters
from multilayer.estimator.optimizers import optimizer_arguments

STEPS = 7


def run(rule, w, gradient):
    """Follow a gradient under a rule: ``rule(state, g, w, t) -> (state, w)``."""
    state = None
    for t in range(1, STEPS + 1):
        state, w = rule(state, gradient(w), w, t)
    return w


def sgd_rule(state, g, w, t):
    return None, w - 0.05 * g


def adagrad_rule(state, g, w, t):
    n = (0.1 if state is None else state) + g**2
    return n, w - 0.05 * g / np.sqrt(n)


def adam_rule(state, g, w, t):
    m, v = (0.0, 0.0) if state is None else state
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    rate = 0.05 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return (m, v), w - rate * m / (np.sqrt(v) + 1e-8)


def rmsprop_rule(state, g, w, t):
    n = 0.9 * (1.0 if state is None else state) + 0.1 * g**2
    return n, w - 0.05 * g / np.sqrt(n + 1e-10)


def ftrl_rule(state, g, w, t):
    n, z = (0.1, 0.0) if state is None else state
    new = n + g**2
    z = z + g - (np.sqrt(new) - np.sqrt(n)) / 0.05 * w
    return (new, z), -z * 0.05 / np.sqrt(new)


RULES = {
    "SGD": sgd_rule,
    "Adagrad": adagrad_rule,
    "Adam": adam_rule,
    "RMSProp": rmsprop_rule,
    "Ftrl": ftrl_rule,
}


@pytest.mark.parametrize("name", RULES)
def test_named_optimizers(tmp_path, trained, name):
    """A line through two points: the summed squared error has a gradient of two numbers."""
    x, y = np.array([1.0, 2.0]), np.array([0.4, -0.3])
    model = estimator.DNNRegressor(
        [],
        [estimator.numeric_column("x")],
        optimizer=name,
        loss_reduction="sum",
        config=estimator.RunConfig(tmp_path, tf_random_seed=0),
    )

    def gradient(w):
        errors = w[0] * x + w[1] - y
        return np.array([2 * np.sum(errors * x), 2 * np.sum(errors)])

    (layer,) = first_parameters(model._design, 0, "float64").layers
    expected = run(RULES[name], np.array([layer.kernel[0, 0], layer.bias[0]]), gradient)
    model.train(estimator.numpy_input_fn({"x": x}, y, 2, None, shuffle=False), steps=STEPS)
    arrays = trained(model)
    found = [arrays["params/layers/0/kernel"][0, 0], arrays["params/layers/0/bias"][0]]
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-5)


def test_optimizers_of_optax(make_classifier, iris, assert_same_bits):
    X, y = iris
    input_fn = estimator.numpy_input_fn({"X": X}, y, 50, shuffle=False)
    given = (optax.sgd(0.05), lambda: optax.sgd(0.05), optax.sgd, "SGD")
    models = [make_classifier(optimizer=optimizer).train(input_fn) for optimizer in given]
    for model in models[:-2]:
        assert_same_bits(model, models[-2])
    assert models[-1].evaluate(input_fn)["loss"] == pytest.approx(
        models[0].evaluate(input_fn)["loss"], rel=1e-6
    )


def by_another_name(rate):
    return optax.sgd(rate)


@pytest.mark.parametrize("given", ["adagrad", 0.05, None, by_another_name, lambda: 1])
def test_other_optimizers_are_refused(given):
    with pytest.raises(InvalidArgumentError, match="optimizer must be"):
        optimizer_arguments(given)
