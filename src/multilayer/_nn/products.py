"""Matrix products in the precision asked for."""

import jax
import jax.numpy as jnp
from jax import lax

from multilayer._core.types import Array


@jax.custom_vjp
def bfloat16_product(x: Array, kernel: Array) -> Array:
    """Return ``x @ kernel`` from operands rounded to bfloat16, summed in float32.

    The gradient's two products round their operands in the same way; left to JAX, they would mix
    bfloat16 with float32 operands and gain nothing.
    """
    return _forward(x, kernel)[0]


def _forward(x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    x, kernel = x.astype(jnp.bfloat16), kernel.astype(jnp.bfloat16)
    return lax.dot(x, kernel, preferred_element_type=jnp.float32), (x, kernel)


def _backward(operands: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    x, kernel = operands  # (rows, fan_in), (fan_in, fan_out)
    gradient = gradient.astype(jnp.bfloat16)  # (rows, fan_out)

    def product(a: Array, b: Array, axis: int) -> Array:
        contract = (((axis,), (axis,)), ((), ()))
        return lax.dot_general(a, b, contract, preferred_element_type=jnp.float32)

    return product(gradient, kernel, 1), product(x, gradient, 0)


bfloat16_product.defvjp(_forward, _backward)


def product(x: Array, kernel: Array, precision: str) -> Array:
    """Return ``x @ kernel``; precision is "float32" (as the operands are) or "bfloat16"."""
    return bfloat16_product(x, kernel) if precision == "bfloat16" else x @ kernel
