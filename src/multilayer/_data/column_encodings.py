"""What a column of a raw table becomes in a matrix: plain data, and its values written.

The records are what a fit found out about the training table. Applying them needs NumPy alone, and
the library that the new table is from.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cached_property
from typing import NamedTuple

import numpy as np

from multilayer._core.checks import count, in_row
from multilayer._core.errors import DataError
from multilayer._data.moments import calendar_part, on_the_clock
from multilayer._data.raw_columns import (
    Level,
    RawColumn,
    RawLevels,
    RawNumbers,
    RawTimes,
    Unreadable,
    as_levels,
    as_numbers,
    as_times,
    not_a_number,
)

LARGEST = 1e30
"""Bound of a scaled number: float32 ends at 3e38."""

MISSING = "missing"
INFREQUENT = "infrequent"


class Blocks(NamedTuple):
    """Where one column of a table goes: views of the encoded matrix, which is filled with 0."""

    numeric: np.ndarray  # (rows, the column's numbers)
    flags: np.ndarray
    codes: np.ndarray


@dataclass(frozen=True)
class Scaling:
    """What brings a number to a common scale: ``(x - median) * factor``."""

    median: float
    factor: float
    low: float  # smallest and largest finite number in training: what infinities become
    high: float

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Scale float64 numbers; NaN becomes 0, the median."""
        with np.errstate(over="ignore"):
            scaled = (values - self.median) * self.factor
        other = ~np.isfinite(scaled)
        if other.any():
            scaled[other] = self._of_others(values[other])
        np.maximum(scaled, -LARGEST, out=scaled)
        return np.minimum(scaled, LARGEST, out=scaled)

    def _of_others(self, values: np.ndarray) -> np.ndarray:
        """Scale what is missing, infinite or beyond the range of float64 when it is scaled."""
        present = np.where(np.isnan(values), self.median, values)
        finite = np.where(np.isinf(present), np.where(present > 0, self.high, self.low), present)
        # Halves, since the distance of two float64 numbers can be beyond float64.
        with np.errstate(over="ignore"):
            return (finite / 2 - self.median / 2) * self.factor * 2


@dataclass(frozen=True)
class ColumnEncoding(ABC):
    """What a column of a table becomes."""

    name: str | int  # the name, or the place where columns have no names

    def __getstate__(self) -> dict[str, object]:
        """Return what is pickled: not what was computed from it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def n_numeric(self) -> int:
        """Return how many numbers the column becomes."""
        return 0

    @property
    def n_flags(self) -> int:
        """Return how many flags the column becomes."""
        return 0

    @property
    def flag_groups(self) -> tuple[int, ...]:
        """Return the sizes of groups of flags, of which one is set in a row."""
        return (1,) * self.n_flags

    @property
    def cardinality(self) -> int | None:
        """Return the number of codes, None if the column becomes no codes."""
        return None

    @abstractmethod
    def endings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the names of its numbers and of its flags end in."""

    @abstractmethod
    def in_words(self) -> str:
        """Return what the column becomes, for people."""

    @abstractmethod
    def fill(self, raw: RawColumn, blocks: Blocks) -> None:
        """Write the encoded values of a column."""


@dataclass(frozen=True)
class ScaledColumn(ColumnEncoding):
    """A column that becomes numbers, and perhaps a flag where it is missing."""

    indicator: bool  # whether there is a flag: values were missing in training

    @property
    def n_flags(self) -> int:
        """Return how many flags the column becomes."""
        return int(self.indicator)

    def in_words(self) -> str:
        """Return what the column becomes, for people."""
        parts = [count(self.n_numeric, "number")] if self.n_numeric else []
        n_others = self.n_flags - self.indicator
        parts += [count(n_others, "flag")] if n_others else []
        parts += ["1 flag of missing values"] if self.indicator else []
        return ", ".join(parts)

    def _fill_indicator(self, missing: np.ndarray, blocks: Blocks) -> None:
        if self.indicator:
            blocks.flags[:, -1] = missing


