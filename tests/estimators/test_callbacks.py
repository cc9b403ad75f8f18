"""Callbacks: told in order, able to end training, built-in ones and scikit-learn's."""

import csv
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale
from sklearn.utils.fixes import parse_version

from multilayer import InvalidArgumentError, MLPClassifier, ModelFileError
from multilayer.callbacks import (
    Callback,
    CSVLog,
    EarlyStopping,
    KeepBest,
    ProgressBar,
    Stop,
    TimeBudget,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X = scale(X).astype(np.float32)
SETTINGS = {
    "hidden_layer_sizes": (8,),
    "learning_rate_init": 0.02,
    "batch_size": 32,
    "max_iter": 20,
    "random_state": 0,
}
VALIDATION = {"X_val": X[::3], "y_val": y[::3]}


def classifier(*callbacks, **changes):
    return MLPClassifier(**SETTINGS | changes, callbacks=callbacks)


class Diary(Callback):
    """Writes down what it is told, and stops after some epochs."""

    def __init__(self, stop_after=None):
        self.told, self.stop_after = [], stop_after

    def on_train_begin(self, run):
        self.told.append("begin")
        self.run = run

    def on_epoch_end(self, report):
        self.told.append(int(report["epoch"]))
        self.first_layer = np.array(self.run.network[0].kernel)
        if len(self.told) == self.stop_after:
            return Stop("the diary is full")

    def on_train_end(self, run):
        self.told.append("end")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_callback_ends_training_after_its_epoch(solver):
    diary = Diary(stop_after=4)  # the beginning and three epochs
    clf = classifier(diary, solver=solver).fit(X, y)
    assert diary.told == ["begin", 0, 1, 2, "end"]
    assert clf.n_iter_ == 3
    assert clf.stop_reason_ == "the diary is full"
    assert_array_equal(diary.first_layer, clf.coefs_[0])
    three = MLPClassifier(**SETTINGS | {"max_iter": 3, "solver": solver}).fit(X, y)
    assert_array_equal(three.coefs_[0], clf.coefs_[0])


def test_the_end_is_told_when_training_fails():
    class Broken(Diary):
        def on_epoch_end(self, report):
            raise ZeroDivisionError("mine")

    diary, broken = Diary(), Broken()
    with pytest.raises(ZeroDivisionError, match="mine"):
        classifier(diary, broken).fit(X, y)
    assert diary.told == ["begin", 0, "end"]
    assert broken.told == ["begin", "end"]


def test_early_stopping_counts_epochs_without_gain():
    clf = classifier(EarlyStopping(patience=3, min_delta=10.0)).fit(X, y, **VALIDATION)
    assert clf.n_iter_ == 4  # the first one is a gain on nothing
    assert clf.stop_reason_ == "early_stopping"
    with pytest.raises(InvalidArgumentError, match="monitor must be 'loss' where there is no"):
        classifier(EarlyStopping()).fit(X, y)


@pytest.mark.parametrize("monitor", ["loss", "validation_loss", "validation_score"])
def test_the_best_network_is_kept(monitor):
    best = KeepBest(monitor)
    clf = classifier(best, learning_rate_init=0.3, max_iter=15).fit(X, y, **VALIDATION)
    values = clf.history_[monitor]
    expected = np.argmax(values) if monitor == "validation_score" else np.argmin(values)
    assert best.best_epoch == expected
    same = MLPClassifier(**SETTINGS | {"learning_rate_init": 0.3, "max_iter": expected + 1})
    assert_array_equal(same.fit(X, y, **VALIDATION).coefs_[0], clf.coefs_[0])
    if monitor == "validation_loss":
        figures = clf.evaluate(X[::3], y[::3])
        assert_allclose(figures["average_loss"], values.min(), rtol=1e-5)


def test_time_is_over():
    clf = classifier(TimeBudget(1e-9)).fit(X, y)
    assert clf.n_iter_ == 1
    assert clf.stop_reason_ == "time_budget"


def test_lines_in_a_file(tmp_path):
    path = tmp_path / "log.csv"
    clf = classifier(CSVLog(path), warm_start=True, max_iter=3).fit(X, y, **VALIDATION)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [float(row["loss"]) for row in rows] == clf.loss_curve_
    assert list(rows[0]) == list(clf.history_)
    clf.set_params(callbacks=[CSVLog(path, append=True)]).fit(X, y, **VALIDATION)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [float(row["epoch"]) for row in rows] == [0, 1, 2, 3, 4, 5]
    for name in ("nowhere/log.csv", "nul\0", "n" * 300, ""):
        with pytest.raises(ModelFileError, match="cannot write"):
            classifier(CSVLog(f"{tmp_path}/{name}")).fit(X, y)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_log_that_can_be_written_no_longer(tmp_path):
    with pytest.raises(ModelFileError, match=r"cannot write /dev/full: No space left on device\."):
        classifier(CSVLog("/dev/full")).fit(X, y)
    read, write = os.pipe()
    with open(read, encoding="utf-8") as lines, open(write, "wb"):
        clf = classifier(CSVLog(f"/dev/fd/{write}"), max_iter=2).fit(X, y)
        assert lines.readline().startswith("epoch,loss")
    assert len(clf.loss_curve_) == 2


def test_a_bar_on_standard_error(capfd):
    classifier(ProgressBar(), max_iter=7, learning_rate="cosine").fit(X, y, X_val=X, y_val=y)
    out, err = capfd.readouterr()
    assert out == ""
    assert "epoch 7/7" in err
    assert "validation 0." in err


def test_full_batches_tell_of_their_progress():
    class Steps(Callback):
        def __init__(self):
            self.seen = []

        def on_progress(self, progress):
            self.seen.append((progress.step, progress.total_steps))

    steps = Steps()
    clf = classifier(steps, solver="lbfgs", max_iter=4).fit(X, y)
    assert steps.seen == [(i + 1, 4) for i in range(clf.n_iter_)]


def test_estimators_with_callbacks_are_copied(tmp_path):
    callbacks = (ProgressBar(), CSVLog(tmp_path / "log.csv"), KeepBest("loss"), TimeBudget(60))
    clf = classifier(*callbacks, max_iter=2).fit(X, y)
    again = pickle.loads(pickle.dumps(clf))
    assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    again.fit(X, y)


def test_watchers_change_nothing():
    class Watcher(Diary):
        only_watches = True

    plain = MLPClassifier(**SETTINGS).fit(X, y)
    for callback in (Watcher(), Diary()):
        clf = classifier(callback).fit(X, y)
        assert callback.told == ["begin", *range(20), "end"]
        assert_array_equal(clf.coefs_[0], plain.coefs_[0])


def test_other_objects_are_refused():
    class Stranger:
        def on_epoch_end(self, report):
            return None

    with pytest.raises(InvalidArgumentError, match="Subclass Callback"):
        classifier(Stranger()).fit(X, y)


needs_callbacks = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="scikit-learn has callbacks of its own from 1.9 on",
)


