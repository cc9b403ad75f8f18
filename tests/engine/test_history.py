"""Histories: exact, small, and shared without copies."""

import pickle
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from multilayer._core.types import REPORT_COLUMNS
from multilayer._engine.history import History, HistoryColumn

NAN, INF = np.nan, np.inf
COLUMNS = {
    "none": [],
    "one": [0.1],
    "even": [3.0, 5.0, 7.0, 9.0],
    "the same": [0.1] * 5,
    "nothing": [NAN] * 4,
    "float32": np.random.default_rng(0).random(50, np.float32).tolist(),
    "float64": np.random.default_rng(0).random(50).tolist(),
    "first even": [1.0, 2.0, 3.0, 0.1, 4.0],
    "float64 in the end": [0.5, 0.25, 0.75, 0.1, 0.5],
    "nothing, then numbers": [NAN, NAN, 0.5, NAN],
    "numbers, then nothing": [0.5, 0.25, NAN, NAN],
    "infinite": [INF, 1.0, -INF, INF, NAN],
    "infinite twice": [INF, INF, 0.0],
    "huge": [1.0, 1e300, 1e-300, 2.0],
    "many": (np.arange(40_000) % 7 / 3).tolist(),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_gives_back_what_it_was_given(name):
    values = np.array(COLUMNS[name], np.float64)
    grown, at_once = HistoryColumn(), HistoryColumn.of(values)
    for value in values.tolist():
        grown.append(value)
    for column in (grown, at_once):
        assert len(column) == len(values)
        assert_array_equal(column.read(0, len(values)), values)
        middle = len(values) // 2
        assert_array_equal(column.read(middle, len(values)), values[middle:])
        column.append(0.1)
        assert_array_equal(column.read(0, len(values) + 1), [*values, 0.1])


def add(history, rng, n_rows):
    line = np.array([[rng.random(), NAN, NAN, 0.001]], np.float32)
    history.add(line, n_rows, rng.random())


def test_a_call_of_partial_fit_takes_less_than_20_bytes():
    rng = np.random.default_rng(0)
    history = History()
    add(history, rng, 1)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for n_calls in range(20_000):
            history = history.continued()
            add(history, rng, n_calls % 5 + 1)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken / 20_000 < 20
    assert len(pickle.dumps(history)) / 20_000 < 20


def test_rows_are_as_they_were_reported():
    history = History()
    lines = np.array([[0.5, NAN, NAN, 0.1], [0.25, 1.0, 0.5, 0.1]], np.float32)
    history.add(lines, 3, 1.5)
    last = {"epoch": 1, "loss": 0.25, "validation_loss": 1.0, "validation_score": 0.5}
    last |= {"learning_rate": float(np.float32(0.1)), "steps": 6, "seconds": 1.5}
    assert history.reports(1) == [last]
    assert [type(history.reports(1)[0][name]) for name in ("epoch", "steps")] == [int, int]
    assert list(history.columns()) == list(REPORT_COLUMNS)
    again = History.of_columns(dict(reversed(history.columns().items())))
    assert str(again.reports(0)) == str(history.reports(0))


def test_what_goes_on_from_a_history_leaves_it_alone():
    rng = np.random.default_rng(0)
    first = History()
    for _ in range(3):
        add(first, rng, 2)
    losses = first["loss"]
    one, other = first.continued(), first.continued()
    for _ in range(2):
        add(one, rng, 2)
    late = first.continued()  # of a fit after one that was given up
    for history in (other, late):
        add(history, rng, 2)
    assert [len(history) for history in (first, one, other, late)] == [3, 5, 4, 4]
    for history in (first, one, other, late):
        assert_array_equal(history["loss"][:3], losses)
        assert_array_equal(history["epoch"], np.arange(len(history)))
        assert len({*history["loss"]}) == len(history)
    assert one["loss"][3] != late["loss"][3]


def test_a_history_without_some_columns_goes_on_without_them():
    history = History.of_columns({"epoch": np.arange(2.0), "loss": np.array([0.5, 0.1])})
    history.add(np.array([[0.3, 1.0, 2.0, 3.0]]), 5, 1.0)
    assert history.reports(1) == [{"epoch": 1, "loss": 0.1}, {"epoch": 2, "loss": 0.3}]
