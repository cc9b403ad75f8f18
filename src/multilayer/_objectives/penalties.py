"""The L2 penalty on weights."""

import jax.numpy as jnp

from multilayer._core.types import Array

SMALL = 1 << 12  # entries of a matrix whose plain sum costs no more than starting another kernel


def sum_of_squares(kernel: Array) -> Array:
    """Sum of the squared entries of a weight matrix.

    Formed as a product with a row of eight ones: XLA on a CPU sums a plain reduction one
    number after the other, which takes four times as long.
    """
    if kernel.size < SMALL:
        return jnp.vdot(kernel, kernel)
    values = jnp.square(kernel).reshape(-1)
    lanes = 8
    width = values.size // lanes
    head = values[: lanes * width].reshape(lanes, width)
    tail = values[lanes * width :]
    return jnp.sum(jnp.ones((1, lanes), values.dtype) @ head) + jnp.sum(tail)
