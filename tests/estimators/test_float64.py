"""Fits in float64, by `precision="float64"`: as exact as scikit-learn's, with all that follows."""

import pickle
import runpy
from pathlib import Path

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network
from sklearn.datasets import load_digits, make_regression
from sklearn.metrics import log_loss

from multilayer import (
    Checkpoint,
    InvalidArgumentError,
    MLPClassifier,
    MLPRegressor,
    load,
    nn,
    portable,
    save,
)
from multilayer._core.activations import HIDDEN
from multilayer.callbacks import Callback

HERE = Path(__file__).parent
standing_in = runpy.run_path(str(HERE.parent / "engine" / "native_stand_in.py"))["standing_in"]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DIGITS, CLASSES = load_digits(n_class=5, return_X_y=True)
DIGITS = DIGITS / 16
ROWS, NUMBERS = make_regression(200, 6, noise=0.1, random_state=0)
NUMBERS = NUMBERS / NUMBERS.std()
DATA = {"MLPClassifier": (DIGITS, CLASSES), "MLPRegressor": (ROWS, NUMBERS)}
OURS = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
DOUBLE = {"precision": "float64", "random_state": 3, "hidden_layer_sizes": (12, 8)}
SHORT = DOUBLE | {"max_iter": 4, "batch_size": 100}


def outputs_of(estimator, X):
    return getattr(estimator, "predict_proba", estimator.predict)(X)


@pytest.fixture(scope="module")
def fitted():
    return MLPClassifier(**SHORT).fit(DIGITS, CLASSES)


# Against scikit-learn ---------------------------------------------------------------------------

SOLVERS = {
    "adam": {"solver": "adam"},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.02, "activation": "tanh", "alpha": 1.0},
    "invscaling": {
        **{"solver": "sgd", "momentum": 0, "activation": "logistic"},
        **{"learning_rate": "invscaling", "learning_rate_init": 0.5},
    },
    "lbfgs": {"solver": "lbfgs"},
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", DATA)
def test_whole_fits_equal_those_of_scikit_learn(name, solver):
    """Both draw the same weights; without a shuffle the batches are the same as well."""
    X, y = DATA[name]
    arguments = {"hidden_layer_sizes": (12, 8), "max_iter": 20, "random_state": 3}
    arguments |= {"shuffle": False, **SOLVERS[solver]}
    theirs = getattr(neural_network, name)(**arguments).fit(X, y)
    ours = OURS[name](**arguments, precision="float64").fit(X, y)
    assert (ours.engine_, ours.n_iter_) == ("native", theirs.n_iter_)
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-10)
    if solver != "lbfgs":  # scikit-learn has no curve of it
        assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10)
    for mine, wanted in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        assert_allclose(mine, wanted, rtol=0, atol=1e-10 * np.abs(wanted).max())
    assert_allclose(outputs_of(ours, X), outputs_of(theirs, X), rtol=1e-9, atol=1e-10)


def test_the_default_is_float32_for_data_of_float64():
    single = MLPClassifier(**SHORT | {"precision": "float32"}).fit(DIGITS, CLASSES)
    assert single.coefs_[0].dtype == np.float32
    assert single.predict_proba(DIGITS).dtype == np.float64
    assert single.predict_proba(DIGITS.astype(np.float32)).dtype == np.float32


# Types ------------------------------------------------------------------------------------------


def test_parameters_and_results_are_float64(fitted):
    batch = MLPClassifier(**SHORT, norm="batch", early_stopping=True).fit(DIGITS, CLASSES)
    for estimator in (fitted, batch):
        arrays = [*estimator.coefs_, *estimator.intercepts_]
        arrays += [*getattr(estimator, "norm_variances_", ())]
        arrays += [outputs_of(estimator, DIGITS.astype(dtype)) for dtype in ("f4", "f8", "u1")]
        arrays += [estimator.transform(DIGITS.astype(np.float32))]
        for array in arrays:
            assert array.dtype == np.float64
            assert not np.array_equal(array, array.astype(np.float32))


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int16", "float16"])
def test_small_types_of_X_stay_exact(dtype):
    X = np.rint(DIGITS * 16)
    for estimator in (MLPClassifier(**SHORT, input_scale=1 / 16), MLPClassifier(**SHORT)):
        one = estimator.fit(X.astype(dtype), CLASSES).predict_proba(X)
        assert_array_equal(estimator.predict_proba(X.astype(dtype)), one)
        assert_array_equal(estimator.fit(X, CLASSES).predict_proba(X), one)


