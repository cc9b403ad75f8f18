"""Columns of numbers: as they are, or by the intervals they fall into."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from multilayer._core.checks import check_integer, refuse
from multilayer._core.errors import DataError
from multilayer._data.columns import kinds_in
from multilayer.estimator.feature_reading import (
    CategoricalColumn,
    DenseColumn,
    Features,
    check_key,
    one_hot,
    raw_feature,
)


@dataclass(frozen=True)
class NumericColumn(DenseColumn):
    """A feature of numbers as it is, in its own type where the engine takes that."""

    key: str
    shape: tuple[int, ...]
    default_value: tuple[float, ...] | None
    dtype: str | None
    normalizer_fn: Callable[[np.ndarray], np.ndarray] | None

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.key

    @property
    def keys(self) -> tuple[str, ...]:
        """Features that it is made of."""
        return (self.key,)

    @property
    def width(self) -> int:
        """Numbers per row."""
        return int(np.prod(self.shape))

    def values(self, features: Features) -> np.ndarray:
        """Return numbers ``(rows, width)``."""
        values = self._numbers(raw_feature(features, self.key))
        rows = len(values)
        if self.shape == (1,) and values.ndim == 1:
            values = values[:, None]
        if values.shape[1:] != self.shape:
            raise DataError(
                f"feature {self.key!r} must have shape (rows, {str(self.shape)[1:-1].rstrip(',')}) "
                f"as its column says, got {values.shape}. Give shape={values.shape[1:]}."
            )
        if self.default_value is not None:
            filled = np.array(self.default_value, values.dtype).reshape(1, *self.shape)
            values = np.where(np.isnan(values), filled, values)
        if self.normalizer_fn is not None:
            values = self._normalized(values)
        values = values.reshape(rows, self.width)
        self._check_finite(values)
        return values

    def _numbers(self, values: np.ndarray) -> np.ndarray:
        """Check that values are numbers, in the column's type where it has one."""
        for kind, example in kinds_in(values).items():
            raise DataError(
                f"feature {self.key!r} must contain numbers, got {kind}, for example {example!r}. "
                "Encode it as numbers."
            )
        try:
            return values.astype(
                self.dtype or (float if values.dtype == object else values.dtype), copy=False
            )
        except (ValueError, TypeError) as error:
            raise DataError(f"feature {self.key!r} must contain numbers: {error}.") from error

    def _normalized(self, values: np.ndarray) -> np.ndarray:
        assert self.normalizer_fn is not None
        normalized = np.asarray(self.normalizer_fn(values))
        if normalized.shape != values.shape:
            raise DataError(
                f"normalizer_fn of {self.key!r} must keep the shape {values.shape}, it returned "
                f"{normalized.shape}."
            )
        return normalized

    def _check_finite(self, values: np.ndarray) -> None:
        if values.dtype.kind not in "fiub":
            raise DataError(f"feature {self.key!r} must contain real numbers, got {values.dtype}.")
        with np.errstate(over="ignore", invalid="ignore"):
            total = np.sum(values, dtype=np.float64)
        if not np.isfinite(total):
            raise DataError(
                f"feature {self.key!r} must contain finite numbers, got NaN or infinity. Give a "
                "default_value for missing ones."
            )


@dataclass(frozen=True)
class BucketizedColumn(DenseColumn, CategoricalColumn):
    """Which of the intervals between boundaries a number is in: ``b[i-1] <= x < b[i]``."""

    source: NumericColumn
    boundaries: tuple[float, ...]

    @property
    def name(self) -> str:
        """Name of the column."""
        return f"{self.source.name}_bucketized"

    @property
    def keys(self) -> tuple[str, ...]:
        """Features that it is made of."""
        return self.source.keys

    @property
    def n_buckets(self) -> int:
        """Number of intervals."""
        return len(self.boundaries) + 1

    @property
    def width(self) -> int:
        """Numbers per row."""
        return self.source.width * self.n_buckets

    def _intervals(self, features: Features) -> np.ndarray:
        return np.searchsorted(self.boundaries, self.source.values(features), side="right")

    def values(self, features: Features) -> np.ndarray:
        """Return one indicator of each interval, ``(rows, width)`` uint8."""
        intervals = self._intervals(features)
        return one_hot(intervals.ravel(), self.n_buckets).reshape(len(intervals), self.width)

    def ids(self, features: Features) -> np.ndarray:
        """Return the number of the interval, ``(rows,)``."""
        if self.source.width != 1:
            raise DataError(
                f"column {self.source.name!r} must contain one number in each row to serve as a "
                f"category, got {self.source.width}."
            )
        return self._intervals(features)[:, 0]


