"""Searches over estimators for raw tables: fits that stop and go on have the bits of whole ones."""

import json
import threading
from copy import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, KFold, ParameterSampler, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from multilayer import (
    Checkpoint,
    InvalidArgumentError,
    MLPRegressor,
    RealMLPClassifier,
    RealMLPRegressor,
    TabMClassifier,
    TabMRegressor,
    TabularClassifier,
    TabularEncoder,
    TabularRegressor,
)
from multilayer._engine.checkpointer import record, restore, restore_callbacks
from multilayer._engine.native.threads import most_threads
from multilayer._persist.checkpoints import StoredCheckpoint
from multilayer._search.optuna_study import StudyRecord
from multilayer._search.spaces import default_space
from multilayer._sklearn.tabular.paused_ensemble import (
    OF_THE_ENSEMBLE,
    begin_ensemble_fit,
    check_table,
)
from multilayer.callbacks import Callback
from multilayer.search import MLPSearchCV

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(0)
X = pd.DataFrame({"number": RNG.normal(size=120), "colour": RNG.choice(["red", "blue"], 120)})
SIGN = np.where(X["colour"] == "red", 1.0, -1.0)
Y = SIGN * np.sin(6 * X["number"].to_numpy()) + RNG.normal(0, 0.1, 120)
LABELS = np.where(Y > 0, "high", "low")
FEW = {"n_folds": 2, "n_estimators": 2, "random_state": 0}
NARROW = {"hidden_layer_sizes": 8, "random_state": 0}
MODELS = {
    "classifier": TabularClassifier(**FEW, scoring="roc_auc"),
    "regressor": TabularRegressor(**FEW),
    "realmlp": RealMLPClassifier(**NARROW, max_iter=9, batch_size=16, n_cv=2, n_refit=1),
    "tabm": TabMRegressor(**NARROW, k=2, n_bins=4, batch_size=32, n_iter_no_change=6),
}
FOLDS = KFold(2, shuffle=True, random_state=0)
ESTIMATORS = (
    *(TabularClassifier, TabularRegressor, RealMLPClassifier),
    *(RealMLPRegressor, TabMClassifier, TabMRegressor),
)


def targets(model):
    return LABELS if hasattr(model, "predict_proba") else Y


def prediction(model):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def facts_of(model):
    times = {"fit_seconds", "compile_seconds"}
    return {k: v for k, v in vars(model.report_).items() if k not in times}


def as_it_is(pace):
    return pace


def begun(model):
    model = clone(model)
    return begin_ensemble_fit(model, check_table(model, X, targets(model)))


@pytest.fixture(scope="module", params=MODELS)
def whole(request):
    model = clone(MODELS[request.param])
    return model.fit(X, targets(model))


# A fit in pieces ----------------------------------------------------------------------------------


def assert_same(found, expected):
    assert_array_equal(prediction(found), prediction(expected))
    assert facts_of(found) == facts_of(expected)
    for curve in ("epoch", "loss", "validation_loss", "validation_score"):
        assert_array_equal(found.history_[curve], expected.history_[curve])


def test_in_pieces_a_fit_has_the_bits_of_one(whole):
    fit = begun(whole)
    drawn = fit.finish()  # before its first epoch: the networks as they were drawn
    assert (drawn.n_iter_, fit.epochs, fit.ended) == (0, 0, False)
    early = None
    for epochs in (1, 2, 5, 6, fit.most_epochs):
        fit.advance(epochs, as_it_is)
        if epochs == 1:
            early = copy(fit.finish())
            before = prediction(early)
        elif epochs == 5:
            fit.finish()
            fit.finish()
    assert fit.ended
    assert not fit.diverged
    assert_same(fit.finish(), whole)
    # What was taken from it on the way has stayed.
    assert_array_equal(prediction(early), before)
    assert early.n_iter_ == len(early.history_["loss"]) == 1
    assert not np.array_equal(before, prediction(whole))


def test_most_epochs_are_known_without_rows():
    for name, model in MODELS.items():
        fit = begun(model)
        assert fit.most_epochs == model._most_epochs, name
    assert begun(MODELS["classifier"]).most_epochs == 31  # five cycles of 1, 2, 4, 8 and 16


