"""What a run takes along over a crash, beside its numbers: seeds, callbacks, its end, its past."""

import numpy as np
import pytest
from sklearn.base import clone

from multilayer import Checkpoint, DivergenceError, MLPClassifier
from multilayer._engine.callbacks import stop_rules
from multilayer._engine.xla.cache import PROGRAMS
from multilayer.callbacks import Callback, KeepBest, TimeBudget

from .crashes import (
    SETTINGS,
    CrashesAt,
    Watches,
    X,
    assert_same_result,
    checkpoints,
    crash,
    fitted_after_crashes,
    y,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def classifier(**changes):
    return MLPClassifier(**SETTINGS | changes)


def fitted(**changes):
    return classifier(**changes).fit(X, y)


class Listens(Callback):
    """Keeps the numbers of the epochs that it is told of."""

    only_watches = True

    def __init__(self):
        self.told = []

    def on_epoch_end(self, report):
        self.told.append(int(report["epoch"]))


# Seeds -----------------------------------------------------------------------------------------


def test_without_a_seed_that_of_the_first_try_is_taken(tmp_path):
    np.random.seed(3)  # noqa: NPY002  # what random_state=None draws from
    whole = fitted(random_state=None, dropout=0.2, early_stopping=True)
    np.random.seed(3)  # noqa: NPY002
    estimator = clone(whole)
    crash(estimator.set_params(checkpoint=Checkpoint(tmp_path, every=7)), CrashesAt(17), X, y)
    np.random.seed(4)  # noqa: NPY002
    assert_same_result(whole, clone(estimator).fit(X, y))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_random_state_that_has_moved_on_is_another_fit(tmp_path):
    rng = np.random.RandomState(0)
    first, second = (
        MLPClassifier(**{**SETTINGS, "random_state": rng, "checkpoint": tmp_path}).fit(X, y)
        for _ in range(2)
    )
    assert first._seed != second._seed
    assert len(list(tmp_path.iterdir())) == 2


# The past --------------------------------------------------------------------------------------


@pytest.mark.parametrize("random_state", [0, None])
def test_a_second_fit_that_goes_on_is_kept_like_the_first(random_state, tmp_path):
    np.random.seed(7)  # noqa: NPY002
    settings = {"warm_start": True, "random_state": random_state, "solver": "adam"}
    whole = fitted(**settings).fit(X, y)
    np.random.seed(7)  # noqa: NPY002
    kept = Checkpoint(tmp_path, every=7)
    first = fitted(**settings, checkpoint=kept)
    with pytest.raises(RuntimeError, match="crash"):
        first.set_params(callbacks=[raises_at(80)]).fit(X, y)
    np.random.seed(8)  # noqa: NPY002
    watches = Watches()
    again = fitted(**settings, checkpoint=kept)  # at once: it was finished
    again.set_params(callbacks=[watches]).fit(X, y)
    assert watches.first == 77
    assert_same_result(whole, again)
    assert again.n_iter_ == 5
    assert len(again.history_["loss"]) == 10
    assert len(list(tmp_path.iterdir())) == 2


def raises_at(step):
    class Raises(Callback):
        only_watches = True

        def on_progress(self, progress):
            if progress.step >= step:
                raise RuntimeError("crash")

    return Raises()


def test_partial_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="checkpoint must be None for partial_fit"):
        classifier(checkpoint=tmp_path).partial_fit(X, y, classes=np.unique(y))
    assert not list(tmp_path.iterdir())


# The end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [{}, {"early_stopping": True, "n_iter_no_change": 1}, {"tol": 10.0, "n_iter_no_change": 2}],
    ids=["to the end", "stopped early", "converged"],
)
def test_a_finished_fit_returns_at_once(changes, tmp_path):
    whole = fitted(**changes, checkpoint=tmp_path)
    before = [(p, p.stat().st_mtime_ns) for p in checkpoints(tmp_path)]
    n_compiled, listens = PROGRAMS.n_compiled, Listens()
    again = fitted(**changes, checkpoint=tmp_path, callbacks=[listens])
    assert PROGRAMS.n_compiled == n_compiled
    assert listens.told == []
    assert [(p, p.stat().st_mtime_ns) for p in checkpoints(tmp_path)] == before
    assert_same_result(whole, again)
    assert again.fit_seconds_ == whole.fit_seconds_
    assert again.compile_seconds_ == whole.compile_seconds_


def test_divergence_is_told_again(tmp_path):
    estimator = classifier(
        solver="sgd", learning_rate_init=1e20, out_activation="logistic", checkpoint=tmp_path
    )
    said = []
    for _ in range(2):
        with pytest.raises(DivergenceError) as told:
            estimator.fit(X * 1e10, y)
        said.append((str(told.value), estimator.n_iter_, [c.tobytes() for c in estimator.coefs_]))
    assert said[0] == said[1]


