"""Permutation importance of the columns of tables of every kind."""

import pickle
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibrationDisplay
from sklearn.exceptions import NotFittedError
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import brier_score_loss

from multilayer import (
    DataError,
    FeatureImportances,
    InvalidArgumentError,
    Metric,
    MLPClassifier,
    MLPRegressor,
    TabularClassifier,
)
from multilayer._data.frames import with_rows
from multilayer._sklearn.network.importances import feature_importances

N = 120


def make_frame():
    rng = np.random.default_rng(0)
    size, noise = rng.normal(size=(2, N))
    kind = pd.Categorical(rng.choice(["a", "b", "c"], N))
    day = pd.date_range("2024-01-01", periods=N)
    frame = pd.DataFrame({"size": size, "kind": kind, "day": day, "noise": noise})
    frame.loc[::9, "size"] = np.nan
    return frame


FRAME = make_frame()
CLASSES = np.where(FRAME["kind"] == "a", "yes", "no")
X = np.nan_to_num(FRAME[["size", "noise"]].to_numpy())


@pytest.fixture(scope="module")
def classifier():
    return TabularClassifier(n_estimators=2, n_folds=2, random_state=0).fit(FRAME, CLASSES)


@pytest.fixture(scope="module")
def network():
    return MLPClassifier((8,), solver="lbfgs", max_iter=50, random_state=0).fit(X, X[:, 0] > 0)


# Rows of tables -------------------------------------------------------------------------------


def kinds_of_table():
    return {
        "pandas": FRAME.set_index(np.arange(N)[::-1]),
        "polars": pl.from_pandas(FRAME),
        "arrow": pa.Table.from_pandas(FRAME),
        "objects": FRAME.to_numpy(),
        "sparse": sparse.csr_array(X),
        "sparse by column": sparse.csc_array(X),
    }


def as_objects(table):
    if isinstance(table, pl.DataFrame | pa.Table):
        table = table.to_pandas()
    array = table.toarray() if sparse.issparse(table) else np.asarray(table, dtype=object)
    return array.astype(object)


@pytest.mark.parametrize("kind", kinds_of_table())
@pytest.mark.parametrize("shuffled", [0, -1])
def test_rows_by_column(kind, shuffled):
    table = kinds_of_table()[kind]
    before = as_objects(table)
    rng = np.random.default_rng(1)
    rows = rng.permutation(N)[:50]
    places = np.repeat(rows[:, np.newaxis], table.shape[1], axis=1)
    places[:, shuffled] = rng.permutation(rows)
    taken = with_rows(table, places)
    assert type(taken) is type(table) or kind == "sparse by column"
    if kind == "pandas":
        assert (taken.dtypes == table.dtypes).all()
    if kind == "polars":
        assert taken.schema == table.schema
    if kind == "arrow":
        assert taken.schema == table.schema
    expected = np.take_along_axis(before, places, axis=0)
    assert pd.DataFrame(as_objects(taken)).equals(pd.DataFrame(expected))
    assert pd.DataFrame(as_objects(table)).equals(pd.DataFrame(before))


# What is found --------------------------------------------------------------------------------


def test_scikit_learn_finds_the_same(network):
    """A random state that has drawn no rows is the one that scikit-learn would begin with."""
    found = network.feature_importances(X, X[:, 0] > 0, random_state=3, n_repeats=4)
    expected = permutation_importance(network, X, X[:, 0] > 0, random_state=3, n_repeats=4)
    np.testing.assert_array_equal(found.repeats, expected.importances)
    np.testing.assert_array_equal(found.mean, expected.importances_mean)
    np.testing.assert_array_equal(found.std, expected.importances_std)
    assert found.score == network.score(X, X[:, 0] > 0)
    assert found.names == ("x0", "x1")
    assert found.mean[0] > 0.2 > found.mean[1]


@pytest.mark.parametrize("kind", ["polars", "arrow"])
def test_tables_of_any_library_have_the_same(classifier, kind):
    before = FRAME.copy()
    options = {"random_state": 0, "n_repeats": 2, "scoring": "neg_log_loss"}
    expected = classifier.feature_importances(FRAME, CLASSES, **options)
    assert expected.names == ("size", "kind", "day", "noise")
    assert expected.names[expected.order[0]] == "kind"
    found = classifier.feature_importances(kinds_of_table()[kind], CLASSES, **options)
    assert found.names == expected.names
    np.testing.assert_allclose(found.repeats, expected.repeats, atol=1e-6)
    pd.testing.assert_frame_equal(FRAME, before)


def test_arrays_of_objects_and_lists(classifier):
    table = FRAME.to_numpy()[:30]
    y = CLASSES[:30]
    with pytest.warns(UserWarning, match="valid feature names"):
        found = classifier.feature_importances(table, y, random_state=0, n_repeats=1)
    with pytest.warns(UserWarning, match="valid feature names"):
        again = classifier.feature_importances(table.tolist(), y, random_state=0, n_repeats=1)
    np.testing.assert_array_equal(found.repeats, again.repeats)
    assert found.names == tuple(FRAME.columns)  # those that the model knows


def test_sparse_rows(network):
    some = sparse.csr_array(X)
    dense = network.feature_importances(X, X[:, 0] > 0, random_state=0)
    found = network.feature_importances(some, X[:, 0] > 0, random_state=0)
    np.testing.assert_array_equal(found.repeats, dense.repeats)