def test_networks_that_see_all_rows_come_at_the_end():
    model = MODELS["realmlp"]
    fit = begun(model)
    fit.advance(8, as_it_is)
    assert fit.finish().report_.n_members == 2  # a network for each fold
    stops = 0

    def within(pace):
        def stopped(step):
            nonlocal stops
            stops += fit.epochs == 9
            if stops == 1:
                raise TimeoutError
            return pace(step)

        return stopped

    with pytest.raises(TimeoutError):  # in the training of those of all rows
        fit.advance(9, within)
    assert not fit.ended
    assert fit.finish().report_.n_members == 2
    fit.advance(9, within)
    assert fit.ended
    assert fit.finish().report_.n_members == 1


def stored(fit):
    """Return what a file would have of a fit."""
    facts, arrays = record(fit.training, fit.callbacks)
    copies = {name: np.array(array) for name, array in arrays.items()}
    return StoredCheckpoint(Path("fit"), fit.training.step, copies, json.loads(json.dumps(facts)))


@pytest.mark.parametrize("epochs", [0, 1, 6])
def test_a_stored_fit_goes_on_in_another(whole, epochs):
    fit, calls = begun(whole), []

    def within(pace):
        def short(step):
            if fit.epochs < epochs:
                return pace(step)
            calls.append(step)
            if len(calls) == 2:
                raise TimeoutError  # within an epoch, after one of its steps
            return 1

        return short

    with pytest.raises(TimeoutError):
        fit.advance(fit.most_epochs, within)
    checkpoint = stored(fit)
    assert (fit.epochs, fit.training.step) == (epochs, calls[1])
    assert fit.training.step % fit.training.source.steps_per_epoch == 1
    other = begun(whole)
    restore(other.training, checkpoint)
    restore_callbacks(other.callbacks, other.training.network, checkpoint)
    assert other.training.step == fit.training.step
    if epochs:
        assert_array_equal(prediction(other.finish()), prediction(fit.finish()))
    other.advance(other.most_epochs, as_it_is)
    assert_same(other.finish(), whole)


def test_a_stored_fit_that_had_ended(whole):
    fit = begun(whole)
    fit.advance(fit.most_epochs, as_it_is)
    checkpoint, other = stored(fit), begun(whole)
    restore(other.training, checkpoint)
    restore_callbacks(other.callbacks, other.training.network, checkpoint)
    assert other.ended == (type(whole) is not RealMLPClassifier)  # whose networks of all rows wait
    other.advance(other.most_epochs, as_it_is)
    assert other.ended
    assert_same(other.finish(), whole)


def test_a_checkpoint_before_the_first_evaluation(tmp_path):
    class Crash(Callback):
        acts = False

        def on_progress(self, progress):
            if progress.step == 2:
                raise OSError("the machine is gone")

    model = clone(MODELS["realmlp"])  # three steps in an epoch
    model.set_params(checkpoint=Checkpoint(tmp_path, every=1), callbacks=[Crash()])
    with pytest.raises(OSError, match="gone"):
        model.fit(X, LABELS)
    again = clone(model).set_params(callbacks=None).fit(X, LABELS)
    plain = clone(MODELS["realmlp"]).fit(X, LABELS)
    assert_array_equal(prediction(again), prediction(plain))


# Searches -----------------------------------------------------------------------------------------

SPACE = {"learning_rate_init": [3e-4, 1e-3, 3e-3, 1e-2], "dropout": [0.0, 0.2]}


def tabm(**arguments):
    return TabMRegressor(**NARROW, k=2, n_bins=4, max_iter=9, **arguments)


@pytest.fixture(scope="module")
def searched():
    search = MLPSearchCV(tabm(), SPACE, n_iter=7, cv=FOLDS, n_checks=2, random_state=0)
    return search.fit(X, Y)


def test_halving_continues_fits_of_tables_exactly(searched):
    found = searched.cv_results_
    assert sorted(set(found["n_epochs"])) == [3, 9]
    finished = np.flatnonzero(found["status"] == "finished")
    assert len(finished) == 3
    for i in finished:
        own = tabm().set_params(**found["params"][i])
        scores = cross_val_score(own, X, Y, cv=FOLDS)
        assert [found[f"split{k}_test_score"][i] for k in range(2)] == scores.tolist()
        assert found["best_epochs"][i] == 9  # the last check: the fit has chosen its epoch itself
        assert searched.learning_curves_[i]["epochs"] == [3, 6, 9]


