"""Rows of an ensemble: whose they are, and in what order they come."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from multilayer._data.member_rows import MemberSource
from multilayer._data.source import Rows

N = 41
MEMBERS = [np.arange(0, 30), np.arange(11, N), np.array([2, 40, 7])]


@pytest.fixture
def source():
    rows = Rows(np.arange(N)[:, None], np.arange(N), np.ones(N))
    return MemberSource(rows, MEMBERS, batch_size=4, steps_per_epoch=5, seed=3)


def orders(source, epochs):
    """Row numbers of each member, ``(members, places)``, over some epochs."""
    steps = [source.window(epoch * 5).order.reshape(5, 3, 4) for epoch in range(epochs)]
    return np.concatenate(steps).swapaxes(0, 1).reshape(3, -1)


def test_members_meet_their_own_rows_once_in_each_pass(source):
    for own, seen in zip(MEMBERS, orders(source, 12), strict=True):
        passes = len(seen) // len(own)
        for number in range(passes):
            one_pass = seen[number * len(own) : (number + 1) * len(own)]
            assert_array_equal(np.sort(one_pass), np.sort(own))


def test_passes_differ_and_members_do_too(source):
    first = orders(source, 12)[0]
    assert (first[:30] != first[30:60]).any()
    same = MemberSource(source._rows, [MEMBERS[0]] * 2, 4, 5, seed=3)
    table = same.window(0).order.reshape(5, 2, 4)
    assert (table[:, 0] != table[:, 1]).any()


def test_a_window_is_a_function_of_the_step_alone(source):
    late = source.window(37)
    assert (late.first, late.stop, late.epochs) == (35, 40, 1)
    assert_array_equal(late.order, source.window(35).order)
    other = MemberSource(source._rows, MEMBERS, 4, 5, seed=4)
    assert (other.window(35).order != late.order).any()


def test_rows_are_padded_without_weight(source):
    rows = source.window(0).rows
    assert len(rows.X) == 64
    assert_array_equal(rows.weight, np.arange(64) < N)
    assert [len(each.X) for each in source.sweep()] == [64]
