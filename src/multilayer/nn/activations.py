"""Activation functions of hidden layers, by scikit-learn's names."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from multilayer._core.types import Array

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "logistic": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    # jax.nn.relu and not maximum(z, 0): its derivative at 0 is 0, as in scikit-learn.
    "relu": jax.nn.relu,
}
