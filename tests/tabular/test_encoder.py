"""What TabularEncoder makes of columns, by scikit-learn's and pandas's own; what it refuses."""

import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, RobustScaler
from sklearn.tree import DecisionTreeClassifier

from multilayer import DataError, InvalidArgumentError, MLPClassifier, TabularEncoder

rng = np.random.default_rng(1)
N = 60
FLOATS = rng.lognormal(size=(N, 3))
LETTERS = np.array(list("abcde"), object)[rng.integers(0, 5, N)]


def encoded(values, new=None, **arguments):
    """Encode a column as it is, beside nothing else; the columns of ``new`` if it is given."""
    encoder = TabularEncoder(smooth_clip=False, **arguments).fit(pd.DataFrame({"a": values}))
    return encoder.transform(pd.DataFrame({"a": values if new is None else new}))


# Numbers -----------------------------------------------------------------------------------------


def test_numbers_are_scaled_as_robust_scaler_does():
    expected = RobustScaler().fit_transform(FLOATS)
    assert_allclose(TabularEncoder(smooth_clip=False).fit_transform(FLOATS), expected, rtol=1e-6)
    smooth = expected / np.sqrt(1 + (expected / 3) ** 2)
    assert_allclose(TabularEncoder().fit_transform(FLOATS), smooth, rtol=1e-6)


def test_half_the_range_where_the_quartiles_are_equal():
    values = [0.0] * 10 + [5.0, -3.0]
    assert_allclose(encoded(values)[:, 0], np.array(values) * 2 / 8)


def test_missing_values_and_infinities():
    values = [1.0, 2.0, np.nan, 4.0, np.inf, 3.0, -np.inf]
    result = encoded(values)
    present = RobustScaler().fit(np.array([[1.0], [2], [4], [4], [3], [1]]))
    assert_allclose(result[:, 0], present.transform([[1], [2], [2.5], [4], [4], [3], [1]])[:, 0])
    assert_array_equal(result[:, 1], np.isnan(values))


def test_missing_values_that_training_did_not_have_are_the_median():
    assert_array_equal(encoded([1.0, 2.0, 4.0], [np.nan, 2.0]), [[0], [0]])


def test_numbers_far_outside_training_stay_finite():
    new = encoded([1.0, 2.0, 4.0], [1e308, -1e308, np.inf])
    assert_allclose(new[:, 0], [1e30, -1e30, 4 / 3], rtol=1e-6)
    clipped = TabularEncoder().fit([[1.0], [2.0], [4.0]]).transform([[1e308], [-1e308]])
    assert_allclose(clipped, [[3], [-3]])


def test_durations_are_seconds():
    hours = pd.Series([1, 5, 7, 30])
    assert_array_equal(encoded(pd.to_timedelta(hours, unit="h")), encoded(hours * 3600))


# Dates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [None, "America/New_York", "Asia/Kolkata", "+09:00"])
def test_calendar_parts_are_those_of_pandas(zone):
    dates = pd.Series(pd.date_range("1995-03-25 22:00", periods=240, freq="1397h"))
    dates = dates if zone is None else dates.dt.tz_localize("UTC").dt.tz_convert(zone)
    encoder = TabularEncoder(smooth_clip=False).fit(pd.DataFrame({"t": dates}))
    expected = {
        "t_total_seconds": [date.timestamp() for date in dates],
        "t_year": dates.dt.year,
        "t_month": dates.dt.month,
        "t_day": dates.dt.day,
        "t_weekday": [date.weekday() for date in dates],
        "t_hour": dates.dt.hour,
    }
    assert encoder.get_feature_names_out().tolist() == list(expected)
    scaled = RobustScaler().fit_transform(np.column_stack(list(expected.values())))
    assert_allclose(encoder.transform(pd.DataFrame({"t": dates})), scaled, rtol=1e-5, atol=1e-6)


def test_calendar_parts_that_never_change_are_left_out():
    table = pd.DataFrame({"t": pd.date_range("2024-05-01", periods=9)})
    names = TabularEncoder().fit(table).get_feature_names_out()
    assert names.tolist() == ["t_total_seconds", "t_day", "t_weekday"]


