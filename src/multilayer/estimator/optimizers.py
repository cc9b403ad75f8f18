"""Optimizers by the names of TensorFlow 1, with its numbers, and those of Optax."""

import inspect
from collections.abc import Callable
from typing import NamedTuple, TypedDict

import jax
import jax.numpy as jnp
import optax

from multilayer._core.checks import check_choice, refuse
from multilayer._core.types import Array
from multilayer._optim.rules import Rule

LEARNING_RATE = 0.05  # of every optimizer given by name


class EngineSolver(TypedDict, total=False):
    """Arguments of the engine that an optimizer stands for."""

    solver: Rule
    epsilon: float
    beta_1: float
    beta_2: float
    momentum: float


def rmsprop(learning_rate: Array) -> optax.GradientTransformation:
    """RMSProp whose mean square starts at 1 (Hinton's lecture 6e leaves the start open)."""
    return optax.chain(
        optax.scale_by_rms(decay=0.9, eps=1e-10, initial_scale=1.0),
        optax.scale_by_learning_rate(learning_rate),
    )


class FtrlState(NamedTuple):
    """Sums over the steps."""

    squares: optax.Updates  # of squared gradients, from 0.1
    linear: optax.Updates  # z of the paper


def ftrl(learning_rate: Array) -> optax.GradientTransformation:
    """FTRL-Proximal without penalties (McMahan et al., 2013, algorithm 1 with beta 0).

    The weights are a function of the sums: what remains of the first weights is what the first
    gradient leaves of them.
    """

    def init(params: optax.Params) -> FtrlState:
        return FtrlState(
            jax.tree.map(lambda w: jnp.full_like(w, 0.1), params),
            jax.tree.map(jnp.zeros_like, params),
        )

    def update(
        gradient: optax.Updates, state: FtrlState, params: optax.Params
    ) -> tuple[optax.Updates, FtrlState]:
        squares = jax.tree.map(lambda n, g: n + jnp.square(g), state.squares, gradient)
        linear = jax.tree.map(
            lambda z, g, n, m, w: z + g - (jnp.sqrt(m) - jnp.sqrt(n)) / learning_rate * w,
            state.linear,
            gradient,
            state.squares,
            squares,
            params,
        )
        steps = jax.tree.map(
            lambda z, m, w: -z * learning_rate / jnp.sqrt(m) - w, linear, squares, params
        )
        return steps, FtrlState(squares, linear)

    return optax.GradientTransformation(init, update)


NAMED: dict[str, EngineSolver] = {
    "Adagrad": {"solver": "adagrad", "epsilon": 0.0},  # squares from 0.1
    "Adam": {"solver": "adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
    "Ftrl": {"solver": ftrl},
    "RMSProp": {"solver": rmsprop},
    "SGD": {"solver": "sgd", "momentum": 0.0},
}
"""Arguments of the engine for each name."""


def optimizer_arguments(given: object) -> EngineSolver:
    """Check an optimizer, and return what the engine is given of it."""
    if isinstance(given, optax.GradientTransformation):
        return {"solver": given}
    if not callable(given):
        other = "an Optax optimizer, such as optax.adam(0.001)"
        check_choice("optimizer", given, NAMED, other)
        return NAMED[str(given)]
    if "learning_rate" in inspect.signature(given).parameters:
        return {"solver": given}
    return {"solver": made(given)}


def made(function: Callable[[], object]) -> optax.GradientTransformation:
    """Return the optimizer that a function without arguments makes."""
    required = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    optimizer = None if required else function()
    if not isinstance(optimizer, optax.GradientTransformation):
        rule = "a function that returns an Optax optimizer, without arguments or with "
        refuse("optimizer", f"{rule}learning_rate", function)
    return optimizer
