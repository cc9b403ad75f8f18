"""Every odd column alone and all at once, in pandas, polars, Arrow and NumPy."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from multilayer import DataError, TabularEncoder

from .odd_tables import COLUMNS, FLOATS, REFUSED, N

USED = {name: column for name, column in COLUMNS.items() if not column.dropped}
DROPPED = {name: column for name, column in COLUMNS.items() if column.dropped}
ELSEWHERE = {name: column for name, column in USED.items() if column.elsewhere}


def alone(column):
    return pd.DataFrame({"column": column.make()})


def beside(column):
    """Return the column beside another one, so that it can be dropped."""
    return alone(column).assign(other=FLOATS)


def fit(column, table, **arguments):
    return TabularEncoder(feature_roles=dict(column.feature_roles), **arguments).fit(table)


def check_blocks(encoder, encoded):
    """Check what holds for every encoded table."""
    layout = encoder.layout_
    assert encoded.dtype == np.float32
    assert encoded.flags.c_contiguous
    assert encoded.shape[1] == layout.n_numeric + layout.n_flags + len(layout.cardinalities)
    assert np.isfinite(encoded).all()
    names = encoder.get_feature_names_out()
    assert len(set(names)) == encoded.shape[1]
    numbers, flags, codes = np.split(encoded, np.cumsum([layout.n_numeric, layout.n_flags]), axis=1)
    assert (abs(numbers) <= 3).all()
    assert set(np.unique(flags)) <= {-1, 0, 1}
    assert (codes == codes.astype(int)).all()
    assert (codes >= 0).all()
    assert (codes < np.array(layout.cardinalities)).all()


@pytest.mark.parametrize("name", USED)
def test_odd_columns(name):
    column = USED[name]
    table = alone(column)
    before = table.copy(deep=True)
    encoder = fit(column, table)
    assert encoder.feature_roles_ == {"column": column.role}
    encoded = encoder.transform(table)
    check_blocks(encoder, encoded)
    assert (encoded != encoded[0]).any(), "nothing is left of the column"
    pd.testing.assert_frame_equal(table, before)
    assert_array_equal(fit(column, table).fit_transform(table), encoded)
    for rows in (slice(0, 1), slice(5, 6), slice(None, None, -1)):
        assert_array_equal(encoder.transform(table[rows]), encoded[rows])
    assert_array_equal(pickle.loads(pickle.dumps(encoder)).transform(table), encoded)
    assert column.role in encoder.summary()


@pytest.mark.parametrize("name", USED)
def test_missing_at_prediction(name):
    column = USED[name]
    encoder = fit(column, alone(column))
    check_blocks(encoder, encoder.transform(pd.DataFrame({"column": [None, None]})))


@pytest.mark.parametrize("name", USED)
def test_without_flags_of_levels(name):
    column = USED[name]
    encoder = fit(column, alone(column), max_one_hot=2, smooth_clip=False)
    encoded = encoder.transform(alone(column))
    assert np.isfinite(encoded).all()
    other = fit(column, alone(column), max_one_hot=None)
    assert other.layout_.cardinalities == ()
    check_blocks(other, other.transform(alone(column)))


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("library", ["polars", "arrow", "objects"])
def test_libraries_agree(name, library):
    column = ELSEWHERE[name]
    table = beside(column)
    encoder = fit(column, table)
    expected = encoder.transform(table)
    table, roles = converted(table, library), dict(column.feature_roles)
    if library == "objects":
        roles = {["column", "other"].index(name): role for name, role in roles.items()}
    else:
        assert_array_equal(encoder.transform(table), expected)
    again = TabularEncoder(feature_roles=roles).fit(table)
    assert list(again.feature_roles_.values()) == list(encoder.feature_roles_.values())
    assert_array_equal(again.transform(table), expected)


def converted(table, library):
    if library == "objects":
        return table.astype(object).to_numpy()
    if library == "polars":
        return pytest.importorskip("polars").from_pandas(table)
    return pytest.importorskip("pyarrow").Table.from_pandas(table)


@pytest.mark.parametrize("name", DROPPED)
def test_dropped_columns(name):
    column = DROPPED[name]
    table = beside(column)
    encoder = fit(column, table)
    assert encoder.feature_roles_ == {"column": "drop", "other": "numeric"}
    assert encoder.dropped_["column"].startswith(column.dropped)
    assert column.dropped in encoder.summary()
    expected = encoder.transform(table)
    assert expected.shape == (N, 1)
    assert_array_equal(encoder.transform(table[["other"]]), expected)
    with pytest.raises(DataError, match="every one was dropped: 'column'"):
        fit(column, table[["column"]])


@pytest.mark.parametrize("name", REFUSED)
def test_refused_columns(name):
    column = REFUSED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=column.message):
            fit(column, beside(column))


def everything():
    """Return a table with every odd column."""
    return pd.DataFrame({name: column.make() for name, column in COLUMNS.items()})


def roles_of_everything():
    return {
        name: role for name, column in COLUMNS.items() for role in column.feature_roles.values()
    }


def test_all_columns_at_once():
    table = everything()
    encoder = TabularEncoder(feature_roles=roles_of_everything()).fit(table)
    twins = [name for name, why in encoder.dropped_.items() if why.startswith("the same content")]
    assert "objects that are text" in twins
    for name, column in COLUMNS.items():
        if name not in twins and name != "a count of the rows as the only column":
            assert encoder.feature_roles_[name] == column.role, name
    encoded = encoder.transform(table)
    check_blocks(encoder, encoded)
    assert encoded.shape[1] > 100
    reordered = table[list(reversed(table.columns))]
    assert_array_equal(encoder.transform(reordered), encoded)
    needed = table.drop(columns=list(encoder.dropped_))
    assert_array_equal(encoder.transform(needed), encoded)
    assert_array_equal(encoder.transform(table[3:4]), encoded[3:4])
    assert len(encoder.summary().splitlines()) == 1 + len(table.columns)
