"""Sparse rows in the form that the native engine reads, checked. NumPy alone."""

from dataclasses import dataclass, replace

import numpy as np

from multilayer._core.checks import refuse
from multilayer._data.rows import Matrix, compact


@dataclass(frozen=True, eq=False)
class CsrRows:
    """Rows of a CSR matrix in one real type: columns rise within a row, none is there twice.

    A slice of it is one more such object, which shares the memory of the numbers.
    """

    values: np.ndarray  # (entries,) float32 or float64
    indices: np.ndarray  # (entries,) int32 columns
    starts: np.ndarray  # (rows + 1,) int64, where each row's entries begin
    width: int

    @classmethod
    def of(cls, X: Matrix, dtype: str) -> "CsrRows":
        """Return the rows of a sparse matrix, which is left as it is; copied is what must be."""
        by_row = X.tocsr()
        values, indices, starts = checked_csr(by_row)
        if not _rises(indices, starts):
            parts = values.copy(), indices.copy(), starts.copy()
            merged = type(by_row)(parts, shape=by_row.shape)
            merged.sum_duplicates()
            values, indices, starts = checked_csr(merged)
        values = np.ascontiguousarray(compact(values, dtype), dtype)
        return cls(values, np.ascontiguousarray(indices, np.int32), starts, X.shape[1])

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.starts) - 1

    def __getitem__(self, rows: slice) -> "CsrRows":
        """Return rows that follow each other."""
        start, stop, _ = rows.indices(len(self))
        return replace(self, starts=self.starts[start : max(start, stop) + 1])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), self.width

    @property
    def row_bytes(self) -> int:
        """Bytes of the numbers and columns of a row, in the mean of all rows."""
        entries = int(self.starts[-1] - self.starts[0])
        return entries * (self.values.itemsize + self.indices.itemsize) // max(1, len(self))

    def padded(self, n_rows: int) -> "CsrRows":
        """Return these rows with as many empty ones after them as make so many."""
        more = np.full(n_rows - len(self), self.starts[-1])
        return replace(self, starts=np.concatenate([self.starts, more]))


def checked_csr(X: Matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the numbers of a CSR matrix, their columns, and where rows begin."""
    values, starts = np.ascontiguousarray(X.data), np.ascontiguousarray(X.indptr, np.int64)
    kind = np.int32 if X.indices.dtype == np.int32 else np.int64
    indices = np.ascontiguousarray(X.indices, kind)
    in_line = len(starts) == X.shape[0] + 1 and starts[0] >= 0 and (np.diff(starts) >= 0).all()
    if not in_line or starts[-1] > len(values) or len(values) != len(indices):
        refuse("X", "a sparse matrix whose indptr fits its rows", starts)
    if len(indices) and not (indices.min() >= 0 and indices.max() < X.shape[1]):
        refuse("X", f"a sparse matrix with indices from 0 to {X.shape[1] - 1}", indices)
    return values, indices, starts


def _rises(indices: np.ndarray, starts: np.ndarray) -> bool:
    """Whether the columns rise within each row. SciPy's flag may be of an earlier state."""
    used, begins = indices[starts[0] : starts[-1]], starts - starts[0]
    rises = np.append(used[1:] > used[:-1], True)
    rises[begins[begins > 0] - 1] = True  # from the last entry of a row to the next one
    return bool(rises.all())
