"""Losses of regression: one column for each target, shape ``(rows, targets)``."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import xlogy

from multilayer._core.activation_functions import function_of
from multilayer._core.types import Array
from multilayer._objectives.regression_losses import SMALLEST_SPREAD


def squared_error(predicted: Array, target: Array) -> Array:
    """Half the squared error, as scikit-learn's MLPRegressor has it."""
    return 0.5 * jnp.square(predicted - target)


def absolute_error(predicted: Array, target: Array) -> Array:
    """The absolute error: its minimum is the median."""
    return jnp.abs(predicted - target)


def huber(predicted: Array, target: Array, delta: Array) -> Array:
    """Squared near 0, absolute beyond ``delta`` (Huber, 1964)."""
    distance = jnp.abs(predicted - target)
    near = jnp.minimum(distance, delta)
    return 0.5 * jnp.square(near) + delta * (distance - near)


def poisson(raw: Array, target: Array, out_activation: str) -> Array:
    """Half the Poisson deviance, as scikit-learn's MLPRegressor has it.

    Formed from the outputs before their activation: the logarithm of a mean that has become 0 in
    float32 would be -inf, and its gradient no number.
    """
    log_mean = raw if out_activation == "exp" else log_softplus(raw)
    mean = function_of(out_activation)(raw)
    return xlogy(target, target) - target * log_mean - target + mean


def log_softplus(z: Array) -> Array:
    """Logarithm of ``log(1 + exp(z))``, which is ``z`` itself in float32 below -15."""
    return jnp.where(z < -15.0, z, jnp.log(jax.nn.softplus(jnp.maximum(z, -15.0))))


def pinball(predicted: Array, target: Array, levels: Array) -> Array:
    """Pinball loss (Koenker and Bassett, 1978), averaged over the levels ``(levels,)``."""
    error = target[:, :, None] - predicted  # (rows, targets, levels)
    q = levels[None, None, :]
    return jnp.mean(jnp.maximum(q * error, (q - 1.0) * error), axis=2)


def gaussian_nll(predicted: Array, target: Array) -> Array:
    """Negative log-likelihood under a normal distribution (Nix and Weigend, 1994)."""
    mean, spread = predicted[..., 0], predicted[..., 1]
    z = (target - mean) / spread
    return 0.5 * jnp.square(z) + jnp.log(spread) + 0.5 * np.log(2.0 * np.pi)


def ordered_quantiles(raw: Array, n_targets: int, middle: int) -> Array:
    """Quantiles that cannot cross, ``(rows, targets, levels)``, from as many output units.

    The unit in the middle is the median; each other one is a distance, made positive by softplus,
    from its neighbour on the way there.
    """
    raw = raw.reshape(raw.shape[0], n_targets, -1)
    # Processors may take numbers smaller than `tiny` for 0, in one place and not in another.
    gaps = jax.nn.softplus(raw) + jnp.finfo(raw.dtype).tiny
    median = raw[..., middle : middle + 1]
    above = median + jnp.cumsum(gaps[..., middle + 1 :], axis=2)
    below = median - jnp.cumsum(gaps[..., :middle][..., ::-1], axis=2)[..., ::-1]
    return jnp.concatenate([below, median, above], axis=2)


def mean_and_spread(raw: Array, n_targets: int) -> Array:
    """Mean and standard deviation of each target, ``(rows, targets, 2)``."""
    raw = raw.reshape(raw.shape[0], n_targets, 2)
    spread = jax.nn.softplus(raw[..., 1]) + SMALLEST_SPREAD
    return jnp.stack([raw[..., 0], spread], axis=2)
