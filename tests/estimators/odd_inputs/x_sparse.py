"""Sparse X: formats, kinds of indices, entries in disorder."""

import numpy as np
from scipy import sparse

from .harness import INDICATOR, LABELS, WEIGHT, N, X, classify, regress
from .rows import Refused, Row, Same, slow

THIN = np.where(np.abs(X) > 0.7, X, 0.0)  # about half of it zeros


def csr(X=THIN):
    return sparse.csr_array(X)


def with_wide_indices():
    matrix = csr()
    matrix.indices, matrix.indptr = matrix.indices.astype("int64"), matrix.indptr.astype("int64")
    return matrix


def with_stored_zeros():
    matrix = csr(X)
    matrix.data[::3] = 0
    return matrix


def unsorted():
    matrix = csr()
    for start, stop in zip(matrix.indptr, matrix.indptr[1:], strict=False):
        matrix.indices[start:stop] = matrix.indices[start:stop][::-1].copy()
        matrix.data[start:stop] = matrix.data[start:stop][::-1].copy()
    matrix.has_sorted_indices = False
    return matrix


def with_entries_twice(fmt):
    """Every entry in two halves, which add up."""
    half = sparse.coo_array(THIN / 2)
    row, column = (np.tile(part, 2) for part in half.coords)
    twice = sparse.coo_array((np.tile(half.data, 2), (row, column)), shape=half.shape)
    if fmt == "coo":
        return twice
    order = np.argsort(row, kind="stable")
    indptr = np.searchsorted(row[order], np.arange(N + 1))
    return sparse.csr_array((twice.data[order], column[order], indptr), shape=half.shape)


def read_only():
    matrix = csr()
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.flags.writeable = False
    return matrix


def same(make, **more):
    return Same(lambda: classify(make(), **more))


FORMATS = ("csr", "csc", "coo", "lil", "dia", "dok", "bsr")
ROWS: dict[str, Row] = {
    f"X sparse {fmt}_{kind}": same(lambda fmt=fmt, kind=kind: make_sparse(fmt, kind))
    for fmt in FORMATS
    for kind in ("array", "matrix")
}


def make_sparse(fmt, kind):
    return getattr(sparse, f"{fmt}_{kind}")(THIN)


ROWS |= {
    "X sparse with int64 indices": same(with_wide_indices),
    "X sparse with stored zeros": same(with_stored_zeros),
    "X sparse with unsorted indices": same(unsorted),
    "X sparse CSR with entries twice": same(lambda: with_entries_twice("csr")),
    "X sparse COO with entries twice": same(lambda: with_entries_twice("coo")),
    "X sparse read-only": same(read_only),
    "X sparse of float32": same(lambda: csr().astype("float32")),
    "X sparse of longdouble": same(lambda: csr().astype("longdouble")),
    "X sparse of int8": slow(same(lambda: csr(np.round(THIN).astype("int8")))),
    "X sparse of bool": slow(same(lambda: csr(THIN != 0))),
    "X sparse without entries": same(lambda: sparse.csr_array(X.shape)),
    "X sparse with empty rows": same(lambda: csr(THIN * (np.arange(N) % 2)[:, None])),
    "X sparse, then dense": same(csr, new=X),
    "X dense, then sparse": Same(lambda: classify(THIN, new=csr())),
    "X sparse with weights": same(csr, weight=WEIGHT),
    "X sparse with several labels": slow(same(csr, y=INDICATOR)),
    "X sparse in a regression": Same(lambda: regress(csr())),
    "X sparse with lbfgs": Same(
        lambda: classify(csr(), params={"solver": "lbfgs", "max_iter": 3}), 1e-2
    ),
    "X sparse with NaN": Refused(
        lambda: classify(csr(np.where(X > 1, np.nan, X))), "X contains NaN"
    ),
    "X sparse, too large": Refused(
        lambda: classify(csr(X * 1e30), params={"max_iter": 20}), "non-finite.*weights"
    ),
    "X sparse, complex": Refused(lambda: classify(csr(THIN + 0j)), "[Cc]omplex"),
    "X sparse of one dimension": Refused(
        lambda: classify(sparse.coo_array(X[:, 0])), "Expected 2D"
    ),
    "X sparse without rows": Refused(lambda: classify(csr(X[:0]), LABELS[:0]), r"0 sample\(s\)"),
    "X sparse without columns": Refused(lambda: classify(csr(X[:, :0])), r"0 feature\(s\)"),
    "X sparse with another number of columns in predict": Refused(
        lambda: classify(csr(), new=csr()[:, :2]), "2 features, but MLPClassifier is expecting 4"
    ),
    "y a sparse column": Refused(
        lambda: classify(y=sparse.csr_array(LABELS[:, None])), r"Use '.toarray\(\)' to convert"
    ),
    "y a sparse column of a regression": Refused(
        lambda: regress(y=sparse.csr_array(X[:, :1])), r"Use '.toarray\(\)' to convert"
    ),
    "y a sparse indicator": Same(lambda: classify(y=sparse.csr_array(INDICATOR))),
}