@needs_callbacks
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks_of_scikit_learn(solver):
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    clf = MLPClassifier(**SETTINGS | {"solver": solver, "max_iter": 4}).set_callbacks(monitor)
    clf.fit(X, y)
    data = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(data) == clf.n_iter_ == 4
    assert data[-1]["accuracy"] == clf.score(X, y)


@needs_callbacks
def test_a_callback_of_scikit_learn_ends_training():
    class Enough:
        def setup(self, estimator, context):
            self.calls = ["setup"]

        def teardown(self, estimator, context):
            self.calls.append("teardown")

        def on_fit_task_begin(self, estimator, context):
            self.calls.append("begin")

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            self.calls.append(context.task_name)
            return self.calls.count("epoch") == 3

    enough = Enough()
    clf = MLPClassifier(**SETTINGS).set_callbacks(enough).fit(X, y)
    assert clf.n_iter_ == 3
    assert enough.calls[:2] == ["setup", "begin"]
    assert enough.calls[-2:] == ["fit", "teardown"]


def test_a_search_without_callbacks_does_not_slow_training_down(monkeypatch):
    from sklearn.model_selection import GridSearchCV

    from multilayer._engine import loop

    calls, advance = [], loop.advance
    monkeypatch.setattr(loop, "advance", lambda *args: calls.append(advance(*args)))
    GridSearchCV(MLPClassifier(**SETTINGS), {"alpha": [0.01]}, cv=2, refit=False).fit(X, y)
    assert len(calls) < 2 * SETTINGS["max_iter"] / 2  # many epochs in one call of the program


@needs_callbacks
def test_callbacks_come_down_from_a_search():
    from sklearn.model_selection import GridSearchCV

    class Everywhere:
        max_propagation_depth = None
        tasks = ()

        def setup(self, estimator, context):
            self.tasks = []

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            self.tasks.append((context.estimator_name, context.task_name))

    everywhere = Everywhere()
    clf = MLPClassifier(**SETTINGS | {"max_iter": 2})
    search = GridSearchCV(clf, {"alpha": [0.01, 0.1]}, cv=2).set_callbacks(everywhere)
    search.fit(X, y)
    told = everywhere.tasks.count(("MLPClassifier", "epoch"))
    assert told == 2 * (2 * 2 + 1)  # epochs of every fold and of the refit
