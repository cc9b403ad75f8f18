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