def test_the_time_zone_of_prediction_does_not_matter_but_there_must_be_one():
    dates = pd.Series(pd.date_range("2024-01-01", periods=50, freq="7h", tz="Europe/Paris"))
    encoder = TabularEncoder().fit(pd.DataFrame({"t": dates}))
    expected = encoder.transform(pd.DataFrame({"t": dates}))
    elsewhere = pd.DataFrame({"t": dates.dt.tz_convert("Asia/Tokyo")})
    assert_array_equal(encoder.transform(elsewhere), expected)
    with pytest.raises(DataError, match=r"'t' as in training.*in time zone Europe/Paris, got"):
        encoder.transform(pd.DataFrame({"t": dates.dt.tz_localize(None)}))


def test_text_with_offsets_is_dates_in_utc():
    texts = ["2024-01-01T10:00:00Z", "2024-01-03T23:30:00+02:00", "2024-02-01T00:00:00-0330"]
    dates = pd.to_datetime(pd.Series(texts), format="ISO8601", utc=True)
    encoder = TabularEncoder().fit(pd.DataFrame({"t": texts}))
    assert encoder.feature_roles_ == {"t": "datetime"}
    assert_array_equal(
        encoder.transform(pd.DataFrame({"t": texts})), encoder.transform(pd.DataFrame({"t": dates}))
    )


# Booleans and categories -------------------------------------------------------------------------


def test_booleans():
    values = pd.array([True, None, False], dtype="boolean")
    assert_array_equal(encoded(values), [[1, 0], [0, 1], [-1, 0]])
    assert_array_equal(encoded([True, False], [None, 0, 1]), [[0], [-1], [1]])
    with pytest.raises(DataError, match="0 and 1, in column 'a', got 2"):
        encoded([True, False], [2, 0])


def test_flags_are_those_of_one_hot_encoder():
    expected = OneHotEncoder(sparse_output=False).fit_transform(LETTERS[:, None])
    assert_array_equal(encoded(LETTERS), expected)
    assert_array_equal(encoded(LETTERS, ["?", "a"]), [[0, 0, 0, 0, 0], [1, 0, 0, 0, 0]])


def test_two_levels_are_one_flag():
    assert_array_equal(
        encoded(["no", "yes"] * 2, ["yes", "no", "other", None])[:, 0], [1, -1, 0, 0]
    )


def test_missing_is_a_level_if_training_had_it():
    values = ["b", None, "a", "a", "b", None]
    assert_array_equal(encoded(values, ["a", "b", None, "c"]), [*np.eye(3)[[1, 2, 0]], np.zeros(3)])
    assert_array_equal(encoded(["a", "a", None], ["a", None, "c"]), [[1], [-1], [0]])


def test_rare_levels_and_unknown_ones_have_a_flag_together():
    values = list("aabbccdef")
    names = TabularEncoder().fit(pd.DataFrame({"a": values})).get_feature_names_out()
    assert names.tolist() == ["a_infrequent", "a_a", "a_b", "a_c"]
    assert_array_equal(encoded(values, list("cdxa")), np.eye(4)[[3, 0, 0, 1]])
    assert_array_equal(encoded(values, list("cdxa"), min_frequency=1)[:, 2], [1, 0, 0, 0])


def test_codes_of_large_categories():
    values = [*(2 * [f"level {i:02}" for i in range(10)]), "rare", None]
    encoder = TabularEncoder().fit(pd.DataFrame({"a": values}))
    assert encoder.layout_.cardinalities == (12,)
    new = pd.DataFrame({"a": ["level 00", "level 09", "rare", "unknown", None]})
    assert_array_equal(encoder.transform(new)[:, 0], [2, 11, 0, 0, 1])
    everything = TabularEncoder(max_one_hot=None).fit(pd.DataFrame({"a": values}))
    assert everything.layout_.n_flags == 12


def test_flags_of_one_category_are_a_group():
    frame = pd.DataFrame(
        {
            "size": np.where(np.arange(N) < 5, np.nan, FLOATS[:, 0]),
            "letter": LETTERS,
            "member": np.arange(N) % 2 == 0,
            "pair": np.where(np.arange(N) % 3 == 0, "x", "y"),
            "codes": [f"level {i % 12}" for i in range(N)],
        }
    )
    layout = TabularEncoder().fit(frame).layout_
    assert layout.flag_groups == (1, 5, 1, 1)
    assert (layout.n_flags, layout.cardinalities) == (8, (14,))


def test_levels_are_compared_by_value():
    roles = {"a": "categorical"}
    integers, texts = [1, 2, 3] * 4, ["1", "2", "3"] * 4
    expected = encoded(integers, feature_roles=roles)
    assert_array_equal(encoded(integers, np.array(integers, float), feature_roles=roles), expected)
    assert_array_equal(encoded(integers, pd.Categorical(integers), feature_roles=roles), expected)
    assert_array_equal(encoded(integers, texts, feature_roles=roles), np.zeros((12, 3)))
    letters = encoded(LETTERS)
    for dtype in ("str", "category", "object", "string[python]"):
        assert_array_equal(encoded(LETTERS, pd.Series(LETTERS, dtype=dtype)), letters)


