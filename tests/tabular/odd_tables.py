"""Odd columns, each in a table of its own: what kind they are, and what is refused."""

import datetime
import decimal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

N = 40
rng = np.random.default_rng(0)
FLOATS = rng.normal(size=N)
COUNTS = rng.integers(0, 9, size=N)
COLOURS = np.array(["red", "green", "blue"], object)[rng.integers(0, 3, N)]
CITIES = np.array([f"city {i}" for i in range(15)], object)[rng.integers(0, 15, N)]
DAYS = pd.Series(pd.date_range("2023-12-20 07:00", periods=N, freq="37h"))
GAPS = rng.random(N) < 0.2  # where values are missing


@dataclass(frozen=True)
class Column:
    """An odd column of a data frame of pandas."""

    make: Callable[[], Any]
    role: str
    feature_roles: Mapping[Any, str] = field(default_factory=dict)
    dropped: str = ""  # how the reason begins
    elsewhere: bool = True  # whether polars and Arrow can hold the same values


@dataclass(frozen=True)
class Refused:
    """A column that is refused, and how."""

    make: Callable[[], Any]
    message: str
    feature_roles: Mapping[Any, str] = field(default_factory=dict)


def with_gaps(values: Any, missing: Any = None) -> list[Any]:
    return [missing if gap else value for value, gap in zip(list(values), GAPS, strict=True)]


def numeric(make: Callable[[], Any], **more: Any) -> Column:
    return Column(make, "numeric", **more)


def categorical(make: Callable[[], Any], **more: Any) -> Column:
    return Column(make, "categorical", **more)


def dropped(make: Callable[[], Any], why: str, **more: Any) -> Column:
    return Column(make, "drop", dropped=why, **more)


def arrow(values: Any, kind: pa.DataType) -> pd.Series:
    return pd.Series(values, dtype=pd.ArrowDtype(kind))


MARS = datetime.timezone(datetime.timedelta(0), "Mars")
DECIMALS = [decimal.Decimal(f"{value:.2f}") for value in FLOATS]
HUGE = np.where(FLOATS > 0, 1.7e308, -1.7e308) * np.abs(np.tanh(FLOATS))
TITLES = [f"The {word} book of row number {i}" for i, word in enumerate(COLOURS)]

NUMERIC: dict[str, Column] = {
    "float64": numeric(lambda: FLOATS),
    "float32": numeric(lambda: FLOATS.astype("float32")),
    "float16": numeric(lambda: FLOATS.astype("float16"), elsewhere=False),
    "int64": numeric(lambda: COUNTS),
    "uint8": numeric(lambda: COUNTS.astype("uint8")),
    "zeros and ones": numeric(lambda: COUNTS % 2),
    "nearly all zeros": numeric(lambda: np.where(COUNTS == 3, 1e6, 0)),
    "NaN": numeric(lambda: with_gaps(FLOATS, np.nan)),
    "infinities": numeric(lambda: np.where(GAPS, np.inf, np.where(COUNTS == 1, -np.inf, FLOATS))),
    "constant, or missing": numeric(lambda: with_gaps(np.ones(N), np.nan)),
    "near the end of float64": numeric(lambda: HUGE),
    "below float32": numeric(lambda: FLOATS * 1e-300),
    "above float32": numeric(lambda: FLOATS * 1e300),
    "large with small changes": numeric(lambda: 1e12 + FLOATS),
    "negative zeros": numeric(lambda: np.where(GAPS, -0.0, FLOATS)),
    "Int64": numeric(lambda: pd.array(with_gaps(COUNTS, pd.NA), dtype="Int64")),
    "Float64": numeric(lambda: pd.array(with_gaps(FLOATS, pd.NA), dtype="Float64")),
    "Arrow int32": numeric(lambda: arrow(with_gaps(COUNTS.tolist()), pa.int32())),
    "Arrow double": numeric(lambda: arrow(with_gaps(FLOATS), pa.float64())),
    "Arrow decimal": numeric(lambda: arrow(with_gaps(DECIMALS), pa.decimal128(8, 2))),
    "sparse": numeric(lambda: pd.arrays.SparseArray(np.where(GAPS, FLOATS, 0)), elsewhere=False),
    "objects that are numbers": numeric(
        lambda: pd.Series(with_gaps(COUNTS.tolist()), dtype=object)
    ),
    "decimals": numeric(lambda: pd.Series(with_gaps(DECIMALS), dtype=object)),
    "integers beyond int64": numeric(
        lambda: pd.Series([int(c) * 10**30 for c in COUNTS], dtype=object), elsewhere=False
    ),
    "text that is numbers": numeric(lambda: [f"{value:.3f}" for value in FLOATS]),
    "text that is numbers, and blanks": numeric(lambda: with_gaps(map(str, COUNTS), " ")),
    "text that is numbers, and marks": numeric(lambda: with_gaps(map(str, FLOATS), "N/A")),
    "text with exponents": numeric(lambda: [f" {value:+.2e}" for value in FLOATS]),
    "numbers and text that is numbers": numeric(
        lambda: pd.Series([str(c) if c > 4 else int(c) for c in COUNTS], dtype=object),
        elsewhere=False,
    ),
    "durations": numeric(lambda: DAYS - DAYS[3]),
    "durations with gaps": numeric(lambda: (DAYS - DAYS[3]).where(~GAPS)),
    "times of day": numeric(lambda: pd.Series(with_gaps(DAYS.dt.time), dtype=object)),
    "a count of the rows as the only column": numeric(lambda: np.arange(N) + 1, elsewhere=False),
    "booleans said to be numbers": numeric(lambda: COUNTS > 4, feature_roles={"column": "numeric"}),
}

