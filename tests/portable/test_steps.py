"""Preprocessing in NumPy against scikit-learn's, in pipelines before a network."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import (
    compose,
    decomposition,
    feature_selection,
    impute,
    pipeline,
    preprocessing,
)
from sklearn.frozen import FrozenEstimator

from multilayer import MLPClassifier, portable, save
from multilayer._portable.compositions import TRANSFORMERS
from multilayer._sklearn.saving.parser import TRANSFORMERS as KINDS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4)) * [1.0, 10.0, 0.1, 3.0] + [0.0, 5.0, 1.0, -2.0]
Y = (X[:, 0] > 0).astype(int)
NEW = RNG.normal(size=(50, 4)) * [2.0, 20.0, 0.2, 6.0] + [0.0, 5.0, 1.0, -2.0]
HOLES = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
NEW_HOLES = np.where(RNG.random(NEW.shape) < 0.2, np.nan, NEW)
CLOSE = {"rtol": 1e-5, "atol": 1e-6}

NUMBERS = {
    "standard": preprocessing.StandardScaler(),
    "standard without mean": preprocessing.StandardScaler(with_mean=False),
    "standard without scale": preprocessing.StandardScaler(with_std=False),
    "min max": preprocessing.MinMaxScaler((-1, 2)),
    "min max clipped": preprocessing.MinMaxScaler(clip=True),
    "max abs": preprocessing.MaxAbsScaler(),
    "robust": preprocessing.RobustScaler(),
    "robust without centre": preprocessing.RobustScaler(with_centering=False),
    "normalizer": preprocessing.Normalizer(),
    "normalizer l1": preprocessing.Normalizer("l1"),
    "normalizer max": preprocessing.Normalizer("max"),
    "binarizer": preprocessing.Binarizer(threshold=0.5),
    "function": preprocessing.FunctionTransformer(),
    "quantile": preprocessing.QuantileTransformer(n_quantiles=20),
    "quantile normal": preprocessing.QuantileTransformer(
        n_quantiles=20, output_distribution="normal"
    ),
    "yeo-johnson": preprocessing.PowerTransformer(),
    "yeo-johnson bare": preprocessing.PowerTransformer(standardize=False),
    "polynomials": preprocessing.PolynomialFeatures(3),
    "interactions": preprocessing.PolynomialFeatures((2, 3), interaction_only=True),
    "polynomials without bias": preprocessing.PolynomialFeatures(2, include_bias=False),
    "bins": preprocessing.KBinsDiscretizer(4, strategy="uniform"),
    "dense bins": preprocessing.KBinsDiscretizer(3, encode="onehot-dense", strategy="uniform"),
    "numbers of bins": preprocessing.KBinsDiscretizer(5, encode="ordinal", strategy="uniform"),
    "splines": preprocessing.SplineTransformer(extrapolation="linear"),
    "components": decomposition.PCA(3),
    "white components": decomposition.PCA(2, whiten=True),
    "singular": decomposition.TruncatedSVD(2, random_state=0),
    "variance": feature_selection.VarianceThreshold(0.5),
    "best": feature_selection.SelectKBest(k=2),
    "all": feature_selection.SelectKBest(k="all"),
    "two": pipeline.make_pipeline(preprocessing.StandardScaler(), decomposition.PCA(2)),
    "frozen": FrozenEstimator(preprocessing.StandardScaler().fit(X)),
    "union": pipeline.FeatureUnion(
        [
            ("scaled", preprocessing.StandardScaler()),
            ("left out", "drop"),
            ("as it is", "passthrough"),
            ("bins", preprocessing.KBinsDiscretizer(3, strategy="uniform")),
        ],
        transformer_weights={"scaled": 2.0},
    ),
}


def fitted(step, X, y=Y):
    """Return a pipeline of a step and a network with random weights."""
    network = MLPClassifier((6,), activation="tanh", max_iter=0, random_state=0)
    return pipeline.make_pipeline(step, network).fit(X, y)


def read_again(model, folder):
    save(model, folder / "model.safetensors")
    return portable.load(folder / "model.safetensors")


def assert_same(model, predictor, X):
    expected = model.predict_proba(X)
    assert_allclose(predictor.predict_proba(X), expected, **CLOSE)
    assert_array_equal(predictor.predict(X), model.predict(X), strict=True)


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("step", NUMBERS.values(), ids=NUMBERS)
def test_numbers(step, dtype, tmp_path):
    model = fitted(step, X.astype(dtype))
    predictor = read_again(model, tmp_path)
    assert_same(model, predictor, NEW.astype(dtype))
    assert_same(model, predictor, X.astype(dtype))


@pytest.mark.parametrize("standardize", [True, False])
def test_box_cox(standardize, tmp_path):
    step = preprocessing.PowerTransformer("box-cox", standardize=standardize)
    model = fitted(step, np.abs(X))
    assert_same(model, read_again(model, tmp_path), np.abs(NEW))


IMPUTERS = {
    "mean": impute.SimpleImputer(),
    "median with marks": impute.SimpleImputer(strategy="median", add_indicator=True),
    "most frequent": impute.SimpleImputer(strategy="most_frequent"),
    "constant": impute.SimpleImputer(strategy="constant", fill_value=-3.0),
    "scaled": pipeline.make_pipeline(preprocessing.StandardScaler(), impute.SimpleImputer()),
    "quantiles": pipeline.make_pipeline(
        preprocessing.QuantileTransformer(n_quantiles=10), impute.SimpleImputer()
    ),
    "powers": pipeline.make_pipeline(preprocessing.PowerTransformer(), impute.SimpleImputer()),
    "marks": pipeline.FeatureUnion(
        [("filled", impute.SimpleImputer()), ("marks", impute.MissingIndicator(features="all"))]
    ),
}


@pytest.mark.parametrize("step", IMPUTERS.values(), ids=IMPUTERS)
def test_missing_values(step, tmp_path):
    model = fitted(step, HOLES)
    assert_same(model, read_again(model, tmp_path), NEW_HOLES)


@pytest.mark.filterwarnings("ignore:Skipping features without")
def test_columns_without_values(tmp_path):
    empty = np.column_stack([HOLES, np.full(80, np.nan)])
    for keep in (True, False):
        model = fitted(impute.SimpleImputer(keep_empty_features=keep), empty)
        assert_same(model, read_again(model, tmp_path), empty)


COLOURS = np.array(["red", "green", "blue", "grey"], dtype=object)
WORDS = np.column_stack([COLOURS[RNG.integers(0, 3, 80)], COLOURS[RNG.integers(0, 2, 80)]])
OTHER = np.column_stack([COLOURS[RNG.integers(0, 4, 50)], COLOURS[RNG.integers(0, 4, 50)]])
KNOWN = WORDS[::-1]

ENCODERS = {
    "one hot": (preprocessing.OneHotEncoder(), KNOWN),
    "dense": (preprocessing.OneHotEncoder(sparse_output=False, dtype=np.float32), KNOWN),
    "ignored": (preprocessing.OneHotEncoder(handle_unknown="ignore"), OTHER),
    "first dropped": (preprocessing.OneHotEncoder(drop="first"), KNOWN),
    "binary dropped": (preprocessing.OneHotEncoder(drop="if_binary"), KNOWN),
    "chosen dropped": (preprocessing.OneHotEncoder(drop=["green", "red"]), KNOWN),
    "rare": (
        preprocessing.OneHotEncoder(max_categories=2, handle_unknown="infrequent_if_exist"),
        OTHER,
    ),
    "rare and first dropped": (preprocessing.OneHotEncoder(min_frequency=28, drop="first"), KNOWN),
    "ordinal": (preprocessing.OrdinalEncoder(), KNOWN),
    "ordinal unknown": (
        preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        OTHER,
    ),
    "ordinal rare": (preprocessing.OrdinalEncoder(max_categories=2), KNOWN),
    "means of the target": (preprocessing.TargetEncoder(), OTHER),
}


@pytest.mark.parametrize(("step", "new"), ENCODERS.values(), ids=ENCODERS)
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_categories(step, new, tmp_path):
    model = fitted(step, WORDS)
    assert_same(model, read_again(model, tmp_path), new)


def test_categories_that_are_numbers_or_missing(tmp_path):
    numbers = np.column_stack([RNG.integers(0, 3, 80), RNG.integers(5, 9, 80)]).astype(float)
    numbers[::7, 0] = np.nan
    for step in (
        preprocessing.OneHotEncoder(),
        preprocessing.OrdinalEncoder(encoded_missing_value=-2),
    ):
        model = fitted(step, numbers)
        assert_same(model, read_again(model, tmp_path), numbers[::-1])


def frame(X, words):
    return pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(one=words[:, 0], two=words[:, 1])


def column_transformer(**changes):
    numbers = pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler())
    return compose.ColumnTransformer(
        [
            ("numbers", numbers, ["a", "c"]),
            ("words", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["one", "two"]),
            ("left out", "drop", ["d"]),
        ],
        **changes,
    )


@pytest.mark.parametrize("rest", ["drop", "passthrough", preprocessing.MinMaxScaler()])
@pytest.mark.parametrize("weights", [None, {"words": 0.5}])
def test_frames(rest, weights, tmp_path):
    step = column_transformer(remainder=rest, transformer_weights=weights)
    model = fitted(step, frame(HOLES, WORDS).fillna({"b": 0}))
    predictor = read_again(model, tmp_path)
    new = frame(NEW_HOLES, OTHER).fillna({"b": 0})
    assert_same(model, predictor, new)
    assert list(predictor.feature_names_in_) == ["a", "b", "c", "d", "one", "two"]
    polars = pytest.importorskip("polars")
    assert_array_equal(predictor.predict(polars.from_pandas(new)), model.predict(new))


def test_columns_by_place(tmp_path):
    scaler, encoder = preprocessing.StandardScaler(), preprocessing.OrdinalEncoder()
    parts = [("scaled", scaler, slice(0, 2)), ("coded", encoder, [3])]
    step = compose.ColumnTransformer(parts, remainder="passthrough")
    rows = np.column_stack([X[:, :3], RNG.integers(0, 3, 80)])
    model = fitted(step, rows)
    assert_same(model, read_again(model, tmp_path), rows[::-1])


def test_no_kind_of_step_is_missing():
    assert set(TRANSFORMERS) == set(KINDS)