def test_the_final_fit_of_a_table_is_a_whole_one(searched):
    alone = tabm().set_params(**searched.best_params_).fit(X, Y)
    assert_array_equal(searched.predict(X), alone.predict(X))
    assert searched.best_estimator_.report_.stop_reason == "max_iter"


def test_the_number_of_threads_changes_nothing_of_tables():
    def results(n_jobs):
        search = MLPSearchCV(
            tabm(), SPACE, n_iter=5, pruner="hyperband", cv=FOLDS, n_jobs=n_jobs, random_state=0
        )
        return search.fit(X, Y)

    one, three = results(1), results(3)
    for name, values in one.cv_results_.items():
        if "time" not in name:
            assert list(values) == list(three.cv_results_[name]), name
    assert_array_equal(one.predict(X), three.predict(X))


def test_rows_are_encoded_once_for_all_that_are_alike(monkeypatch):
    encode, encoded = TabularEncoder.fit_transform, []

    def counted(self, X, y=None):
        encoded.append(most_threads())
        return encode(self, X, y)

    monkeypatch.setattr(TabularEncoder, "fit_transform", counted)
    space = {"max_one_hot": [None, 2], "dropout": [0.0, 0.3]}
    MLPSearchCV(tabm(), space, sampler="grid", cv=FOLDS, n_jobs=3, refit=False).fit(X, Y)
    # Two folds, two settings; each on its share of the cores.
    assert encoded == [max(1, most_threads() // 3)] * 4


def test_what_is_made_of_rows_depends_on_these_arguments():
    every = {name for cls in ESTIMATORS for name in cls().get_params()}
    others = {"feature_roles", "scoring", "class_weight", "max_one_hot", "variant"}
    assert every - OF_THE_ENSEMBLE == others | {"callbacks", "checkpoint", "time_budget"}
    assert every >= OF_THE_ENSEMBLE


@pytest.mark.parametrize("name", ["realmlp", "tabm"])
def test_a_stored_search_goes_on(name, tmp_path, monkeypatch):
    model = clone(MODELS[name]).set_params(max_iter=9)
    given = {"n_iter": 4, "cv": FOLDS, "random_state": 0, "n_jobs": 1}
    space = {"learning_rate_init": [0.001, 0.01, 0.03, 0.1]}
    y, seen, checked = targets(model), [], StudyRecord.checked

    def stopping(self, lane):
        seen.append(lane)
        if len(seen) == 10:  # after the first rung
            raise KeyboardInterrupt
        checked(self, lane)

    search = MLPSearchCV(model, space, storage=tmp_path / "study", refit=False, **given)
    with monkeypatch.context() as patched:
        patched.setattr(StudyRecord, "checked", stopping)
        with pytest.warns(UserWarning, match="interrupted"):
            search.fit(X, y)
    stored = search.fit(X, y)
    plain = MLPSearchCV(model, space, refit=False, **given).fit(X, y)
    for column, values in plain.cv_results_.items():
        if "time" not in column:
            assert_array_equal(stored.cv_results_[column], values, err_msg=column)
    assert_array_equal(stored.oof_predictions_, plain.oof_predictions_)


def test_a_table_stopped_by_time_has_a_whole_final_fit():
    counts = []

    def slow(estimator, X, y):
        counts.append(estimator.n_iter_)
        if len(counts) == 2:  # of one configuration both folds
            threading.Event().wait(0.6)
        return estimator.score(X, y)

    search = MLPSearchCV(
        tabm(), SPACE, n_iter=6, cv=FOLDS, scoring=slow, time_budget=0.5, n_jobs=1, random_state=0
    ).fit(X, Y)
    assert list(search.cv_results_["status"]) == ["stopped"]
    assert search.cv_results_["n_epochs"].tolist() == [1]
    assert search.best_estimator_.n_iter_ == 9


def test_steps_before_a_table_and_groups():
    groups = np.arange(120) % 4
    pipe = make_pipeline(FunctionTransformer(lambda frame: frame.assign(number=-frame.number)))
    pipe.steps.append(("network", tabm()))
    search = MLPSearchCV(
        pipe, {"network__k": [2, 4]}, sampler="grid", cv=GroupKFold(2), refit=False
    )
    found = search.fit(X, Y, groups=groups, network__sample_weight=np.ones(120)).cv_results_
    scores = cross_val_score(pipe, X, Y, cv=GroupKFold(2), groups=groups)
    assert [found[f"split{k}_test_score"][0] for k in range(2)] == scores.tolist()


def test_a_search_takes_what_its_estimator_takes():
    for model in (tabm(), make_pipeline(FunctionTransformer(), TabularRegressor()), MLPRegressor()):
        found = get_tags(MLPSearchCV(model)).input_tags
        assert found == get_tags(model).input_tags
    assert get_tags(MLPSearchCV(tabm())).input_tags.allow_nan


def test_groups_stay_together_within_a_fit_too():
    groups = np.arange(120) % 4
    with config_context(enable_metadata_routing=True):
        model = tabm().set_fit_request(groups=True)
        search = MLPSearchCV(model, {"k": [2]}, n_iter=1, cv=GroupKFold(2), refit=False)
        found = search.fit(X, Y, groups=groups).cv_results_
    train, test = next(GroupKFold(2).split(X, Y, groups))
    alone = tabm().fit(X.iloc[train], Y[train], groups=groups[train])
    assert found["split0_test_score"].tolist() == [alone.score(X.iloc[test], Y[test])]
    without = tabm().fit(X.iloc[train], Y[train]).score(X.iloc[test], Y[test])
    assert found["split0_test_score"].tolist() != [without]


def test_the_smallest_ensemble_within_one_error():
    space = {"hidden_layer_sizes": [(64, 64), (4,)], "k": [8, 2]}
    search = MLPSearchCV(
        tabm(),
        space,
        sampler="grid",
        pruner=None,
        cv=FOLDS,
        refit="1se",
        scoring=lambda estimator, X, y: 0.5,  # all are within one error of each other
    ).fit(X, Y)
    assert search.best_params_ == {"hidden_layer_sizes": (4,), "k": 2}


def test_ctrl_c_in_the_final_fit_is_raised():
    def interrupts(estimator, X, y):
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return estimator.score(X, y)

    interrupting = tabm(scoring=interrupts)
    search = MLPSearchCV(interrupting, {"dropout": [0.1]}, n_iter=1, pruner=None, cv=FOLDS)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (TabularRegressor(time_budget=5.0), "pruner"),
        (TabularRegressor(checkpoint="folder"), "checkpoint"),
        (tabm(callbacks=[Callback()]), "callbacks"),
        (tabm().set_params(max_iter=0), "max_iter"),
    ],
)
def test_wrong_arguments_of_tables(model, named):
    search = MLPSearchCV(model, n_iter=1, cv=FOLDS, error_score="raise")
    with pytest.raises(InvalidArgumentError, match=f"^{named} must be"):
        search.fit(X, targets(model))


