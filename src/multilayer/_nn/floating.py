"""What every activation function does first."""

import jax.numpy as jnp

from multilayer._core.process import check_process
from multilayer._core.types import Array


def floating(z: Array) -> Array:
    """Return a JAX array of floats: those of z as they are, whole numbers in the default type."""
    check_process()
    z = jnp.asarray(z)
    return z if jnp.issubdtype(z.dtype, jnp.floating) else z.astype(jnp.result_type(float))
