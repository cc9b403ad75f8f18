"""Odd inputs get scikit-learn's answer or a refusal that says what is wrong.

Each row of the table goes to both libraries. Where ours differs on purpose the row says why.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from multilayer import MLPClassifier

from .harness import (
    INDICATOR,
    LABELS,
    X,
    check_refusal,
    check_same_kind,
    check_same_loss,
    check_same_values,
    classify,
    ours,
    require_fitted,
    theirs,
)
from .rows import OursAccepts, OursRefuses, Refused, Same
from .table import ROWS


def rows(verdict):
    """Parametrise by the names of the rows with this verdict."""
    return pytest.mark.parametrize(
        "name",
        [
            pytest.param(name, marks=pytest.mark.slow if row.slow else ())
            for name, row in ROWS.items()
            if type(row) is verdict
        ],
    )


@rows(Same)
def test_same_answer(name):
    row = ROWS[name]
    mine, other = ours(row.make), theirs(row.make)
    require_fitted(mine, other)
    check_same_kind(mine, other, row.warns)
    if row.tolerance is not None:
        check_same_values(mine, other, row.tolerance)
        check_same_loss(mine, other, row.tolerance)


@rows(Refused)
def test_both_refuse(name):
    row = ROWS[name]
    mine, other = ours(row.make), theirs(row.make)
    assert other.error is not None, "scikit-learn takes this: the row is out of date"
    check_refusal(mine, row.text, other)
    assert (mine.step, other.step) == ("fit", "predict") if row.sooner else mine.step == other.step


@rows(OursRefuses)
def test_only_ours_refuses(name):
    row = ROWS[name]
    require_fitted(theirs(row.make))  # else the row is out of date
    check_refusal(ours(row.make), row.text)


@rows(OursAccepts)
def test_only_ours_accepts(name):
    row = ROWS[name]
    mine = ours(row.make)
    require_fitted(mine)
    assert theirs(row.make).error is not None, "scikit-learn takes this: the row is out of date"
    if row.plain is not None:
        other = theirs(row.plain)
        require_fitted(other)
        check_same_values(mine, other, 1e-3)


# What rows without a counterpart are held to ------------------------------------------------------


def test_several_columns_of_classes():
    """Without hidden layers the columns are separate regressions, with scikit-learn's answers."""
    names = np.array(["red", "blue", "green"])
    y = np.column_stack([LABELS, 2 - LABELS[::-1]])
    separate = [theirs(lambda c=c: classify(y=c, params={"hidden_layer_sizes": ()})) for c in y.T]
    mine = MLPClassifier((), max_iter=0).fit(X, names[y])
    assert [classes.tolist() for classes in mine.classes_] == [sorted(names)] * 2
    order = np.argsort(names)  # of a column's outputs
    for part in ("coefs_", "intercepts_"):
        weights = [getattr(one.estimator, part)[0][..., order] for one in separate]
        setattr(mine, part, [np.concatenate(weights, axis=-1)])
    predicted, chances = mine.predict(X), mine.predict_proba(X)
    assert predicted.shape == y.shape
    assert isinstance(chances, list)
    for j, one in enumerate(separate):
        assert_allclose(chances[j], one.predictions["predict_proba"][:, order], atol=1e-6)
        assert_array_equal(predicted[:, j], names[one.predictions["predict"]])


def test_a_constant_column_of_classes():
    y = np.column_stack([LABELS, np.full(len(X), 7)])
    mine = ours(lambda: classify(y=y))
    require_fitted(mine)
    assert [classes.tolist() for classes in mine.estimator.classes_] == [[0, 1, 2], [7]]
    assert_array_equal(mine.predictions["predict"][:, 1], 7)
    assert_array_equal(mine.predictions["predict_proba"][1], np.ones((len(X), 1)))
    # The other column is learned.
    assert mine.estimator.loss_curve_[-1] < mine.estimator.loss_curve_[0]


def test_the_global_state_of_numpy():
    make = ROWS["random_state the module np.random"].make
    state = np.random.get_state()  # noqa: NPY002 (the global state is what is tested)
    try:
        np.random.seed(5)  # noqa: NPY002 (the global state is what is tested)
        mine = ours(make)
    finally:
        np.random.set_state(state)  # noqa: NPY002 (the global state is what is tested)
    seeded = ours(lambda: classify(params={"random_state": 5, "max_iter": 0}))
    assert_array_equal(mine.predictions["predict_proba"], seeded.predictions["predict_proba"])


@pytest.mark.parametrize("fmt", ["csr", "csc", "coo", "lil"])
def test_a_sparse_indicator_gets_a_dense_answer(fmt):
    mine = ours(lambda: classify(y=sparse.csr_array(INDICATOR).asformat(fmt)))
    dense = ours(lambda: classify(y=INDICATOR))
    require_fitted(mine, dense)
    assert type(mine.predictions["predict"]) is np.ndarray
    assert_array_equal(mine.predictions["predict"], dense.predictions["predict"])


def test_the_table_is_large_and_gives_reasons():
    assert len(ROWS) >= 120
    for name, row in ROWS.items():
        differs = type(row) in (OursRefuses, OursAccepts)
        if differs or (type(row) is Same and (row.tolerance is None or row.warns is not None)):
            assert row.why, name
