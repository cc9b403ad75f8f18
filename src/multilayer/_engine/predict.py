"""Outputs of a network for many rows: fixed padded blocks, one program for each size of block.

A row's result never depends on the rows beside it: every block has one of a few sizes, all
multiples of 32, so that each row meets the same machine code.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import jax
import numpy as np

from multilayer._core.types import Array
from multilayer._data.source import pad_rows
from multilayer._engine import cache
from multilayer.nn import network as nn
from multilayer.nn.network import Network, Parameters

BLOCKS = (32, 128, 512, 2048)


def block_size(n_rows: int) -> int:
    """Return the smallest block that holds the rows, or the largest one."""
    return next((size for size in BLOCKS if n_rows <= size), BLOCKS[-1])


def logits(
    network: Network,
    params: Parameters,
    take: Callable[[slice], np.ndarray],
    n_rows: int,
    *,
    input_scale: float,
    dtype: str,
) -> np.ndarray:
    """Compute the logits of rows.

    Parameters
    ----------
    take : callable
        ``take(rows)`` returns a slice of the rows as a dense array.

    Returns
    -------
    logits : ndarray of shape (n_rows, n_outputs), of type ``dtype``
    """
    size = block_size(n_rows)
    result = np.empty((n_rows, network.layer_sizes[-1]), dtype)
    scale = np.dtype(dtype).type(input_scale)
    cache.check_process()
    params = jax.device_put(params)
    network = replace(network, dropout=False)  # a matter of training alone
    for rows in blocks(n_rows, size):
        block = pad_rows(take(rows), size)
        program = prediction_program(network, dtype, (params, block, scale))
        result[rows] = np.asarray(program(params, block, scale))[: rows.stop - rows.start]
    return result


def blocks(n_rows: int, size: int) -> Iterator[slice]:
    """Cut rows into slices of at most ``size``."""
    return (slice(i, min(i + size, n_rows)) for i in range(0, n_rows, size))


def prediction_program(network: Network, dtype: str, args: tuple) -> Callable[..., Array]:
    """Return the compiled forward pass for the shapes of these arguments."""

    def forward(params: Parameters, X: Array, scale: Array) -> Array:
        return nn.apply(network, params, X.astype(dtype) * scale)

    def build() -> Callable[..., Array]:
        return cache.compiled(forward, *args)

    return cache.get(("predict", network, dtype, cache.signature(args)), build)
