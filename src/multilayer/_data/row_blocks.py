"""Rows that are visited one by one, taken from their matrix in blocks."""

from functools import cached_property

import numpy as np
from scipy import sparse

from multilayer._data.rows import Matrix

BLOCK_ENTRIES = 1 << 16  # numbers in a block: half a megabyte stays in a processor's cache
FEWEST_ROWS, MOST_ROWS = 16, 1024  # in a block


class DenseBlock:
    """Some rows in float64."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values  # (rows, features)

    def products(self, start: int, weights: np.ndarray) -> np.ndarray:
        """Products of the rows from ``start`` on with the weights ``(features,)``."""
        return self.values[start:] @ weights

    def row(self, i: int) -> tuple[slice | np.ndarray, np.ndarray]:
        """Return what selects a row's features, and their values."""
        return slice(None), self.values[i]


class SparseBlock:
    """Some rows in float64, of which only the stored entries are looked at."""

    def __init__(self, values: sparse.csr_array) -> None:
        self.values = values  # CSR (rows, features)

    def products(self, start: int, weights: np.ndarray) -> np.ndarray:
        """Products of the rows from ``start`` on with the weights ``(features,)``."""
        return (self.values @ weights)[start:]

    def row(self, i: int) -> tuple[slice | np.ndarray, np.ndarray]:
        """Return what selects a row's features, and their values."""
        entries = slice(*self.values.indptr[i : i + 2])
        return self.values.indices[entries], self.values.data[entries]


class RowBlocks:
    """A matrix whose rows are taken in blocks, as float64."""

    def __init__(self, X: Matrix) -> None:
        self.sparse = sparse.issparse(X)
        if self.sparse:
            X = sparse.csr_array(X, dtype=np.float64)
            if not X.has_canonical_format:  # the same feature twice in a row, or out of order
                X = X.copy()
                X.sum_duplicates()
        self.X = X
        n_rows, self.n_features = X.shape
        entries = X.nnz // n_rows if self.sparse else self.n_features
        fitting = BLOCK_ENTRIES // max(entries, 1)
        self.block_rows = min(max(fitting, FEWEST_ROWS), MOST_ROWS)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.X.shape[0]

    def take(self, numbers: np.ndarray) -> DenseBlock | SparseBlock:
        """Return rows by their numbers; float64 rows that lie in this order are not copied."""
        first, end = numbers[0], numbers[0] + len(numbers)
        in_line = np.array_equal(numbers, np.arange(first, end))
        block = self.X[first:end] if in_line else self.X[numbers]
        if self.sparse:
            return SparseBlock(block)
        return DenseBlock(block.astype(np.float64, copy=False))

    @cached_property
    def norms(self) -> np.ndarray:
        """Euclidean norms of the rows ``(rows,)``."""
        if self.sparse:
            return np.sqrt(self.X.power(2).sum(axis=1))
        norms = np.empty(len(self))
        for first in range(0, len(self), self.block_rows):
            rows = slice(first, first + self.block_rows)
            block = self.X[rows].astype(np.float64, copy=False)
            norms[rows] = np.sqrt(np.einsum("ij,ij->i", block, block))
        return norms