CATEGORICAL: dict[str, Column] = {
    "str": categorical(lambda: COLOURS.astype(str)),
    "objects that are text": categorical(lambda: pd.Series(COLOURS, dtype=object)),
    "text with None": categorical(lambda: pd.Series(with_gaps(COLOURS), dtype=object)),
    "text with NaN": categorical(lambda: pd.Series(with_gaps(COLOURS, np.nan), dtype=object)),
    "text with blanks": categorical(lambda: with_gaps(COLOURS, "  ")),
    "string[python]": categorical(lambda: pd.Series(with_gaps(COLOURS), dtype="string[python]")),
    "Arrow string": categorical(lambda: arrow(with_gaps(COLOURS), pa.string())),
    "Arrow dictionary": categorical(
        lambda: arrow(with_gaps(COLOURS), pa.dictionary(pa.int32(), pa.string()))
    ),
    "category": categorical(lambda: pd.Categorical(COLOURS)),
    "category with unused ones": categorical(
        lambda: pd.Categorical(with_gaps(COLOURS), categories=["red", "green", "pink", "blue"])
    ),
    "category of numbers": categorical(lambda: pd.Categorical(COUNTS), elsewhere=False),
    "category of dates": categorical(
        lambda: pd.Categorical(DAYS.dt.normalize().dt.to_period("M").dt.start_time),
        elsewhere=False,
    ),
    "two levels": categorical(lambda: np.where(COUNTS > 4, "yes", "no")),
    "two levels and gaps": categorical(lambda: with_gaps(np.where(COUNTS > 4, "yes", "no"))),
    "one level and gaps": categorical(lambda: with_gaps(["yes"] * N)),
    "many levels": categorical(lambda: CITIES),
    "many levels and gaps": categorical(lambda: with_gaps(CITIES)),
    "one common level, all others once": categorical(
        lambda: ["common" if i % 2 else f"rare {i}" for i in range(N)]
    ),
    "text and numbers": categorical(
        lambda: pd.Series([str(c) + "+" if c > 7 else int(c) for c in COUNTS], dtype=object),
        elsewhere=False,
    ),
    "postal codes": categorical(lambda: [f"0{c}100" for c in COUNTS]),
    "text of the largest characters": categorical(lambda: [chr(0x10FFF0 + c) for c in COUNTS]),
    "half of a surrogate pair": categorical(
        lambda: pd.Series(np.where(COUNTS > 4, "\ud800", "a"), dtype=object), elsewhere=False
    ),
    "numbers said to be categories": categorical(
        lambda: COUNTS, feature_roles={"column": "categorical"}
    ),
    "dates said to be categories": categorical(
        lambda: DAYS.dt.to_period("M").dt.start_time, feature_roles={"column": "categorical"}
    ),
    "booleans said to be categories": categorical(
        lambda: COUNTS > 4, feature_roles={"column": "categorical"}
    ),
    "titles said to be categories": categorical(
        lambda: [title.rpartition(" ")[0] for title in TITLES],
        feature_roles={"column": "categorical"},
    ),
    "booleans as text": categorical(lambda: (COUNTS > 4).astype(str)),
    "tuples": categorical(
        lambda: pd.Series([(int(c), "a") for c in COUNTS], dtype=object), elsewhere=False
    ),
    "intervals": categorical(
        lambda: pd.cut(FLOATS, 3).rename_categories(str).as_unordered(), elsewhere=True
    ),
}

