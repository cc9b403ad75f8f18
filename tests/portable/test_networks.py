"""Predictors against the estimators that they were read from.

Networks are not trained (``max_iter=0``): their weights, and the moments of their normalised
layers, are random. So no training program is compiled for any of them.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor, Perceptron, portable, save
from multilayer._objectives.regression_losses import REGRESSION_LOSSES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 6))
THREE = np.arange(70) % 3
PROBABILITY = {"rtol": 1e-5, "atol": 1e-6}


def shuffled(estimator):
    """Give biases and normalised layers values of their own."""
    rng = np.random.default_rng(1)
    for name in ("intercepts_", "norm_scales_", "norm_shifts_", "norm_means_"):
        for array in getattr(estimator, name, []):
            array += rng.normal(scale=0.3, size=array.shape).astype(array.dtype)
    for array in getattr(estimator, "norm_variances_", []):
        array *= rng.uniform(0.5, 2.0, size=array.shape).astype(array.dtype)
    return estimator


def read_again(estimator, folder):
    save(estimator, folder / "model.safetensors")
    return portable.load(folder / "model.safetensors")


def classifier(hidden=(8, 8), **changes):
    return MLPClassifier(hidden, max_iter=0, random_state=0, **changes)


def assert_same_classes(model, predictor, X):
    predicted = model.predict(X)
    assert_array_equal(predictor.predict(X), predicted, strict=True)
    expected, found = model.predict_proba(X), predictor.predict_proba(X)
    assert isinstance(found, list) == isinstance(expected, list)
    several = isinstance(expected, list)
    for one, other in zip(found, expected, strict=True) if several else [(found, expected)]:
        assert one.dtype == other.dtype
        assert_allclose(one, other, **PROBABILITY)


NETWORKS = {
    "batch norm": {"norm": "batch", "activation": "gelu"},
    "layer norm": {"norm": "layer", "activation": ["mish", "selu"]},
    "residual": {"residual": True, "activation": "tanh"},
    "residual batch norm": {"residual": True, "norm": "batch", "activation": "leaky_relu"},
    "residual layer norm": {"residual": True, "norm": "layer", "activation": "silu"},
    "no hidden layer": {"hidden": ()},
    "dropout and bfloat16": {"dropout": 0.5, "input_noise": 0.1, "precision": "bfloat16"},
}


@pytest.mark.parametrize("settings", NETWORKS.values(), ids=NETWORKS)
def test_networks(settings, tmp_path):
    model = shuffled(classifier(**settings).fit(X, THREE))
    assert_same_classes(model, read_again(model, tmp_path), X)


TEXT = np.array(["red", "green", "blue"])[THREE]
TARGETS = {
    "binary": X[:, 0] > 0,
    "text": TEXT,
    "floats": THREE * 2.0,
    "indicators": np.eye(3, dtype=int)[THREE],
    "columns": np.column_stack([TEXT, np.where(X[:, 0] > 0, "high", "low")]),
    "columns of numbers": np.column_stack([THREE, THREE == 0]),
}


@pytest.mark.parametrize("out_activation", ["softmax", "logistic"])
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_kinds_of_classes(target, out_activation, tmp_path):
    model = shuffled(classifier(out_activation=out_activation).fit(X, target))
    model.calibrate(X, target)
    predictor = read_again(model, tmp_path)
    assert model.temperature_ != 1
    assert_same_classes(model, predictor, X)
    mine, theirs = predictor.classes_, model.classes_
    for one, other in (
        zip(mine, theirs, strict=True) if isinstance(theirs, list) else [(mine, theirs)]
    ):
        assert_array_equal(one, other, strict=True)


@pytest.fixture(scope="module")
def image_model(tmp_path_factory):
    """The network 784-300-100-10 on images of bytes, and its predictor."""
    images = RNG.integers(0, 256, (60, 784)).astype(np.uint8)
    model = classifier((300, 100), input_scale=1 / 255).fit(images, np.arange(60) % 10)
    return model, read_again(shuffled(model), tmp_path_factory.mktemp("images"))


@pytest.mark.parametrize("kind", ["u1", "i8", "f2", "f4", ">f8", "?"])
def test_types_of_rows(image_model, kind):
    model, predictor = image_model
    images = RNG.integers(0, 256, (60, 784)).astype(kind)
    assert_same_classes(model, predictor, images)


def test_more_rows_than_a_block(image_model):
    _, predictor = image_model
    images = RNG.integers(0, 256, (4500, 784)).astype(np.uint8)
    whole = predictor.predict_proba(images)
    parts = [predictor.predict_proba(images[i : i + 1500]) for i in range(0, 4500, 1500)]
    assert_allclose(whole, np.concatenate(parts), **PROBABILITY)


LOSSES = list(REGRESSION_LOSSES)


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("loss", LOSSES)
def test_regressors(loss, n_targets, tmp_path):
    target = np.exp(X[:, 0] if n_targets == 1 else X[:, :n_targets])
    model = MLPRegressor(
        loss, (8,), max_iter=0, random_state=0, standardize_target=loss != "poisson"
    )
    model = shuffled(model.fit(X, target)).calibrate(X, target)
    predictor = read_again(model, tmp_path)
    for coverage in (0.6, 0.8):
        assert_allclose(
            predictor.predict_interval(X, coverage),
            model.predict_interval(X, coverage),
            strict=True,
            **PROBABILITY,
        )
    expected = model.predict(X)
    assert_allclose(predictor.predict(X), expected, strict=True, **PROBABILITY)
    if loss == "quantile":
        assert_allclose(predictor.predict_quantiles(X), model.predict_quantiles(X), **PROBABILITY)
    if loss in ("quantile", "gaussian_nll"):
        levels = (0.1, 0.9)
        assert_allclose(
            predictor.predict(X, quantiles=levels),
            model.predict(X, quantiles=levels),
            strict=True,
            **PROBABILITY,
        )
    else:
        with pytest.raises(InvalidArgumentError, match="quantiles must be None with loss="):
            predictor.predict(X, quantiles=(0.1, 0.9))
    if loss == "gaussian_nll":
        both = predictor.predict(X, return_std=True)
        for one, other in zip(both, model.predict(X, return_std=True), strict=True):
            assert_allclose(one, other, strict=True, **PROBABILITY)


def test_intervals_need_a_calibration(tmp_path):
    predictor = read_again(MLPRegressor("squared_error", max_iter=0).fit(X, X[:, 0]), tmp_path)
    with pytest.raises(InvalidArgumentError, match=r"needs a calibrated network\. Fit with"):
        predictor.predict_interval(X)
    with pytest.raises(InvalidArgumentError, match="coverage must be a number"):
        predictor.predict_interval(X, 1.0)


@pytest.mark.parametrize("out_activation", ["softplus", "logistic", "tanh", "relu"])
def test_outputs_of_regressors(out_activation, tmp_path):
    model = MLPRegressor(hidden_layer_sizes=(8,), out_activation=out_activation, max_iter=0)
    model = shuffled(model.fit(X, X[:, 0]))
    assert_allclose(read_again(model, tmp_path).predict(X), model.predict(X), **PROBABILITY)


def test_quantiles_other_than_the_median(tmp_path):
    levels = (0.05, 0.2, 0.9)
    model = MLPRegressor("quantile", (8,), quantiles=levels, max_iter=0, random_state=0)
    model = shuffled(model.fit(X, X[:, 0]))
    predictor = read_again(model, tmp_path)
    assert_allclose(predictor.predict_quantiles(X), model.predict_quantiles(X), **PROBABILITY)
    assert_allclose(predictor.predict(X), model.predict(X), **PROBABILITY)


@pytest.mark.parametrize("target", [X[:, 0] > 0, TEXT, np.eye(3, dtype=int)[THREE]])
def test_perceptrons(target, tmp_path):
    model = Perceptron(max_iter=5, tol=1e9, n_iter_no_change=1).fit(X, target)
    predictor = read_again(model, tmp_path)
    assert_array_equal(predictor.predict(X), model.predict(X), strict=True)
    assert not hasattr(predictor, "predict_proba")
