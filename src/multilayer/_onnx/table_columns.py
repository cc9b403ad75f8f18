"""Columns of raw tables as nodes: what an encoder of a table makes of each."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from multilayer._core.errors import InvalidArgumentError
from multilayer._data.column_encodings import (
    LARGEST,
    Blocks,
    BooleanEncoding,
    CategoricalEncoding,
    ColumnEncoding,
    DatetimeEncoding,
    NumericEncoding,
    OrdinalEncoding,
    Scaling,
)
from multilayer._data.encoding import TableEncoding
from multilayer._data.moments import on_the_clock
from multilayer._data.raw_columns import RawLevels
from multilayer._onnx.graph import Graph

if TYPE_CHECKING:
    from skl2onnx.common._topology import Variable

FLOAT, DOUBLE = np.dtype("float32"), np.dtype("float64")
MISSING_TEXT = ""
"""What stands for missing text, which ONNX has not."""


class TableColumn(NamedTuple):
    """One column of a table in a graph."""

    name: str  # of the tensor ``(rows, 1)``
    text: bool  # whether it is text; else it is numbers of float64


class EncodedParts(NamedTuple):
    """What a column becomes: tensors ``(rows, columns)`` of float32, None for no columns."""

    numeric: str | None = None
    flags: str | None = None
    codes: str | None = None


def columns_of(graph: Graph, variables: "Sequence[Variable]") -> list[TableColumn]:
    """Return the columns that come to a graph, or to a step in it."""
    found = []
    for variable in variables:
        text = "String" in type(variable.type).__name__
        tensor = variable.full_name if text else graph.cast(variable.full_name, DOUBLE)
        width = variable.type.shape[1]
        found += (
            [TableColumn(tensor, text)]
            if width == 1
            else [TableColumn(graph.columns(tensor, i, i + 1), text) for i in range(width)]
        )
    return found


def encode(graph: Graph, encoding: TableEncoding, given: Sequence[TableColumn]) -> str:
    """Add the encoding of a table; return the matrix ``(rows, layout.n_columns)`` of float32.

    Given are all columns of the table, or those that are used.
    """
    if len(given) == encoding.n_columns:
        known = encoding.names or range(encoding.n_columns)
        by_name = dict(zip(known, given, strict=True))
        used = [by_name[column.name] for column in encoding.columns]
    else:
        used = list(given)
    parts = [
        COLUMNS[type(record)](graph, record, column)
        for record, column in zip(encoding.columns, used, strict=True)
    ]
    numeric = [part.numeric for part in parts if part.numeric is not None]
    if numeric and encoding.smooth_clip:
        numeric = [_clipped(graph, graph.beside(numeric))]
    flags = [part.flags for part in parts if part.flags is not None]
    codes = [part.codes for part in parts if part.codes is not None]
    return graph.beside([graph.cast(each, FLOAT) for each in (*numeric, *flags, *codes)])


def _clipped(graph: Graph, z: str) -> str:
    """Add ``z / sqrt(1 + (z / 3)**2)``."""
    third = graph.node("Div", z, np.array(3.0))
    square = graph.node("Add", graph.node("Mul", third, third), np.array(1.0))
    return graph.node("Div", z, graph.node("Sqrt", square))


# The kinds of columns ----------------------------------------------------------------------------


def _scaled(graph: Graph, scaling: Scaling, x: str) -> str:
    """Add what :meth:`Scaling.apply` does to a column."""
    for limit, value in ((np.inf, scaling.high), (-np.inf, scaling.low)):
        x = graph.node("Where", graph.node("Equal", x, np.array(limit)), np.array(value), x)
    z = graph.node("Mul", graph.node("Sub", x, np.array(scaling.median)), np.array(scaling.factor))
    z = graph.node("Where", graph.node("IsNaN", z), np.array(0.0), z)
    return graph.node("Clip", z, np.array(-LARGEST), np.array(LARGEST))


def _numbers(graph: Graph, record: ColumnEncoding, column: TableColumn) -> str:
    if column.text:
        _refuse_type(record, "numbers")
    return column.name


def _missing(graph: Graph, x: str) -> str:
    return graph.cast(graph.node("IsNaN", x), DOUBLE)


def _numeric(graph: Graph, record: NumericEncoding, column: TableColumn) -> EncodedParts:
    x = _numbers(graph, record, column)
    scaled = None if record.scaling is None else _scaled(graph, record.scaling, x)
    return EncodedParts(scaled, _missing(graph, x) if record.indicator else None)


def _boolean(graph: Graph, record: BooleanEncoding, column: TableColumn) -> EncodedParts:
    x = _numbers(graph, record, column)
    flags = []
    if record.varies:
        sign = graph.node("Sub", graph.node("Mul", x, np.array(2.0)), np.array(1.0))
        flags.append(graph.node("Where", graph.node("IsNaN", x), np.array(0.0), sign))
    if record.indicator:
        flags.append(_missing(graph, x))
    return EncodedParts(flags=graph.beside(flags))


def _levels(
    graph: Graph, record: CategoricalEncoding | OrdinalEncoding, column: TableColumn
) -> EncodedParts:
    """Add the look-up of what each level becomes: the record itself says it."""
    n_levels = len(record.levels)
    blocks = Blocks(
        *(
            np.zeros((n_levels + 2, n))
            for n in (record.n_numeric, record.n_flags, int(record.cardinality is not None))
        )
    )
    # All levels, then a missing one, then an unknown one.
    unknown = "?" * (1 + max((len(str(level)) for level in record.levels), default=0))
    codes = np.array([*range(n_levels), -1, n_levels])
    record.fill(RawLevels(codes, [*record.levels, unknown]), blocks)
    place = _place(graph, record, column)
    made = (blocks.numeric, blocks.flags, blocks.codes)
    return EncodedParts(
        *(graph.node("Gather", block, place, axis=0) if block.size else None for block in made)
    )


def _place(graph: Graph, record: CategoricalEncoding | OrdinalEncoding, column: TableColumn) -> str:
    """Add the number of each row's level ``(rows,)``, then that of missing and of unknown ones."""
    n_levels = len(record.levels)
    if is_text(record):
        if not column.text:
            _refuse_type(record, "text")
        flat = graph.column(column.name, 0)
        return graph.number_of_text(flat, [*map(str, record.levels), MISSING_TEXT])
    x = _numbers(graph, record, column)
    same = graph.node("Equal", x, np.array([record.levels], DOUBLE))
    found = graph.cast(graph.node("Concat", same, graph.node("IsNaN", x), axis=1), FLOAT)
    # Half a point for an unknown level, beside the point of a known one.
    half = graph.node("Mul", graph.columns(found, n_levels, n_levels + 1), np.array(0.0, FLOAT))
    half = graph.node("Add", half, np.array(0.5, FLOAT))
    return graph.node("ArgMax", graph.node("Concat", found, half, axis=1), axis=1, keepdims=0)


