"""Model files of regressors, of several outputs, and of networks with more to them."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_array_equal, assert_equal

from multilayer import MLPClassifier, MLPRegressor, ModelFileError, load, save

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
THREE = np.arange(60) % 3
ARGUMENTS = {"max_iter": 0, "learning_rate": "cosine", "batch_size": 20, "random_state": 0}
TRAINED = {"max_iter": 3}  # the others are left as they were drawn, which compiles nothing


def classifier(**changes):
    return MLPClassifier(**{"hidden_layer_sizes": (5,)} | ARGUMENTS | changes)


def round_trip(model, folder):
    save(model, folder / "model.safetensors")
    return load(folder / "model.safetensors")


def assert_same(one, other):
    """Compare all attributes but the state of training, which no file keeps."""
    ours, theirs = (dict(vars(each)) for each in (one, other))
    for values in (ours, theirs):
        del values["_resumable"]
        values.pop("_seen", None)
        values["_history"] = values["_history"].reports(0)
        found = values.pop("_calibration")
        values |= {} if found is None else {f"calibration {k}": v for k, v in vars(found).items()}
    assert_equal(ours, theirs)


MORE = {
    "trained": TRAINED | {"norm": "batch"},
    "residual": {"norm": "batch", "hidden_layer_sizes": (5, 5), "residual": True},
    "layer norm": {"norm": "layer", "activation": ["tanh"], "ema_decay": 0.9},
    "no hidden layer": {"norm": "batch", "hidden_layer_sizes": ()},
    "weights of classes": {"class_weight": {1: 2.0}, "out_activation": "logistic"},
}


@pytest.mark.parametrize("changes", MORE.values(), ids=MORE)
def test_more_of_a_network(changes, tmp_path):
    model = classifier(**changes).fit(X, THREE)
    again = round_trip(model, tmp_path)
    assert_same(again, model)
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_several_columns_of_classes(tmp_path):
    columns = np.column_stack([THREE, np.where(X[:, 0] > 0, "high", "low")])
    model = classifier().fit(X, columns)
    again = round_trip(model, tmp_path)
    assert_same(again, model)
    assert_array_equal(again.predict(X), model.predict(X))


def test_temperatures(tmp_path):
    model = classifier(calibration_fraction=0.25).fit(X, THREE)
    again = round_trip(model, tmp_path)
    assert_same(again, model)
    assert again.temperature_ == model.temperature_ != 1
    assert again._calibration_share == 0.25
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("weight", [None, np.arange(60)], ids=["alike", "weighed"])
@pytest.mark.parametrize("loss", ["squared_error", "quantile", "gaussian_nll"])
def test_calibration_of_intervals(loss, weight, tmp_path):
    settings = ARGUMENTS | {"standardize_target": True}
    model = MLPRegressor(loss, (5,), **settings).fit(X, X[:, :2]).calibrate(X, X[:, :2], weight)
    again = round_trip(model, tmp_path)
    assert_same(again, model)
    assert_array_equal(again.predict_interval(X), model.predict_interval(X))


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "quantile", "gaussian_nll"])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_regressors(loss, n_targets, tmp_path):
    target = np.exp(X[:, :n_targets])
    target = target[:, 0] if n_targets == 1 else target
    trained = TRAINED if (loss, n_targets) == ("squared_error", 1) else {}
    settings = ARGUMENTS | {"standardize_target": loss != "poisson"} | trained
    model = MLPRegressor(loss, (5,), **settings).fit(X, target)
    again = round_trip(model, tmp_path)
    assert_same(again, model)
    assert_array_equal(again.predict(X), model.predict(X))
    if loss == "quantile":
        assert_array_equal(again.predict_quantiles(X), model.predict_quantiles(X))


@pytest.mark.parametrize(
    ("name", "value"), [("activation", jnp.tanh), ("solver", optax.lion), ("scoring", max)]
)
def test_functions_are_not_saved(name, value, tmp_path):
    model = classifier().fit(X, THREE).set_params(**{name: value})
    with pytest.raises(ModelFileError, match=f"{name} must be a number, a string, None"):
        save(model, tmp_path / "model.safetensors")
    assert not (tmp_path / "model.safetensors").exists()