def numeric_column(
    key: str,
    shape: int | Sequence[int] = (1,),
    default_value: float | Sequence[float] | None = None,
    dtype: npt.DTypeLike | None = None,
    normalizer_fn: Callable[[np.ndarray], np.ndarray] | None = None,
) -> NumericColumn:
    """Column of a numeric feature.

    Parameters
    ----------
    key : str
        Name of the feature.
    shape : int or sequence of int, default=(1,)
        Shape of the feature in one row; what has several axes is laid out in one.
    default_value : float or sequence of float, default=None
        What missing numbers (NaN) become; None refuses them.
    dtype : dtype of numbers, default=None
        Type that the feature is converted to; None leaves it. Small types, such as the uint8 of
        images, stay small in memory and become float32 batch by batch.
    normalizer_fn : callable, default=None
        ``normalizer_fn(values) -> values``, of an array ``(rows, *shape)``.

    Returns
    -------
    column : NumericColumn

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> from multilayer import estimator
    >>> column = estimator.numeric_column("X", shape=[28 * 28])
    >>> column.shape
    (784,)
    """
    check_key(key)
    sizes = tuple(shape) if isinstance(shape, Iterable) else (shape,)
    for size in sizes:
        check_integer("shape", size, 1)
    if normalizer_fn is not None and not callable(normalizer_fn):
        refuse("normalizer_fn", "a function of an array, or None", normalizer_fn)
    defaults = None if default_value is None else np.ravel(np.asarray(default_value, float))
    n_values = int(np.prod(sizes))
    if defaults is not None and len(defaults) not in (1, n_values):
        refuse("default_value", f"one number, or {n_values} as shape says", default_value)
    return NumericColumn(
        key,
        tuple(int(size) for size in sizes),
        None if defaults is None else tuple(np.broadcast_to(defaults, n_values).tolist()),
        _number_type(dtype),
        normalizer_fn,
    )


def _number_type(dtype: npt.DTypeLike | None) -> str | None:
    if dtype is None:
        return None
    try:
        found = np.dtype(dtype)
    except TypeError:
        refuse("dtype", "a numeric NumPy type", dtype, "Such as 'float32'.")
    if found.kind not in "fiu":
        refuse("dtype", "a numeric NumPy type", dtype, "Such as 'float32'.")
    return found.name


def bucketized_column(
    source_column: NumericColumn, boundaries: Sequence[float]
) -> BucketizedColumn:
    """Column of the intervals that numbers fall into.

    Parameters
    ----------
    source_column : NumericColumn
        What :func:`numeric_column` returned.
    boundaries : sequence of float
        Ascending; ``n`` of them make ``n + 1`` intervals, each with its lower end.

    Returns
    -------
    column : BucketizedColumn
        A column of indicators; also a category, for :func:`crossed_column` and
        :func:`embedding_column`, where the source has one number in a row.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> from multilayer import estimator
    >>> age = estimator.numeric_column("age")
    >>> estimator.bucketized_column(age, [18, 65]).n_buckets
    3
    """
    if not isinstance(source_column, NumericColumn):
        refuse("source_column", "a numeric_column", source_column)
    limits = tuple(float(b) for b in boundaries)
    if not limits or any(a >= b for a, b in pairwise(limits)):
        refuse("boundaries", "at least one number, in ascending order", boundaries)
    return BucketizedColumn(source_column, limits)
