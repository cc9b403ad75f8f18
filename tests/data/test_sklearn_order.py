from itertools import islice

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.utils._seq_dataset import ArrayDataset64

from multilayer._data.order import drawn_permutation, shuffled_again, xorshift


def bits(word):
    return np.array([word >> i & 1 for i in range(32)], np.uint8)


def test_words_are_a_linear_recurrence_over_bits():
    """The paper's definition: x(I + L^13)(I + R^17)(I + L^5) over the field of two elements."""
    identity = np.eye(32, dtype=np.uint8)

    def shifted(n):
        """Matrix of a shift to the left, or by a negative number to the right."""
        return np.eye(32, k=-n, dtype=np.uint8)

    step = (identity + shifted(5)) @ (identity + shifted(-17)) @ (identity + shifted(13)) % 2
    word = bits(2463534242)
    for number in islice(xorshift(2463534242), 200):
        word = step @ word % 2
        assert_array_equal(bits(number)[:31], word[:31])


def test_numbers_have_31_bits():
    numbers = list(islice(xorshift(7), 1000))
    assert min(numbers) > 0
    assert 2**30 < max(numbers) < 2**31


def test_seed_0_is_seed_1():
    assert list(islice(xorshift(0), 5)) == list(islice(xorshift(1), 5))


@pytest.mark.parametrize("n_rows", [1, 2, 7, 100])
@pytest.mark.parametrize("seed", [0, 1, 209652396, 2**31 - 2])
def test_order_is_that_of_scikit_learn(n_rows, seed):
    rows = np.arange(n_rows, dtype=float)
    theirs = ArrayDataset64(rows[:, None], rows, np.ones(n_rows), seed=1)
    for order in islice(shuffled_again(drawn_permutation(n_rows, seed)), 4):
        theirs._shuffle_py(seed)
        assert_array_equal(order, [theirs._next_py()[3] for _ in rows])


def test_every_order_is_a_permutation_and_another_one():
    orders = list(islice(shuffled_again(drawn_permutation(50, 3)), 10))
    for order in orders:
        assert_array_equal(np.sort(order), np.arange(50))
    assert len({tuple(order) for order in orders}) == 10
