"""From an estimator's arguments to the shape of its network, and what it begins with."""

import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from numbers import Integral
from typing import Any, TypeGuard

import numpy as np

from multilayer._core import activations as records
from multilayer._core.activations import ACTIVATIONS, HIDDEN, Activation, AnyActivation, Function
from multilayer._core.checks import (
    check_bool,
    check_choice,
    check_integer,
    check_real,
    did_you_mean,
    refuse,
)
from multilayer._core.step_functions import heaviside, sign
from multilayer._core.types import comparable
from multilayer._nn.initializers import WEIGHT_INITIALIZERS
from multilayer._nn.network import NORMS
from multilayer._sklearn.arguments.constructors import NetworkArguments

# From an estimator's arguments to the shape of its network ---------------------------------------


PRECISIONS = ("float32", "float64", "bfloat16")
STEPS = (*records.STEPS, *records.STEPS.values(), heaviside, sign)


@dataclass(frozen=True)
class Architecture:
    """The hidden layers that an estimator's arguments stand for."""

    hidden_sizes: tuple[int, ...]
    activations: tuple[AnyActivation, ...]  # of each hidden layer
    dropout: tuple[float, ...]  # of each hidden layer
    output_like: AnyActivation  # whose scheme of initial weights the output layer follows


def check_architecture(arguments: NetworkArguments) -> Architecture:
    """Check what makes up the network, and return what it stands for."""
    sizes = hidden_sizes(arguments.hidden_layer_sizes)
    functions = activations(arguments.activation, len(sizes))
    rates = dropout_rates(arguments.dropout, len(sizes))
    check_real("input_dropout", arguments.input_dropout, "[0, 1)")
    check_real("input_noise", arguments.input_noise, "[0, inf)")
    check_choice("precision", arguments.precision, PRECISIONS)
    check_bool("residual", arguments.residual)
    if arguments.norm is not None:
        check_choice("norm", arguments.norm, NORMS)
    if arguments.residual and not any(n == m for n, m in itertools.pairwise(sizes)):
        refuse(
            "residual",
            "False where no hidden layer is as wide as the one before it",
            arguments.residual,
            f"Give such widths: hidden_layer_sizes={arguments.hidden_layer_sizes!r}.",
        )
    check_transform_layer(arguments.transform_layer, len(sizes))
    if functions:
        output_like = functions[-1]
    elif isinstance(arguments.activation, list | tuple):
        output_like = "identity"
    else:  # without hidden layers it was not checked above
        output_like = activation(arguments.activation)
    return Architecture(sizes, functions, rates, output_like)


def check_transform_layer(value: Any, n_hidden: int) -> None:
    """Check the number of a hidden layer, counted from the end where it is negative."""
    good = isinstance(value, Integral) and not isinstance(value, bool)
    if not (good and (n_hidden == 0 or -n_hidden <= value < n_hidden)):
        refuse(
            "transform_layer",
            f"an integer from {-n_hidden} to {n_hidden - 1}, the number of a hidden layer",
            value,
        )


