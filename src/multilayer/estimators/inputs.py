"""From what a user hands in to arrays that the engine takes."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _check_sample_weight, validate_data

from multilayer._core.errors import DataError
from multilayer._data.rows import Matrix


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


def check_weight(sample_weight: Any, X: Matrix, dtype: str) -> np.ndarray:
    """Sample weights of shape ``(n_samples,)``, ones where none are given."""
    if sample_weight is None:
        return np.ones(X.shape[0], dtype)
    if not np.any(np.asarray(sample_weight) != 0):
        raise DataError(
            "sample_weight must not be zero everywhere. Sample weights must contain at least one "
            "non-zero number: leave the argument out to weigh all samples the same."
        )
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    with np.errstate(over="ignore", under="ignore"):
        weight = weight.astype(dtype)
    total = weight.sum(dtype=np.float64)
    if not 0 < total < np.finfo(dtype).max:
        raise DataError(
            f"sample_weight must have a sum that {dtype} can hold, got {total:g}. Divide the "
            "weights by their mean."
        )
    return weight


def is_streamed(X: Any) -> bool:
    """Whether X stays where it is while chunks of it are trained on."""
    return sparse.issparse(X) or isinstance(X, np.memmap)
