"""The step functions of threshold logic units. This module needs NumPy alone."""

from types import ModuleType

import numpy as np

from multilayer._core.types import Array


def heaviside(z: Array) -> Array:
    """Heaviside's step: 0 if z < 0, else 1.

    Parameters
    ----------
    z : array_like
        Real numbers, any shape.

    Returns
    -------
    a : array
        Floats of the shape of z: a JAX array for a JAX array, else a NumPy array.

    Notes
    -----
    Range {0, 1}; at 0 it is 1. The derivative is 0 everywhere (at 0 by convention), so that
    nothing before it could learn by gradients: no hidden layer of an estimator has it as its
    `activation`. The step of the threshold logic unit (McCulloch and Pitts, 1943).

    Examples
    --------
    >>> from multilayer import nn
    >>> nn.heaviside([-2.0, 0.0, 3.0])
    array([0., 1., 1.])
    """
    return _library(z).heaviside(z, 1.0)


def sign(z: Array) -> Array:
    """The sign: -1 if z < 0, 0 if z is 0, 1 if z > 0.

    Parameters
    ----------
    z : array_like
        Real numbers, any shape.

    Returns
    -------
    a : array
        Numbers of the type and shape of z: a JAX array for a JAX array, else a NumPy array.

    Notes
    -----
    Range {-1, 0, 1}. The derivative is 0 everywhere (at 0 by convention), see :func:`heaviside`.

    Examples
    --------
    >>> from multilayer import nn
    >>> nn.sign([-2.0, 0.0, 3.0])
    array([-1.,  0.,  1.])
    """
    return _library(z).sign(z)


def _library(z: Array) -> ModuleType:
    """Return ``jax.numpy`` for what JAX made, without importing it; else NumPy."""
    return z.__array_namespace__() if hasattr(z, "__array_namespace__") else np