def is_text(record: ColumnEncoding) -> bool:
    """Return whether a column comes as text, else it is numbers; a mixture is refused."""
    if not isinstance(record, CategoricalEncoding | OrdinalEncoding):
        return False
    text = [isinstance(level, str) for level in record.levels]
    if any(text) and not all(text):
        raise InvalidArgumentError(
            f"column {record.name!r} must have levels that are all text or all numbers for ONNX, "
            f"got {record.levels[0]!r} and {record.levels[-1]!r}. Make its values text before fit."
        )
    return all(text)


def _datetime(graph: Graph, record: DatetimeEncoding, column: TableColumn) -> EncodedParts:
    """Add seconds since 1970 and the parts of the calendar."""
    seconds = _numbers(graph, record, column)
    found = [] if record.seconds is None else [_scaled(graph, record.seconds, seconds)]
    if record.parts:
        there = graph.node("Where", graph.node("IsNaN", seconds), np.array(0.0), seconds)
        clock = graph.node("Add", there, np.array(offset_of(record)))
        parts = calendar(graph, graph.cast(graph.node("Floor", clock), "int64"))
        for part, scaling in record.parts:
            value = graph.cast(parts[part], DOUBLE)
            value = graph.node("Where", graph.node("IsNaN", seconds), np.array(np.nan), value)
            found.append(_scaled(graph, scaling, value))
    flags = _missing(graph, seconds) if record.indicator else None
    return EncodedParts(graph.beside(found) if found else None, flags)