def test_a_time_budget_of_its_own_trains_whole():
    model = TabularRegressor(**FEW, time_budget=0.05)
    search = MLPSearchCV(model, {"n_folds": [2]}, n_iter=1, pruner=None, cv=FOLDS).fit(X, Y)
    assert search.cv_results_["n_epochs"].tolist() == [1]
    assert search.best_estimator_.stop_reason_ == "time_budget"


# Default spaces -----------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_default_spaces_have_values_that_estimators_take(cls):
    space = default_space(cls())
    assert space.keys() <= cls().get_params().keys()
    model = cls()
    table = check_table(model, X, targets(model))
    for params in ParameterSampler(space, 4 if "n_folds" in space else 40, random_state=0):
        model.set_params(**params)._check_arguments()
        assert model._recipe(table.rows).n_members >= 1
    piped = default_space(make_pipeline(FunctionTransformer(), cls()))
    assert set(piped) == {f"{cls.__name__.lower()}__{name}" for name in space}


@pytest.mark.parametrize("cls", [MLPRegressor, *ESTIMATORS])
def test_the_guide_shows_the_default_spaces(cls):
    rows = (ROOT / "docs" / "search.md").read_text(encoding="utf-8").splitlines()
    shown = {row.split("`")[1] for row in rows if row.startswith("| `")}
    assert default_space(cls()).keys() <= shown


def test_each_family_has_a_space_of_its_own():
    spaces = [default_space(cls()) for cls in (MLPRegressor, *ESTIMATORS)]
    assert len({tuple(sorted(space)) for space in spaces}) == 5  # RealMLP's has two
    assert "label_smoothing" in default_space(RealMLPClassifier())
