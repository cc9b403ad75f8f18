"""Python's objects in a column: which of them are no numbers, and which stand for nothing."""

import datetime
from collections.abc import Iterable

import numpy as np

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
