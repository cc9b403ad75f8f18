"""From what a user hands in to arrays that the engine takes."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _check_sample_weight, validate_data

from multilayer._core.errors import DataError

KEPT = ("float32", "float16", "uint8", "int8", "uint16", "int16")
"""Types of X that go to the device as they are; all others become the computing type."""

Matrix: TypeAlias = Any
"""A 2-D array of NumPy's, or a sparse one of SciPy's."""


def check_X(estimator: Any, X: Any, *, reset: bool) -> Matrix:
    """Validate X; rows are brought to the computing type when they are taken."""
    return validate_data(estimator, X, accept_sparse=["csr", "csc"], dtype="numeric", reset=reset)


def check_X_y(estimator: Any, X: Any, y: Any, *, reset: bool) -> tuple[Matrix, Any]:
    """Validate X and y together; y stays as it is, apart from its shape."""
    return validate_data(
        estimator,
        X,
        y,
        accept_sparse=["csr", "csc"],
        dtype="numeric",
        multi_output=True,
        reset=reset,
    )


def compact(X: np.ndarray, dtype: str) -> np.ndarray:
    """Convert to the computing type, unless X is of a type that the engine takes as it is."""
    if X.dtype == bool:
        return X.astype(np.uint8)
    if X.dtype == dtype or (X.dtype.name in KEPT and dtype == "float32"):
        return X
    with np.errstate(over="ignore"):
        converted = X.astype(dtype)
    if X.dtype.kind == "f" and not np.isfinite(np.sum(converted, dtype=np.float64)):
        raise DataError(
            f"X contains a value too large for dtype('{dtype}'). Scale the columns first, for "
            "example with sklearn.preprocessing.StandardScaler."
        )
    return converted


def check_weight(sample_weight: Any, X: Matrix, dtype: str) -> np.ndarray:
    """Sample weights of shape ``(n_samples,)``, ones where none are given."""
    if sample_weight is None:
        return np.ones(X.shape[0], dtype)
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weight.sum() > 0:
        raise DataError(
            "sample_weight must have at least one weight above zero, but all of them are zero. "
            "Leave it out to weigh all samples the same."
        )
    return weight.astype(dtype)


def is_streamed(X: Any) -> bool:
    """Whether X stays where it is while chunks of it are trained on."""
    return sparse.issparse(X) or isinstance(X, np.memmap)


def row_taker(X: Matrix, dtype: str) -> Callable[[Any], np.ndarray]:
    """Return a function that takes rows of X, by numbers or a slice, dense and compact."""
    if sparse.issparse(X):
        by_row = X.tocsr()
        return lambda rows: compact(by_row[rows].toarray(), dtype)
    return lambda rows: compact(np.asarray(X[rows]), dtype)
