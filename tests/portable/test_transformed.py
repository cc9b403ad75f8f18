"""Targets that were transformed, and means of targets, against scikit-learn's."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import preprocessing
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline

from multilayer import DataError, MLPRegressor, ModelFileError, Perceptron, portable, save
from multilayer._portable.predictor import through
from multilayer._sklearn.saving.models import describe

from .reading_again import predictor_of, read

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = np.exp(X[:, :2]) * [3.0, 100.0]
NETWORK = MLPRegressor(hidden_layer_sizes=(3,), max_iter=0, random_state=0)
CLOSE = {"rtol": 1e-12, "atol": 0}
NETWORKS_CLOSE = {"rtol": 1e-4, "atol": 1e-4}  # they compute in float32

# Means of the target ----------------------------------------------------------------------------

WORDS = np.array(["red", "green", None, np.nan], dtype=object)
TABLES = {
    "words": (WORDS[RNG.integers(0, 3, (60, 2))], np.append(WORDS, ["blue", "grey"])),
    "words and NaN": (WORDS[[0, 1, 3]][RNG.integers(0, 3, (60, 2))], np.append(WORDS, ["blue"])),
    "words alone": (WORDS[RNG.integers(0, 2, (60, 2))], WORDS),
    "numbers": (RNG.integers(0, 4, (60, 2)), np.arange(-1, 6)),
    "numbers and NaN": (np.where(X > 1, np.nan, np.round(X)), np.array([-1, 0, 1, 9, np.nan])),
}
TARGETS = {"binary": X[:, 0] > 0, "multiclass": np.arange(60) % 3, "continuous": X[:, 0]}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize(("table", "labels"), TABLES.values(), ids=TABLES)
def test_target_means(table, labels, target):
    step = preprocessing.TargetEncoder(target_type="auto").fit(table, target)
    n_columns = step.transform(table[:1]).shape[1]
    network = Perceptron(max_iter=5).fit(np.eye(2, n_columns), [0, 1])
    model = Pipeline([("step", step), ("net", network)])
    predictor = predictor_of(model)
    new = labels[RNG.integers(0, len(labels), (50, table.shape[1]))]
    (own,) = predictor._before
    assert_allclose(own.transform(new), step.transform(new), strict=True, **CLOSE)
    assert_array_equal(predictor.predict(new), model.predict(new), strict=True)
    if new.dtype.kind == "f":
        with pytest.raises(DataError, match="contains infinity"):
            predictor.predict(np.full((1, 3), np.inf))


# Targets that were transformed ------------------------------------------------------------------

TRANSFORMERS = {
    "none": None,
    "standard": preprocessing.StandardScaler(),
    "standard without mean": preprocessing.StandardScaler(with_mean=False),
    "standard without scale": preprocessing.StandardScaler(with_std=False),
    "min max": preprocessing.MinMaxScaler((-1, 2), clip=True),
    "max abs": preprocessing.MaxAbsScaler(),
    "robust": preprocessing.RobustScaler(),
    "robust without centre": preprocessing.RobustScaler(with_centering=False),
    "yeo-johnson": preprocessing.PowerTransformer(),
    "yeo-johnson bare": preprocessing.PowerTransformer(standardize=False),
    "box-cox": preprocessing.PowerTransformer("box-cox"),
    "quantile": preprocessing.QuantileTransformer(n_quantiles=20),
    "quantile normal": preprocessing.QuantileTransformer(
        n_quantiles=20, output_distribution="normal"
    ),
    "components": PCA(2, whiten=True),
    "one component": PCA(1),
    "singular": TruncatedSVD(1),
    "in turn": make_pipeline(preprocessing.PowerTransformer(), preprocessing.MinMaxScaler()),
    "in turn or not": make_pipeline("passthrough", preprocessing.StandardScaler()),
    "frozen": make_pipeline(FrozenEstimator(preprocessing.StandardScaler().fit(Y))),
}


def transformed(transformer, y, regressor=NETWORK):
    model = TransformedTargetRegressor(regressor, transformer=transformer, check_inverse=False)
    return model.fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("transformer", TRANSFORMERS.values(), ids=TRANSFORMERS)
def test_transformed_targets(transformer):
    model = transformed(transformer, Y)
    predictor = predictor_of(model)
    assert_allclose(predictor.predict(X), model.predict(X), strict=True, **NETWORKS_CLOSE)
    said = model.regressor_.predict(X).reshape(60, -1)
    said = np.vstack([said, np.zeros_like(said[:1]), np.clip(said, 0, 1), np.full_like(said, 1.0)])
    expected = model.transformer_.inverse_transform(said.copy())
    assert_allclose(through(predictor._back, said), expected, strict=True, **CLOSE)


@pytest.mark.parametrize("y", [Y[:, 0], Y[:, :1]], ids=["one axis", "one column"])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_shapes_and_types_of_targets(y, dtype):
    model = transformed(preprocessing.StandardScaler(), y)
    expected = model.predict(X.astype(dtype))
    found = predictor_of(model).predict(X.astype(dtype))
    assert_allclose(found, expected, strict=True, **NETWORKS_CLOSE)


def test_steps_before_within_and_around(tmp_path):
    frame = pd.DataFrame(X, columns=list("abc"))
    inner = transformed(preprocessing.StandardScaler(), Y, make_pipeline(PCA(2), NETWORK))
    outer = transformed(preprocessing.PowerTransformer(), Y, inner)
    model = make_pipeline(preprocessing.MinMaxScaler(), outer).fit(frame, Y)
    save(model, tmp_path / "model.safetensors")
    predictor = portable.load(tmp_path / "model.safetensors")
    assert isinstance(predictor, portable.TransformedRegressor)
    assert_allclose(predictor.predict(frame), model.predict(frame), **NETWORKS_CLOSE)
    assert (predictor.n_features_in_, list(predictor.feature_names_in_)) == (3, list("abc"))
    assert not hasattr(predictor, "predict_quantiles")


# Refusals ---------------------------------------------------------------------------------------


def test_targets_that_cannot_be_undone():
    bins = preprocessing.KBinsDiscretizer(3, encode="ordinal", strategy="uniform")
    with pytest.raises(ModelFileError, match="'KBinsDiscretizer' has no inverse"):
        predictor_of(transformed(bins, Y))


def refusal(change):
    """Return the message with which a changed description is refused."""
    told = describe(transformed(preprocessing.StandardScaler(), Y))
    change(told.steps[0])
    with pytest.raises(ModelFileError) as caught:
        read(told.steps, told.arrays).predict(X)
    return str(caught.value)


def test_descriptions_that_do_not_fit():
    assert "1 or 2 axes" in refusal(lambda step: step["fitted"].update(training_dim=3))
    assert "lacks a regressor or transf" in refusal(lambda step: step["steps"].reverse())
    assert "lacks a regressor" in refusal(lambda step: step["steps"].pop())
    assert "function" in refusal(lambda step: step["params"].update(func="numpy.exp"))


def test_transformers_of_other_numbers_of_targets():
    two = describe(transformed(preprocessing.StandardScaler(), Y))
    one = describe(transformed(preprocessing.StandardScaler(), Y[:, 0]))
    one.steps[0]["steps"][1] = two.steps[0]["steps"][1]
    scaler = "TransformedTargetRegressor.StandardScaler."
    ours = {name: two.arrays[name] for name in two.arrays if name.startswith(scaler)}
    with pytest.raises(ModelFileError, match="of 1 axis are transformed as 2"):
        read(one.steps, one.arrays | ours)
    one.steps[0]["fitted"]["training_dim"] = 2
    with pytest.raises(ModelFileError, match="predicts 1 targets, its transformer takes 2"):
        read(one.steps, one.arrays | ours)


def test_classifiers_of_transformed_targets():
    told = describe(transformed(None, Y))
    other = describe(Perceptron(max_iter=5).fit(np.eye(2, 3), [0, 1]))
    told.steps[0]["steps"][0] = {**other.steps[0], "name": "regressor"}
    prefix = "TransformedTargetRegressor."
    arrays = {prefix + name: array for name, array in other.arrays.items()}
    with pytest.raises(ModelFileError, match="lacks a regressor"):
        read(told.steps, arrays)
