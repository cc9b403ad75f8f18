"""Activation functions in NumPy: in the type of the input, without warnings of overflow.

Their records, in ``activations.py``, are imported without NumPy and so cannot contain them.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np

Function: TypeAlias = Callable[[np.ndarray], np.ndarray]

# Klambauer et al. (2017), equation 14.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
LEAK = 0.01
ERF = {"float32": (4.0, 20), "float64": (6.0, 40)}  # beyond which it is 1; degree of the series


def logistic(z: np.ndarray) -> np.ndarray:
    """Return ``1 / (1 + exp(-z))``; small values do not round to 0."""
    small = np.exp(-np.abs(z))
    return np.where(z < 0, small, 1) / (1 + small)


def softplus(z: np.ndarray) -> np.ndarray:
    """Return ``log(1 + exp(z))``."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def relu(z: np.ndarray) -> np.ndarray:
    """Return what is above 0."""
    return np.maximum(z, 0)


def leaky_relu(z: np.ndarray) -> np.ndarray:
    """Return z above 0, a hundredth of it below."""
    return np.where(z < 0, z.dtype.type(LEAK) * z, z)


def elu(z: np.ndarray) -> np.ndarray:
    """Return z above 0, ``exp(z) - 1`` below."""
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def selu(z: np.ndarray) -> np.ndarray:
    """Return the scaled elu that normalises itself."""
    scale, alpha = z.dtype.type(SELU_SCALE), z.dtype.type(SELU_ALPHA)
    return scale * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def silu(z: np.ndarray) -> np.ndarray:
    """Return ``z * logistic(z)``."""
    return z * logistic(z)


def mish(z: np.ndarray) -> np.ndarray:
    """Return ``z * tanh(softplus(z))``."""
    return z * np.tanh(softplus(z))


def gelu(z: np.ndarray) -> np.ndarray:
    """Return z times the chance that a standard normal number is below it."""
    return z * ((1 + erf(z / math.sqrt(2))) / 2).astype(z.dtype)


def erf(z: np.ndarray) -> np.ndarray:
    """Return the error function in float64: to 1e-13, or to 2e-8 for z of float32.

    NumPy has none. ``erf(z) / z`` is even and smooth, so that a series in the square of z has it.
    """
    largest, degree = ERF[z.dtype.name]
    inside = np.clip(z, -largest, largest).astype(np.float64)
    near = inside * _series_of_erf(largest, degree)(np.square(inside))
    return np.where(np.abs(z) < largest, near, np.sign(z))


@lru_cache
def _series_of_erf(largest: float, degree: int) -> np.polynomial.Chebyshev:
    def quotient(squares: np.ndarray) -> np.ndarray:
        return np.array([math.erf(math.sqrt(s)) / math.sqrt(s) for s in squares])

    return np.polynomial.Chebyshev.interpolate(quotient, degree, domain=[0, largest**2])


ACTIVATIONS: dict[str, Function] = {
    "identity": lambda z: z,
    "logistic": logistic,
    "tanh": np.tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "selu": selu,
    "gelu": gelu,
    "silu": silu,
    "mish": mish,
    "softplus": softplus,
    "exp": np.exp,
}
"""A function for each record of hidden layers or outputs in ``activations.py``."""


def softmax(raw: np.ndarray) -> np.ndarray:
    """Return probabilities over the last axis."""
    weights = np.exp(raw - raw.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
