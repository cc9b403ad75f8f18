"""Batches for a training loop written by hand."""

from collections.abc import Iterator

import numpy as np

from multilayer._core.checks import check_integer, refuse
from multilayer._core.types import Array


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
