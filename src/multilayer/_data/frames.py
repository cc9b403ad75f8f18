"""Data frames of any library, and the objects in their cells."""

import datetime
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    Frame: TypeAlias = pd.DataFrame | pl.DataFrame | pa.Table


# Python objects in a column: which are not numbers, and which are missing values -----------------


MISSING = ("NoneType", "NAType", "NaTType")
"""Types of what stands for nothing; pandas's are known by their names."""

KINDS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("text", (str,)),
    ("bytes", (bytes, bytearray)),
    ("dates", (datetime.date, np.datetime64)),
    ("times of day", (datetime.time,)),
    ("durations", (datetime.timedelta, np.timedelta64)),
    ("complex numbers", (complex, np.complexfloating)),
)


def is_nan(value: object) -> bool:
    """Whether a value is a float that is no number."""
    return isinstance(value, float | np.floating) and bool(value != value)


def is_missing(value: object) -> bool:
    """Whether a value stands for nothing: None, NaN, pandas's NA and NaT."""
    return type(value).__name__ in MISSING or is_nan(value)


def other_kinds(values: Iterable[object]) -> dict[str, object]:
    """Return what values are that are no numbers, each kind with one of them."""
    by_type: dict[type, object] = {}
    for value in values:
        by_type.setdefault(type(value), value)
    found: dict[str, object] = {}
    for kind, value in by_type.items():
        name = _kind_of(kind)
        if name is not None:
            found.setdefault(name, value)
    return found


def numbers_alone(values: list[object]) -> bool:
    """Whether all values are numbers, or missing."""
    return not other_kinds(values)


def _kind_of(kind: type) -> str | None:
    """Return what values of a type are, None for numbers and what is missing."""
    if kind.__name__ in MISSING:
        return None
    for name, types in KINDS:
        if issubclass(kind, types):
            return name
    # NumPy's dates and durations can be floats too, and were found above.
    return None if hasattr(kind, "__float__") or hasattr(kind, "__index__") else kind.__name__


# Columns of tables of any library: what each contains, and its values ----------------------------
#
# No library is imported to find out whose table it is: only the loaded modules are looked at.


NUMBERS, OBJECTS, COMPLEX = "numbers", "objects", "complex numbers"

NUMPY_KINDS = {
    **dict.fromkeys("biuf", NUMBERS),
    **dict.fromkeys("UT", "text"),
    "S": "bytes",
    "O": OBJECTS,
    "c": COMPLEX,
    "M": "dates",
    "m": "durations",
}
PANDAS_KINDS = {"StringDtype": "text", "PeriodDtype": "periods", "IntervalDtype": "intervals"}
POLARS_KINDS = {
    **dict.fromkeys(("Boolean", "Null"), NUMBERS),
    **dict.fromkeys(("Date", "Datetime"), "dates"),
    **dict.fromkeys(("Categorical", "Enum"), "categories"),
    **dict.fromkeys(("List", "Array"), "lists"),
    "String": "text",
    "Duration": "durations",
    "Time": "times of day",
    "Object": OBJECTS,
}
ARROW_KINDS = {
    **dict.fromkeys(("bool", "int", "uint", "halffloat", "float", "double"), NUMBERS),
    **dict.fromkeys(("decimal", "null"), NUMBERS),
    **dict.fromkeys(("string", "large_string"), "text"),
    **dict.fromkeys(("date", "timestamp"), "dates"),
    **dict.fromkeys(("list", "large_list", "fixed_size_list"), "lists"),
    "duration": "durations",
    "time": "times of day",
}
"""By how the name of an Arrow type begins."""


class Column(NamedTuple):
    """A column of a table."""

    name: Hashable
    kind: str  # NUMBERS, OBJECTS that have to be looked at, or what it holds instead
    values: Callable[[], list[object]]
    numbers: Callable[[], np.ndarray]  # float64, NaN where a value is missing


