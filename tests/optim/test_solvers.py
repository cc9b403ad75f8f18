"""Update rules against the formulas of their papers in NumPy float64, and against Optax."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from multilayer._optim.solvers import SOLVERS

from .reference import (
    KERNELS,
    data,
    descend,
    estimator,
    loss_and_gradient,
    parts,
    rates,
    vector,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Each rule is made once for a run, and is then called with parameters, gradient and rate.


def sgd(momentum=0.0, nesterov=False):
    """``v = momentum * v + g``; Nesterov's looks ahead along it (Sutskever et al., 2013)."""
    v = 0.0

    def step(w, g, rate):
        nonlocal v
        v = momentum * v + g
        return w - rate * (momentum * v + g if nesterov else v)

    return step


def adam(beta_1, beta_2, epsilon, decay=0.0):
    """Kingma and Ba (2015), end of section 2; decay of kernels as in algorithm 2 of AdamW."""
    t, m, v = 0, 0.0, 0.0

    def step(w, g, rate):
        nonlocal t, m, v
        t += 1
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        scale = np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        return w - rate * (scale * m / (np.sqrt(v) + epsilon) + decay * w * KERNELS)

    return step


def adagrad(start, epsilon):
    """Duchi et al. (2011), its sum of squares not begun at 0; epsilon stands below the root."""
    s = start

    def step(w, g, rate):
        nonlocal s
        s = s + g**2
        return w - rate * g / np.sqrt(s + epsilon)

    return step


def rmsprop(decay, momentum, epsilon):
    """Tieleman and Hinton (2012); epsilon below the root, the rate inside the velocity."""
    s, v = 0.0, 0.0

    def step(w, g, rate):
        nonlocal s, v
        s = decay * s + (1 - decay) * g**2
        v = momentum * v + rate * g / np.sqrt(s + epsilon)
        return w - v

    return step


# Arguments of the estimator, its base rate, and the rule; epsilons are large enough to be seen.
RULES = {
    "sgd, plain": ({"solver": "sgd", "momentum": 0.0}, 0.2, sgd),
    "sgd, momentum": (
        {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False},
        0.05,
        partial(sgd, 0.8),
    ),
    "sgd, nesterov": ({"solver": "sgd"}, 0.05, partial(sgd, 0.9, nesterov=True)),
    "adam": (
        {"solver": "adam", "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3},
        0.02,
        partial(adam, 0.8, 0.95, 1e-3),
    ),
    "adam, defaults": ({}, 0.02, partial(adam, 0.9, 0.999, 1e-8)),
    "adamw": (
        {"solver": "adamw", "beta_2": 0.99, "epsilon": 1e-4, "weight_decay": 0.3},
        0.02,
        partial(adam, 0.9, 0.99, 1e-4, decay=0.3),
    ),
    "adagrad": ({"solver": "adagrad", "epsilon": 1e-3}, 0.1, partial(adagrad, 0.1, 1e-3)),
    "adagrad, another start": (
        {"solver": "adagrad", "solver_params": {"initial_accumulator_value": 0.5}},
        0.1,
        partial(adagrad, 0.5, 1e-8),
    ),
    "rmsprop": ({"solver": "rmsprop", "epsilon": 1e-3}, 0.02, partial(rmsprop, 0.9, 0.0, 1e-3)),
    "rmsprop, momentum": (
        {"solver": "rmsprop", "solver_params": {"decay": 0.8, "momentum": 0.5}},
        0.01,
        partial(rmsprop, 0.8, 0.5, 1e-8),
    ),
}


def test_each_solver_has_a_reference():
    named = {arguments.get("solver", "adam") for arguments, _, _ in RULES.values()}
    assert named == set(SOLVERS) - {"lbfgs"}


def start_and_end(arguments, base, weight):
    """Parameters before and after training."""
    reg = estimator(**arguments, learning_rate_init=base)
    X, y, _ = data()
    start = vector(clone(reg).set_params(max_iter=0).fit(X, y, weight))
    reg.fit(X, y, weight)
    assert_allclose(reg.history_["learning_rate"], rates(base), rtol=1e-6)
    return start, vector(reg)


IN_FLOAT32 = ("sgd, nesterov", "adam, defaults", "adamw", "adagrad", "rmsprop, momentum")


@pytest.mark.parametrize(
    ("name", "dtype", "tolerance"),
    [
        *((name, "float64", 1e-10) for name in RULES),
        *((name, "float32", 1e-5) for name in IN_FLOAT32),
    ],
)
def test_rule_is_that_of_the_paper(name, dtype, tolerance):
    arguments, base, rule = RULES[name]
    *_, weight = data()
    with jax.enable_x64(dtype == "float64"):
        start, end = start_and_end(arguments, base, weight)
    *_, expected = descend(start, rule(), base, weight)
    assert_allclose(end, expected, rtol=tolerance, atol=tolerance)
    assert np.abs(expected - start).max() > 0.1


# Rules of Optax's -----------------------------------------------------------------------------


def by_optax(make, start, base, weight):
    """Optax's rule on NumPy's gradients, one array for each kernel and bias."""
    X, y, _ = data()
    flat, state = start, None
    for rate in rates(base):
        rule = make(rate)
        params = [jnp.asarray(part) for part in parts(flat)]
        state = rule.init(params) if state is None else state
        loss, gradient = loss_and_gradient(flat, X, y, weight)
        slopes = [jnp.asarray(part) for part in parts(gradient)]
        steps, state = optax.with_extra_args_support(rule).update(slopes, state, params, value=loss)
        flat = flat + np.concatenate([np.ravel(step) for step in steps])
    return flat


def chain(learning_rate, most):
    """A rule that users put together themselves."""
    return optax.chain(optax.clip(most), optax.scale_by_learning_rate(learning_rate))


FACTORIES = {
    "lion": ({"solver": optax.lion}, optax.lion),
    "adamw, with arguments": (
        {"solver": optax.adamw, "solver_params": {"weight_decay": 0.2, "nesterov": True}},
        partial(optax.adamw, weight_decay=0.2, nesterov=True),
    ),
    "adamw, partial": (
        {"solver": partial(optax.adamw, weight_decay=0.2), "solver_params": {"b1": 0.8}},
        partial(optax.adamw, weight_decay=0.2, b1=0.8),
    ),
    "a chain": (
        {"solver": chain, "solver_params": {"most": 0.02}},
        partial(chain, most=0.02),
    ),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_a_factory_of_optax(name):
    arguments, make = FACTORIES[name]
    *_, weight = data()
    with jax.enable_x64(True):
        start, end = start_and_end(arguments, 0.02, weight)
        expected = by_optax(lambda rate: make(learning_rate=rate), start, 0.02, weight)
    assert_allclose(end, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("rule", [optax.sgd(0.05, momentum=0.9), optax.polyak_sgd(0.1)])
def test_a_rule_that_is_ready(rule):
    """Its rate is its own; Polyak's also looks at the loss."""
    X, y, weight = data()
    reg = estimator(solver=rule, learning_rate="constant", schedule_params=None)
    with jax.enable_x64(True):
        start = vector(clone(reg).set_params(max_iter=0).fit(X, y, weight))
        with pytest.warns(match="Maximum iterations"):
            end = vector(reg.fit(X, y, weight))
        expected = by_optax(lambda rate: rule, start, 0.1, weight)
    assert_allclose(end, expected, rtol=1e-10, atol=1e-10)
