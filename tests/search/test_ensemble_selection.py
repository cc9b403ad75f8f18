"""Greedy selection of an ensemble: a case by hand, and what always holds."""

import numpy as np
import pytest

from multilayer._search.ensemble_selection import select

# Two rows whose targets are 0, and what three candidates predict for them.
LEFT, RIGHT, NEAR = [[1.0], [-1.0]], [[-1.0], [1.0]], [[0.5], [0.5]]


def squared(table):
    return (-float(np.mean(table**2)),)


def test_by_hand():
    tables = np.array([LEFT, RIGHT, NEAR])
    # NEAR alone is off by 0.25, as twice NEAR is; NEAR with LEFT or RIGHT by 0.3125. From there on
    # it is better to have LEFT too: 2/9. NEAR, LEFT and RIGHT are off by 1/36.
    assert select(tables, squared, n_first=1, n_rounds=2).tolist() == [0, 0, 1]
    assert select(tables, squared, n_first=1, n_rounds=3) == pytest.approx([1 / 3, 0, 2 / 3])
    assert select(tables, squared, n_first=3, n_rounds=2).tolist() == [0, 0, 1]
    assert select(tables, squared, n_first=3, n_rounds=3) == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_replacement_makes_weights():
    # The mean of 2/3 of the first one and 1/3 of the second is right.
    tables = np.array([[[1.0]], [[-2.0]]])
    assert select(tables, squared) == pytest.approx([2 / 3, 1 / 3])


def test_the_first_of_equals():
    tables = np.array([LEFT, LEFT, RIGHT, RIGHT])
    assert select(tables, squared, n_first=1).tolist() == [0.5, 0, 0.5, 0]


def test_what_decides_between_equals():
    tables = np.array([LEFT, NEAR])

    def score(table):
        return 1.0, -float(np.abs(table).sum())

    assert select(tables, score, n_rounds=1).tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_never_worse_than_the_best_by_itself(seed):
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(30, 2))
    tables = target + rng.normal(size=(7, 30, 2)) * rng.uniform(0.3, 2, (7, 1, 1))
    tables[3] = np.nan  # a candidate that cannot be scored is never in it

    def score(table):
        return (-float(np.mean((table - target) ** 2)),)

    weights = select(tables, score)
    assert weights.sum() == pytest.approx(1)
    assert weights[3] == 0
    mean = np.tensordot(weights[weights > 0], tables[weights > 0], axes=1)
    assert score(mean)[0] >= max(score(each)[0] for each in np.delete(tables, 3, axis=0))
