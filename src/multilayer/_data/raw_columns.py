"""One column of a raw table as typed NumPy arrays: numbers, levels, or points in time.

Whatever library a table comes from, and whatever type a column has, it is read as one of the four
dataclasses below. Each converts into the others where its values mean the same: text that spells
numbers becomes numbers, numbers become levels. All of this needs NumPy alone.
"""

import datetime
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

import numpy as np

from multilayer._data.frames import is_missing, other_kinds
from multilayer._data.moments import (
    MICROSECONDS,
    fixed_offset,
    seconds_of_dates,
    seconds_of_durations,
    zone_name,
)

Level: TypeAlias = str | int | float | bool
"""A value of a category. Whole numbers are equal whatever their type; "1" is not 1."""


@dataclass(frozen=True, eq=False)
class RawNumbers:
    """A column of numbers, booleans included."""

    values: np.ndarray  # float64 (rows,), NaN where a value is missing
    boolean: bool = False


@dataclass(frozen=True, eq=False)
class RawLevels:
    """A column of text, of categories, or of a mixture."""

    codes: np.ndarray  # integers (rows,): the place of the row's value in `values`, -1 if missing
    values: list[Level]
    declared: bool = False  # whether the type of the column lists the categories
    ordered: bool = False  # whether it says that they have an order, that of `values`


@dataclass(frozen=True, eq=False)
class RawTimes:
    """A column of points in time."""

    seconds: np.ndarray  # float64 (rows,) since 1970, in UTC if there is a zone; NaN: missing
    zone: str | None = None


@dataclass(frozen=True, eq=False)
class Unreadable:
    """A column of values that no encoding is known for."""

    kind: str  # "lists", "complex numbers", ...
    example: object = None


RawColumn: TypeAlias = RawNumbers | RawLevels | RawTimes | Unreadable


def missing(column: RawNumbers | RawLevels | RawTimes) -> np.ndarray:
    """Return which values of a column are missing: booleans ``(rows,)``."""
    if isinstance(column, RawLevels):
        return column.codes < 0
    return np.isnan(column.values if isinstance(column, RawNumbers) else column.seconds)


# Python objects ----------------------------------------------------------------------------------


def from_objects(values: list[object]) -> RawColumn:
    """Read Python objects, by what most simply holds all of them."""
    try:
        codes, found = _factorized(values)
    except TypeError:  # lists, dictionaries, arrays
        example = next(value for value in values if not _is_hashable(value))
        return Unreadable(f"{type(example).__name__} objects", example)
    kinds = other_kinds(found)
    if not kinds:
        try:
            numbers = np.array([float(value) for value in found])  # type: ignore[arg-type]
        except OverflowError:
            return Unreadable("integers too large for float64", "one of more than 308 digits")
        boolean = bool(found) and all(isinstance(v, bool | np.bool_) for v in found)
        return RawNumbers(_taken(numbers, codes), boolean)
    if kinds.keys() == {"dates"} and not _numbers_among(found):
        return _times_of_objects(codes, found)
    if kinds.keys() <= {"durations", "times of day"} and not _numbers_among(found):
        return RawNumbers(_taken(np.array([_seconds(value) for value in found]), codes))
    for kind in ("bytes", "complex numbers"):
        if kind in kinds:
            return Unreadable(kind, kinds[kind])
    return levels_from(codes, found)


def _factorized(values: list[object]) -> tuple[np.ndarray, list[object]]:
    """Return the code of each value, -1 if it is missing, and the values that codes stand for."""
    places: dict[object, int] = {}
    numbered = (places.setdefault(value, len(places)) for value in values)
    codes = np.fromiter(numbered, np.int64, len(values))
    return _without_missing(codes, list(places))


def _without_missing(codes: np.ndarray, values: list[object]) -> tuple[np.ndarray, list[object]]:
    missing = np.fromiter(map(is_missing, values), bool, len(values))
    if not missing.any():
        return codes, values
    new = np.where(missing, -1, np.cumsum(~missing) - 1)
    present = [value for value, gone in zip(values, missing, strict=True) if not gone]
    return _recoded(codes, new), present


def _recoded(codes: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Replace codes by others, -1 by itself."""
    return np.append(new, -1)[codes]


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _numbers_among(values: Iterable[object]) -> bool:
    return any(not other_kinds([value]) for value in values)


def _taken(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the value of each code, NaN for -1."""
    return np.append(values, np.nan)[codes]


def _seconds(value: object) -> float:
    """Return a duration or a time of day in seconds."""
    if isinstance(value, datetime.time):
        return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return float(seconds_of_durations(np.array([value]))[0])


def _times_of_objects(codes: np.ndarray, values: list[object]) -> RawTimes | RawLevels:
    zones = {getattr(value, "tzinfo", None) is None for value in values}
    if len(zones) > 1:  # some with a time zone, some without: no common clock
        return levels_from(codes, values)
    zone = None
    if not zones.pop():
        zone = zone_name(values[0].tzinfo)  # type: ignore[attr-defined]
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        spans = [value - epoch for value in values]  # type: ignore[operator]
        seconds = np.array([span.total_seconds() for span in spans])
    else:
        seconds = seconds_of_dates(np.array(values, "datetime64[us]"))
    return RawTimes(_taken(seconds, codes), zone)


# Levels ------------------------------------------------------------------------------------------


def levels_from(
    codes: np.ndarray, values: list[object], *, declared: bool = False, ordered: bool = False
) -> RawLevels:
    """Make levels of values of any kind; text without a visible character counts as missing."""
    codes, values = _without_missing(codes, values)
    blank = [isinstance(value, str) and (not value or value.isspace()) for value in values]
    plain: dict[Level, int] = {}
    new = np.full(len(values), -1)
    for place, value in enumerate(values):
        if not blank[place]:
            new[place] = plain.setdefault(plain_level(value), len(plain))
    if len(plain) < len(values):
        codes = _recoded(codes, new)
    return RawLevels(codes, list(plain), declared, ordered)


def plain_level(value: object) -> Level:
    """Return a value as text, number or boolean that a file can hold."""
    if type(value) is str:
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime.datetime):
        value = value if value.tzinfo is None else value.astimezone(datetime.UTC)
        return value.replace(tzinfo=None).isoformat(timespec="seconds")
    if isinstance(value, datetime.date):
        return f"{value.isoformat()}T00:00:00"
    return str(value)