def test_figures_of_a_network_are_exact(fitted):
    expected = log_loss(CLASSES, fitted.predict_proba(DIGITS))
    assert fitted.evaluate(DIGITS, CLASSES)["average_loss"] == pytest.approx(expected, rel=1e-13)


def test_a_network_stays_of_its_type_whatever_is_set_later(fitted):
    single = MLPClassifier(**SHORT | {"precision": "float32"}).fit(DIGITS, CLASSES)
    for estimator, other in ((single, "float64"), (pickle.loads(pickle.dumps(fitted)), "float32")):
        before = estimator.predict_proba(DIGITS)
        estimator.set_params(precision=other)
        with jax.enable_x64(True):
            assert_array_equal(estimator.predict_proba(DIGITS), before)


# Files, pickles, checkpoints --------------------------------------------------------------------


def test_pickles_and_files_are_of_float64(fitted, tmp_path):
    path, expected = tmp_path / "model.safetensors", fitted.predict_proba(DIGITS)
    save(fitted, path)
    for again in (load(path), pickle.loads(pickle.dumps(fitted))):
        assert_array_equal(again.coefs_[0], fitted.coefs_[0], strict=True)
        assert_array_equal(again.predict_proba(DIGITS), expected, strict=True)
    assert_allclose(
        portable.load(path).predict_proba(DIGITS.astype(np.float32)),
        fitted.predict_proba(DIGITS.astype(np.float32)),
        rtol=1e-12,
        strict=True,
    )


@pytest.mark.parametrize("norm", [None, "layer", "batch"])
def test_the_portable_predictor_computes_all_activations_in_float64(norm, tmp_path):
    sizes, untrained = (7,) * len(HIDDEN), SHORT | {"max_iter": 0}
    arguments = untrained | {"hidden_layer_sizes": sizes, "activation": list(HIDDEN)}
    deep = MLPClassifier(**arguments, norm=norm, residual=True)
    save(deep.fit(DIGITS, CLASSES), tmp_path / "model.safetensors")
    assert_allclose(
        portable.load(tmp_path / "model.safetensors").predict_proba(DIGITS),
        deep.predict_proba(DIGITS),
        rtol=1e-10,
    )


def test_pickles_of_earlier_releases_have_the_type_of_their_parameters(fitted):
    single = MLPClassifier(**SHORT | {"precision": "float32"}).fit(DIGITS, CLASSES)
    for estimator in (fitted, single):
        state = dict(estimator.__getstate__())
        del state["_dtype"]
        again = MLPClassifier()
        again.__setstate__(state)
        assert_array_equal(again.predict_proba(DIGITS), estimator.predict_proba(DIGITS))


