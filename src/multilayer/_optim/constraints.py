"""What is done to gradients and weights around an update rule."""

import jax.numpy as jnp
import optax

from multilayer._core.types import Array


def clip(gradient: optax.Updates, largest: Array) -> optax.Updates:
    """Shorten a gradient to a global norm of ``largest`` (Pascanu et al., 2013)."""
    clipped, _ = optax.clip_by_global_norm(largest).update(gradient, optax.EmptyState())
    return clipped


def limit_columns(kernel: Array, largest: Array) -> Array:
    """Shorten the incoming weights of each unit, a column ``(fan_in,)``, to a norm of ``largest``.

    The max-norm constraint of Srivastava et al. (2014), section 5.1.
    """
    norm = jnp.sqrt(jnp.sum(jnp.square(kernel), axis=0))
    tiny = jnp.finfo(kernel.dtype).tiny
    return kernel * jnp.minimum(1.0, largest / jnp.maximum(norm, tiny))[None, :]


def average(old: optax.Params, new: optax.Params, decay: Array, t: Array) -> optax.Params:
    """Exponential moving average of parameters (Polyak and Juditsky, 1992).

    ``d * old + (1 - d) * new`` with ``d = min(decay, (1 + t) / (10 + t))`` after ``t`` updates:
    while there are few the average follows quickly, so that the random start is soon forgotten.
    """
    d = jnp.minimum(decay, (1.0 + t) / (10.0 + t)).astype(decay.dtype)
    return optax.incremental_update(new, old, 1.0 - d)
