"""Rows of a user's matrix, brought to a type the engine takes. NumPy alone."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
import numpy.typing as npt

from multilayer._core.errors import DataError

if TYPE_CHECKING:
    from scipy import sparse


ACCEPTED = ("float32", "float16", "uint8", "int8", "uint16", "int16")
"""Types of X that go to the device as they are; all others become the computing type."""

Matrix: TypeAlias = Any
"""A 2-D NumPy array, or a sparse SciPy one."""


MatrixLike: TypeAlias = Union[npt.ArrayLike, "sparse.spmatrix", "sparse.sparray"]
"""What users pass as X: an array, a data frame, rows in a list, a sparse matrix."""


def compact(X: np.ndarray, dtype: str) -> np.ndarray:
    """Convert to the computing type, unless X is of a type that the engine takes as it is."""
    if X.dtype == bool:
        return X.astype(np.uint8)
    X = X.astype(X.dtype.newbyteorder("="), copy=False)
    if X.dtype == dtype or X.dtype.name in ACCEPTED:
        return X
    with np.errstate(over="ignore", invalid="ignore"):
        converted = X.astype(dtype)
        finite = X.dtype.kind not in "fO" or np.isfinite(np.sum(converted, dtype=np.float64))
    if not finite:
        raise DataError(
            f"X contains a value too large for dtype('{dtype}'). Scale the columns first, for "
            "example with sklearn.preprocessing.StandardScaler."
        )
    return converted


def row_taker(X: Matrix, dtype: str) -> Callable[[np.ndarray | slice], np.ndarray]:
    """Return a function that takes rows of X, by numbers or a slice, dense and compact."""
    if isinstance(X, np.ndarray):
        return lambda rows: compact(np.asarray(X[rows]), dtype)
    by_row = X.tocsr()

    def take(rows: np.ndarray | slice) -> np.ndarray:
        picked = by_row[rows]
        # Converted before the zeros are there, which would take memory in a larger type too.
        parts = compact(picked.data, dtype), picked.indices, picked.indptr
        return type(picked)(parts, shape=picked.shape).toarray()

    return take
