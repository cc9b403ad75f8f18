"""The argument `device`, the attribute `engine_`, and what follows from the engine of a fit."""

import os
import pickle
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor, load, save
from multilayer._engine import engines
from multilayer.callbacks import Callback

HERE = Path(__file__).parent
standing_in = runpy.run_path(str(HERE.parent / "engine" / "native_stand_in.py"))["standing_in"]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
Y = X @ np.float32([1, -2, 0.5]) + 0.3
LINE = {"hidden_layer_sizes": (), "alpha": 0, "solver": "sgd", "momentum": 0, "max_iter": 3}
LINE |= {"random_state": 0, "batch_size": 20}


def by_xla(**changes):
    """A regressor that no other engine computes: its arrays come in the same order."""
    with standing_in("it is left out"):
        return MLPRegressor(**LINE | changes).fit(X, Y)


@pytest.fixture(scope="module")
def native():
    with standing_in():
        return MLPRegressor(**LINE).fit(X, Y)


def test_engines_are_named_and_agree(native):
    xla = by_xla()
    assert (native.engine_, xla.engine_) == ("native", "xla")
    assert_allclose(native.coefs_[0], xla.coefs_[0], rtol=1e-5)
    with standing_in():
        assert_allclose(native.predict(X), xla.predict(X), rtol=1e-5)


@pytest.mark.filterwarnings("ignore:The network was trained by the native engine")
def test_engines_stay_with_what_is_saved_and_copied(native, tmp_path):
    for estimator in (native, by_xla()):
        save(estimator, tmp_path / "model.safetensors")
        for again in (
            load(tmp_path / "model.safetensors"),
            pickle.loads(pickle.dumps(estimator)),
        ):
            assert again.engine_ == estimator.engine_
            assert again.device == "auto"


def test_networks_of_earlier_releases_were_trained_by_xla(native):
    state = dict(native.__getstate__())
    del state["engine_"]
    again = MLPRegressor()
    again.__setstate__(state)
    assert again.engine_ == "xla"
    again.__setstate__(MLPRegressor().__getstate__())
    assert not hasattr(MLPRegressor(), "engine_")


def test_without_the_native_engine_xla_predicts(native):
    warned = pytest.warns(UserWarning, match=r"not available \(it is left out\)")
    with standing_in("it is left out"), warned:
        predicted = native.predict(X)
    with standing_in():
        assert_allclose(predicted, native.predict(X), rtol=1e-5)


def test_another_device_is_refused_before_anything_is_trained():
    reg = by_xla()
    before = dict(vars(reg))
    with pytest.raises(InvalidArgumentError, match=r"device='gpu'. Install JAX for the accelera"):
        reg.set_params(device="gpu").fit(X, Y)
    assert vars(reg) == before | {"device": "gpu"}
    assert by_xla(device="cpu").engine_ == "xla"


def test_verbose_says_which_engine_trains_and_why(capsys):
    with standing_in():
        MLPRegressor(**LINE, verbose=True).fit(X, Y)
        first, second, *_ = capsys.readouterr().out.splitlines()
        assert first == "Training natively on the CPU."
        assert second.startswith("Iteration 1, loss")
        MLPRegressor(**LINE | {"momentum": 0.9}, verbose=True).fit(X, Y)
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "Training by XLA, not natively: the stand-in computes lines alone."


# From one engine to the other ---------------------------------------------------------------------


def test_training_continues_by_another_engine_with_a_warning(native):
    both = pickle.loads(pickle.dumps(native)).set_params(warm_start=True)
    with standing_in():
        expected = clone(both).set_params(max_iter=6).fit(X, Y)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="The network was trained")
            both.fit(X, Y)
    assert_array_equal(both.coefs_[0], expected.coefs_[0])
    other = pickle.loads(pickle.dumps(native)).set_params(warm_start=True)
    warned = pytest.warns(UserWarning, match="by the engine 'native' and continues by 'xla'")
    with standing_in("it is left out"), warned:
        other.fit(X, Y)
    assert other.engine_ == "xla"
    assert_allclose(other.coefs_[0], expected.coefs_[0], rtol=1e-5)


class Ends(Callback):
    """Ends the process's run after some epochs, as a crash would: what it writes is no part."""

    only_watches = True

    def __init__(self, epochs):
        self.epochs = epochs

    def on_epoch_end(self, report):
        if report["epoch"] + 1 == self.epochs:
            raise RuntimeError


def test_checkpoints_of_one_engine_continue_under_the_other(tmp_path):
    expected = by_xla()

    with standing_in():
        reg = MLPRegressor(**LINE, checkpoint=tmp_path, callbacks=[Ends(2)])
        with pytest.raises(RuntimeError):
            reg.fit(X, Y)
        assert reg.engine_ == "native"
    warned = pytest.warns(
        UserWarning, match=r"was written with engine native \(now xla\)\. Training"
    )
    with standing_in("it is left out"), warned:
        reg = MLPRegressor(**LINE, checkpoint=tmp_path, device="cpu").fit(X, Y)
    assert (reg.n_iter_, reg.engine_) == (3, "xla")
    assert_allclose(reg.coefs_[0], expected.coefs_[0], rtol=1e-5)


@pytest.mark.skipif(bool(engines.native_problem()), reason="the native engine is not built")
@pytest.mark.filterwarnings("ignore:.*was written with engine|The network was trained")
@pytest.mark.parametrize("first", ["native", "xla"])
@pytest.mark.parametrize("solver", ["adam", "rmsprop"])
def test_an_optimizer_state_goes_from_one_engine_to_the_other(tmp_path, monkeypatch, solver, first):
    settings = {"hidden_layer_sizes": (4,), "norm": "batch", "solver": solver, "random_state": 0}
    settings |= {"batch_size": 20, "max_iter": 4}
    native = engines.native_problem

    def compute_by(name):
        left_out = native if name == "native" else lambda: "it is left out"
        monkeypatch.setattr(engines, "native_problem", left_out)

    compute_by(first)
    expected = MLPRegressor(**settings).fit(X, Y)
    half = MLPRegressor(**settings | {"max_iter": 2, "warm_start": True}).fit(X, Y)
    with pytest.raises(RuntimeError):
        MLPRegressor(**settings, checkpoint=tmp_path, callbacks=[Ends(2)]).fit(X, Y)
    compute_by("xla" if first == "native" else "native")
    resumed = MLPRegressor(**settings, checkpoint=tmp_path).fit(X, Y)
    half.fit(X, Y)
    for reg in (resumed, half):
        assert reg.engine_ != expected.engine_
        for one, other in zip(reg.coefs_, expected.coefs_, strict=True):
            assert_allclose(one, other, rtol=1e-4, atol=1e-6)


# Processes ----------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork\\(\\)")
def test_a_forked_child_fits_and_predicts_natively(native):
    by_xla()  # JAX has computed in this process, and could not in a child
    with standing_in():
        child = os.fork()
        if child == 0:
            good = False
            try:
                reg = clone(native).fit(X, Y)
                good = np.array_equal(reg.predict(X), native.predict(X))
            finally:  # whatever it raises: the tests that follow are the parent's
                os._exit(0 if good else 1)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_from_a_fit_to_a_file_nothing_starts_jax(tmp_path):
    script = [sys.executable, str(HERE / "without_jax.py"), str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "nothing started JAX" in done.stdout


def test_functions_of_the_users_are_computed_by_xla():
    clf = MLPClassifier((3,), activation=jax.nn.hard_tanh, max_iter=1).fit(X, Y > 0)
    assert clf.engine_ == "xla"
