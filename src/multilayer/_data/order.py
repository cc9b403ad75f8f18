"""The order of rows and their batches: a function of (seed, epoch), made on the host."""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from multilayer._core.checks import check_integer, refuse
from multilayer._core.types import Array

# The order of rows: a function of (seed, epoch), made on the host --------------------------------
#
# No generator lives from one epoch to the next: training can resume from any step without a saved
# state. And a permutation inside a compiled program would cost seconds of compilation.


BLOCK_ENTRIES = 1 << 15  # row numbers drawn at once
BLOCK_EPOCHS = 64  # and at most so many epochs
MOST_BLOCKS = 32  # remembered: 4 MB

Order = Callable[[int], np.ndarray]
"""Order of the rows in an epoch: ``order(epoch)`` is a permutation of ``arange(n_rows)``."""


def shuffled(n_rows: int, seed: int) -> Order:
    """Return a fresh permutation for each epoch; the same for the same seed and epoch.

    Those of small data are drawn many at once: seeding a generator takes longer than its work.
    """
    in_block = max(1, min(BLOCK_EPOCHS, BLOCK_ENTRIES // n_rows))
    if in_block == 1:
        return lambda epoch: _generator(seed, epoch).permutation(n_rows)
    return lambda epoch: _block(n_rows, seed, in_block, epoch // in_block)[epoch % in_block]


def _generator(seed: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64((seed, number)))


@lru_cache(maxsize=MOST_BLOCKS)
def _block(n_rows: int, seed: int, in_block: int, number: int) -> np.ndarray:
    """Return the orders of some epochs; networks that train side by side may have the same ones."""
    rows = np.broadcast_to(np.arange(n_rows, dtype=np.int32), (in_block, n_rows))
    drawn = _generator(seed, number).permuted(rows, axis=1)
    drawn.flags.writeable = False
    return drawn


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
    """Write row numbers into a table of batches ``(steps, width)`` that holds -1 everywhere.

    Or those of many epochs, ``(epochs, rows)``, into as many tables.
    """
    full = rows.shape[-1] // batch_size
    whole, rest = np.split(rows, [full * batch_size], axis=-1)
    table[..., :full, :batch_size] = whole.reshape(*rows.shape[:-1], full, batch_size)
    if full < table.shape[-2]:
        table[..., full, : rest.shape[-1]] = rest


# The order of rows that scikit-learn's linear models take under a seed ---------------------------


WORD = 2**32 - 1
LOW_BITS = 2**31 - 1


def shuffled_again(permutation: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the order of the rows in each pass: the permutation of the order of the pass before."""
    order = np.arange(len(permutation))
    while True:
        order = order[permutation]
        yield order


def drawn_permutation(n_rows: int, seed: int) -> np.ndarray:
    """Return a permutation drawn by Durstenfeld's form of the shuffle of Fisher and Yates."""
    permutation = list(range(n_rows))
    numbers = xorshift(seed)
    for i in range(n_rows - 1):
        j = i + next(numbers) % (n_rows - i)
        permutation[i], permutation[j] = permutation[j], permutation[i]
    return np.array(permutation, np.intp)


def xorshift(seed: int) -> Iterator[int]:
    """Yield numbers of 31 bits: xorshift with the shifts 13, 17 and 5.

    G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (2003). From a word of 0 it
    would never leave 0, so 1 stands for that seed.
    """
    word = seed or 1
    while True:
        word ^= word << 13 & WORD
        word ^= word >> 17
        word ^= word << 5 & WORD
        yield word & LOW_BITS


# Batches for a training loop written by hand -----------------------------------------------------


def shuffle_batch(
    X: Array, y: Array, batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cut the rows, in a new order, into batches: one epoch.

    Parameters
    ----------
    X : array of shape (rows, ...)
        Inputs.
    y : array of shape (rows, ...)
        Targets.
    batch_size : int
        Rows of a batch, at least 1.
    rng : numpy.random.Generator
        Source of the order, such as ``np.random.default_rng(0)``: the same one in every epoch, or
        all epochs have the same order.

    Returns
    -------
    batches : iterator of (X_batch, y_batch)
        Every row once, in ``rows // batch_size`` batches (at least one) of the same size, or one
        row larger where the rows do not divide: the leftover rows are spread, as chapter 10 of the
        2019 book does with ``np.array_split``.

    Raises
    ------
    InvalidArgumentError
        An argument is none of these, or X and y differ in length (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> X, y, rng = np.arange(20.0).reshape(10, 2), np.arange(10), np.random.default_rng(0)
    >>> for X_batch, y_batch in nn.shuffle_batch(X, y, batch_size=4, rng=rng):
    ...     print(X_batch.shape, y_batch)
    (5, 2) [4 6 2 7 3]
    (5, 2) [5 9 0 8 1]
    """
    X, y = np.asarray(X), np.asarray(y)
    for name, array in (("X", X), ("y", y)):
        if array.ndim == 0 or len(array) == 0:
            refuse(name, "an array with rows", array)
    if len(X) != len(y):
        refuse("y", f"as long as X, {len(X)} rows", f"{len(y)} rows")
    check_integer("batch_size", batch_size, 1)
    if not isinstance(rng, np.random.Generator):
        refuse("rng", "a numpy.random.Generator", rng, "Make one: np.random.default_rng(0).")
    parts = np.array_split(rng.permutation(len(X)), max(1, len(X) // batch_size))
    return ((X[rows], y[rows]) for rows in parts)
