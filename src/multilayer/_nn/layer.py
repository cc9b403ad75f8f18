"""The protocol of a layer, and the checks of a user's layers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from multilayer._core.checks import check_integer, refuse
from multilayer._core.functions import comparable
from multilayer._core.types import Array
from multilayer._nn.model import Parameters

INTERFACE = "a layer with init(key, n_inputs) and apply(params, x), or a function of arrays"


class Layer(Protocol):
    """A layer or a whole network: immutable, with its parameters outside.

    One that behaves differently in training has a third method, see :func:`apply_in_training`.
    """

    def init(self, key: Array, n_inputs: int) -> Parameters:
        """Draw first parameters: a pytree of float32 arrays, ``()`` if there are none."""

    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the outputs ``(rows, units)`` for inputs ``(rows, n_inputs)``."""


@dataclass(frozen=True)
class Elementwise:
    """A function as a layer without parameters."""

    function: Callable[[Array], Array]

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))

    def init(self, key: Array, n_inputs: int) -> tuple[()]:
        """Return no parameters."""
        return ()

    def apply(self, params: tuple[()], x: Array) -> Array:
        """Return the function's values."""
        return self.function(x)


def apply_in_training(
    layer: Layer, params: Parameters, x: Array, *, key: Array | None, weight: Array
) -> tuple[Array, Parameters]:
    """Return a layer's outputs in training, and its parameters with running moments moved.

    A layer without a method ``apply_in_training`` of its own does what it does at prediction.
    """
    method = getattr(layer, "apply_in_training", None)
    if method is None:
        return layer.apply(params, x), params
    return method(params, x, key=key, weight=weight)


def as_layer(name: str, given: Any) -> Layer:
    """Return a layer as it is, and a function as a layer; refuse all else."""
    methods = [callable(getattr(given, method, None)) for method in ("init", "apply")]
    if isinstance(given, type):
        refuse(name, INTERFACE, given, "Give an instance of the class.")
    if any(methods) and not all(methods):
        missing = "apply" if methods[0] else "init"
        refuse(name, INTERFACE, given, f"It has no method {missing}.")
    if not any(methods) and not callable(given):
        refuse(name, INTERFACE, given, "Activations are functions, such as nn.relu.")
    try:
        hash(given)
    except TypeError:
        refuse(name, "hashable: it is part of what is compiled", given, "Freeze its class.")
    return given if all(methods) else Elementwise(comparable(given))


def initialize(name: str, layer: Layer, key: Array, n_inputs: int) -> tuple[Parameters, int]:
    """Return the first parameters of a layer, checked, and the number of its outputs."""
    check_integer("n_inputs", n_inputs, 1)
    params = layer.init(key, n_inputs)
    for leaf in jax.tree.leaves(params):
        if not jnp.issubdtype(getattr(leaf, "dtype", object), jnp.floating):
            refuse(name, "a layer whose init returns arrays of floats", layer, f"It has {leaf!r}.")
    n_rows = 3
    x = jax.ShapeDtypeStruct((n_rows, n_inputs), jnp.float32)
    shape = getattr(jax.eval_shape(layer.apply, params, x), "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != n_rows:
        found = "no single array" if shape is None else f"shape {shape}"
        rule = "a layer with outputs of shape (rows, units)"
        refuse(name, rule, layer, f"For {n_rows} rows of {n_inputs} inputs it returns {found}.")
    return params, shape[1]
