"""Raw tables of any library, read column by column: pandas, polars, pyarrow, NumPy, lists, SciPy.

No library is imported to read its tables: whoever has a table has loaded its library.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from multilayer._core.checks import count, listed
from multilayer._core.errors import DataError
from multilayer._data.frames import kind_of_arrow, kind_of_polars, library_of
from multilayer._data.moments import seconds_of_dates, seconds_of_durations, zone_name
from multilayer._data.raw_columns import (
    RawColumn,
    RawNumbers,
    RawTimes,
    Unreadable,
    from_objects,
    levels_from,
)

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from scipy import sparse

    from multilayer._data.frames import Frame

TableLike: TypeAlias = "npt.ArrayLike | Frame | sparse.spmatrix | sparse.sparray"
"""A data frame, an array, rows in a list, or a sparse matrix."""

FEW_ROWS = 64
"""Up to so many rows Python's own loops are faster than calls of a library."""


class RawTable(ABC):
    """A table whose columns can be read one by one."""

    n_rows: int
    n_columns: int
    names: tuple[str, ...] | None = None  # where all names are text
    every_level = True  # whether categories without rows are read too, if the type lists them

    @abstractmethod
    def read(self, place: int) -> RawColumn:
        """Read a column by its place."""

    def column(self, place: int) -> RawColumn:
        """Read a column by its place, and name it in errors."""
        try:
            return self.read(place)
        except DataError as error:
            name = place if self.names is None else self.names[place]
            raise DataError(f"{error} This is about column {name!r}.") from error.__cause__

    @abstractmethod
    def dtype(self, place: int) -> str:
        """Return the type of a column as its library writes it."""

    @cached_property
    def places(self) -> dict[str, int]:
        """Where the column of each name is."""
        return {name: place for place, name in enumerate(self.names or ())}


def open_table(X: TableLike, *, every_level: bool = True) -> RawTable:
    """Return a table for reading; what has no rows and columns is refused.

    Without ``every_level`` the levels are those that have rows: one row is then read in no time.
    """
    library = library_of(X)
    if library is not None:
        table = FRAME_TABLES[library](X)
    elif hasattr(X, "tocsc"):
        table = SparseTable(X)
    else:
        table = ArrayTable(plain_array(X))
    table.every_level = every_level
    if table.n_columns == 0:
        shape = f"(shape=({table.n_rows}, 0))"
        raise DataError(f"X has 0 feature(s) {shape} while a minimum of 1 is required.")
    if table.n_rows == 0:
        shape = f"(shape=(0, {table.n_columns}))"
        raise DataError(f"X has 0 sample(s) {shape} while a minimum of 1 is required.")
    return table


def _text_names(names: list[object]) -> tuple[str, ...] | None:
    """Return names that are all text, None if none is; duplicates and mixtures are refused."""
    text = [name for name in names if isinstance(name, str)]
    if text and len(text) < len(names):
        other = next(name for name in names if not isinstance(name, str))
        raise DataError(
            f"X must have column names that are all text, or none that is: got {text[0]!r} and "
            f"{other!r}. Convert them with X.columns = X.columns.astype(str)."
        )
    twice = [name for name, number in _counts(names).items() if number > 1]
    if twice:
        raise DataError(
            f"X must have a different name for each column, got more than one named "
            f"{listed(twice)}. Rename them, or leave out all but one."
        )
    return tuple(text) or None