@dataclass(frozen=True)
class NumericEncoding(ScaledColumn):
    """A column of numbers."""

    scaling: Scaling | None  # None if all numbers are equal, and some missing

    @property
    def n_numeric(self) -> int:
        """Return how many numbers the column becomes."""
        return int(self.scaling is not None)

    def endings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the names of its numbers and of its flags end in."""
        return ("",) * self.n_numeric, (f"_{MISSING}",) * self.n_flags

    def fill(self, raw: RawColumn, blocks: Blocks) -> None:
        """Write the encoded values of a column."""
        values = read_numbers(raw, self.name)
        self._fill_indicator(np.isnan(values), blocks)
        if self.scaling is not None:
            blocks.numeric[:, 0] = self.scaling.apply(values)


@dataclass(frozen=True)
class OrdinalEncoding(ScaledColumn):
    """A column of ordered levels, which becomes their rank; an unknown level is the median."""

    levels: tuple[Level, ...]
    scaling: Scaling | None

    @property
    def n_numeric(self) -> int:
        """Return how many numbers the column becomes."""
        return int(self.scaling is not None)

    def endings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the names of its numbers and of its flags end in."""
        return ("",) * self.n_numeric, (f"_{MISSING}",) * self.n_flags

    @cached_property
    def _ranks(self) -> dict[Level, int]:
        return {level: rank for rank, level in enumerate(self.levels)}

    def fill(self, raw: RawColumn, blocks: Blocks) -> None:
        """Write the encoded values of a column."""
        column = read_levels(raw, self.name)
        self._fill_indicator(column.codes < 0, blocks)
        if self.scaling is not None:
            ranks = [self._ranks.get(value, np.nan) for value in column.values]
            blocks.numeric[:, 0] = self.scaling.apply(np.array([*ranks, np.nan])[column.codes])


@dataclass(frozen=True)
class DatetimeEncoding(ScaledColumn):
    """A column of points in time, which becomes seconds and parts of the calendar."""

    seconds: Scaling | None
    parts: tuple[tuple[str, Scaling], ...]
    zone: str | None  # the time zone of the calendar

    @property
    def n_numeric(self) -> int:
        """Return how many numbers the column becomes."""
        return (self.seconds is not None) + len(self.parts)

    def endings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the names of its numbers and of its flags end in."""
        seconds = () if self.seconds is None else ("_total_seconds",)
        return (*seconds, *(f"_{part}" for part, _ in self.parts)), (f"_{MISSING}",) * self.n_flags

    def fill(self, raw: RawColumn, blocks: Blocks) -> None:
        """Write the encoded values of a column."""
        times = read_times(raw, self.name)
        if (times.zone is None) != (self.zone is None) and not np.isnan(times.seconds).all():
            raise DataError(
                f"X must have dates in column {self.name!r} as in training, which were "
                f"{_in_zone(self.zone)}, got dates {_in_zone(times.zone)}. Convert them, for "
                f"example with .dt.tz_localize({self.zone!r})."
            )
        self._fill_indicator(np.isnan(times.seconds), blocks)
        column = 0
        if self.seconds is not None:
            blocks.numeric[:, 0] = self.seconds.apply(times.seconds)
            column = 1
        clock = on_the_clock(times.seconds, self.zone)
        for place, (part, scaling) in enumerate(self.parts, column):
            blocks.numeric[:, place] = scaling.apply(calendar_part(clock, part))


def _in_zone(zone: str | None) -> str:
    return "without a time zone" if zone is None else f"in time zone {zone}"


@dataclass(frozen=True)
class BooleanEncoding(ScaledColumn):
    """A column of booleans: 1 for true, -1 for false, 0 where it is missing."""

    varies: bool  # whether both were there in training

    @property
    def n_flags(self) -> int:
        """Return how many flags the column becomes."""
        return int(self.varies) + int(self.indicator)

    def endings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the names of its numbers and of its flags end in."""
        return (), ("",) * self.varies + (f"_{MISSING}",) * self.indicator

    def fill(self, raw: RawColumn, blocks: Blocks) -> None:
        """Write the encoded values of a column."""
        values = read_booleans(raw, self.name)
        missing = np.isnan(values)
        self._fill_indicator(missing, blocks)
        if self.varies:
            blocks.flags[:, 0] = np.where(missing, 0, 2 * values - 1)