def sort_key(level: Level) -> tuple[bool, Level]:
    """Return what levels are sorted by: numbers before text."""
    return isinstance(level, str), level


def as_levels(column: RawColumn) -> RawLevels | None:
    """Return a column as levels, None where it has none."""
    if isinstance(column, RawLevels):
        return column
    if isinstance(column, Unreadable):
        return None
    values = column.values if isinstance(column, RawNumbers) else column.seconds
    missing = np.isnan(values)
    found, codes = np.unique(values[~missing], return_inverse=True)
    all_codes = np.full(len(values), -1)
    all_codes[~missing] = codes
    if isinstance(column, RawTimes):
        moments = (found * MICROSECONDS).astype("datetime64[us]")
        return RawLevels(all_codes, np.datetime_as_string(moments, unit="s").tolist())
    if column.boolean:
        return RawLevels(all_codes, [bool(value) for value in found])
    return RawLevels(all_codes, [plain_level(value) for value in found.tolist()])


# Numbers -----------------------------------------------------------------------------------------


NUMERAL = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
INFINITE = re.compile(r"\s*[+-]?inf(inity)?\s*", re.IGNORECASE)
CODE = re.compile(r"\s*[+-]?0\d")  # "007": a postal code, a number of an account
NO_VALUE = {"nan", "na", "n/a", "null", "none", "?", "-", "nat", "<na>", "#n/a"}
"""What text files write where a number or a date is missing, in small letters."""


def as_numbers(column: RawColumn) -> np.ndarray | None:
    """Return a column as float64 with NaN for what is missing, None if it holds anything else."""
    if isinstance(column, RawNumbers):
        return column.values
    if isinstance(column, RawLevels):
        return _parsed(column, _number)
    return None


def not_a_number(column: RawLevels) -> Level:
    """Return a value that is no number, of a column that has one."""
    return next(value for value in column.values if _number(value) is None)


def spells_codes(column: RawLevels) -> bool:
    """Whether a column has text such as "007", which is a code though it could be a number."""
    return any(isinstance(value, str) and CODE.match(value) for value in column.values)


def _number(value: Level) -> float | None:
    if not isinstance(value, str):
        return float(value)
    if NUMERAL.fullmatch(value):
        return float(value)
    if INFINITE.fullmatch(value):
        return float(value)
    return float("nan") if value.strip().lower() in NO_VALUE else None


def _parsed(column: RawLevels, parse: Callable[[Level], float | None]) -> np.ndarray | None:
    """Return what the values of a column say, None if one says nothing of that kind."""
    found = np.empty(len(column.values))
    for place, value in enumerate(column.values):
        number = parse(value)
        if number is None:
            return None
        found[place] = number
    return _taken(found, column.codes)


# Points in time ----------------------------------------------------------------------------------


ISO_DATE = re.compile(
    r"\s*(?P<date>\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?)"
    r"(?P<offset>Z|[+-]\d\d:?\d\d)?\s*",
    re.ASCII,
)


def as_times(column: RawColumn) -> RawTimes | None:
    """Return a column as points in time, None if it holds anything else."""
    if isinstance(column, RawTimes):
        return column
    return _parsed_dates(column) if isinstance(column, RawLevels) else None


def _parsed_dates(column: RawLevels) -> RawTimes | None:
    """Read text that is dates as ISO 8601 writes them, either all with an offset or none."""
    texts, offsets = [], []
    for value in column.values:
        found = ISO_DATE.fullmatch(value) if isinstance(value, str) else None
        if found:
            texts.append(found["date"])
            offsets.append(found["offset"])
        elif isinstance(value, str) and value.strip().lower() in NO_VALUE:
            texts.append("NaT")
        else:
            return None
    with_offset = len(offsets) - offsets.count(None)
    if 0 < with_offset < len(offsets):
        return None
    try:
        seconds = seconds_of_dates(np.array(texts, "datetime64[us]"))
    except ValueError:  # "2024-13-45"
        return None
    if with_offset:
        seconds[~np.isnan(seconds)] -= [fixed_offset(offset) or 0.0 for offset in offsets]
    return RawTimes(_taken(seconds, column.codes), "UTC" if with_offset else None)
