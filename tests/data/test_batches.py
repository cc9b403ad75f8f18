"""Batches for a loop of one's own: every row once, in an order that the generator decides."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from multilayer import InvalidArgumentError, nn


def data(n_rows):
    return np.arange(2 * n_rows).reshape(n_rows, 2), 10 * np.arange(n_rows)


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "sizes"),
    [(12, 4, [4, 4, 4]), (14, 4, [5, 5, 4]), (3, 4, [3]), (5, 1, [1] * 5), (7, 7, [7])],
)
def test_every_row_comes_once(n_rows, batch_size, sizes):
    X, y = data(n_rows)
    batches = list(nn.shuffle_batch(X, y, batch_size, np.random.default_rng(0)))
    assert [len(X_batch) for X_batch, _ in batches] == sizes
    seen, targets = (np.concatenate(part) for part in zip(*batches, strict=True))
    assert_array_equal(targets, 5 * seen[:, 0])  # rows stay with their targets
    assert_array_equal(np.sort(targets), y)


def test_the_generator_decides_the_order():
    X, y = data(50)
    rng = np.random.default_rng(0)
    first, second, again = (
        np.concatenate([part for _, part in nn.shuffle_batch(X, y, 8, generator)])
        for generator in (rng, rng, np.random.default_rng(0))
    )
    assert_array_equal(first, again)
    assert (first != second).any()
    assert (first != y).any()


def test_batches_keep_shape_and_type():
    images, labels = np.zeros((9, 4, 3), np.uint8), np.zeros(9, np.int8)
    X_batch, y_batch = next(nn.shuffle_batch(images, labels, 3, np.random.default_rng(0)))
    assert (X_batch.shape, X_batch.dtype) == ((3, 4, 3), np.uint8)
    assert (y_batch.shape, y_batch.dtype) == ((3,), np.int8)
    X_batch += 1
    assert not images.any()  # a batch is a copy


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"batch_size": 0}, "batch_size must be an integer of at least 1"),
        ({"rng": 0}, r"rng must be a numpy.random.Generator, got rng=0. .*default_rng\(0\)"),
        ({"y": np.zeros(3)}, "y must be as long as X, 4 rows, got y='3 rows'"),
        ({"X": np.zeros((0, 2))}, "X must be an array with rows"),
        ({"X": 1.0}, "X must be an array with rows"),
    ],
)
def test_what_cannot_be_is_refused_at_once(arguments, words):
    """By the call itself, not by the first batch."""
    usual = {"X": np.zeros((4, 2)), "y": np.zeros(4), "batch_size": 2}
    with pytest.raises(InvalidArgumentError, match=words):
        nn.shuffle_batch(**{**usual, "rng": np.random.default_rng(0), **arguments})
