"""Checkpoints of ensembles: a fit that a crash ended goes on to the bits of one without."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from multilayer import (
    Checkpoint,
    InvalidArgumentError,
    RealMLPClassifier,
    TabMRegressor,
    TabularClassifier,
)
from multilayer.callbacks import Callback

RNG = np.random.default_rng(0)
X = pd.DataFrame({"number": RNG.normal(size=90), "colour": RNG.choice(["red", "blue"], 90)})
Y = X["number"].to_numpy() + (X["colour"] == "red") + RNG.normal(0, 0.3, 90)
LABELS = np.where(Y > 0.5, "high", "low")
FEW = {"n_folds": 2, "n_estimators": 2, "random_state": 0}
NARROW = {"hidden_layer_sizes": 8, "random_state": 0}
MODELS = {
    "classifier": TabularClassifier(**FEW, scoring="roc_auc"),
    "realmlp": RealMLPClassifier(**NARROW, max_iter=12, n_cv=2, n_refit=1),
    "tabm": TabMRegressor(**NARROW, k=2, max_iter=12, n_bins=4),
}


class Crash(Callback):
    """Ends training by an error, once."""

    acts = False

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, report):
        if report["epoch"] == self.epoch:
            raise OSError("the machine is gone")


def fitted(model):
    y = LABELS if hasattr(model, "predict_proba") else Y
    return model.fit(X, y)


def prediction(model):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@pytest.mark.parametrize("name", MODELS)
def test_a_crash_changes_no_bit(name, tmp_path):
    plain = fitted(clone(MODELS[name]))
    model = clone(plain).set_params(checkpoint=tmp_path, callbacks=[Crash(5)])
    with pytest.raises(OSError, match="gone"):
        fitted(model)
    again = fitted(clone(plain).set_params(checkpoint=tmp_path))
    assert_array_equal(prediction(again), prediction(plain))
    ours, theirs = vars(again.report_), vars(plain.report_)
    times = {"fit_seconds", "compile_seconds"}
    assert {k: v for k, v in ours.items() if k not in times} == {
        k: v for k, v in theirs.items() if k not in times
    }
    for curve in ("loss", "validation_loss", "validation_score"):
        assert_array_equal(again.history_[curve], plain.history_[curve])
    # A finished one is not trained again, but for networks that see all rows.
    crash = [] if name == "realmlp" else [Crash(0)]
    finished = fitted(clone(plain).set_params(checkpoint=tmp_path, callbacks=crash))
    assert_array_equal(prediction(finished), prediction(plain))
    assert len(list(tmp_path.iterdir())) == 1


def test_other_data_are_another_fit(tmp_path):
    model = clone(MODELS["tabm"]).set_params(checkpoint=Checkpoint(tmp_path, every=1000))
    model.fit(X, Y)
    model.fit(X, Y**2)
    model.fit(X, Y, groups=np.arange(90))
    assert len(list(tmp_path.iterdir())) == 3


def test_what_is_no_checkpoint_is_refused(tmp_path):
    for model in MODELS.values():
        with pytest.raises(InvalidArgumentError, match="checkpoint must be None, the name of a"):
            fitted(clone(model).set_params(checkpoint=3))