@pytest.mark.parametrize("given", [40, 1 / 3])
def test_some_rows(network, given):
    seen = []

    def score(model, rows, y):
        seen.append(len(rows))
        assert {tuple(row) for row in rows[:, :1]} <= {tuple(row) for row in X[:, :1]}
        return model.score(rows, y)

    y = X[:, 0] > 0
    found = network.feature_importances(X, y, scoring=score, max_samples=given, random_state=0)
    assert set(seen) == {40}
    assert found.n_rows == 40
    assert network.feature_importances(X, y, max_samples=10**6).n_rows == N


def test_weights_are_those_of_the_rows(network):
    y = X[:, 0] > 0.3
    weight = (np.arange(N) < 60).astype(float)
    weighted = network.feature_importances(X, y, sample_weight=weight, random_state=0)
    assert weighted.score == network.score(X[:60], y[:60])
    assert weighted.score != network.score(X, y)
    some = network.feature_importances(
        X, y, sample_weight=weight, random_state=0, max_samples=80, scoring="neg_log_loss"
    )
    assert some.n_rows == 80


def test_a_metric_of_ones_own(network):
    y = X[:, 0] > 0
    brier = Metric("brier", brier_score_loss, greater_is_better=False, response="predict_proba")
    found = network.feature_importances(X, y, scoring=brier, random_state=0)
    expected = network.feature_importances(X, y, scoring="neg_brier_score", random_state=0)
    np.testing.assert_array_equal(found.repeats, expected.repeats)


def test_numbers():
    net = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=999, random_state=0)
    net.fit(X, X[:, 0])
    assert net.feature_importances(X, X[:, 0], random_state=0).mean[0] > 1
    errors = net.feature_importances(X, X[:, 0], scoring="rmse", n_repeats=1, random_state=0)
    assert errors.score < 0 < errors.mean[0]


def test_partial_dependence_and_calibration_of_raw_tables(classifier):
    found = partial_dependence(classifier, FRAME, ["kind"], categorical_features=["kind"])
    one_kind = pd.Categorical(["b"] * N, FRAME["kind"].cat.categories)
    proba = classifier.predict_proba(FRAME.assign(kind=one_kind))
    averages = dict(zip(found["grid_values"][0], found["average"][0], strict=True))
    assert averages["b"] == pytest.approx(proba[:, 1].mean(), rel=1e-5)
    assert averages["a"] > averages["b"] + 0.2
    ax = pytest.importorskip("matplotlib.figure").Figure().subplots()
    display = CalibrationDisplay.from_estimator(classifier, FRAME, CLASSES, n_bins=1, ax=ax)
    assert display.prob_pred[0] == pytest.approx(classifier.predict_proba(FRAME)[:, 1].mean())
    assert display.prob_true[0] == np.mean(CLASSES == "yes")


def test_names_of_a_model_with_other_columns(network):
    class Named(BaseEstimator):
        def fit(self, X, y):
            self.feature_names_in_ = ("a", "b", "c")
            return self

        def score(self, X, y):
            return 1.0

    with pytest.raises(DataError, match="X has 2 columns, but the model knows 3"):
        feature_importances(Named().fit(X, X), X, X[:, 0] > 0)


# The result -----------------------------------------------------------------------------------


def test_the_table_is_sorted():
    found = FeatureImportances(("a", "a longer name"), np.array([[0.0, 0.2], [0.5, 0.5]]), 1.0, 9)
    head, first, second = str(found).splitlines()
    assert head == "column         importance"
    assert first == "a longer name  0.5000 +- 0.0000"
    assert second == "a              0.1000 +- 0.1000"
    frame = found.to_frame()
    assert frame["name"].tolist() == ["a longer name", "a"]
    assert frame.columns.tolist() == ["name", "mean", "std"]
    assert str(pickle.loads(pickle.dumps(found))) == str(found)


def test_frames_need_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        FeatureImportances(("a",), np.zeros((1, 1)), 1.0, 9).to_frame()


@pytest.mark.parametrize("shape", [(2, 3), (1,), (1, 0)])
def test_repeats_of_another_shape(shape):
    with pytest.raises(InvalidArgumentError, match=r"repeats.shape must be \(1, n_repeats\)"):
        FeatureImportances(("a",), np.zeros(shape), 1.0, 9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_repeats": 0}, "n_repeats must be an integer of at least 1"),
        ({"max_samples": 0}, "max_samples must be an integer of at least 1"),
        ({"max_samples": 1.5}, r"max_samples must be a number in \(0, 1\]"),
        ({"scoring": "loss"}, "Write 'neg_log_loss'"),
        ({"scoring": "acuracy"}, "Did you mean 'accuracy'"),
        ({"scoring": lambda model, X, y: None}, "scoring must be a scorer that returns a number"),
        (
            {"scoring": lambda model, X, y: 1.0, "sample_weight": np.ones(N)},
            "scoring must be a function that takes sample_weight",
        ),
    ],
)
def test_refused(network, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        network.feature_importances(X, X[:, 0] > 0, **options)


def test_refused_rows(network):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        network.feature_importances(X, X[:50, 0] > 0)
    with pytest.raises(NotFittedError):
        MLPClassifier().feature_importances(X, X[:, 0] > 0)
