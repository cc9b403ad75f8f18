"""Points in time as NumPy arrays of seconds since 1970, and the parts of the calendar."""

import datetime
import re
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from multilayer._core.errors import DataError

MICROSECONDS = 1e6  # in a second
FIXED_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d\d):?(\d\d)")
FIRST_MOMENT, LAST_MOMENT = -6e10, 2.5e11
"""Seconds from 1970 to the years 68 and 9892: Python's dates end at years 1 and 9999."""

PARTS = ("year", "month", "day", "weekday", "hour")
HALF_HOUR = 1800.0
"""Seconds: clocks change at whole or half hours only, in all zones since 1930 or so."""


def seconds_of_dates(dates: np.ndarray) -> np.ndarray:
    """Return NumPy's dates as seconds since 1970, NaN for those that are missing."""
    if np.datetime_data(dates.dtype)[0] not in ("us", "ns", "ms", "s"):
        dates = dates.astype("datetime64[s]")
    return _in_seconds(dates)


def seconds_of_durations(durations: np.ndarray) -> np.ndarray:
    """Return NumPy's durations in seconds, NaN for those that are missing."""
    unit = np.datetime_data(durations.dtype)[0]
    if unit in ("Y", "M"):
        raise DataError(f"X contains durations in {unit}, which have no fixed length. Use days.")
    if unit not in ("us", "ns", "ms", "s"):
        durations = durations.astype("timedelta64[s]")
    return _in_seconds(durations)


def _in_seconds(values: np.ndarray) -> np.ndarray:
    unit, step = np.datetime_data(values.dtype)
    per_second = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit] / step
    seconds = values.astype(np.int64) / per_second
    seconds[np.isnat(values)] = np.nan
    return seconds


def calendar_part(clock: np.ndarray, part: str) -> np.ndarray:
    """Return a part of the date for seconds on the clock; NaN remains NaN."""
    missing = np.isnan(clock)
    seconds = np.floor(np.where(missing, 0, clock)).astype(np.int64)
    days = (seconds // 86400).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    if part == "year":
        values = days.astype("datetime64[Y]").astype(np.int64) + 1970
    elif part == "month":
        values = months.astype(np.int64) % 12 + 1
    elif part == "day":
        values = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    elif part == "weekday":
        values = (days.astype(np.int64) + 3) % 7  # 1970 began on a Thursday; Monday is 0
    else:
        values = seconds // 3600 % 24
    return np.where(missing, np.nan, values)


def on_the_clock(seconds: np.ndarray, zone: str | None) -> np.ndarray:
    """Return seconds in UTC as what clocks of a time zone show."""
    if zone is None:
        return seconds
    half_hours = np.floor(seconds / HALF_HOUR)
    present = ~np.isnan(half_hours)
    found, codes = np.unique(half_hours[present], return_inverse=True)
    offsets = np.array([_offset(zone, half_hour * HALF_HOUR) for half_hour in found.tolist()])
    clock = seconds.copy()
    clock[present] += offsets[codes] if len(found) else 0.0
    return clock


def zone_name(zone: object) -> str:
    """Return the name of a time zone that is known here."""
    name = str(zone)
    _offset(name, 0.0)
    return name


def fixed_offset(zone: str) -> float | None:
    """Return the offset from UTC in seconds that a zone is named by, None for other names."""
    found = FIXED_OFFSET.fullmatch(zone)
    if not found:
        return 0.0 if zone in ("Z", "UTC") else None
    sign, hours, minutes = found.groups()
    return (3600 * int(hours) + 60 * int(minutes)) * (-1.0 if sign == "-" else 1.0)


def _offset(zone: str, moment: float) -> float:
    """Return what clocks of a zone add to UTC, in seconds."""
    fixed = fixed_offset(zone)
    if fixed is not None:
        return fixed
    within = min(max(moment, FIRST_MOMENT), LAST_MOMENT)
    utc = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=within)
    offset = utc.astimezone(_zone(zone)).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


@lru_cache(maxsize=64)
def _zone(name: str) -> datetime.tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DataError(
            f"X contains dates of the time zone {name!r}, which Python's zoneinfo does not know. "
            'Convert them, for example with .dt.tz_convert("UTC").'
        ) from error