def _counts(names: list[object]) -> dict[object, int]:
    counts: dict[object, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


# Data frames -------------------------------------------------------------------------------------


class PandasTable(RawTable):
    """A data frame of pandas."""

    def __init__(self, frame: "pd.DataFrame") -> None:
        self.frame = frame
        self.n_rows, self.n_columns = frame.shape
        self.names = _text_names(list(frame.columns))
        self.dtypes = frame.dtypes.tolist()

    def dtype(self, place: int) -> str:
        """Return the type of a column."""
        return str(self.dtypes[place])

    def read(self, place: int) -> RawColumn:
        """Read a column by its place."""
        dtype = self.dtypes[place]
        # By name is faster, which counts when rows are predicted one by one.
        series = self.frame.iloc[:, place] if self.names is None else self.frame[self.names[place]]
        if isinstance(dtype, np.dtype):
            return from_array(series.to_numpy())
        if hasattr(dtype, "pyarrow_dtype"):
            chunks = sys.modules["pyarrow"].chunked_array(series.array.__arrow_array__())
            return from_arrow(chunks, every_level=self.every_level)
        name = type(dtype).__name__
        if name == "CategoricalDtype":
            codes, categories = series.array.codes, dtype.categories
            if not self.every_level and len(categories) > self.n_rows + FEW_ROWS:
                codes, used = used_codes(codes)
                categories = categories.take(used)
            ordered = bool(dtype.ordered)
            return levels_from(codes, categories.tolist(), declared=True, ordered=ordered)
        if name == "StringDtype":
            return self._text(series)
        if name == "DatetimeTZDtype":
            moments = series.to_numpy(f"datetime64[{dtype.unit}]")
            return RawTimes(seconds_of_dates(moments), zone_name(dtype.tz))
        if name == "PeriodDtype":
            return from_array(series.dt.to_timestamp().to_numpy())
        if dtype.kind in "biuf":  # nullable and sparse numbers
            numbers = series.to_numpy(np.float64, na_value=np.nan)
            return RawNumbers(numbers, boolean=dtype.kind == "b")
        return from_objects(series.tolist())

    def _text(self, series: "pd.Series") -> RawColumn:
        if self.n_rows <= FEW_ROWS:
            return from_objects(series.tolist())
        codes, values = series.factorize()
        return levels_from(codes, values.tolist())


class PolarsTable(RawTable):
    """A data frame of polars."""

    def __init__(self, frame: "pl.DataFrame") -> None:
        self.frame = frame
        self.n_rows, self.n_columns = frame.shape
        self.names = _text_names(list(frame.columns))

    def dtype(self, place: int) -> str:
        """Return the type of a column."""
        return str(self.frame.dtypes[place])

    def read(self, place: int) -> RawColumn:
        """Read a column by its place."""
        series = self.frame.to_series(place)
        pl, dtype = sys.modules["polars"], series.dtype
        name, kind = dtype.base_type().__name__, kind_of_polars(dtype)
        if name in ("Categorical", "Enum"):
            return self._categories(series, declared=True)
        if name == "String":
            few = self.n_rows <= FEW_ROWS
            return from_objects(series.to_list()) if few else self._categories(series)
        if kind == "dates":
            microseconds = series.dt.epoch("us").cast(pl.Float64).to_numpy()
            zone = getattr(dtype, "time_zone", None)
            return RawTimes(microseconds / 1e6, None if zone is None else zone_name(zone))
        if kind == "durations":
            return RawNumbers(series.dt.total_microseconds().cast(pl.Float64).to_numpy() / 1e6)
        if kind == "times of day":
            return RawNumbers(series.to_physical().cast(pl.Float64).to_numpy() / 1e9)
        if kind == "numbers":
            return RawNumbers(series.cast(pl.Float64).to_numpy(), boolean=name == "Boolean")
        if kind == "objects":
            return from_objects(series.to_list())
        return _unreadable(kind, series.to_list())

    def _categories(self, series: "pl.Series", *, declared: bool = False) -> RawColumn:
        pl = sys.modules["polars"]
        if isinstance(series.dtype, pl.Enum) and self.every_level:
            values = series.dtype.categories.to_list()
        else:
            # The numbers of a Categorical are shared with all others of the process.
            series = series.cast(pl.String)
            values = series.unique().drop_nulls().to_list()
            series = series.cast(pl.Enum(values))
        codes = series.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
        return levels_from(codes, values, declared=declared)


class ArrowTable(RawTable):
    """A table of pyarrow."""

    def __init__(self, table: "pa.Table") -> None:
        self.table = table
        self.n_rows, self.n_columns = table.shape
        self.names = _text_names(table.column_names)

    def dtype(self, place: int) -> str:
        """Return the type of a column."""
        return str(self.table.schema.types[place])

    def read(self, place: int) -> RawColumn:
        """Read a column by its place."""
        return from_arrow(self.table.column(place), every_level=self.every_level)


FRAME_TABLES: dict[str, Callable[..., RawTable]] = {
    "pandas": PandasTable,
    "polars": PolarsTable,
    "pyarrow": ArrowTable,
}


def from_arrow(chunks: "pa.ChunkedArray", *, every_level: bool = True) -> RawColumn:
    """Read a column of pyarrow."""
    pa, kind = sys.modules["pyarrow"], kind_of_arrow(chunks.type)
    if hasattr(chunks.type, "value_type") and hasattr(chunks.type, "ordered"):  # a dictionary
        array = chunks.unify_dictionaries().combine_chunks()
        codes, dictionary = _arrow_codes(array), array.dictionary
        if not every_level and len(dictionary) > len(codes) + FEW_ROWS:
            codes, used = used_codes(codes)
            dictionary = dictionary.take(pa.array(used))
        values, ordered = dictionary.to_pylist(), chunks.type.ordered
        return levels_from(codes, values, declared=True, ordered=ordered)
    if kind == "text":
        if len(chunks) <= FEW_ROWS:
            return from_objects(chunks.to_pylist())
        array = chunks.cast(pa.large_string()).dictionary_encode()
        array = array.unify_dictionaries().combine_chunks()
        return levels_from(_arrow_codes(array), array.dictionary.to_pylist())
    if kind == "dates":
        zone = getattr(chunks.type, "tz", None)
        moments = chunks.cast(pa.timestamp("us", zone), safe=False).to_numpy()
        return RawTimes(seconds_of_dates(moments), None if zone is None else zone_name(zone))
    if kind == "durations":
        return RawNumbers(seconds_of_durations(chunks.to_numpy()))
    if kind == "times of day":
        whole = chunks.cast(pa.time64("ns")).cast(pa.int64())
        return RawNumbers(whole.cast(pa.float64(), safe=False).to_numpy() / 1e9)
    if kind == "numbers":
        numbers = chunks.cast(pa.float64(), safe=False).to_numpy()
        return RawNumbers(numbers, boolean=chunks.type == pa.bool_())
    return _unreadable(kind, chunks.to_pylist())


def _arrow_codes(array: "pa.DictionaryArray") -> np.ndarray:
    return array.indices.cast("int64").fill_null(-1).to_numpy(zero_copy_only=False)


def used_codes(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the codes that occur anew, and return them in order; -1 remains."""
    used, new = np.unique(codes, return_inverse=True)
    missing = np.count_nonzero(used < 0)
    return new - missing, used[missing:]


def _unreadable(kind: str, values: list[object]) -> Unreadable:
    return Unreadable(kind, next((value for value in values if value is not None), None))


# Arrays and matrices -----------------------------------------------------------------------------


def plain_array(X: npt.ArrayLike) -> np.ndarray:
    """Return an array with two dimensions; values of a list keep their types."""
    if isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X.astype(object), None)
    try:
        array = np.asarray(X)
        if array.dtype.kind in "UST" and not isinstance(X, np.ndarray):
            array = np.asarray(X, dtype=object)
    except ValueError as error:
        raise DataError(f"X must be a table with rows of the same length: {error}.") from error
    if array.dtype.names:
        raise DataError(
            f"X must be a plain array, got a structured one: {array.dtype}. Convert it, for "
            "example with pandas.DataFrame(X)."
        )
    if array.ndim != 2:
        raise DataError(
            f"X must be a table: Expected 2D array, got {array.ndim}D array instead. Reshape your "
            "data either using array.reshape(-1, 1) if it has a single feature or "
            "array.reshape(1, -1) if it has a single sample."
        )
    if array.dtype.kind == "c":
        raise DataError(
            "Complex data not supported: X must not contain complex numbers. Use X.real."
        )
    return array


class ArrayTable(RawTable):
    """An array of numbers, dates, text or objects."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.n_rows, self.n_columns = array.shape

    def dtype(self, place: int) -> str:
        """Return the type of a column."""
        return str(self.array.dtype)

    def read(self, place: int) -> RawColumn:
        """Read a column by its place."""
        return from_array(self.array[:, place])


def from_array(values: np.ndarray) -> RawColumn:
    """Read an array with one dimension."""
    kind = values.dtype.kind
    if kind in "biuf":
        return RawNumbers(values.astype(np.float64), boolean=kind == "b")
    if kind == "M":
        return RawTimes(seconds_of_dates(values))
    if kind == "m":
        return RawNumbers(seconds_of_durations(values))
    if kind == "c":
        return Unreadable("complex numbers", values[0] if len(values) else None)
    return from_objects(values.tolist())


class SparseTable(RawTable):
    """A sparse matrix of SciPy, whose columns become dense one by one."""

    def __init__(self, matrix: "sparse.spmatrix | sparse.sparray") -> None:
        if matrix.ndim != 2:
            raise DataError(f"X must be a table: Expected 2D array, got {matrix.ndim}D array.")
        self.n_rows, self.n_columns = matrix.shape
        if matrix.dtype.kind == "c":
            raise DataError("Complex data not supported: X must not contain complex numbers.")
        self.columns = matrix.tocsc()

    def dtype(self, place: int) -> str:
        """Return the type of a column."""
        return f"sparse {self.columns.dtype}"

    def read(self, place: int) -> RawColumn:
        """Read a column by its place."""
        start, end = self.columns.indptr[place : place + 2]
        values = np.zeros(self.n_rows)
        # Entries of the same place are added up, as SciPy does.
        np.add.at(values, self.columns.indices[start:end], self.columns.data[start:end])
        return RawNumbers(values, boolean=self.columns.dtype.kind == "b")


def refuse_huge(n_rows: int, n_columns: int, limit: int) -> None:
    """Refuse a dense matrix of float32 that takes more bytes than ``limit``."""
    needed = 4 * n_rows * n_columns
    if needed > limit:
        raise DataError(
            f"X would take {needed / 1e9:.1f} GB as a dense matrix of {count(n_rows, 'row')} and "
            f"{count(n_columns, 'column')}, more than {limit / 1e9:g} GB. Reduce its columns "
            "first, for example with sklearn.decomposition.TruncatedSVD."
        )
