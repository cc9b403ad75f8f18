"""Columns of tables and arrays are judged by what they hold, whichever library made them."""

import datetime
import decimal
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from multilayer._data.columns import described, gaps, kinds_in, missing_objects, others, remedy

pd = pytest.importorskip("pandas", reason="an optional holder of tables")
N = 4
DAY = datetime.date(2020, 1, 1)
DAYS = pd.date_range(DAY, periods=N)
HOLDERS = {"pandas": pd.DataFrame}


def polars_frame(columns):
    return pytest.importorskip("polars", reason="an optional holder").DataFrame(columns)


def arrow_table(columns):
    return pytest.importorskip("pyarrow", reason="an optional holder").table(columns)


def arrow_backed(columns):
    """A frame of pandas whose columns are Arrow's."""
    pa = pytest.importorskip("pyarrow", reason="an optional holder")
    arrays = {name: pa.array(values) for name, values in columns.items()}
    return pd.DataFrame(
        {k: pd.Series(v.to_pandas(), dtype=pd.ArrowDtype(v.type)) for k, v in arrays.items()}
    )


HOLDERS |= {"polars": polars_frame, "Arrow": arrow_table, "pandas of Arrow": arrow_backed}
everywhere = pytest.mark.parametrize("make", HOLDERS.values(), ids=list(HOLDERS))

OTHERS = {
    "text": ["red"] * N,
    "dates": [DAY] * N,
    "durations": [datetime.timedelta(1)] * N,
    "times of day": [datetime.time(1)] * N,
}


@everywhere
@pytest.mark.parametrize("kind", OTHERS)
def test_kinds_that_every_library_has(make, kind):
    (found,) = others(make({"a": [0.5] * N, "b": OTHERS[kind]}))
    assert (found.name, found.kind) == ("b", kind)
    assert found.example == OTHERS[kind][0]
    assert f"'b' ({kind}, for example " in described([found])


@everywhere
def test_numbers_are_fine(make):
    columns = {"a": [0.5] * N, "b": [1] * N, "c": [True] * N, "d": [decimal.Decimal(1)] * N}
    assert others(make(columns)) == []
    assert gaps(make(columns)) == ({}, {})


@everywhere
def test_missing_and_infinite_numbers_are_counted(make):
    columns = {
        "a": [0.5, None, 1.5, float("inf")],
        "b": [1, None, None, 2],
        "c": [True, None, False, True],
        "d": [1.0, 2.0, 3.0, float("nan")],
    }
    frame = make(columns)
    assert others(frame) == []
    assert gaps(frame) == ({"a": 1, "b": 2, "c": 1, "d": 1}, {"a": 1})


PANDAS = {
    "categories": lambda: pd.Categorical(["a", "b", "a", "b"]),
    "periods": lambda: DAYS.to_period("D"),
    "intervals": lambda: pd.interval_range(0, N),
    "dates": lambda: DAYS.tz_localize("UTC"),
    "durations": lambda: DAYS - DAYS[0],
    "text": lambda: pd.array(["1"] * N, dtype="string"),
    "complex numbers": lambda: np.full(N, 1j),
    "Period": lambda: pd.Series(list(DAYS.to_period("D")), dtype=object),
    "dict": lambda: pd.Series([{}] * N, dtype=object),
}


@pytest.mark.parametrize("kind", PANDAS)
def test_kinds_of_pandas(kind):
    (found,) = others(pd.DataFrame({"a": np.zeros(N), "b": PANDAS[kind]()}))
    assert (found.name, found.kind) == ("b", kind)


@pytest.mark.parametrize(
    "values",
    [
        pd.Categorical([1, 2, 1, 2]),
        pd.array([1, 2, 3, 4], dtype="Int8"),
        pd.array([True] * N, dtype="boolean"),
        pd.arrays.SparseArray([0.0, 1.0, 0.0, 0.0]),
        pd.Series([1, 2.5, True, decimal.Decimal(1)], dtype=object),
    ],
    ids=lambda values: str(values.dtype),
)
def test_numbers_of_pandas(values):
    frame = pd.DataFrame({"a": values})
    assert others(frame) == []
    assert gaps(frame) == ({}, {})


def test_kinds_of_polars():
    pl = pytest.importorskip("polars", reason="an optional holder")
    values = {
        "categories": pl.Series(["a"] * N, dtype=pl.Categorical),
        "lists": pl.Series([[1.0]] * N),
        "dates": pl.Series([datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)] * N),
        "Struct": pl.Series([{"x": 1}] * N),
    }
    found = others(pl.DataFrame(values))
    assert [(other.name, other.kind) for other in found] == [(kind, kind) for kind in values]


def test_kinds_of_arrow():
    pa = pytest.importorskip("pyarrow", reason="an optional holder")
    text, numbers = (pa.array(v).dictionary_encode() for v in (["a"] * N, [1] * N))
    table = pa.table({"a": text, "b": numbers, "c": pa.array([[1.0]] * N), "d": pa.nulls(N)})
    assert [(other.name, other.kind) for other in others(table)] == [
        ("a", "categories"),
        ("c", "lists"),
    ]
    assert gaps(table.select(["b", "d"])).missing == {"d": N}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("3", "text"),
        (b"3", "bytes"),
        (DAY, "dates"),
        (np.datetime64("2020-01-01"), "dates"),
        (pd.Timestamp(DAY), "dates"),
        (np.timedelta64(3, "D"), "durations"),
        (pd.Timedelta(3), "durations"),
        (1j, "complex numbers"),
    ],
    ids=repr,
)
def test_arrays_of_objects(value, kind):
    array = np.array([[0.5, value]] * N, object)
    (found,) = others(array)
    assert (found.name, found.kind, found.example) == (1, kind, value)
    assert kinds_in(array) == {kind: value}


@pytest.mark.parametrize(
    ("dtype", "words"),
    [("U4", "text, for example '1'"), ("m8[D]", "durations, for example np.timedelta64(1,'D')")],
)
def test_arrays_of_one_type_are_one_find(dtype, words):
    found = others(np.ones((N, 3), int).astype(dtype))
    assert described(found) == words


def test_missing_objects_and_gaps_of_arrays():
    array = np.array([[0.5, None], [np.nan, pd.NA], [1.0, pd.NaT], [1, 2]], object)
    assert others(array) == []
    assert missing_objects(array) == {0: 1, 1: 3}
    numbers = np.array([[1.0, np.nan], [np.inf, np.nan]])
    assert gaps(numbers) == ({1: 2}, {0: 1})
    assert gaps(sparse.csr_array(numbers)) == gaps(numbers)


def test_what_to_do_follows_from_the_kinds():
    frame = pd.DataFrame({"a": ["x"] * N, "b": DAYS, "c": pd.interval_range(0, N)})
    assert "OneHotEncoder" in remedy(others(frame[["a"]]))
    assert "OneHotEncoder" not in remedy(others(frame[["b"]]))
    assert "days since the first one" in remedy(others(frame))
    assert remedy(others(frame[["c"]])) == "Turn them into numbers, or leave these columns out."


def test_first_columns_of_many_are_named():
    frame = pd.DataFrame({f"c{i}": ["word " * 99] for i in range(11)})
    shown = described(others(frame))
    assert "'c7'" in shown
    assert shown.endswith(" and 3 more")
    assert len(shown) < 1000


def test_no_library_is_imported_to_find_out():
    code = (
        "import sys, numpy as np\n"
        "from multilayer._data.columns import others\n"
        "others(np.zeros((2, 2)))\n"
        "print([name for name in ('pandas', 'polars', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