@dataclass(frozen=True)
class CategoricalEncoding(ColumnEncoding):
    """A column of levels without order: flags for few of them, a code for many.

    What stands for a value is called a slot here: one of the levels, "missing" or "infrequent".
    """

    levels: tuple[Level, ...]
    missing: bool  # whether values were missing in training, which is a level of its own then
    infrequent: bool  # whether there were levels with too few rows: unknown ones join them
    embedded: bool  # whether the column becomes a code

    @property
    def slots(self) -> tuple[str, ...]:
        """Return what has a flag, in the order of the flags."""
        others = (INFREQUENT,) * self.infrequent + (MISSING,) * self.missing
        return (*others, *map(str, self.levels))

    @property
    def n_flags(self) -> int:
        """Return how many flags the column becomes."""
        n_slots = len(self.levels) + self.missing + self.infrequent
        return 0 if self.embedded else 1 if n_slots == 2 else n_slots

    @property
    def flag_groups(self) -> tuple[int, ...]:
        """Return the sizes of groups of flags: the levels are one."""
        return (self.n_flags,) * (not self.embedded)

    @property
    def cardinality(self) -> int | None:
        """Return the number of codes, None if the column becomes flags."""
        return len(self.levels) + 2 if self.embedded else None

    def endings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the names of its numbers and of its flags end in."""
        if self.embedded:
            return (), ()
        return (), tuple(f"_{slot}" for slot in self.slots[-self.n_flags :])

    def in_words(self) -> str:
        """Return what the column becomes, for people."""
        if self.embedded:
            return f"1 code for {count(len(self.levels), 'level')}"
        if self.n_flags == 1:
            return "1 flag: -1 {}, 1 {}".format(*self.slots)
        return f"{self.n_flags} flags: {in_row(list(self.slots))}"

    @cached_property
    def _places(self) -> dict[Level, int]:
        first = 2 if self.embedded else self.missing + self.infrequent
        return {level: place for place, level in enumerate(self.levels, first)}

    def fill(self, raw: RawColumn, blocks: Blocks) -> None:
        """Write the encoded values of a column."""
        column = read_levels(raw, self.name)
        # The place of what is unknown, and of what is missing; -1 for all flags 0.
        unknown = 0 if self.embedded or self.infrequent else -1
        missing = 1 if self.embedded else int(self.infrequent) if self.missing else -1
        places = [self._places.get(value, unknown) for value in column.values]
        rows = np.array([*places, missing])[column.codes]
        if self.embedded:
            blocks.codes[:, 0] = rows
        elif self.n_flags == 1:
            blocks.flags[:, 0] = np.array([-1, 1, 0])[rows]
        else:
            present = np.flatnonzero(rows >= 0)
            blocks.flags[present, rows[present]] = 1


# A column read as what training made of it -------------------------------------------------------


def read_numbers(raw: RawColumn, name: str | int) -> np.ndarray:
    """Return a column as float64 with NaN; refuse one that holds anything but numbers."""
    values = as_numbers(raw)
    if values is None:
        example = repr(not_a_number(raw)) if isinstance(raw, RawLevels) else described(raw)
        raise DataError(
            f"X must contain numbers in column {name!r}, got {example}. Correct such values, or "
            "replace them by missing ones."
        )
    return values


def read_booleans(raw: RawColumn, name: str | int) -> np.ndarray:
    """Return a column of booleans as float64: 1, 0, NaN where a value is missing."""
    values = read_numbers(raw, name)
    other = values[~(np.isnan(values) | (values == 0) | (values == 1))]
    if len(other):
        raise DataError(
            f"X must contain booleans, or 0 and 1, in column {name!r}, got {other[0]:g}. Correct "
            "such values, or replace them by missing ones."
        )
    return values


def read_times(raw: RawColumn, name: str | int) -> RawTimes:
    """Return a column as points in time; refuse one that holds anything else."""
    times = as_times(raw)
    if times is None and isinstance(raw, RawNumbers) and np.isnan(raw.values).all():
        return RawTimes(raw.values)
    if times is None:
        raise DataError(
            f"X must contain dates in column {name!r}, got {described(raw)}. Convert them, for "
            "example with pandas.to_datetime."
        )
    return times


def read_levels(raw: RawColumn, name: str | int) -> RawLevels:
    """Return a column as levels; refuse one that has none."""
    levels = as_levels(raw)
    if levels is None:
        raise DataError(
            f"X must contain text, numbers or categories in column {name!r}, got {described(raw)}. "
            "Convert them, for example to text."
        )
    return levels


def described(raw: RawColumn) -> str:
    """Return in words what a column holds."""
    if isinstance(raw, Unreadable):
        return f"{raw.kind}, for example {raw.example!r:.60}"
    if isinstance(raw, RawTimes):
        return "dates"
    if isinstance(raw, RawLevels):
        return f"text, for example {raw.values[0]!r:.60}" if raw.values else "missing values only"
    values = raw.values[~np.isnan(raw.values)]
    return f"numbers, for example {values[0]:g}" if len(values) else "missing values only"