def test_a_callback_that_stopped_training_has_stopped_it(tmp_path):
    changes = {"callbacks": [TimeBudget(1e-9)], "checkpoint": tmp_path}
    whole, again = fitted(**changes), fitted(**changes)
    assert whole.n_iter_ == 1
    assert whole.stop_reason_ == "time_budget"
    assert_same_result(whole, again)


# Callbacks -------------------------------------------------------------------------------------


def test_epochs_are_told_from_the_checkpoint_on(tmp_path):
    listens = Listens()
    kept = classifier(checkpoint=Checkpoint(tmp_path, every=7))
    crash(kept, CrashesAt(31), X, y)  # the checkpoint of step 28 is the last; epochs have 10 steps
    clone(kept).set_params(callbacks=[listens]).fit(X, y)
    assert listens.told == [2, 3, 4]


def test_a_time_budget_counts_the_time_before_but_not_between(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(stop_rules, "monotonic", lambda: now[0])

    class Clock(Callback):
        """An epoch takes 100 seconds."""

        only_watches = True

        def on_epoch_end(self, report):
            now[0] += 100

    kept = classifier(callbacks=[Clock(), TimeBudget(450.0)], checkpoint=tmp_path, max_iter=20)
    crash(kept, CrashesAt(30), X, y)  # epochs 0 and 1 are kept
    now[0] += 10_000
    again = clone(kept).fit(X, y)
    assert again.stop_reason_ == "time_budget"
    assert again.n_iter_ == 5


def test_the_best_network_before_a_crash_is_kept(tmp_path):
    changes = {"learning_rate_init": 0.5, "solver": "sgd", "momentum": 0.0}
    validation = {"X_val": X[:30], "y_val": (y[:30] + 1) % 10}  # learning makes it worse
    whole = classifier(**changes, callbacks=[KeepBest()]).fit(X, y, **validation)
    (best,) = whole.callbacks
    assert best.best_epoch < 2
    again = fitted_after_crashes(
        classifier(**changes, callbacks=[KeepBest()]), tmp_path, [CrashesAt(41)], X, y, **validation
    )
    assert again.callbacks[0].best_epoch == best.best_epoch
    assert_same_result(whole, again)


class Counts(Callback):
    """Has a state from the first epoch on only."""

    def __init__(self):
        self.kept = {}

    def on_train_begin(self, run):
        self.kept = {}

    def on_epoch_end(self, report):
        self.kept = {"epochs": self.kept.get("epochs", 0) + 1, "loss": report["loss"], "who": "me"}

    def state(self):
        return self.kept

    def set_state(self, state):
        self.kept = state


@pytest.mark.parametrize("step", [3, 33])
def test_states_of_a_users_callbacks(step, tmp_path):
    callbacks = [Counts(), KeepBest("loss"), Counts()]
    estimator = classifier(callbacks=callbacks)
    again = fitted_after_crashes(estimator, tmp_path, [CrashesAt(step)], X, y, every=2)
    for counts in again.callbacks[0], again.callbacks[2]:
        assert counts.kept == {"epochs": 5, "loss": again.loss_, "who": "me"}


def test_callbacks_that_act_belong_to_the_fit(tmp_path):
    settings = [[], [KeepBest("loss")], [TimeBudget(100.0)], [TimeBudget(200.0)], [Counts()]]
    for callbacks in settings:
        fitted(callbacks=callbacks, checkpoint=tmp_path)
    assert len(list(tmp_path.iterdir())) == len(settings)


# When, and how many ----------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_so_many_are_kept(keep, tmp_path):
    fitted(checkpoint=Checkpoint(tmp_path, every=8, keep=keep))
    steps = [int(p.stem.rpartition("-")[2]) for p in checkpoints(tmp_path)]
    assert steps == [8, 16, 24, 32, 40, 48, 50][-keep:]


def test_checkpoints_after_a_time(tmp_path):
    fitted(checkpoint=Checkpoint(tmp_path, every=1e-9, keep=100), callbacks=[KeepBest("loss")])
    names = [p.name for p in checkpoints(tmp_path)]
    assert names == [f"model.ckpt-{step}.safetensors" for step in (10, 20, 30, 40, 50)]


def test_seldom_means_at_the_end(tmp_path):
    for every in (1e9, 10**9):
        folder = tmp_path / str(every)
        fitted(checkpoint=Checkpoint(folder, every=every))
        assert [p.name for p in checkpoints(folder)] == ["model.ckpt-50.safetensors"]


def test_a_folder_may_be_a_path_or_text_and_is_made(tmp_path):
    folder = tmp_path / "a" / "b"
    for checkpoint in (folder, str(folder), Checkpoint(folder), Checkpoint(str(folder))):
        fitted(checkpoint=checkpoint)
    assert len(list(folder.iterdir())) == 1