def is_sequence(value: object) -> "TypeGuard[Sequence[Any]]":
    """Whether an argument holds one value for each layer."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, Iterable) and not isinstance(value, str)


def hidden_sizes(value: Any) -> tuple[int, ...]:
    """Units of the hidden layers, given as one number or a sequence."""
    sizes = tuple(value) if is_sequence(value) else (value,)
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            # scikit-learn's words for the rule: "must be > 0".
            refuse("hidden_layer_sizes", "> 0: an integer or a sequence of them", value)
    return tuple(int(size) for size in sizes)


def activations(value: Any, n_hidden: int) -> tuple[AnyActivation, ...]:
    """Activation of each hidden layer, given as one for all or one for each."""
    if not isinstance(value, list | tuple):
        return (activation(value),) * n_hidden
    if len(value) != n_hidden:
        refuse("activation", f"one, or one for each of the {n_hidden} hidden layers", value)
    return tuple(activation(each) for each in value)


def activation(value: Any) -> AnyActivation:
    """Check one activation, and return its name where it has one, else the function or record."""
    if (isinstance(value, str | Activation) or callable(value)) and value in STEPS:
        refuse(
            "activation",
            "a function with slopes",
            value,
            "The derivative of a step is 0 everywhere: no weight before it would learn.",
        )
    if isinstance(value, Activation):
        return _own_record(value)
    if callable(value):
        found = by_name(comparable(value))
        return found if isinstance(found, str) else _checked(found, value)
    other = "a function of JAX arrays, a multilayer.Activation, or one of each layer"
    check_choice("activation", value, HIDDEN, other)
    return value


def _own_record(value: Activation) -> AnyActivation:
    """Check a record of the user's; one of the table goes by its name."""
    if HIDDEN.get(value.name) == value:
        return value.name
    if value.name in ACTIVATIONS:
        refuse("activation", f"a record with a name other than {list(ACTIVATIONS)}", value)
    if value.function is None:
        refuse("activation", "a name, or a record with a function", value)
    if value.weight_init not in WEIGHT_INITIALIZERS:
        rule = f"a record whose weight_init is one of {sorted(WEIGHT_INITIALIZERS)}"
        refuse("activation", rule, value, did_you_mean(value.weight_init, WEIGHT_INITIALIZERS))
    function = comparable(value.function)
    _checked(function, value)
    return replace(value, function=function)


def _checked(function: Function, value: object) -> Function:
    """Return a function that keeps the shape; ``value`` is what was given."""
    problem = problem_of(function)
    if problem:
        refuse("activation", f"a function of JAX arrays that keeps the shape ({problem})", value)
    return function


def by_name(function: Function) -> str | Function:
    """Return the name of a function that has one, else the function."""
    # Late: it starts JAX.
    from multilayer._core.activation_functions import function_of

    return next((name for name in HIDDEN if function_of(name) == function), function)


@lru_cache(maxsize=64)
def problem_of(function: Function) -> str:
    """Say what is wrong with a function as an activation; nothing if it is none."""
    import jax

    z = jax.ShapeDtypeStruct((2, 3), np.float32)
    try:
        result = jax.eval_shape(function, z)
    except Exception as error:  # whatever it raises is the answer
        return f"called with one it raises {type(error).__name__}"
    return "" if getattr(result, "shape", None) == z.shape else "it changes that"


def dropout_rates(value: Any, n_hidden: int) -> tuple[float, ...]:
    """Dropout rate of each hidden layer, given as one number for all or one for each."""
    if not is_sequence(value):
        check_real("dropout", value, "[0, 1)")
        return (float(value),) * n_hidden
    rates = tuple(value)
    if len(rates) != n_hidden:
        refuse("dropout", f"a number or one for each of the {n_hidden} hidden layers", value)
    for rate in rates:
        check_real("dropout", rate, "[0, 1)")
    return tuple(float(rate) for rate in rates)


# Checks of the arguments for reusing trained layers, before there are data -----------------------


SOURCE = "None, the path of a model file or sklearn.frozen.FrozenEstimator(trained network)"


def check_reuse(arguments: NetworkArguments, n_hidden: int) -> None:
    """Check what can be checked of these arguments before there is data."""
    check_bool("freeze_reused", arguments.freeze_reused)
    if arguments.n_reused_layers is not None:
        check_integer("n_reused_layers", arguments.n_reused_layers, 1)
    if arguments.layer_learning_rates is not None:
        check_layer_rates(arguments.layer_learning_rates, n_hidden + 1)
    given = arguments.reuse_from
    if given is None or isinstance(given, str | os.PathLike):
        return
    from sklearn.frozen import FrozenEstimator

    if not isinstance(given, FrozenEstimator):
        remedy = "Wrap it in FrozenEstimator: clone() would return an unfitted copy."
        refuse("reuse_from", SOURCE, given, remedy if hasattr(given, "fit") else "")


def check_layer_rates(value: object, n_layers: int) -> None:
    """Check factors of the learning rate: one for each hidden layer and the output layer."""
    if not is_sequence(value) or len(value) != n_layers:
        refuse(
            "layer_learning_rates",
            f"None or {n_layers} factors, one per layer and the output layer's last",
            value,
        )
    for factor in value:
        check_real("layer_learning_rates", factor, "[0, inf)")
