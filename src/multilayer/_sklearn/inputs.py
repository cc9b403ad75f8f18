"""From user input to arrays that the engine takes."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import (
    _check_feature_names,
    _check_sample_weight,
    validate_data,
)

from multilayer._core.checks import counted, refuse
from multilayer._core.errors import DataError
from multilayer._data import columns
from multilayer._data.frames import is_frame, is_missing
from multilayer._data.rows import Matrix, MatrixLike


def check_X(estimator: BaseEstimator, X: MatrixLike, *, reset: bool) -> Matrix:
    """Validate X; rows are brought to the computing type when they are taken."""
    X = _judged(estimator, X, reset=reset)
    with _gaps_named(X):
        return _numbers(
            validate_data(estimator, X, accept_sparse=["csr", "csc"], dtype="numeric", reset=reset)
        )


def check_X_y(
    estimator: BaseEstimator, X: MatrixLike, y: npt.ArrayLike, *, reset: bool, numeric: bool = False
) -> tuple[Matrix, Any]:
    """Validate X and y together; y stays as it is, apart from its shape, or is made numeric."""
    X = _judged(estimator, X, reset=reset)
    y = readable(y, numeric=numeric)
    with _gaps_named(X):
        X, y = validate_data(
            estimator,
            X,
            y,
            accept_sparse=["csr", "csc"],
            dtype="numeric",
            multi_output=True,
            y_numeric=numeric,
            reset=reset,
        )
    return _numbers(X), y


def _judged(estimator: BaseEstimator, X: MatrixLike, *, reset: bool) -> Any:
    """Refuse X whose columns contain anything but numbers; return it, a list as an array."""
    if isinstance(X, np.ndarray) and X.dtype.kind in "biuf":
        return X
    if isinstance(X, list | tuple):
        try:
            X = np.asarray(X)
        except ValueError:  # ragged: scikit-learn says so
            return X
    found = columns.others(X)
    missing = {} if found else columns.missing_objects(X)
    if (found or missing) and not reset:
        _check_feature_names(estimator, X, reset=False)  # other columns than in fit come first
    if found:
        raise _not_numbers("X", found)
    if missing:
        raise _has_missing(missing)
    return X


@contextmanager
def _gaps_named(X: MatrixLike) -> Iterator[None]:
    """Name the columns with missing and infinite values that scikit-learn found."""
    try:
        yield
    except ValueError as error:
        if not str(error).startswith("Input X contains"):
            raise
        gaps = columns.gaps(X)
        if gaps.missing:
            raise _has_missing(gaps.missing) from error
        if gaps.infinite:
            raise DataError(
                f"X contains infinity in {_columns_of(gaps.infinite)}. Replace these values, or "
                "drop these rows."
            ) from error
        raise


def _not_numbers(name: str, found: list[columns.Other]) -> DataError:
    return DataError(
        f"{name} must contain numbers, got {columns.described(found)}. {columns.remedy(found)}"
    )


def _has_missing(numbers: Mapping[Hashable, int]) -> DataError:
    return DataError(
        f"X contains NaN: values are missing in {_columns_of(numbers)}. Fill them, for example "
        "with sklearn.impute.SimpleImputer in a pipeline before the network, or drop these rows."
    )


def _columns_of(numbers: Mapping[Hashable, int]) -> str:
    """Return columns with how many of their values are meant."""
    word = "column" if len(numbers) == 1 else "columns"
    return f"{word} {counted(numbers)}"


def _numbers(X: Matrix) -> Matrix:
    """Refuse dates and durations, which NumPy would take for whole numbers."""
    if X.dtype.kind in "mM":  # of an array-like that is judged as an array only now
        raise DataError(
            f"X must contain numbers, got {X.dtype} (datetime64 or timedelta64). Turn dates into "
            "numbers, for example days since the first one."
        )
    return X


def type_of_results(X: Matrix, dtype: str) -> np.dtype:
    """Return the type that scikit-learn's results for X have: the computing one, or float64."""
    return np.result_type(X.dtype, dtype) if X.dtype.kind in "biuf" else np.dtype(np.float64)


def refuse_huge(X: Matrix, dtype: str) -> None:
    """Refuse values so large that a network's outputs overflowed."""
    largest = abs(X).max()
    if largest > np.sqrt(np.finfo(dtype).max):
        raise DataError(
            f"X contains values too large for the network, up to {largest:.3g}: its outputs "
            f"overflow {dtype}. Scale the columns as in training."
        )