ORDERED = ["low", "mid", "high"]
SIZES = np.array(ORDERED, object)[COUNTS % 3]

OTHERS: dict[str, Column] = {
    "ordered category": Column(
        lambda: pd.Categorical(with_gaps(SIZES), ORDERED, ordered=True), "ordinal", elsewhere=False
    ),
    "ordered intervals": Column(lambda: pd.cut(FLOATS, 5), "ordinal", elsewhere=False),
    "category said to be ordinal": Column(
        lambda: pd.Categorical(SIZES, ORDERED),
        "ordinal",
        feature_roles={"column": "ordinal"},
        elsewhere=False,
    ),
    "numbers said to be ordinal": Column(
        lambda: 10.0**COUNTS, "ordinal", feature_roles={"column": "ordinal"}
    ),
    "bool": Column(lambda: COUNTS > 4, "boolean"),
    "boolean": Column(lambda: pd.array(with_gaps(COUNTS > 4, pd.NA), dtype="boolean"), "boolean"),
    "objects that are booleans": Column(
        lambda: pd.Series(with_gaps([bool(c > 4) for c in COUNTS]), dtype=object), "boolean"
    ),
    "true or missing": Column(
        lambda: pd.array(with_gaps([True] * N, pd.NA), dtype="boolean"), "boolean"
    ),
    "numbers said to be booleans": Column(
        lambda: COUNTS % 2, "boolean", feature_roles={"column": "boolean"}
    ),
    "datetime64": Column(lambda: DAYS, "datetime"),
    "datetime64 with gaps": Column(lambda: DAYS.where(~GAPS), "datetime"),
    "datetime64[s]": Column(lambda: DAYS.astype("datetime64[s]"), "datetime"),
    "days": Column(DAYS.dt.normalize, "datetime"),
    "with a time zone": Column(lambda: DAYS.dt.tz_localize("America/New_York"), "datetime"),
    "with a fixed offset": Column(
        lambda: DAYS.dt.tz_localize("+05:30"), "datetime", elsewhere=False
    ),
    "periods": Column(
        lambda: pd.Series(pd.period_range("2020-01", periods=N, freq="M")),
        "datetime",
        elsewhere=False,
    ),
    "objects that are dates": Column(
        lambda: pd.Series(with_gaps(DAYS.dt.date), dtype=object), "datetime"
    ),
    "text that is dates": Column(lambda: DAYS.dt.strftime("%Y-%m-%d"), "datetime"),
    "text that is dates, and blanks": Column(
        lambda: with_gaps(DAYS.dt.strftime("%Y-%m-%dT%H:%M:%S"), ""), "datetime"
    ),
    "dates before 1970": Column(lambda: DAYS - pd.Timedelta(days=80_000), "datetime"),
    "Arrow dates": Column(lambda: arrow(with_gaps(DAYS.dt.date), pa.date32()), "datetime"),
    "Arrow timestamps": Column(
        lambda: arrow(with_gaps(DAYS), pa.timestamp("ms", "Europe/Berlin")), "datetime"
    ),
    "all NaN": dropped(lambda: np.full(N, np.nan), "all values are missing"),
    "all None": dropped(lambda: pd.Series([None] * N, dtype=object), "all values are missing"),
    "all blank": dropped(lambda: [""] * N, "all values are missing"),
    "marks of missing numbers only": dropped(lambda: ["?"] * N, "all values are missing"),
    "only infinities": dropped(lambda: np.where(GAPS, np.inf, -np.inf), "no value is finite"),
    "constant number": dropped(lambda: np.full(N, 3.5), "constant"),
    "constant text": dropped(lambda: ["same"] * N, "constant"),
    "constant date": dropped(lambda: [DAYS[0]] * N, "constant"),
    "constant boolean": dropped(lambda: np.ones(N, bool), "constant"),
    "text that differs everywhere": dropped(
        lambda: [f"user-{i:x}" for i in range(N)], "an identifier: 40 different values in 40 rows"
    ),
    "categories that all occur once": dropped(
        lambda: pd.Categorical([f"user {i}" for i in range(N)]), "no value occurs at least 2 times"
    ),
    "said to be dropped": dropped(
        lambda: [["a", "list"]] * N, "feature_roles says so", feature_roles={"column": "drop"}
    ),
}