FRAMES = (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table"))
"""Libraries, and their types of tables."""


def library_of(given: object) -> str | None:
    """Return the library that a table is from, None for what is no table."""
    for library, name in FRAMES:
        kind = getattr(sys.modules.get(library), name, None)
        if kind is not None and isinstance(given, kind):
            return library
    return None


def is_frame(given: object) -> bool:
    """Whether this is a table of pandas, polars or pyarrow."""
    return library_of(given) is not None


def with_rows(table: Any, places: np.ndarray) -> Any:
    """Return a new table of the same kind: of each column the rows at ``places[:, column]``.

    A table is one of a library, an array, or a sparse matrix, which comes back by rows. It is fast
    where most columns have the places of the last one.
    """
    library, rows = library_of(table), places[:, -1]
    others = np.flatnonzero((places != rows[:, np.newaxis]).any(axis=0)).tolist()
    if library == "pandas":
        taken = table.take(rows)
        for place in others:
            taken.isetitem(place, table.iloc[:, place].array.take(places[:, place]))
    elif library == "polars":
        taken = table[rows]
        for place in others:
            taken.replace_column(place, table.to_series(place)[places[:, place]])
    elif library == "pyarrow":
        taken = table.take(rows)
        for place in others:
            field, values = table.field(place), table.column(place)
            taken = taken.set_column(place, field, values.take(places[:, place]))
    elif isinstance(table, np.ndarray):
        taken = table[rows]
        taken[:, others] = np.take_along_axis(table[:, others], places[:, others], axis=0)
    else:
        by_row, by_column = table.tocsr(), table.tocsc()
        taken = by_row[rows].tolil()
        for place in others:
            taken[:, [place]] = by_column[:, [place]][places[:, place]]
        taken = taken.tocsr()
    return taken


def columns_of(frame: "Frame", *, every: bool) -> Iterator[Column]:
    """Go through ``every`` column of a table, or through those that do not hold numbers."""
    readers: dict[str | None, Callable[[Frame, bool], Iterator[Column]]] = {
        "pandas": _of_pandas,
        "polars": _of_polars,
        "pyarrow": _of_arrow,
    }
    return readers[library_of(frame)](frame, every)


def _of_pandas(frame: "pd.DataFrame", every: bool) -> Iterator[Column]:
    # Tables have many columns of few types, and predictions are made row by row.
    dtypes = frame.dtypes.tolist()
    kinds = {dtype: _pandas_kind(dtype) for dtype in set(dtypes)}
    for place, dtype in enumerate(dtypes):
        if every or kinds[dtype] != NUMBERS:
            series = partial(_at, frame, place)
            name = frame.columns[place]
            yield Column(name, kinds[dtype], partial(_listed, series), partial(_floats, series))


def _at(frame: "pd.DataFrame", place: int) -> "pd.Series":
    return frame.iloc[:, place]


def _listed(series: "Callable[[], pd.Series]") -> list[object]:
    return series().tolist()


def _floats(series: "Callable[[], pd.Series]") -> np.ndarray:
    return series().to_numpy(np.float64, na_value=np.nan)


def _pandas_kind(dtype: "np.dtype | pd.api.extensions.ExtensionDtype") -> str:
    if isinstance(dtype, np.dtype):
        return NUMPY_KINDS.get(dtype.kind, str(dtype))
    if hasattr(dtype, "pyarrow_dtype"):
        return kind_of_arrow(dtype.pyarrow_dtype)
    if hasattr(dtype, "categories"):
        return _category_kind(dtype.categories.tolist())
    return PANDAS_KINDS.get(type(dtype).__name__) or NUMPY_KINDS.get(dtype.kind, str(dtype))


def _category_kind(categories: list[object]) -> str:
    """Categories that are numbers become those numbers."""
    return NUMBERS if numbers_alone(categories) else "categories"


def _of_polars(frame: "pl.DataFrame", every: bool) -> Iterator[Column]:
    dtypes = frame.dtypes
    kinds = {dtype: kind_of_polars(dtype) for dtype in set(dtypes)}
    for place, dtype in enumerate(dtypes):
        if every or kinds[dtype] != NUMBERS:
            series = frame.to_series(place)
            yield Column(series.name, kinds[dtype], series.to_list, partial(_polars_floats, series))


def kind_of_polars(dtype: "pl.DataType") -> str:
    """Return what a column of a polars type holds."""
    name = dtype.base_type().__name__
    return NUMBERS if dtype.is_numeric() else POLARS_KINDS.get(name, name)


def _polars_floats(series: "pl.Series") -> np.ndarray:
    return series.cast(sys.modules["polars"].Float64).to_numpy()


def _of_arrow(table: "pa.Table", every: bool) -> Iterator[Column]:
    types = table.schema.types
    kinds = {kind: kind_of_arrow(kind) for kind in set(types)}
    for name, arrow_type, values in zip(table.column_names, types, table.columns, strict=True):
        if every or kinds[arrow_type] != NUMBERS:
            floats = partial(_arrow_floats, values)
            yield Column(name, kinds[arrow_type], values.to_pylist, floats)


def _arrow_floats(chunks: "pa.ChunkedArray") -> np.ndarray:
    return np.array(
        [np.nan if value is None else float(value) for value in chunks.to_pylist()], np.float64
    )


def kind_of_arrow(arrow_type: "pa.DataType") -> str:
    """Return what a column of an Arrow type holds."""
    shown = str(arrow_type)
    if shown.startswith("dictionary<values="):
        inner = kind_of_arrow(shown.removeprefix("dictionary<values="))
        return NUMBERS if inner == NUMBERS else "categories"
    # "int64", "decimal128(10, 2)", "timestamp[ns]", "list<item: double>"
    begin = shown.partition("[")[0].partition("<")[0].partition("(")[0].partition(",")[0]
    return ARROW_KINDS.get(begin.rstrip("0123456789"), shown)