def readable(y: npt.ArrayLike, *, numeric: bool) -> Any:
    """Refuse targets that cannot be used, before scikit-learn fails on them."""
    if y is None or sparse.issparse(y):
        return y
    found = columns.others(y) if numeric and is_frame(y) else []
    if found:
        raise _not_numbers("y", found)
    try:
        values = np.asarray(y, dtype=object if isinstance(y, list | tuple) else None)
    except ValueError:  # ragged: scikit-learn says so
        return y
    if values.ndim == 0:  # no array at all: scikit-learn says so
        return y
    if values.dtype.names:
        raise DataError(
            f"y must be a plain array, got a structured one: {values.dtype}. Convert it, for "
            "example to one of its fields."
        )
    if values.dtype.kind == "T":  # NumPy's text of any length
        y = values = values.astype(object)
    if values.dtype.kind == "O":
        _refuse_objects(values, made_here=isinstance(y, list | tuple), numeric=numeric)
    elif numeric and values.dtype.kind not in "buifc":  # complex: scikit-learn says so
        raise DataError(
            f"y must contain numbers, got dtype {values.dtype}. Convert it with y.astype(float)."
        )
    return y


def _refuse_objects(values: np.ndarray, *, made_here: bool, numeric: bool) -> None:
    """Look at Python's objects one by one; ``made_here`` if they come from a list."""
    kinds: set[type] = set()
    for value in values.ravel():
        kinds.add(type(value))
        if is_missing(value):
            raise DataError("y contains NaN or missing values (None, pd.NA). Drop those rows.")
    if numeric:
        _refuse_non_numbers(values)
        return
    names = sorted(kind.__name__ for kind in kinds)
    text = [kind for kind in kinds if issubclass(kind, str)]
    if text and len(text) < len(kinds):
        raise DataError(
            f"y must not mix text (str) with other labels, got {names}. Convert it with "
            "y.astype(str)."
        )
    other = [kind for kind in kinds if not issubclass(kind, str | bytes | list)]
    if other and not made_here:
        raise DataError(
            f"Unknown label type: y is an object array of {names}. Convert it, for example with "
            "y.astype(int) or y.astype(str)."
        )


def _refuse_non_numbers(values: np.ndarray) -> None:
    try:
        values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"y must contain numbers: {error}. Convert it with y.astype(float)."
        ) from error


def check_weight(sample_weight: npt.ArrayLike | None, X: Matrix, dtype: str) -> np.ndarray:
    """Sample weights of shape ``(n_samples,)``, ones where none are given."""
    if sample_weight is None:
        return np.ones(X.shape[0], dtype)
    if isinstance(sample_weight, str | Mapping):
        refuse(
            "sample_weight",
            "an array with one number per sample",
            sample_weight,
            "Weights by class are the constructor's class_weight.",
        )
    given = np.asarray(sample_weight)
    if given.size and not np.any(given != 0):
        raise DataError(
            "sample_weight must not be zero everywhere. Sample weights must contain at least one "
            "non-zero number: leave the argument out to weight all samples equally."
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


def is_streamed(given: MatrixLike, checked: Matrix) -> bool:
    """Whether X stays where it is while chunks of it are trained on."""
    return sparse.issparse(checked) or isinstance(given, np.memmap)


# What several methods compute of the same rows ---------------------------------------------------

_REMEMBERED: ContextVar[dict[tuple[int, int], tuple[object, np.ndarray]] | None] = ContextVar(
    "_REMEMBERED", default=None
)


@contextmanager
def outputs_remembered() -> Iterator[None]:
    """Compute the outputs of an estimator for the same rows once within the block.

    Scores and predictions of a search need the same forward pass. Neither the estimators nor the
    rows may change meanwhile.
    """
    token = _REMEMBERED.set({})
    try:
        yield
    finally:
        _REMEMBERED.reset(token)


def remembered(
    estimator: BaseEstimator, X: object, compute: Callable[[], np.ndarray]
) -> np.ndarray:
    """Return what an estimator computes of rows: within such a block read-only, and only once."""
    known = _REMEMBERED.get()
    if known is None:
        return compute()
    key = id(estimator), id(X)
    if key not in known:
        result = compute()
        result.flags.writeable = False
        known[key] = X, result  # with the rows, so that no others get their place in memory
    return known[key][1]
