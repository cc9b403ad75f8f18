"""Activation functions that bend the sum of a unit into a range, and the one that does not."""

import jax
import jax.numpy as jnp

from multilayer._core.checks import refuse
from multilayer._core.types import Array
from multilayer._nn.floating import floating


def identity(z: Array) -> Array:
    """The identity: z.

    Parameters
    ----------
    z : array_like
        Real numbers, any shape.

    Returns
    -------
    a : jax.Array
        Floats of the shape of z.

    Notes
    -----
    Derivative 1. Layers without another activation between them are one linear layer.

    Examples
    --------
    >>> from multilayer import nn
    >>> nn.identity([-2.0, 0.0, 3.0])
    Array([-2.,  0.,  3.], dtype=float32)
    """
    return floating(z)


def logistic(z: Array) -> Array:
    """The logistic function, also called sigmoid: ``1 / (1 + exp(-z))``.

    Parameters
    ----------
    z : array_like
        Real numbers, any shape.

    Returns
    -------
    a : jax.Array
        Floats of the shape of z.

    Notes
    -----
    Range (0, 1); derivative ``logistic(z) * (1 - logistic(z))``, at most 1/4. It is smooth where
    the step is flat or jumps: what backpropagation needs (Rumelhart, Hinton and Williams, 1986).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> np.asarray(nn.logistic([-2.0, 0.0, 2.0])).round(3)
    array([0.119, 0.5  , 0.881], dtype=float32)
    """
    return jax.nn.sigmoid(floating(z))


def tanh(z: Array) -> Array:
    """The hyperbolic tangent: ``2 * logistic(2 * z) - 1``.

    Parameters
    ----------
    z : array_like
        Real numbers, any shape.

    Returns
    -------
    a : jax.Array
        Floats of the shape of z.

    Notes
    -----
    Range (-1, 1); derivative ``1 - tanh(z)**2``, at most 1. Its values lie around 0, which helps
    the layer that follows (LeCun, Bottou, Orr and Müller, 1998, section 4.4).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> np.asarray(nn.tanh([-2.0, 0.0, 2.0])).round(3)
    array([-0.964,  0.   ,  0.964], dtype=float32)
    """
    return jnp.tanh(floating(z))


def softmax(z: Array) -> Array:
    """Softmax of each row: ``exp(z) / sum(exp(z))``.

    Parameters
    ----------
    z : array_like of shape (n_classes,) or (rows, n_classes)
        Logits.

    Returns
    -------
    p : jax.Array of the same shape
        Probabilities: each row sums to 1.

    Raises
    ------
    InvalidArgumentError
        There is not one axis of classes at least (a ValueError).

    Notes
    -----
    An output depends on all numbers of its row: ``dp_i / dz_j = p_i * (1[i = j] - p_j)``. So it is
    no function of single numbers, and :func:`derivative` refuses it. The largest number of a row is
    subtracted first, which changes nothing but keeps exp from overflowing. Bridle (1990).

    Examples
    --------
    >>> from multilayer import nn
    >>> nn.softmax([[0.0, 0.0], [1000.0, 0.0]])
    Array([[0.5, 0.5],
           [1. , 0. ]], dtype=float32)
    """
    z = floating(z)
    if z.ndim == 0 or z.shape[-1] == 0:
        refuse("z.shape", "(n_classes,) or (rows, n_classes)", z.shape)
    return jax.nn.softmax(z, axis=-1)
