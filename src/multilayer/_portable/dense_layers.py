"""A network of dense layers forward, with NumPy alone."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from multilayer._core.errors import DataError
from multilayer._core.numpy_activations import ACTIVATIONS, softplus
from multilayer._data.source import rows_within
from multilayer._nn.model import EPSILON
from multilayer._nn.network import Dense, Layers, Network
from multilayer._portable.predictor import converted_to, numbers


def log_logistic(z: np.ndarray) -> np.ndarray:
    """Return the logarithm of :func:`logistic`."""
    return -softplus(-z)


# The forward pass of a network of dense layers, in NumPy -----------------------------------------


MOST_ROWS = 2048  # at a time: what lies between the layers stays small

Read: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""From raw outputs ``(rows, units)`` to what is predicted."""


def unchanged(raw: np.ndarray) -> np.ndarray:
    """Return raw outputs as they are."""
    return raw


def outputs(
    network: Network,
    layers: Layers,
    X: np.ndarray,
    *,
    input_scale: float | None,
    read: Read = unchanged,
) -> np.ndarray:
    """Compute what is read from the raw outputs of a network for rows, in the type of its layers.

    Parameters
    ----------
    network : Network
        Its shape.
    layers : tuple of Dense
        Its parameters, all in float32 or all in float64.
    X : ndarray of shape (rows, n_features)
        Numbers.
    input_scale : float or None
        What they are multiplied by.
    read : callable
        Takes raw outputs ``(rows, units)``.

    Returns
    -------
    outputs : ndarray of shape (rows, ...)
        Of a network in float32: in float32 for X of float32 or of a smaller type; in float64
        otherwise, as the estimators'.
    """
    X = numbers(X)
    dtype = layers[0].kernel.dtype
    scale = dtype.type(1 if input_scale is None else input_scale)
    block = min(MOST_ROWS, rows_within(max(network.layer_sizes), dtype.itemsize))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        blocks = (X[start : start + block] for start in range(0, len(X), block))
        parts = [
            read(raw_outputs(network, layers, converted_to(dtype, rows) * scale)) for rows in blocks
        ]
    result = np.concatenate(parts)
    if not np.isfinite(result).all():
        _refuse_huge(X, dtype)
    return result.astype(np.result_type(X.dtype, dtype), copy=False)


def raw_outputs(network: Network, layers: Layers, x: np.ndarray) -> np.ndarray:
    """Return the outputs before the output activation, shape ``(rows, units)``."""
    for i, layer in enumerate(layers[:-1]):
        z = normalise(network.norm, layer, x @ layer.kernel + layer.bias)
        a = ACTIVATIONS[str(network.activations[i])](z)
        x = x + a if network.skips(i) else a
    return x @ layers[-1].kernel + layers[-1].bias


def normalise(norm: str | None, layer: Dense, z: np.ndarray) -> np.ndarray:
    """Normalise a layer's sums by its running moments, or each row by itself, or not at all."""
    if norm is None:
        return z
    if layer.moments is not None:  # batch normalisation alone has some
        mean, variance = layer.moments
    else:
        mean, variance = z.mean(axis=1, keepdims=True), z.var(axis=1, keepdims=True)
    return (z - mean) * (
        layer.scale / np.sqrt(variance + variance.dtype.type(EPSILON))
    ) + layer.shift


def _refuse_huge(X: np.ndarray, dtype: np.dtype) -> None:
    """Refuse values so large that the outputs overflowed; weights as large are another matter."""
    largest = np.abs(X.astype(np.float64)).max()
    if largest > np.sqrt(np.finfo(dtype).max):
        raise DataError(
            f"X contains values too large for the network, up to {largest:.3g}: its outputs "
            f"overflow {dtype}. Scale the columns as in training."
        )
