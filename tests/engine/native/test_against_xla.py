"""Whole fits by both engines: what every named option does, from the same start."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits, load_iris

from multilayer import MLPClassifier, MLPRegressor
from multilayer._engine import engines
from multilayer._engine.native import coverage

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"  # a few epochs show what an option does
)
if coverage.unavailable():
    pytest.skip(coverage.unavailable(), allow_module_level=True)

BASE = {
    "hidden_layer_sizes": (20, 20),
    "batch_size": 32,
    "max_iter": 3,
    "n_iter_no_change": 1000,
    "random_state": 0,
}


def data(name):
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return X[:600].astype(np.float32), y[:600]
    if name == "iris":
        X, y = load_iris(return_X_y=True)
        return X.astype(np.float32), y
    X, y = load_diabetes(return_X_y=True)
    return (10 * X).astype(np.float32), (y - y.mean()) / y.std()


def fitted(engine, estimator, X, y, sample_weight=None):
    with pytest.MonkeyPatch.context() as patch:
        if engine == engines.XLA:
            patch.setattr(engines, "choose", lambda *a, **k: engines.Choice(engines.XLA, "a test"))
        model = estimator.fit(X, y, sample_weight=sample_weight)
    assert model.engine_ == engine
    return model


def assert_alike(make, X, y, weights=None, tolerance=1e-4):
    native, xla = (fitted(engine, make(), X, y, weights) for engine in engines.NAMES)
    for a, b in zip(native.coefs_ + native.intercepts_, xla.coefs_ + xla.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max())
    for name in ("loss", "validation_loss", "validation_score", "learning_rate", "steps"):
        one, other = native.history_[name], xla.history_[name]
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6, err_msg=name)
    return native, xla


CLASSIFIERS = {
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "sgd without momentum": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.05},
    "sgd without nesterov": {"solver": "sgd", "nesterovs_momentum": False},
    "adam": {},
    "adamw": {"solver": "adamw", "weight_decay": 0.1},
    "adagrad": {"solver": "adagrad"},
    "rmsprop": {"solver": "rmsprop", "solver_params": {"momentum": 0.9}},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "n_iter_no_change": 1,
        "tol": 0.1,
        "max_iter": 30,
    },
    "elastic net": {"alpha": 0.1, "l1_ratio": 0.3},
    "clipped": {"clip_norm": 0.1, "alpha": 0.1, "ema_decay": 0.9},
    "max norm": {"max_norm": 0.5, "learning_rate_init": 0.05, "ema_decay": 0.9},
    "averaged": {"ema_decay": 0.9},
    "accumulated": {"accumulate_steps": 3, "alpha": 0.1},
    "layer rates": {"layer_learning_rates": (0.5, 1, 2)},
    "layer norm": {"norm": "layer", "activation": "gelu", "residual": True},
    "residual": {"residual": True},
    "smoothing": {"label_smoothing": 0.1},
    "class weights": {"class_weight": {0: 1, 1: 2, 2: 0.5}},
    "early stopping": {"early_stopping": True, "max_iter": 20, "n_iter_no_change": 3},
    "early stopping by loss": {"early_stopping": True, "scoring": "loss"},
    "scorer": {"early_stopping": True, "scoring": "f1_macro"},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "lbfgs": {"solver": "lbfgs", "max_iter": 5},
}


@pytest.mark.parametrize("option", CLASSIFIERS)
def test_options(option):
    assert_alike(lambda: MLPClassifier(**BASE | CLASSIFIERS[option]), *data("iris"))


def test_batch_norm():
    # Biases before a batch normalisation have no gradient but rounding, which Adam makes large.
    options = {"norm": "batch", "residual": True, "solver": "sgd", "learning_rate_init": 0.05}
    native, xla = assert_alike(lambda: MLPClassifier(**BASE | options), *data("iris"))
    X, _ = data("iris")
    np.testing.assert_allclose(native.predict_proba(X), xla.predict_proba(X), atol=1e-5)


def test_activations():
    for name in coverage.lib.ACTIVATIONS[:-1]:  # the last one is of outputs
        options = {"activation": name, "input_scale": 1 / 16, "max_iter": 1}
        native, xla = assert_alike(lambda o=options: MLPClassifier(**BASE | o), *data("digits"))
        X, _ = data("digits")
        np.testing.assert_allclose(native.transform(X[:50]), xla.transform(X[:50]), atol=1e-5)


@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "huber", "quantile", "gaussian_nll", "poisson"]
)
def test_regressions(loss):
    X, y = data("diabetes")
    y = np.abs(y) if loss == "poisson" else np.stack([y, -(y**2)], axis=1)
    weights = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    native, xla = assert_alike(
        lambda: MLPRegressor(loss=loss, early_stopping=True, **BASE), X, y, weights
    )
    np.testing.assert_allclose(native.predict(X), xla.predict(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("targets", ["yes or no", "labels", "columns"])
def test_targets(targets):
    X, y = data("iris")
    y = {"yes or no": y > 0, "labels": np.c_[y > 0, y > 1], "columns": np.c_[y, y > 1]}[targets]
    assert_alike(lambda: MLPClassifier(**BASE), X, y)


def test_small_integers_are_scaled():
    X, y = data("digits")
    options = BASE | {"input_scale": 1 / 16}
    native, _ = assert_alike(lambda: MLPClassifier(**options), X.astype(np.uint8), y)
    as_floats = fitted(engines.NATIVE, MLPClassifier(**options), X, y)
    np.testing.assert_array_equal(native.coefs_[0], as_floats.coefs_[0])


def test_dropout_and_noise_are_drawn_anew_in_each_step():
    X, y = data("iris")
    random = {"dropout": 0.5, "input_dropout": 0.2, "input_noise": 0.3, "learning_rate_init": 0.02}
    one, same, other = (
        fitted(
            engines.NATIVE,
            MLPClassifier(**BASE | random | {"max_iter": 40, "random_state": s}),
            X,
            y,
        )
        for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.coefs_[0], same.coefs_[0])
    assert not np.array_equal(one.coefs_[0], other.coefs_[0])
    assert one.score(X, y) > 0.8
