"""Penalties on weights: L2, and a share of it L1."""

import jax.numpy as jnp

from multilayer._core.types import Array

SMALL = 1 << 12  # entries of a matrix whose plain sum costs no more than starting another kernel


def penalty(kernel: Array, l1_ratio: Array | None) -> Array:
    """Return the elastic-net penalty ``l1_ratio * |W| + (1 - l1_ratio) * 0.5 * W**2``, summed.

    ``l1_ratio`` None is 0, without the work for it (Zou and Hastie, 2005).
    """
    squares = 0.5 * quick_sum(jnp.square(kernel))
    if l1_ratio is None:
        return squares
    return l1_ratio * quick_sum(jnp.abs(kernel)) + (1.0 - l1_ratio) * squares


def penalty_gradient(kernel: Array, l1_ratio: Array | None) -> Array:
    """Return the penalty's gradient, 0 for the L1 part of a weight of 0."""
    if l1_ratio is None:
        return kernel
    return l1_ratio * jnp.sign(kernel) + (1.0 - l1_ratio) * kernel


def quick_sum(values: Array) -> Array:
    """Sum of the entries of a matrix.

    Formed as a product with a row of eight ones: XLA on a CPU sums a plain reduction one
    number after the other, which takes four times as long.
    """
    if values.size < SMALL:
        return jnp.sum(values)
    values = values.reshape(-1)
    lanes = 8
    width = values.size // lanes
    head = values[: lanes * width].reshape(lanes, width)
    tail = values[lanes * width :]
    return jnp.sum(jnp.ones((1, lanes), values.dtype) @ head) + jnp.sum(tail)