def test_ranks_of_ordered_categories():
    sizes = pd.Categorical(["S", "XL", "M", "S"], ["S", "M", "L", "XL"], ordered=True)
    assert_array_equal(encoded(sizes), encoded([0, 3, 1, 0]))
    assert_array_equal(encoded(sizes, ["L", "M", "XXL", None])[2:], [[0], [0]])


def test_enums_of_polars_have_an_order_if_the_user_says_so():
    pl = pytest.importorskip("polars")
    sizes = pl.Series(["S", "XL", "M", "S"], dtype=pl.Enum(["S", "M", "L", "XL"]))
    table = pl.DataFrame({"size": sizes})
    assert TabularEncoder().fit(table).feature_roles_ == {"size": "categorical"}
    ordinal = TabularEncoder(feature_roles={"size": "ordinal"}, smooth_clip=False)
    assert_array_equal(ordinal.fit_transform(table), encoded([0, 3, 1, 0]))


# Columns that are dropped ------------------------------------------------------------------------


def test_columns_of_the_same_content():
    counts = rng.integers(0, 5, N)
    table = pd.DataFrame({"a": counts, "b": LETTERS, "c": counts.astype(float)})
    table["d"], table["e"] = pd.Categorical(LETTERS), counts[::-1]
    encoder = TabularEncoder().fit(table)
    assert encoder.dropped_ == {"c": "the same content as 'a'", "d": "the same content as 'b'"}


@pytest.mark.parametrize("first", [0, 1])
def test_a_count_of_the_rows_is_an_identifier(first):
    table = pd.DataFrame({"id": np.arange(N) + first, "x": FLOATS[:, 0]})
    assert "an identifier: it counts" in TabularEncoder().fit(table).dropped_["id"]
    assert TabularEncoder().fit(table[::-1]).dropped_ == {}
    assert TabularEncoder().fit(table[:10]).dropped_ == {}
    assert TabularEncoder(feature_roles={"id": "numeric"}).fit(table).dropped_ == {}


def test_free_text_is_refused_by_name_with_all_of_its_kind():
    titles = [f"this is title number {i}" for i in range(N)]
    table = pd.DataFrame({"x": FLOATS[:, 0], "title": titles, "body": titles[::-1]})
    with pytest.raises(DataError, match=r"'title' .*, 'body' .*feature_roles=\{'title': 'drop'\}"):
        TabularEncoder().fit(table)
    roles = {"title": "drop", "body": "drop"}
    assert TabularEncoder(feature_roles=roles).fit_transform(table).shape == (N, 1)


# Tables at prediction ----------------------------------------------------------------------------

TABLE = pd.DataFrame({"x": FLOATS[:, 0], "letter": LETTERS, "one": 1, "y": FLOATS[:, 1]})


def test_columns_are_matched_by_name():
    encoder = TabularEncoder().fit(TABLE)
    expected = encoder.transform(TABLE)
    assert_array_equal(encoder.transform(TABLE[["y", "one", "letter", "x"]]), expected)
    assert_array_equal(encoder.transform(TABLE[["y", "letter", "x"]]), expected)
    with pytest.raises(DataError, match="X lacks 'letter', 'y' and has 'z', which training did"):
        encoder.transform(TABLE[["x"]].assign(z=1))
    with pytest.raises(DataError, match="X has 'z', which training did not have"):
        encoder.transform(TABLE.assign(z=1))


def test_text_among_numbers_is_refused_by_name():
    encoder = TabularEncoder().fit(TABLE)
    with pytest.raises(DataError, match="numbers in column 'x', got 'a lot'"):
        encoder.transform(TABLE.assign(x=["a lot"] * N))
    assert_array_equal(
        encoder.transform(TABLE.assign(x=TABLE.x.map(repr))), encoder.transform(TABLE)
    )


