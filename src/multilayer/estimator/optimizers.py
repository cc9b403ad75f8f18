"""Optimizers by the names of TensorFlow 1, with its numbers, and those of Optax."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict

from multilayer._core.checks import check_choice, refuse
from multilayer._sklearn.arguments.solver_arguments import is_ready

if TYPE_CHECKING:
    import optax

    from multilayer._optim.rules import Rule  # starts JAX

LEARNING_RATE = 0.05  # of every optimizer given by name


class EngineSolver(TypedDict, total=False):
    """Arguments of the engine that an optimizer stands for."""

    solver: "Rule"
    epsilon: float
    beta_1: float
    beta_2: float
    momentum: float


NAMED: dict[str, EngineSolver] = {
    "Adagrad": {"solver": "adagrad", "epsilon": 0.0},  # squares from 0.1
    "Adam": {"solver": "adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
    "SGD": {"solver": "sgd", "momentum": 0.0},
}
"""Arguments of the engine for the names that are its own."""

WRITTEN_OUT = {"Ftrl": "ftrl", "RMSProp": "rmsprop"}
"""The other names, with their functions in `tensorflow_rules.py`."""


def optimizer_arguments(given: object) -> EngineSolver:
    """Check an optimizer, and return what the engine is given of it."""
    if is_ready(given):
        return {"solver": given}
    if not callable(given):
        other = "an Optax optimizer, such as optax.adam(0.001)"
        check_choice("optimizer", given, sorted((*NAMED, *WRITTEN_OUT)), other)
        return NAMED.get(str(given)) or written_out(str(given))
    if "learning_rate" in inspect.signature(given).parameters:
        return {"solver": given}
    return {"solver": made(given)}


def written_out(name: str) -> EngineSolver:
    """Return the arguments for a rule that is a function of its own."""
    # Late: it starts JAX.
    from multilayer.estimator import tensorflow_rules

    return {"solver": getattr(tensorflow_rules, WRITTEN_OUT[name])}


def made(function: Callable[[], object]) -> "optax.GradientTransformation":
    """Return the optimizer that a function without arguments makes."""
    required = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    optimizer = None if required else function()
    if not is_ready(optimizer):
        rule = "a function that returns an Optax optimizer, without arguments or with "
        refuse("optimizer", f"{rule}learning_rate", function)
    return optimizer
