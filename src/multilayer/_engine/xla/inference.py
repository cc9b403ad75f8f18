"""Outputs of a network for many rows: fixed padded blocks, one program for each size of block.

A row's result never depends on the rows beside it: every block has one of a few sizes, all
multiples of 48, so that each row meets the same machine code. (With AVX-512 the rows of a product
are taken 24 at a time, and 8 that are left over are added up in another order; vectors have 16
numbers.) Wide rows and wide networks have one size of block, which their width alone decides.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import TypeAlias, cast

import jax
import numpy as np

from multilayer._core.environment import check_process
from multilayer._core.types import Array
from multilayer._data.source import pad_rows, rows_within
from multilayer._engine.xla import cache
from multilayer._nn.forward import apply_hidden
from multilayer._nn.members import Members
from multilayer._nn.model import Model, Parameters
from multilayer._nn.network import Network, widest
from multilayer._objectives.losses import distribution
from multilayer._objectives.objective import Objective

BLOCKS = (48, 144, 528, 2064)


def block_size(n_rows: int, width: int, itemsize: int) -> int:
    """Return the smallest block that holds the rows, or the largest one.

    Where the largest of all would take too much memory there is but one: as large as may be.
    """
    most = rows_within(width, itemsize)
    if most < BLOCKS[-1]:
        return max((size for size in BLOCKS if size <= most), default=BLOCKS[0])
    return next((size for size in BLOCKS if n_rows <= size), BLOCKS[-1])


Reading: TypeAlias = Objective | int | None
"""What is read from a network: None its outputs before their activation, an objective what that
makes of them, a number the activations of that hidden layer."""


def outputs(
    network: Model,
    params: Parameters,
    take: Callable[[slice], np.ndarray],
    n_rows: int,
    *,
    read: Reading = None,
    input_scale: float,
    dtype: str,
) -> np.ndarray:
    """Compute what a network says of rows.

    Parameters
    ----------
    take : callable
        ``take(rows)`` returns a slice of the rows as a dense array.

    Returns
    -------
    outputs : ndarray of shape (n_rows, ...), of type ``dtype``
    """
    check_process()
    # A network of float64 is one wherever it is loaded; the setting is of this thread alone.
    with jax.enable_x64(True) if dtype == "float64" else nullcontext():
        return _outputs(network, params, take, n_rows, read, input_scale, dtype)


def _outputs(
    network: Model,
    params: Parameters,
    take: Callable[[slice], np.ndarray],
    n_rows: int,
    read: Reading,
    input_scale: float,
    dtype: str,
) -> np.ndarray:
    n_features = take(slice(0, 1)).shape[1]
    size = block_size(n_rows, max(n_features, widest(params)), np.dtype(dtype).itemsize)
    scale = np.dtype(dtype).type(input_scale)
    if n_rows > size:  # for one block the call itself brings them
        params = jax.device_put(params)
    network = network.at_prediction()
    parts = []
    for rows in blocks(n_rows, size):
        taken = take(rows)
        block = taken if len(taken) == size else pad_rows(taken, size)
        program = prediction_program(network, read, dtype, (params, block, scale))
        parts.append(np.asarray(program(params, block, scale))[: rows.stop - rows.start])
    return np.concatenate(parts)


def blocks(n_rows: int, size: int) -> Iterator[slice]:
    """Cut rows into slices of at most ``size``."""
    return (slice(i, min(i + size, n_rows)) for i in range(0, n_rows, size))


def prediction_program(
    network: Model, read: Reading, dtype: str, args: tuple
) -> Callable[..., Array]:
    """Return the compiled forward pass for the shapes of these arguments."""

    def forward(params: Parameters, X: Array, scale: Array) -> Array:
        x = X.astype(dtype) * scale
        if isinstance(read, int):
            return apply_hidden(cast(Network, network), params, x)[read + 1]
        raw = network.apply(params, x)
        return raw if read is None else distribution(read, raw)

    def build() -> Callable[..., Array]:
        return cache.compiled(forward, *args)

    return cache.get(("predict", network, read, dtype, cache.signature(args)), build)


# Members of an ensemble, each with rows of its own -----------------------------------------------


BLOCK = 1024  # rows of each member that are predicted at once


def member_predictor(
    network: Members, X: np.ndarray, rows: Sequence[np.ndarray]
) -> Callable[[Parameters], list[np.ndarray]]:
    """Return what predicts with each member some rows of its own.

    As :class:`multilayer._engine.engines.MemberPredictor` says: one program for all members.
    """
    longest = max(map(len, rows))
    size = min(BLOCK, 1 << (longest - 1).bit_length())  # a power of two: few programs
    n_blocks = -(-longest // size)
    length = n_blocks * size
    padded = np.stack([np.pad(own, (0, length - len(own)), mode="edge") for own in rows])
    scale = np.float32(1)

    def predict(params: Parameters) -> list[np.ndarray]:
        parts = []
        for start in range(0, length, size):
            block = X[padded[:, start : start + size].ravel()]
            args = params, block, scale
            raw = np.asarray(prediction_program(network, None, "float32", args)(*args))
            parts.append(raw.reshape(len(rows), size, -1))
        together = np.concatenate(parts, axis=1)
        return [raw[: len(own)] for raw, own in zip(together, rows, strict=True)]

    return predict
