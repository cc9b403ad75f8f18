"""Training that is interrupted and gone on with, and the comparison with training that was not."""

import jax
import numpy as np
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits

from multilayer import Checkpoint
from multilayer.callbacks import Callback

X, y = load_digits(return_X_y=True)
X, y = (X[:200] / 16).astype(np.float32), y[:200]
WEIGHT = np.arange(200) % 4 + 0.25
SETTINGS = {"hidden_layer_sizes": (12,), "batch_size": 20, "max_iter": 5, "random_state": 0}


class Crash(Exception):
    """What a crash is played by."""


class CrashesAt(Callback):
    """Raises once training has come to a step, before a checkpoint of that step is written."""

    only_watches = True

    def __init__(self, step):
        self.step = step

    def on_progress(self, progress):
        if progress.step >= self.step:
            raise Crash


class CrashesAtTheEnd(Callback):
    """Raises when all is trained and kept."""

    only_watches = True

    def on_train_end(self, run):
        raise Crash


class Watches(Callback):
    """Knows at which step training began."""

    only_watches = True

    def on_train_begin(self, run):
        self.first = run.step


def crash(estimator, callback, *data, **more):
    """Fit a clone until a callback raises."""
    crashing = clone(estimator)
    crashing.set_params(callbacks=[*(crashing.callbacks or ()), callback])
    try:
        crashing.fit(*data, **more)
    except Crash:
        return crashing
    raise AssertionError(f"it came to its end, step {crashing.history_['steps'][-1]}")


def fitted_after_crashes(estimator, folder, crashes, *data, every=7, **more):
    """Fit a clone that takes up what earlier ones left: one for each callback that crashes."""
    kept = clone(estimator).set_params(checkpoint=Checkpoint(folder, every=every))
    for callback in crashes:
        crash(kept, callback, *data, **more)
    watches = Watches()
    last = clone(kept)
    last.set_params(callbacks=[*(last.callbacks or ()), watches]).fit(*data, **more)
    assert checkpoints(folder)
    assert watches.first > 0
    return last


def n_steps(estimator):
    return int(estimator.history_["steps"][-1])


def checkpoints(folder):
    """Names of all checkpoints below a folder, those of fewer steps first."""
    return sorted(folder.rglob("*.safetensors"), key=lambda p: int(p.stem.rpartition("-")[2]))


def assert_same_result(one, other):
    """All that a fit leaves behind is the same to the bit, but for the seconds."""
    assert list(one.history_) == list(other.history_)
    for column in set(one.history_) - {"seconds"}:
        assert_array_equal(one.history_[column], other.history_[column], err_msg=column)
    for name in ("n_iter_", "t_", "stop_reason_", "best_validation_score_", "_seed"):
        assert getattr(one, name) == getattr(other, name), name
    assert_array_equal(one.loss_, other.loss_)
    trees = [(e._parameters(), e._resumable) for e in (one, other)]
    leaves, structures = zip(*map(jax.tree.flatten, trees), strict=True)
    assert structures[0] == structures[1]
    for a, b in zip(*leaves, strict=True):
        assert_array_equal(a, b)


def assert_goes_on_alike(one, other, *data, **more):
    """One more epoch from either gives the same bits."""
    for estimator in (one, other):
        estimator.set_params(warm_start=True, max_iter=1, checkpoint=None, callbacks=None)
        estimator.fit(*data, **more)
    assert_same_result(one, other)
