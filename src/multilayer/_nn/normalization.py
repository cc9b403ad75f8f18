"""Normalisation of a layer's sums before its activation."""

import jax
import jax.numpy as jnp
from jax import lax

from multilayer._core.types import Array
from multilayer._nn.model import Parameters
from multilayer._nn.moments import EPSILON, Moments

MOMENTUM = 0.9  # share of the old running moments after a step


def weighted_moments(z: Array, weight: Array) -> Moments:
    """Moments over the rows of a batch, ``(rows, units)``, each row counted by its weight.

    So a padded row or one without weight changes nothing, and a row of weight 2 is two rows.
    """
    total = jnp.sum(weight)
    share = (weight / jnp.where(total > 0, total, 1.0))[:, None]
    mean = jnp.sum(share * z, axis=0)
    return Moments(mean, jnp.sum(share * jnp.square(z - mean[None, :]), axis=0))


def normalize(z: Array, moments: Moments, scale: Array, shift: Array) -> Array:
    """Batch normalisation (Ioffe and Szegedy, 2015): by the moments of each unit over rows."""
    factor = scale * lax.rsqrt(moments.variance + EPSILON)
    return (z - moments.mean[None, :]) * factor[None, :] + shift[None, :]


def layer_normalize(z: Array, scale: Array, shift: Array) -> Array:
    """Layer normalisation (Ba et al., 2016): by the moments of each row over its units."""
    mean = jnp.mean(z, axis=1, keepdims=True)
    variance = jnp.mean(jnp.square(z - mean), axis=1, keepdims=True)
    return (z - mean) * lax.rsqrt(variance + EPSILON) * scale[None, :] + shift[None, :]


def follow(running: Moments, batch: Moments, present: Array) -> Moments:
    """Running moments after a batch; a batch without weight (``present`` false) changes nothing."""
    keep = jnp.where(present, MOMENTUM, 1.0).astype(running.mean.dtype)
    return Moments(
        *(keep * old + (1.0 - keep) * new for old, new in zip(running, batch, strict=True))
    )


def keep_moments(new: Parameters, old: Parameters) -> Parameters:
    """Return parameters with the running moments of others.

    Moments are no weights: with their gradient of 0 an update rule may still change them (decay).
    """
    return jax.tree.map(lambda n, o: o if is_moments(o) else n, new, old, is_leaf=is_moments)


def n_parameters(params: Parameters) -> int:
    """Count the numbers that are learnt: all but running moments."""
    nodes = jax.tree.leaves(params, is_leaf=is_moments)
    return sum(node.size for node in nodes if not is_moments(node))


def is_moments(node: object) -> bool:
    """Whether a node of a tree holds moments."""
    return isinstance(node, Moments)
