"""Bootstrap intervals: their figures are those of the rows drawn."""

import numpy as np
import pytest

from multilayer._cli.measures import class_figures, number_figures
from multilayer._cli.resampling import (
    RESAMPLES,
    BootstrapInterval,
    WeighedClasses,
    WeighedNumbers,
    WeighedRows,
    intervals,
)

RNG = np.random.default_rng(0)
N = 80
LABELS = {2: ["no", "yes"], 3: ["a", "b", "c"]}


def predictions(n_classes):
    labels = np.array(LABELS[n_classes])
    y = labels[RNG.integers(n_classes, size=N)]
    # Few different scores, so that there are ties.
    proba = RNG.integers(1, 5, size=(N, n_classes)).astype(float)
    proba[np.arange(N), np.searchsorted(labels, y)] += 1
    proba /= proba.sum(axis=1, keepdims=True)
    return y, labels[proba.argmax(axis=1)], labels.tolist(), proba


@pytest.mark.parametrize("n_classes", LABELS)
@pytest.mark.parametrize("known", [True, False])
def test_figures_of_classes_are_those_of_the_rows_drawn(n_classes, known):
    y, predicted, labels, proba = predictions(n_classes)
    proba = proba if known else None
    weight = RNG.integers(0, 3, size=N)
    drawn = np.repeat(np.arange(N), weight)
    found = WeighedClasses(y, predicted, labels, proba).figures(weight.astype(float))
    some = None if proba is None else proba[drawn]
    expected = class_figures(y[drawn], predicted[drawn], labels, some).as_json()
    assert len(found) == (8 if known else 3)
    for name, value in found.items():
        assert value == pytest.approx(expected[name]), name


def test_figures_of_rows_that_lack_a_class():
    y, predicted, labels, proba = predictions(3)
    weight = (y != "c").astype(float)
    found = WeighedClasses(y, predicted, labels, proba).figures(weight)
    some = y != "c"
    expected = class_figures(y[some], predicted[some], labels, proba[some]).as_json()
    for name, value in found.items():
        assert value == pytest.approx(expected[name]), name
    alone = WeighedClasses(y, predicted, labels, proba).figures((y == "a").astype(float))
    assert np.isnan(alone["auc"])
    assert not np.isnan(alone["accuracy"])


def test_figures_of_numbers_are_those_of_the_rows_drawn():
    y = RNG.normal(size=N)
    predicted = y + RNG.normal(size=N) / 2
    weight = RNG.integers(0, 3, size=N)
    drawn = np.repeat(np.arange(N), weight)
    found = WeighedNumbers(y, predicted).figures(weight.astype(float))
    expected = number_figures(y[drawn], predicted[drawn]).as_json()
    for name, value in found.items():
        assert value == pytest.approx(expected[name]), name
    assert np.isnan(WeighedNumbers(np.ones(3), np.ones(3)).figures(np.ones(3))["r2"])


class Mean(WeighedRows):
    n_rows = 400

    def __init__(self):
        self.values = np.random.default_rng(1).normal(size=self.n_rows)

    def figures(self, weight):
        return {"mean": weight @ self.values / weight.sum(), "never": np.nan}


def test_intervals_are_those_of_the_theory():
    rows, calls = Mean(), []
    found = intervals(rows, 0, lambda: calls.append(None))
    assert len(calls) == RESAMPLES
    assert found["never"] is None
    mean, error = rows.values.mean(), rows.values.std() / np.sqrt(rows.n_rows)
    assert found["mean"].low == pytest.approx(mean - 1.96 * error, abs=0.2 * error)
    assert found["mean"].high == pytest.approx(mean + 1.96 * error, abs=0.2 * error)
    assert intervals(rows, 0) == found
    assert intervals(rows, 1) != found
    assert isinstance(found["mean"], BootstrapInterval)
