"""Derivatives of functions of single numbers."""

import jax
import jax.numpy as jnp

from multilayer._core.activation_functions import ELEMENTWISE as ELEMENTWISE
from multilayer._core.activation_functions import floating, softmax
from multilayer._core.activations import Function
from multilayer._core.checks import refuse
from multilayer._core.types import Array


def derivative(function: Function) -> Function:
    """Return the derivative of a function of single numbers, such as an activation function.

    Parameters
    ----------
    function : callable
        A function of JAX arrays that works elementwise: those of :data:`multilayer.nn.ACTIVATIONS`,
        or your own.

    Returns
    -------
    slope : callable
        Takes an array of real numbers and returns its slopes, a JAX array of that shape. It has a
        derivative too.

    Raises
    ------
    InvalidArgumentError
        The argument is not such a function (a ValueError): softmax is not, nor is a name. From
        `slope` when the function changes the shape.

    Notes
    -----
    JAX's reverse mode, the one that networks are trained with (:func:`jax.vjp`). Where a function
    has no derivative the convention is the one of training: at 0 it is 0 for relu, heaviside and
    sign (so ``relu'(0) = 0``), 1 for leaky_relu, and the slope on the left for selu.

    Examples
    --------
    >>> from multilayer import nn
    >>> nn.derivative(nn.relu)([-2.0, 0.0, 3.0])
    Array([0., 0., 1.], dtype=float32)
    >>> nn.derivative(lambda z: z**3)([1.0, 2.0])
    Array([ 3., 12.], dtype=float32)
    """
    if not callable(function):
        remedy = f"Take nn.ACTIVATIONS[{function!r}]." if _is_name(function) else ""
        refuse("function", "a function of arrays", function, remedy)
    if function in (softmax, jax.nn.softmax):
        remedy = "Take jax.jacobian: each probability depends on all numbers of its row."
        refuse("function", "a function of single numbers", function, remedy)

    def slope(z: Array) -> Array:
        z = floating(z)
        a, pull_back = jax.vjp(function, z)
        if jnp.shape(a) != z.shape:
            refuse("function", f"one that keeps the shape {z.shape}", function)
        return pull_back(jnp.ones_like(a))[0]

    return slope


def _is_name(given: object) -> bool:
    return isinstance(given, str) and given in ELEMENTWISE
