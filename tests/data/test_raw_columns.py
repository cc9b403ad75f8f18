"""Columns of Python objects, read as what most simply holds all of them; clocks of time zones."""

import datetime
import fractions
from decimal import Decimal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from multilayer import DataError
from multilayer._data.moments import calendar_part, on_the_clock, zone_name
from multilayer._data.raw_columns import (
    RawLevels,
    RawNumbers,
    RawTimes,
    Unreadable,
    as_levels,
    as_numbers,
    as_times,
    from_objects,
)

NAN = float("nan")
NOON = datetime.datetime(2024, 5, 6, 12)
NOON_UTC = NOON.replace(tzinfo=datetime.UTC)
SECONDS = 1714996800.0  # date -u -d "2024-05-06 12:00" +%s


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        ([1, None, 2.5, NAN], [1, NAN, 2.5, NAN]),
        ([Decimal("1.5"), fractions.Fraction(1, 4), np.float32(2)], [1.5, 0.25, 2]),
        ([True, None], [1, NAN]),
        ([datetime.timedelta(hours=1), np.timedelta64(2, "m"), None], [3600, 120, NAN]),
        ([datetime.time(1, 2, 3, 500_000), None], [3723.5, NAN]),
        ([], []),
    ],
)
def test_objects_that_are_numbers(values, numbers):
    column = from_objects(values)
    assert isinstance(column, RawNumbers)
    assert_array_equal(column.values, numbers)


def test_objects_that_are_booleans():
    assert from_objects([True, None, False]).boolean
    assert not from_objects([True, 2]).boolean


@pytest.mark.parametrize(
    ("values", "zone"),
    [
        ([NOON, None, datetime.date(1970, 1, 2)], None),
        ([np.datetime64("2024-05-06T12"), np.datetime64("NaT"), np.datetime64(1, "D")], None),
        ([NOON_UTC, None, datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC)], "UTC"),
    ],
)
def test_objects_that_are_dates(values, zone):
    column = from_objects(values)
    assert isinstance(column, RawTimes)
    assert column.zone == zone
    assert_array_equal(column.seconds, [SECONDS, NAN, 86400])


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (["b", "a", "b", None, " "], ["b", "a"]),
        ([1, "1", 1.0, 2.5], [1, "1", 2.5]),
        (["a", NOON, NOON.date()], ["a", "2024-05-06T12:00:00", "2024-05-06T00:00:00"]),
        ([NOON, NOON_UTC], ["2024-05-06T12:00:00"]),
        ([(1, 2), "a"], ["(1, 2)", "a"]),
        ([np.str_("a"), "a", np.int8(3)], ["a", 3]),
    ],
)
def test_other_objects_are_levels(values, levels):
    column = from_objects(values)
    assert isinstance(column, RawLevels)
    assert column.values == levels
    assert [type(level) for level in column.values] == [type(level) for level in levels]
    found = [column.values[code] if code >= 0 else None for code in column.codes]
    present = [value for value in found if value is not None]
    assert set(present) == set(levels)
    assert len(found) == len(values)


@pytest.mark.parametrize("value", [[1], {"a": 1}, np.ones(2), 1j, b"a", bytearray(b"a"), 10**400])
def test_objects_without_an_encoding(value):
    assert isinstance(from_objects([value, value]), Unreadable)


def test_conversions():
    text = from_objects(["1", " 2.5e1 ", "-inf", "N/A", None])
    assert_array_equal(as_numbers(text), [1, 25, -np.inf, NAN, NAN])
    assert as_times(text) is None
    assert as_numbers(from_objects(["1", "one"])) is None
    assert as_numbers(from_objects(["1_000", "2"])) is None
    dates = from_objects(["2024-05-06", "2024-05-06 12:00", "?"])
    assert_array_equal(as_times(dates).seconds, [SECONDS - 43200, SECONDS, NAN])
    assert as_times(from_objects(["2024-05-06", "2024-05-06T12:00Z"])) is None
    assert as_times(from_objects(["2024-05-40"])) is None
    assert as_levels(RawNumbers(np.array([2.0, NAN, 0.5]))).values == [0.5, 2]
    assert as_levels(as_times(dates)).values == ["2024-05-06T00:00:00", "2024-05-06T12:00:00"]
    assert as_levels(Unreadable("lists")) is None


def test_clocks_change_at_half_hours():
    """Lord Howe Island moves its clocks by half an hour, at 15:00 UTC."""
    change = np.datetime64("2024-10-05T15:30", "s").astype(float)
    seconds = np.array([change - 1, change, NAN])
    clock = on_the_clock(seconds, "Australia/Lord_Howe")
    assert_array_equal((clock - seconds) / 3600, [10.5, 11, NAN])
    assert_array_equal(calendar_part(clock, "hour"), [1, 2, NAN])


def test_dates_beyond_those_of_python():
    far = np.array([-1e12, 1e12])
    assert_array_equal(on_the_clock(far, "Europe/Berlin")[1:], far[1:] + 3600)
    assert_array_equal(calendar_part(far, "year"), [-29719, 33658])


def test_time_zones_without_a_name():
    assert zone_name(datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))) == "UTC-03:30"
    with pytest.raises(DataError, match="tz_convert"):
        zone_name("Mars/Olympus")
