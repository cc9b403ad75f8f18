import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from multilayer._data.row_blocks import MOST_ROWS, RowBlocks

FORMS = {
    "float64": np.asarray,
    "float32": np.float32,
    "uint8": np.uint8,
    "bool": lambda X: X > 0,
    "Fortran": np.asfortranarray,
    "csr": sparse.csr_array,
    "csc_matrix of int": lambda X: sparse.csc_matrix(X.astype(int)),
}


@pytest.fixture(params=FORMS)
def pair(request):
    X = np.random.default_rng(0).integers(0, 3, (40, 6)).astype(float)
    X[3] = 0
    given = FORMS[request.param](X)
    return given, (given.toarray() if sparse.issparse(given) else given).astype(float)


@pytest.mark.parametrize("numbers", [[5, 0, 3, 39], [2, 3, 4, 5], [7], [4, 3, 2]])
def test_block_holds_the_rows_in_float64(pair, numbers):
    given, dense = pair
    block = RowBlocks(given).take(np.array(numbers))
    weights = np.arange(6) / 7
    assert_allclose(block.products(0, weights), dense[numbers] @ weights, rtol=1e-15)
    assert_allclose(block.products(1, weights), dense[numbers[1:]] @ weights, rtol=1e-15)
    for i, number in enumerate(numbers):
        columns, x = block.row(i)
        row = np.zeros(6)
        row[columns] = x
        assert x.dtype == np.float64
        assert_array_equal(row, dense[number])


def test_norms(pair):
    given, dense = pair
    assert_allclose(RowBlocks(given).norms, np.linalg.norm(dense, axis=1), rtol=1e-14)


def test_norms_of_several_blocks():
    X = np.random.default_rng(0).normal(size=(2 * MOST_ROWS + 5, 3))
    assert_allclose(RowBlocks(X).norms, np.linalg.norm(X, axis=1), rtol=1e-14)


def test_rows_in_line_are_not_copied():
    X = np.ones((10, 3))
    assert np.shares_memory(RowBlocks(X).take(np.arange(2, 6)).values, X)


def test_a_feature_given_twice_is_added_up_and_the_users_matrix_left_alone():
    data, indices, indptr = [1.0, 2.0, 4.0], [0, 2, 0], [0, 3]
    X = sparse.csr_array((data, indices, indptr), shape=(1, 3))
    columns, x = RowBlocks(X).take(np.array([0])).row(0)
    assert (columns.tolist(), x.tolist()) == ([0, 2], [5.0, 2.0])
    assert X.data.tolist() == data
