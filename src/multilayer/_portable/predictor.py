"""Rows, and what predicts for them, with NumPy alone."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from multilayer._core.errors import DataError, ModelFileError
from multilayer._data.columns import MEASURED, kinds_in
from multilayer._data.frames import columns_of, is_frame
from multilayer._sklearn.saving.model_steps import TransformerValues

if TYPE_CHECKING:
    from multilayer._data.frames import Frame


# From a user's table to rows of numbers or of labels ---------------------------------------------


Table: TypeAlias = "npt.ArrayLike | Frame"
"""A table as `predict` accepts it."""


def table(X: Table, n_features: int, names: np.ndarray | None) -> np.ndarray:
    """Return X as an array ``(rows, n_features)``, after a look at its shape and its columns.

    Parameters
    ----------
    X : array-like or data frame
        Rows. The columns of a frame must be those of training, in their order.
    n_features : int
        Number of columns that it must have.
    names : ndarray of str or None
        Their names, where they had some in training.

    Raises
    ------
    DataError
        X is no such table (a ValueError).
    """
    if hasattr(X, "toarray"):
        raise DataError("X must be dense, got a sparse matrix. Convert it with X.toarray().")
    given = names_of(X)
    try:
        array = _objects(X) if _has_dates(X) else np.asarray(X)
    except ValueError as error:  # rows of unequal length
        raise DataError(f"X must be a table of rows of equal length: {error}.") from error
    if array.ndim != 2 or len(array) == 0:
        raise DataError(
            f"X must be a table with one row for each sample, got an array of shape {array.shape}. "
            "Expected 2D array: for one sample use X.reshape(1, -1)."
        )
    if given is not None and names is not None and given != list(names):
        raise DataError(
            f"X must have the columns of training, in their order: {list(names)}, got {given}."
        )
    if array.shape[1] != n_features:
        raise DataError(f"X has {array.shape[1]} features, but {n_features} are expected.")
    return array


def _has_dates(X: Table) -> bool:
    """Whether columns hold dates or durations, which NumPy would convert to numbers."""
    return is_frame(X) and any(column.kind in MEASURED for column in columns_of(X, every=False))


def _objects(X: "Frame") -> np.ndarray:
    """Return a table as an array of Python objects: a step may leave the dates out."""
    columns = [column.values() for column in columns_of(X, every=True)]
    array = np.empty((len(columns[0]), len(columns)), object)
    for place, values in enumerate(columns):
        array[:, place] = values
    return array


def names_of(X: Table) -> list[str] | None:
    """Return the names of the columns of a frame, None where they are none or no text."""
    columns = getattr(X, "columns", None)
    names = [] if columns is None else list(columns)
    return names if names and all(isinstance(name, str) for name in names) else None


def numbers(X: np.ndarray, *, missing: bool = False) -> np.ndarray:
    """Return a table of finite numbers; `missing` says whether NaN is allowed."""
    if X.dtype.kind == "O":
        for kind in kinds_in(X).keys() & MEASURED:
            raise DataError(f"X must contain numbers, got {kind}. Turn them into numbers.")
        try:
            X = X.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"X must contain numbers: {error}.") from error
    if X.dtype.kind not in "biuf":
        raise DataError(f"X must contain numbers, got {X.dtype}. Turn its columns into numbers.")
    if X.dtype.kind == "f" and not (np.isfinite(X) | (missing & np.isnan(X))).all():
        what = "infinity" if missing else "NaN or infinity"
        raise DataError(f"X contains {what}. Fill or drop such values, as in training.")
    return X


def real(X: np.ndarray, *, missing: bool = False) -> np.ndarray:
    """Return a table of floats: float32 and float16 as they are, all else in float64."""
    X = numbers(X, missing=missing)
    return X if X.dtype.kind == "f" else X.astype(np.float64)


def converted_to(dtype: np.dtype, X: np.ndarray) -> np.ndarray:
    """Return a table of numbers in the type that a network computes in."""
    with np.errstate(over="ignore"):
        converted = X.astype(dtype, copy=False)
    larger = X.dtype.kind == "f" and X.dtype.itemsize > dtype.itemsize
    if larger and not np.isfinite(converted).all():
        raise DataError(
            f"X contains a value too large for {dtype!r}. Scale the columns as in training."
        )
    return converted


# The base of all predictors: the steps before them, and the check of the rows --------------------


Transform: TypeAlias = Callable[[Any], np.ndarray]
"""Takes a table, as an array unless the step reads tables, and returns one."""
Transforms: TypeAlias = Mapping[str, Callable[[TransformerValues], Transform]]
"""By kind of transformer, what makes a transform from its values."""


@dataclass(frozen=True)
class Step:
    """A preprocessing step that is fitted."""

    transform: Transform
    n_features_in: int
    feature_names_in: np.ndarray | None
    reads_tables: bool = False  # whether it takes tables of every kind as they come


def through(steps: Sequence[Step], X: np.ndarray) -> np.ndarray:
    """Return a table after all steps, in order."""
    for step in steps:
        if X.shape[1] != step.n_features_in:
            raise ModelFileError(
                f"the model's steps do not fit together: one takes {step.n_features_in} columns, "
                f"the one before returns {X.shape[1]}. Train or copy the file again."
            )
        X = step.transform(X)
    return X


class Predictor(ABC):
    """A fitted model that predicts with NumPy alone.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(self, before: Sequence[Step], own: Step) -> None:
        self._before = tuple(before)
        self._own = own
        first = [*before, own][0]
        self.n_features_in_ = first.n_features_in
        if first.feature_names_in is not None:
            self.feature_names_in_ = first.feature_names_in

    @abstractmethod
    def predict(self, X: Table) -> np.ndarray:
        """Predict classes or numbers."""

    def _outputs(self, X: Table) -> np.ndarray:
        """Return the output of the last step for rows."""
        first, *others = (*self._before, self._own)
        if first.reads_tables:
            return through(others, first.transform(X))
        rows = table(X, self.n_features_in_, getattr(self, "feature_names_in_", None))
        return through((first, *others), rows)