MOMENTS = np.arange(-140, 260) * (365.2425 / 2 * 86400)
"""Two in each year from 1900 to 2100, in seconds: a graph has no table of when clocks change."""


def offset_of(record: DatetimeEncoding) -> float:
    """Return what clocks of the zone add to UTC, in seconds."""
    offsets = on_the_clock(MOMENTS, record.zone) - MOMENTS
    if len(set(offsets.tolist())) > 1:
        raise InvalidArgumentError(
            f"column {record.name!r} must have dates whose clocks never change for ONNX, got the "
            f"time zone {record.zone!r}. Convert it before fit, for example with "
            '.dt.tz_convert("UTC").'
        )
    return float(offsets[0])


def _floored(graph: Graph, x: str, divisor: int) -> tuple[str, str]:
    """Add the quotient, rounded down, and the remainder of integers."""
    rest = graph.node("Mod", x, np.array(divisor))  # of the sign of the divisor
    return graph.node("Div", graph.node("Sub", x, rest), np.array(divisor)), rest


def calendar(graph: Graph, seconds: str) -> dict[str, str]:
    """Add year, month, day, weekday (Monday is 0) and hour of int64 seconds since 1970.

    The algorithm is civil_from_days of H. Hinnant, "chrono-compatible low-level date algorithms".
    """

    def plus(x: str, number: int) -> str:
        return graph.node("Add", x, np.array(number))

    def over(x: str, number: int) -> str:
        return _floored(graph, x, number)[0]

    def times(x: str, number: int) -> str:
        return graph.node("Mul", x, np.array(number))

    days, second = _floored(graph, seconds, 86400)
    era, day_of_era = _floored(graph, plus(days, 719468), 146097)  # 400 years from 1 March 0
    corrected = graph.node("Sub", day_of_era, over(day_of_era, 1460))
    corrected = graph.node("Add", corrected, over(day_of_era, 36524))
    corrected = graph.node("Sub", corrected, over(day_of_era, 146096))
    year_of_era = over(corrected, 365)
    leap_days = graph.node("Sub", over(year_of_era, 4), over(year_of_era, 100))
    before = graph.node("Add", times(year_of_era, 365), leap_days)
    day_of_year = graph.node("Sub", day_of_era, before)  # from 1 March
    shifted = over(plus(times(day_of_year, 5), 2), 153)  # months from March
    day = plus(graph.node("Sub", day_of_year, over(plus(times(shifted, 153), 2), 5)), 1)
    month = plus(_floored(graph, plus(shifted, 2), 12)[1], 1)
    early = graph.cast(graph.node("LessOrEqual", month, np.array(2)), "int64")
    year = graph.node("Add", graph.node("Add", year_of_era, times(era, 400)), early)
    return {
        "year": year,
        "month": month,
        "day": day,
        "weekday": _floored(graph, plus(days, 3), 7)[1],
        "hour": over(second, 3600),
    }


def _refuse_type(record: ColumnEncoding, needed: str) -> None:
    raise InvalidArgumentError(
        f"column {record.name!r} of X must be {needed} for ONNX, as in training. Give rows like "
        "those of training as X."
    )


COLUMNS: dict[type[ColumnEncoding], Callable[..., EncodedParts]] = {
    NumericEncoding: _numeric,
    BooleanEncoding: _boolean,
    CategoricalEncoding: _levels,
    OrdinalEncoding: _levels,
    DatetimeEncoding: _datetime,
}
"""What adds the nodes of each kind of column."""
