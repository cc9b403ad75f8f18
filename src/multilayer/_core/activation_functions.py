"""Activation functions in JAX: one of the name of each record in ``_core/activations.py``."""

import jax
import jax.numpy as jnp

from multilayer._core.activations import HIDDEN, STEPS, AnyActivation, Function, record_of
from multilayer._core.checks import refuse
from multilayer._core.environment import check_process
from multilayer._core.step_functions import heaviside, sign
from multilayer._core.types import Array

__all__ = [
    "elu",
    "gelu",
    "heaviside",
    "identity",
    "leaky_relu",
    "logistic",
    "mish",
    "relu",
    "selu",
    "sign",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]
# These are the public ones: `multilayer.nn` has them under these names.


def floating(z: Array) -> Array:
    """Return a JAX array of floats: those of z as they are, whole numbers in the default type."""
    check_process()
    z = jnp.asarray(z)
    return z if jnp.issubdtype(z.dtype, jnp.floating) else z.astype(jnp.result_type(float))


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


def relu(z: Array) -> Array:
    """The rectified linear unit: ``max(z, 0)``.

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
    Range [0, inf); derivative 1 if z > 0, else 0: at the kink 0, as scikit-learn has it.
    Nair and Hinton (2010); Glorot, Bordes and Bengio (2011).

    Examples
    --------
    >>> from multilayer import nn
    >>> nn.relu([-2.0, 0.0, 3.0])
    Array([0., 0., 3.], dtype=float32)
    """
    # Not maximum(z, 0), whose derivative at 0 is 1/2 in JAX.
    return jax.nn.relu(floating(z))


def leaky_relu(z: Array) -> Array:
    """The leaky rectified linear unit: z if z >= 0, else ``0.01 * z``.

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
    Range (-inf, inf); derivative 1 if z >= 0, else 0.01: no unit is cut off from learning.
    Maas, Hannun and Ng (2013).

    Examples
    --------
    >>> from multilayer import nn
    >>> nn.leaky_relu([-2.0, 0.0, 3.0])
    Array([-0.02,  0.  ,  3.  ], dtype=float32)
    """
    return jax.nn.leaky_relu(floating(z))


def elu(z: Array) -> Array:
    """The exponential linear unit: z if z > 0, else ``exp(z) - 1``.

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
    Range (-1, inf); derivative 1 if z > 0, else ``exp(z)``: without a kink.
    Clevert, Unterthiner and Hochreiter (2016), with their alpha at 1.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> np.asarray(nn.elu([-2.0, 0.0, 3.0])).round(3)
    array([-0.865,  0.   ,  3.   ], dtype=float32)
    """
    return jax.nn.elu(floating(z))


def selu(z: Array) -> Array:
    """The scaled exponential linear unit: ``scale * (z if z > 0, else alpha * (exp(z) - 1))``.

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
    The scale is 1.0507 and alpha 1.6733: with them, and with weights of standard deviation
    ``sqrt(1 / n_inputs)``, mean 0 and variance 1 stay the same from layer to layer.
    Range (-1.7581, inf); derivative ``scale`` if z > 0, else ``scale * alpha * exp(z)``.
    Klambauer, Unterthiner, Mayr and Hochreiter (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> np.asarray(nn.selu([-2.0, 0.0, 3.0])).round(3)
    array([-1.52 ,  0.   ,  3.152], dtype=float32)
    """
    return jax.nn.selu(floating(z))


def gelu(z: Array) -> Array:
    """The Gaussian error linear unit: ``z * P(Z <= z)``, Z standard normal.

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
    Range [-0.17, inf); derivative ``P(Z <= z) + z * exp(-z**2 / 2) / sqrt(2 * pi)``.
    Hendrycks and Gimpel (2016), with the exact distribution and not their tanh approximation.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> np.asarray(nn.gelu([-2.0, 0.0, 3.0])).round(3)
    array([-0.046,  0.   ,  2.996], dtype=float32)
    """
    return jax.nn.gelu(floating(z), approximate=False)


def silu(z: Array) -> Array:
    """The sigmoid linear unit, also called swish: ``z * logistic(z)``.

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
    Range [-0.278, inf); derivative ``logistic(z) * (1 + z * (1 - logistic(z)))``.
    Elfwing, Uchibe and Doya (2018); Ramachandran, Zoph and Le (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> np.asarray(nn.silu([-2.0, 0.0, 3.0])).round(3)
    array([-0.238,  0.   ,  2.858], dtype=float32)
    """
    return jax.nn.silu(floating(z))


def mish(z: Array) -> Array:
    """Mish: ``z * tanh(softplus(z))``.

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
    Range [-0.309, inf); derivative ``tanh(s) + z * (1 - tanh(s)**2) * logistic(z)``, where
    ``s = softplus(z)``. Misra (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> np.asarray(nn.mish([-2.0, 0.0, 3.0])).round(3)
    array([-0.253,  0.   ,  2.987], dtype=float32)
    """
    return jax.nn.mish(floating(z))


def softplus(z: Array) -> Array:
    """Softplus, a ReLU without a kink: ``log(1 + exp(z))``.

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
    Range (0, inf); derivative ``logistic(z)``. Dugas, Bengio, Bélisle, Nadeau and Garcia (2001).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> np.asarray(nn.softplus([-2.0, 0.0, 3.0])).round(3)
    array([0.127, 0.693, 3.049], dtype=float32)
    """
    return jax.nn.softplus(floating(z))


def exp(z: Array) -> Array:
    """The exponential function, of the outputs of a regression."""
    return jnp.exp(floating(z))


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
        There is no axis of classes, or it is empty (a ValueError).

    Notes
    -----
    An output depends on all numbers of its row: ``dp_i / dz_j = p_i * (1[i = j] - p_j)``. So it is
    no function of single numbers, and :func:`derivative` refuses it. The largest number of a row is
    subtracted first, which changes nothing but prevents exp from overflowing. Bridle (1990).

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


def function_of(activation: AnyActivation) -> Function:
    """Return the function that a name or a record stands for, or the function given."""
    record = record_of(activation)
    return globals()[record.name] if record.function is None else record.function


ELEMENTWISE: dict[str, Function] = {name: function_of(name) for name in (*HIDDEN, *STEPS)}
"""The public functions of single numbers, `nn.ACTIVATIONS`."""