def test_a_network_of_float32_is_saved_as_it_predicts(tmp_path):
    single = MLPClassifier(**SHORT | {"precision": "float32"}).fit(DIGITS, CLASSES)
    single.coefs_ = [w.astype(float) * 1.1 for w in single.coefs_]  # a user's, in float64
    single.intercepts_ = [b.astype(float) for b in single.intercepts_]
    save(single, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert again.coefs_[0].dtype == np.float32
    assert_array_equal(again.predict_proba(DIGITS), single.predict_proba(DIGITS))


class Crash(Callback):
    """Ends training once; then it says which epochs it sees."""

    acts = False

    def __init__(self):
        self.seen = None

    def on_epoch_end(self, report):
        if self.seen is not None:
            self.seen.append(report["epoch"])
        elif report["epoch"] == 2:
            self.seen = []
            raise RuntimeError


@pytest.mark.parametrize("average", [None, 0.9])
def test_checkpoints_resume_to_the_bit(average, tmp_path):
    arguments = SHORT | {"ema_decay": average, "dropout": 0.1}
    whole = MLPClassifier(**arguments).fit(DIGITS, CLASSES)
    checkpoint = Checkpoint(tmp_path, every="epoch")
    crash = Crash()
    resumed = MLPClassifier(**arguments, checkpoint=checkpoint, callbacks=[crash])
    with pytest.raises(RuntimeError):
        resumed.fit(DIGITS, CLASSES)
    resumed.fit(DIGITS, CLASSES)
    assert crash.seen == [2, 3]
    assert_array_equal(resumed.coefs_[0], whole.coefs_[0], strict=True)
    assert_array_equal(resumed.loss_curve_, whole.loss_curve_)


# Training that continues ------------------------------------------------------------------------


@pytest.mark.parametrize("average", [None, 0.9])
def test_warm_start_continues_in_either_precision(average):
    arguments = SHORT | {"ema_decay": average, "warm_start": True, "n_iter_no_change": 100}
    whole = MLPClassifier(**arguments | {"max_iter": 8}).fit(DIGITS, CLASSES)
    twice = MLPClassifier(**arguments).fit(DIGITS, CLASSES)
    assert_array_equal(twice.fit(DIGITS, CLASSES).coefs_[0], whole.coefs_[0], strict=True)
    for first, second in (("float32", "float64"), ("float64", "float32")):
        mixed = MLPClassifier(**arguments | {"precision": first}).fit(DIGITS, CLASSES)
        mixed.set_params(precision=second).fit(DIGITS, CLASSES)
        assert mixed.coefs_[0].dtype == mixed._resumable.best_kept.dtype == second
        assert_allclose(mixed.coefs_[0], whole.coefs_[0], rtol=0, atol=1e-5)
        assert_allclose(mixed.loss_curve_, whole.loss_curve_, rtol=1e-5)


def test_partial_fit_trains_in_float64():
    parts = MLPRegressor(**SHORT)
    for _ in range(2):
        parts.partial_fit(ROWS.astype(np.float32), NUMBERS)
    assert parts.coefs_[0].dtype == np.float64
    assert not np.array_equal(parts.coefs_[0], parts.coefs_[0].astype(np.float32))


# What the native engine does not cover ----------------------------------------------------------


def squashed(z):
    return z / (1 + z * z)


def test_what_needs_XLA_is_refused_unless_JAX_computes_in_float64():
    network = nn.sequential(nn.dense(4), nn.dense(1))
    for own in ({"activation": squashed, "hidden_layer_sizes": (4,)}, {"network": network}):
        estimator = MLPRegressor(precision="float64", max_iter=2, random_state=0, **own)
        wanted = (
            r"precision must be 'float32' for a fit that XLA computes \(.*\) .*got precision="
            r"'float64'\. .*JAX_ENABLE_X64"
        )
        with pytest.raises(InvalidArgumentError, match=wanted):
            estimator.fit(ROWS, NUMBERS)
        assert not hasattr(estimator, "n_features_in_")
        with jax.enable_x64(True):
            estimator.fit(ROWS, NUMBERS)
        assert estimator.engine_ == "xla"
        says = estimator.predict(ROWS)  # JAX rounds again by now; the network is one of float64
        assert not np.array_equal(says, says.astype(np.float32))
        with jax.enable_x64(True):
            assert_array_equal(estimator.predict(ROWS), says)


@pytest.mark.filterwarnings("ignore:The network was trained by the native engine")
def test_without_the_native_engine_XLA_predicts_in_float64(fitted):
    with standing_in("it is left out"):
        says = fitted.predict_proba(DIGITS)
    assert_allclose(says, fitted.predict_proba(DIGITS), rtol=1e-12)