def test_arrays_are_matched_by_place():
    encoder = TabularEncoder().fit(TABLE)
    expected = encoder.transform(TABLE)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert_array_equal(encoder.transform(TABLE.to_numpy()), expected)
    unnamed = TabularEncoder().fit(TABLE.to_numpy())
    with pytest.raises(DataError, match="X has 2 features, but TabularEncoder is expecting 4"):
        unnamed.transform(TABLE.to_numpy()[:, :2])
    assert list(unnamed.feature_roles_) == [0, 1, 2, 3]
    assert not hasattr(unnamed, "feature_names_in_")
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        assert_array_equal(unnamed.transform(TABLE), expected)


def test_frames_without_names_of_text_are_matched_by_place():
    table = TABLE.set_axis(range(4), axis=1)
    encoder = TabularEncoder(feature_roles={1: "drop"}).fit(table)
    assert encoder.dropped_ == {1: "feature_roles says so", 2: "constant"}
    assert_array_equal(encoder.transform(table), encoder.transform(TABLE.to_numpy()))


def test_rows_in_lists():
    rows = TABLE.to_numpy().tolist()
    encoder = TabularEncoder().fit(rows)
    assert list(encoder.feature_roles_.values()) == ["numeric", "categorical", "drop", "numeric"]
    assert_array_equal(encoder.transform(rows[:1]), encoder.transform(TABLE.to_numpy())[:1])


def test_text_arrays():
    array = np.column_stack([FLOATS[:, 0], LETTERS]).astype(str)
    encoder = TabularEncoder().fit(array)
    assert encoder.feature_roles_ == {0: "numeric", 1: "categorical"}


def test_masked_values_are_missing():
    array = np.ma.masked_array(FLOATS, FLOATS > 2)
    expected = TabularEncoder().fit_transform(np.where(FLOATS > 2, np.nan, FLOATS))
    assert_array_equal(TabularEncoder().fit_transform(array), expected)


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_matrices(form):
    dense = np.where(FLOATS > 1, FLOATS, 0)
    encoder = TabularEncoder().fit(form(dense))
    assert_array_equal(encoder.transform(form(dense)), TabularEncoder().fit_transform(dense))


def test_sparse_entries_of_the_same_place_are_added_up():
    matrix = sparse.coo_array(([1.0, 2.0, 4.0], ([0, 0, 1], [0, 0, 0])), shape=(3, 1))
    assert_array_equal(
        TabularEncoder().fit_transform(matrix), TabularEncoder().fit_transform(matrix.toarray())
    )


def test_sparse_matrices_that_would_be_huge():
    with pytest.raises(DataError, match=r"would take 4\.0 GB .* 1,000 columns.*TruncatedSVD"):
        TabularEncoder().fit(sparse.csc_array((1_000_000, 1000)))
    encoder = TabularEncoder().fit(FLOATS)
    with pytest.raises(DataError, match=r"would take 2\.4 GB"):
        encoder.transform(sparse.csc_array((200_000_000, 3)))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (FLOATS[:, 0], "Reshape your data"),
        (FLOATS[None], "got 3D array"),
        ([[1, 2], [3]], "rows of the same length"),
        (np.zeros(3, dtype=[("a", float)]), "structured"),
        (FLOATS + 1j, "Complex data not supported"),
        (pd.Series([1, 2]), "Expected 2D array"),
        (None, "Expected 2D array"),
        (FLOATS[:0], r"0 sample\(s\)"),
        (FLOATS[:, :0], r"0 feature\(s\)"),
        (FLOATS[:1], "at least 2 rows, got 1 sample"),
        (pd.DataFrame(FLOATS, columns=["a", "b", "a"]), "more than one named 'a'"),
        (pd.DataFrame(FLOATS, columns=["a", "b", 3]), "all text, or none that is: got 'a' and 3"),
        (np.ones((4, 2)), r"every one was dropped: 0 \(constant\), 1 \(constant\)"),
    ],
)
def test_tables_that_are_none(table, message):
    with pytest.raises(DataError, match=message):
        TabularEncoder().fit(table)


