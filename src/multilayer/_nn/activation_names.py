"""Names of the activation functions of hidden layers, without the functions: those need JAX."""

from collections.abc import Callable
from typing import TypeAlias

from multilayer._core.types import Array

Function: TypeAlias = Callable[[Array], Array]
Activation: TypeAlias = str | Function
"""A name in ACTIVATION_NAMES, or a function of JAX arrays that keeps the shape."""

ACTIVATION_NAMES = (
    "identity",
    "logistic",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "softplus",
)
"""scikit-learn's by its names, then the field's."""
