"""The order of rows: a function of (seed, epoch), made on the host.

No generator lives from one epoch to the next: training can go on from any step without a saved
state. And a permutation inside a compiled program would cost seconds of compilation.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

BLOCK_ENTRIES = 1 << 15  # row numbers drawn at once
BLOCK_EPOCHS = 64  # and at most so many epochs

Order = Callable[[int], np.ndarray]
"""Order of the rows in an epoch: ``order(epoch)`` is a permutation of ``arange(n_rows)``."""


def shuffled(n_rows: int, seed: int) -> Order:
    """Return a fresh permutation for each epoch; the same for the same seed and epoch.

    Those of small data are drawn many at once: seeding a generator takes longer than its work.
    """
    in_block = max(1, min(BLOCK_EPOCHS, BLOCK_ENTRIES // n_rows))

    def draw(number: int) -> np.ndarray:
        generator = np.random.Generator(np.random.PCG64((seed, number)))
        if in_block == 1:
            return generator.permutation(n_rows)
        rows = np.broadcast_to(np.arange(n_rows, dtype=np.int32), (in_block, n_rows))
        return generator.permuted(rows, axis=1)

    if in_block == 1:
        return draw
    block = lru_cache(maxsize=2)(draw)
    return lambda epoch: block(epoch // in_block)[epoch % in_block]


def unshuffled(n_rows: int) -> Order:
    """Return the rows as they are, in every epoch."""
    rows = np.arange(n_rows)
    return lambda epoch: rows


def in_batches(rows: np.ndarray, batch_size: int, width: int) -> np.ndarray:
    """Lay row numbers out as ``(steps, width)`` int32, one line per batch, -1 where there is none.

    ``width`` is the allocated batch, at least ``batch_size``; the last batch may be short.
    """
    table = np.full((-(-len(rows) // batch_size), width), -1, np.int32)
    fill(table, rows, batch_size)
    return table


def fill(table: np.ndarray, rows: np.ndarray, batch_size: int) -> None:
    """Write row numbers into a table of batches ``(steps, width)`` that holds -1 everywhere."""
    full = len(rows) // batch_size
    table[:full, :batch_size] = rows[: full * batch_size].reshape(full, batch_size)
    if full < len(table):
        table[full, : len(rows) - full * batch_size] = rows[full * batch_size :]