COLUMNS = NUMERIC | CATEGORICAL | OTHERS

REFUSED: dict[str, Refused] = {
    "free text": Refused(lambda: TITLES, r"free text, got 'column' \(text, for example 'The "),
    "lists": Refused(lambda: pd.Series([[1, 2]] * N), r"other types, got 'column' \(list objects"),
    "dictionaries": Refused(lambda: pd.Series([{"a": 1}] * N), "dict objects"),
    "arrays": Refused(lambda: pd.Series([np.ones(2)] * N), "ndarray objects"),
    "complex": Refused(lambda: FLOATS + 1j, "complex numbers"),
    "bytes": Refused(lambda: pd.Series([b"abc"] * N), "bytes, for example b'abc'"),
    "Arrow lists": Refused(lambda: arrow([[1, 2]] * N, pa.list_(pa.int64())), "lists"),
    "Arrow structs": Refused(
        lambda: arrow([{"a": 1}] * N, pa.struct([("a", pa.int64())])), "struct<a: int64>"
    ),
    "integers beyond float64": Refused(
        lambda: pd.Series([10**400 + i for i in range(N)], dtype=object), "too large for float64"
    ),
    "text said to be numbers": Refused(
        lambda: COLOURS, "must contain numbers in column 'column', got '", {"column": "numeric"}
    ),
    "dates said to be numbers": Refused(
        lambda: DAYS, "must contain numbers in column 'column', got dates", {"column": "numeric"}
    ),
    "text said to be ordinal": Refused(lambda: COLOURS, "no order", {"column": "ordinal"}),
    "counts said to be booleans": Refused(
        lambda: COUNTS, "booleans, or 0 and 1, in column 'column'", {"column": "boolean"}
    ),
    "numbers said to be dates": Refused(
        lambda: FLOATS, "must contain dates in column 'column'", {"column": "datetime"}
    ),
    "a day that is none": Refused(
        lambda: ["2024-02-30"] * N, "must contain dates", {"column": "datetime"}
    ),
    "lists said to be categories": Refused(
        lambda: pd.Series([[1, 2]] * N), "text, numbers or categories", {"column": "categorical"}
    ),
    "an unknown time zone": Refused(
        lambda: pd.Series(
            [
                datetime.datetime(
                    2024, 1, 1 + i % 9, tzinfo=datetime.timezone(datetime.timedelta(0), "Mars")
                )
                for i in range(N)
            ],
            dtype=object,
        ),
        "time zone 'Mars'.*column 'column'",
    ),
}
