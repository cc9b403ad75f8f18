"""Sparse rows as the native engine reads them: checked, in one type, copied only if they must."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from multilayer._core.errors import DataError, InvalidArgumentError
from multilayer._data.csr_rows import CsrRows

X = np.random.default_rng(0).integers(1, 9, (7, 6)) * (np.arange(42).reshape(7, 6) % 3 == 0)
X[2] = X[6] = 0


def dense(rows):
    """What rows stand for."""
    used = slice(rows.starts[0], rows.starts[-1])
    parts = rows.values[used], rows.indices[used], rows.starts - rows.starts[0]
    return sparse.csr_array(parts, shape=rows.shape).toarray()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_forms_and_types(form, dtype):
    rows = CsrRows.of(form(X), dtype)
    assert (rows.values.dtype, rows.indices.dtype, rows.starts.dtype) == (dtype, "int32", "int64")
    assert_array_equal(dense(rows), X)
    assert (len(rows), rows.shape) == (7, (7, 6))


def test_what_fits_is_not_copied():
    given = sparse.csr_matrix(X.astype(np.float32))
    rows = CsrRows.of(given, "float32")
    assert np.shares_memory(rows.values, given.data)
    assert np.shares_memory(rows.indices, given.indices)


def test_slices_and_padding():
    rows = CsrRows.of(sparse.csr_matrix(X), "float32")
    assert_array_equal(dense(rows[2:5]), X[2:5])
    assert_array_equal(dense(rows[2:5][1:]), X[3:5])
    assert len(rows[5:2]) == 0
    assert np.shares_memory(rows[2:5].values, rows.values)
    assert_array_equal(dense(rows[1:3].padded(4)), np.vstack([X[1:3], 0 * X[:2]]))
    assert rows.row_bytes == 8 * (X != 0).sum() // 7


def twice_and_backwards():
    """A matrix whose numbers come in two halves and from the last column on."""
    entries = sparse.coo_matrix(X / 2)
    order = np.lexsort((-entries.col, entries.row)).repeat(2)
    parts = entries.data[order], entries.col[order], 2 * sparse.csr_matrix(X).indptr
    return sparse.csr_matrix(parts, shape=X.shape)


@pytest.mark.parametrize("flagged", [False, True], ids=["", "said to be in order"])
def test_columns_are_brought_in_order(flagged):
    given = twice_and_backwards()
    if flagged:
        given.has_canonical_format = given.has_sorted_indices = True
    before = given.data.copy(), given.indices.copy(), given.indptr.copy()
    assert_array_equal(dense(CsrRows.of(given, "float64")), X)
    for now, old in zip((given.data, given.indices, given.indptr), before, strict=True):
        assert_array_equal(now, old)


@pytest.mark.parametrize(
    ("part", "place", "value", "rule"),
    [
        ("indices", 3, 6, "indices from 0 to 5"),
        ("indices", 3, -1, "indices from 0 to 5"),
        ("indptr", 0, -1, "whose indptr fits its rows"),
        ("indptr", 2, 100, "whose indptr fits its rows"),
        ("indptr", 7, 100, "whose indptr fits its rows"),
    ],
)
def test_wrong_numbers_are_refused(part, place, value, rule):
    given = sparse.csr_matrix(X)
    getattr(given, part)[place] = value
    with pytest.raises(InvalidArgumentError, match=rule):
        CsrRows.of(given, "float32")


def test_numbers_beyond_the_type_are_refused():
    with pytest.raises(DataError, match="too large for dtype"):
        CsrRows.of(sparse.csr_matrix(X * 1e300), "float32")