# Arguments, attributes, names, other estimators --------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"feature_roles": {"lettre": "drop"}}, "no column 'lettre'.*Did you mean 'letter'"),
        ({"feature_roles": {0: "drop"}}, "no column 0"),
        ({"feature_roles": {"x": "number"}}, r"feature_roles\['x'\] must be one of"),
        ({"feature_roles": ["numeric"]}, "must be a dictionary"),
        ({"feature_roles": {"letter": "ordinal"}}, "no order"),
        ({"max_one_hot": 1}, "max_one_hot must be an integer of at least 2"),
        ({"max_one_hot": 2.5}, "max_one_hot"),
        ({"min_frequency": 0}, "min_frequency must be an integer of at least 1"),
        ({"smooth_clip": 1}, "smooth_clip must be True or False"),
    ],
)
def test_arguments_that_cannot_be_used(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        TabularEncoder(**arguments).fit(TABLE)


def test_a_refused_fit_changes_nothing():
    encoder = TabularEncoder().fit(TABLE)
    before = pickle.dumps(encoder)
    with pytest.raises(DataError):
        encoder.fit(TABLE.assign(z=[[1]] * N))
    assert pickle.dumps(encoder) == before


def test_pickles_do_not_change_with_use():
    encoder = TabularEncoder().fit(TABLE)
    before = pickle.dumps(encoder)
    encoder.transform(TABLE)
    assert pickle.dumps(encoder) == before


def test_attributes():
    encoder = TabularEncoder(feature_roles={"y": "categorical"})
    with pytest.raises(NotFittedError):
        encoder.transform(TABLE)
    with pytest.raises(AttributeError):
        _ = encoder.layout_
    encoder.fit(TABLE)
    assert encoder.n_features_in_ == 4
    assert encoder.feature_names_in_.tolist() == ["x", "letter", "one", "y"]
    assert encoder.feature_roles_ == {
        "x": "numeric",
        "letter": "categorical",
        "one": "drop",
        "y": "drop",
    }
    assert encoder.dropped_["y"] == "no value occurs at least 2 times"
    assert [column.name for column in encoder.columns_] == ["x", "letter"]
    assert encoder.dtypes_["x"] == "float64"
    assert clone(encoder).get_params() == encoder.get_params()
    encoder.set_params(feature_roles=None).fit(TABLE.to_numpy()[:, :1])
    assert not hasattr(encoder, "feature_names_in_")


def test_summary():
    lines = TabularEncoder().fit(TABLE).summary().splitlines()
    assert lines[0].split() == ["column", "dtype", "role", "becomes"]
    assert lines[1].split() == ["x", "float64", "numeric", "1", "number"]
    assert lines[2].endswith("categorical  5 flags: a, b, c, d, e")
    assert lines[3].endswith("dropped: constant")


def test_names_of_encoded_columns():
    encoder = TabularEncoder().fit(TABLE)
    names = ["x", "y", *(f"letter_{letter}" for letter in "abcde")]
    assert encoder.get_feature_names_out().tolist() == names
    assert encoder.set_output(transform="pandas").transform(TABLE).columns.tolist() == names
    unnamed = TabularEncoder().fit(TABLE.to_numpy())
    assert unnamed.get_feature_names_out()[:2].tolist() == ["x0", "x3"]
    assert unnamed.get_feature_names_out(["p", "q", "r", "s"])[:2].tolist() == ["p", "s"]


def test_names_never_meet():
    table = pd.DataFrame({"a": ["b_c", "x", "y"] * 4, "a_b": ["c", "d", "e", "e", "c", "d"] * 2})
    names = TabularEncoder().fit(table).get_feature_names_out()
    assert len(set(names)) == 6


def test_in_pipelines_and_column_transformers():
    y = (TABLE.x > 1).to_numpy()
    tree = make_pipeline(TabularEncoder(max_one_hot=None), DecisionTreeClassifier()).fit(TABLE, y)
    assert tree.score(TABLE, y) > 0.9
    network = MLPClassifier((8,), max_iter=3, tol=1e9, n_iter_no_change=1)
    pipeline = make_pipeline(TabularEncoder(max_one_hot=None), network).fit(TABLE, y)
    assert pipeline.predict(TABLE[:2]).shape == (2,)
    encoder = ("table", TabularEncoder(), ["x", "letter"])
    parts = ColumnTransformer([encoder], remainder="passthrough")
    assert parts.fit_transform(TABLE).shape == (N, 8)
    assert "table__letter_a" in parts.get_feature_names_out()


def test_encoding_needs_numpy_alone():
    code = (
        "import sys; from multilayer._data import encoding; "
        "found = {'jax', 'sklearn', 'scipy', 'pandas', 'polars', 'pyarrow'} & set(sys.modules); "
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_memory_is_little_more_than_the_matrix():
    n = 100_000
    table = pd.DataFrame(rng.normal(size=(n, 12))).add_prefix("x")
    levels = [f"level {code}" for code in range(30)]
    for place in range(4):
        table[f"c{place}"] = pd.Categorical.from_codes(rng.integers(0, 30, n), levels)
    encoder = TabularEncoder().fit(table)
    tracemalloc.start()
    result = encoder.transform(table)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * result.nbytes
