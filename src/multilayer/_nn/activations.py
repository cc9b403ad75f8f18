"""Activation functions of hidden layers: scikit-learn's by its names, then the field's."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp

from multilayer._core.types import Array

Function: TypeAlias = Callable[[Array], Array]
Activation: TypeAlias = str | Function
"""A name in ACTIVATIONS, or a function of JAX arrays that keeps the shape."""

ACTIVATIONS: dict[str, Function] = {
    "identity": lambda z: z,
    "logistic": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    # jax.nn.relu and not maximum(z, 0): its derivative at 0 is 0, as in scikit-learn.
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,  # slope 0.01 below 0 (Maas et al., 2013)
    "elu": jax.nn.elu,  # Clevert et al. (2016), alpha 1
    "selu": jax.nn.selu,  # Klambauer et al. (2017)
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),  # Hendrycks and Gimpel (2016), with erf
    "silu": jax.nn.silu,  # z * logistic(z), also called swish
    "mish": jax.nn.mish,  # Misra (2020): z * tanh(softplus(z))
    "softplus": jax.nn.softplus,
}


def function_of(activation: Activation) -> Function:
    """Return the function that a name stands for, or the function given."""
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation
