"""X and y as tables of pandas, polars and pyarrow."""

import datetime

import numpy as np
import pytest

from .harness import COUNTS, INDICATOR, LABELS, TARGET, TARGETS, WEIGHT, N, X, classify, regress
from .rows import OursAccepts, OursRefuses, Refused, Row, Same

NAMES = ["a", "b", "c", "d"]


def pandas():
    return pytest.importorskip("pandas", reason="pandas is an optional dependency")


def polars():
    return pytest.importorskip("polars", reason="polars is not installed: nothing here needs it")


def arrow():
    return pytest.importorskip("pyarrow", reason="pyarrow is an optional dependency")


def frame(values=X, columns=NAMES, **more):
    return pandas().DataFrame(values, columns=columns, **more)


def with_missing(dtype):
    table = frame(COUNTS).astype(dtype)
    table.loc[3, "b"] = pandas().NA
    return table


def with_column(name, make):
    """A frame of numbers whose column ``name`` is something else."""
    table = frame()
    table[name] = make(pandas())
    return table


def series(values, **more):
    return pandas().Series(values, **more)


def same(make, y=lambda: LABELS, **more):
    return Same(lambda: classify(make(), y(), **more))


def same_y(make):
    return Same(lambda: classify(y=make()))


def refused(make, text):
    return Refused(lambda: classify(make()), text)


PANDAS_X: dict[str, Row] = {
    "X pandas frame": same(frame),
    "X pandas frame of several types": same(
        lambda: frame(COUNTS).astype({"a": "int8", "b": "float32", "c": "bool"})
    ),
    **{
        f"X pandas frame of {dtype}": same(lambda dtype=dtype: frame(COUNTS).astype(dtype))
        for dtype in ("Int64", "UInt8", "Float32", "Float64", "object")
    },
    "X pandas frame of categories that are numbers": OursAccepts(
        lambda: classify(frame(COUNTS).astype("category")),
        "objects that are numbers become numbers in predict as they do in fit",
        lambda: classify(frame(COUNTS)),
    ),
    "X pandas frame of boolean": same(lambda: frame(COUNTS > 1).astype("boolean")),
    "X pandas frame backed by Arrow": same(
        lambda: arrow() and frame(COUNTS).astype("double[pyarrow]")
    ),
    "X pandas frame of Arrow integers": same(
        lambda: arrow() and frame(COUNTS).astype("int64[pyarrow]")
    ),
    "X pandas frame with an odd index": same(
        lambda: frame(index=[f"row {i % 7}" for i in range(N)])
    ),
    "X pandas frame with numbered columns": same(lambda: frame(columns=range(4))),
    "X pandas frame with two levels of names": same(
        lambda: frame(columns=pandas().MultiIndex.from_product([["a", "b"], [0, 1]]))
    ),
    "X pandas frame with sparse columns": same(
        lambda: frame(np.maximum(X, 0)).astype(pandas().SparseDtype("float", 0))
    ),
    "X pandas frame with a column of numbers as objects": same(
        lambda: with_column("b", lambda pd: COUNTS[:, 0].astype(object))
    ),
    "X pandas frame with a column name twice": refused(
        lambda: frame(columns=["a", "b", "b", "a"]), "unique column names.*\n- 'a' 2 times"
    ),
    "X pandas frame with names of columns of mixed types": refused(
        lambda: frame(columns=["a", "b", 2, 3]), "all input features have string names"
    ),
    "X pandas frame of Int64 with missing values": refused(
        lambda: with_missing("Int64"), "X contains NaN"
    ),
    "X pandas frame of Float64 with missing values": refused(
        lambda: with_missing("Float64"), "X contains NaN"
    ),
    "X pandas frame of Arrow with missing values": refused(
        lambda: arrow() and with_missing("double[pyarrow]"), "X contains NaN"
    ),
    "X pandas frame of objects with missing values": refused(
        lambda: with_missing("object"), "X contains (NaN|missing)"
    ),
    "X pandas frame with a column of text": refused(
        lambda: with_column("b", lambda pd: ["red", "blue"] * (N // 2)),
        r"'b' \(text, for example 'red'\)",
    ),
    "X pandas frame with a column of str": refused(
        lambda: with_column("b", lambda pd: pd.Series(["red"] * N, dtype="string")),
        r"'b' \(text, for example 'red'\)",
    ),
    "X pandas frame with a column of categories": refused(
        lambda: with_column("b", lambda pd: pd.Categorical(["red", "blue"] * (N // 2))),
        r"'b' \(categories, for example 'red'\)",
    ),
    "X pandas frame with a column of dates": refused(
        lambda: with_column("b", lambda pd: pd.date_range("2020-01-01", periods=N)),
        r"'b' \(dates, for example Timestamp\('2020-01-01 ",
    ),
    "X pandas series": refused(lambda: series(X[:, 0]), "Expected a 2-dimensional container"),
    "X pandas frame without rows": Refused(
        lambda: classify(frame()[:0], LABELS[:0]), r"0 sample\(s\)"
    ),
    "X pandas frame in a regression": Same(lambda: regress(frame())),
}

PANDAS_Y: dict[str, Row] = {
    "y pandas series with an odd index": same_y(lambda: series(LABELS, index=range(N, 0, -1))),
    **{
        f"y pandas series of {dtype}": same_y(lambda dtype=dtype: series(LABELS).astype(dtype))
        for dtype in ("Int64", "Float64", "category", "string", "str")
    },
    "y pandas series of boolean": same_y(lambda: series(LABELS > 0).astype("boolean")),
    "y pandas series of Arrow integers": same_y(
        lambda: arrow() and series(LABELS).astype("int64[pyarrow]")
    ),
    "y pandas series of Arrow text": same_y(
        lambda: arrow() and series(LABELS).astype(str).astype("string[pyarrow]")
    ),
    "y pandas series of categories of text": same_y(
        lambda: series(pandas().Categorical.from_codes(LABELS, ["red", "blue", "green"]))
    ),
    "y pandas index": same_y(lambda: pandas().Index(LABELS)),
    "y pandas frame of one column": same_y(lambda: pandas().DataFrame({"y": LABELS})),
    "y pandas frame of an indicator": same_y(lambda: pandas().DataFrame(INDICATOR)),
    "y pandas series with a missing integer": Refused(
        lambda: classify(y=series([None, *LABELS[1:]], dtype="Int64")), "y contains (NaN|missing)"
    ),
    "y pandas series with a missing text": Refused(
        lambda: classify(y=series([None, *LABELS[1:].astype(str)], dtype="string")),
        "y contains (NaN|missing)",
    ),
    "weights as a pandas series with an odd index": Same(
        lambda: classify(weight=series(WEIGHT, index=range(N, 0, -1)))
    ),
    "weights as a pandas series of Float64": Same(
        lambda: classify(weight=series(WEIGHT).astype("Float64"))
    ),
    "weights as a pandas series with a missing value": Refused(
        lambda: classify(weight=series([None, *WEIGHT[1:]], dtype="Float64")),
        "sample_weight contains NaN",
    ),
    "targets as a pandas series": Same(lambda: regress(y=series(TARGET, index=range(N, 0, -1)))),
    "targets as a pandas series of Float64": Same(
        lambda: regress(y=series(TARGET).astype("Float64"))
    ),
    "targets as a pandas frame": Same(
        lambda: regress(y=pandas().DataFrame(TARGETS, columns=["one", "two", "three"]))
    ),
    "targets as a pandas frame of one column": Same(
        lambda: regress(y=pandas().DataFrame({"one": TARGET}))
    ),
    "targets as a pandas series with a missing value": Refused(
        lambda: regress(y=series([None, *TARGET[1:]], dtype="Float64")), "y contains NaN"
    ),
}

UNITS = "a network would learn from the number of microseconds since 1970"
TAKEN_AS_NUMBERS: dict[str, Row] = {
    "X pandas frame with a column of text that reads as numbers": OursRefuses(
        lambda: classify(with_column("b", lambda pd: ["1", "2"] * (N // 2))),
        r"'b' \(text, for example '1'\)",
        "text may be labels; numbers are made of it by astype",
    ),
    "X pandas frame with a column of durations as objects": OursRefuses(
        lambda: classify(
            with_column("b", lambda pd: pd.Series([np.timedelta64(3, "D")] * N, dtype=object))
        ),
        r"'b' \(durations, for example",
        UNITS,
    ),
    "X polars frame with a column of dates": OursRefuses(
        lambda: classify(polars().DataFrame({"a": X[:, 0], "b": [datetime.date(2020, 1, 1)] * N})),
        r"'b' \(dates, for example datetime.date\(2020, 1, 1\)\)",
        UNITS,
    ),
    "X polars frame with a column of durations": OursRefuses(
        lambda: classify(polars().DataFrame({"a": X[:, 0], "b": [datetime.timedelta(1)] * N})),
        r"'b' \(durations, for example",
        UNITS,
    ),
    "X polars frame with a column of times": OursRefuses(
        lambda: classify(polars().DataFrame({"a": X[:, 0], "b": [datetime.time(1)] * N})),
        r"'b' \(times of day, for example",
        UNITS,
    ),
}

POLARS: dict[str, Row] = {
    "X polars frame": same(lambda: polars().DataFrame(X, schema=NAMES)),
    "X polars frame of several types": same(
        lambda: polars().DataFrame(
            dict(zip("abcd", [X[:, 0], *COUNTS.T[:2], X[:, 1] > 1], strict=True))
        )
    ),
    "X polars frame with a null": refused(
        lambda: polars().DataFrame({"a": [None, *X[1:, 0]], "b": X[:, 1]}), "X contains NaN"
    ),
    "X polars frame with text": refused(
        lambda: polars().DataFrame({"a": ["red"] * N, "b": X[:, 1]}),
        r"'a' \(text, for example 'red'\)",
    ),
    "X polars lazy frame": refused(
        lambda: polars().DataFrame(X, schema=NAMES).lazy(), "LazyFrame|Expected 2D array"
    ),
    "y polars series": same_y(lambda: polars().Series(LABELS)),
    "y polars series of text": same_y(lambda: polars().Series(LABELS.astype(str).tolist())),
    "y polars series of categories": same_y(
        lambda: polars().Series(LABELS.astype(str).tolist(), dtype=polars().Categorical)
    ),
    "y polars series with a null": Refused(
        lambda: classify(y=polars().Series([None, *LABELS[1:].tolist()])),
        "y contains (NaN|missing)",
    ),
    "weights as a polars series": Same(lambda: classify(weight=polars().Series(WEIGHT))),
    "targets as a polars series": Same(lambda: regress(y=polars().Series(TARGET))),
}

ARROW: dict[str, Row] = {
    "X Arrow table": same(lambda: arrow().table(dict(zip(NAMES, X.T, strict=True)))),
    "y Arrow array": same_y(lambda: arrow().array(LABELS)),
}

ROWS = PANDAS_X | PANDAS_Y | TAKEN_AS_NUMBERS | POLARS | ARROW
