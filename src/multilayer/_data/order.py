"""The order of rows: a function of (seed, epoch), made on the host."""

from collections.abc import Callable

import numpy as np

Order = Callable[[int], np.ndarray]
"""Order of the rows in an epoch: ``order(epoch)`` is a permutation of ``arange(n_rows)``."""


def shuffled(n_rows: int, seed: int) -> Order:
    """Return a fresh permutation for each epoch; the same for the same seed and epoch."""

    def order(epoch: int) -> np.ndarray:
        rng = np.random.Generator(np.random.PCG64((seed, epoch)))
        return rng.permutation(n_rows)

    return order


def unshuffled(n_rows: int) -> Order:
    """Return the rows as they are, in every epoch."""
    rows = np.arange(n_rows)
    return lambda epoch: rows


def in_batches(rows: np.ndarray, batch_size: int, width: int) -> np.ndarray:
    """Lay row numbers out as ``(steps, width)`` int32, one line per batch, -1 where there is none.

    ``width`` is the allocated batch, at least ``batch_size``; the last batch may be short.
    """
    steps = -(-len(rows) // batch_size)
    table = np.full((steps, width), -1, np.int32)
    full = len(rows) // batch_size
    table[:full, :batch_size] = rows[: full * batch_size].reshape(full, batch_size)
    if full < steps:
        table[full, : len(rows) - full * batch_size] = rows[full * batch_size :]
    return table
