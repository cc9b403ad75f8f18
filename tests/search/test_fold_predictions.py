"""Predictions out of fold, and the networks of the folds."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import (
    GroupKFold,
    PredefinedSplit,
    RepeatedKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import (
    InvalidArgumentError,
    MLPClassifier,
    MLPRegressor,
    Perceptron,
    TabularClassifier,
)
from multilayer._search import search_run, work
from multilayer._sklearn.network.prediction import NetworkUse
from multilayer.search import MLPSearchCV

from .conftest import SPACE

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def halved(rows):
    """A search in which the best configuration is chosen by several checks."""
    network = MLPClassifier((6,), max_iter=18, batch_size=40, random_state=0)
    search = MLPSearchCV(
        network,
        SPACE,
        n_iter=9,
        cv=FOLDS,
        scoring="neg_log_loss",
        return_estimators=True,
        random_state=1,
    )
    return search.fit(*rows)


def test_those_of_cross_validation(rows, network):
    search = MLPSearchCV(
        network, {"alpha": [0.1]}, sampler="grid", pruner=None, cv=FOLDS, random_state=0
    ).fit(*rows)
    best = clone(network).set_params(**search.best_params_)
    expected = cross_val_predict(best, *rows, cv=FOLDS, method="predict_proba")
    assert np.array_equal(search.oof_predictions_, expected)
    assert search.oof_predictions_.dtype == np.float32
    assert not hasattr(search, "fold_estimators_")


def test_those_of_the_best_epochs(rows, halved):
    X, y = rows
    best = halved.best_index_
    epochs = halved.cv_results_["best_epochs"][best]
    assert halved.cv_results_["status"][best] == "finished"
    assert len(halved.fold_estimators_) == 3
    scores = []
    for i, (_, test) in enumerate(FOLDS.split(X, y)):
        network = halved.fold_estimators_[i]
        assert network.n_iter_ == epochs == len(network.loss_curve_)
        assert np.array_equal(network.predict_proba(X[test]), halved.oof_predictions_[test])
        scores.append(halved.scorer_(network, X[test], y[test]))
    assert np.mean(scores) == halved.best_score_


def test_repeated_folds_seeds_and_some_rows(rows):
    X = rows[0]
    y = X @ np.arange(6)
    folds = RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)
    search = MLPSearchCV(
        MLPRegressor(hidden_layer_sizes=(4,), max_iter=9),
        {"alpha": [0.1]},
        sampler="grid",
        pruner=None,
        cv=folds,
        n_seeds=2,
        search_rows=90,
        return_estimators=True,
        random_state=0,
    ).fit(X, y)
    found = search.oof_predictions_
    rows_searched = np.flatnonzero(~np.isnan(found))
    assert (found.shape, len(rows_searched), len(search.fold_estimators_)) == ((240,), 90, 12)
    total = np.zeros(240)
    for i, (_, test) in enumerate(folds.split(rows_searched)):
        members = search.fold_estimators_[2 * i : 2 * i + 2]
        assert members[0].coefs_[0][0, 0] != members[1].coefs_[0][0, 0]
        for member in members:
            total[rows_searched[test]] += member.predict(X[rows_searched[test]]) / 4
    np.testing.assert_allclose(found[rows_searched], total[rows_searched], rtol=1e-5, atol=1e-6)


def test_classes_that_a_fold_has_not_seen(rows, network):
    X, y = rows
    groups = np.where(y == "b", 0, np.arange(len(y)) % 3)
    search = MLPSearchCV(
        network, {"alpha": [0.1]}, sampler="grid", pruner=None, cv=GroupKFold(3)
    ).fit(X, y, groups=groups)
    found = search.oof_predictions_
    assert found.shape == (240, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    unseen = groups == 0
    assert (found[unseen, 1] == 0).all()
    assert (found[~unseen, 1] > 0).all()


def test_rows_in_no_fold_and_several_columns_of_classes(rows, network):
    X, y = rows
    places = np.where(np.arange(len(y)) < 100, np.arange(len(y)) % 2, -1)
    columns = np.column_stack([y, np.where(X[:, 0] > 0, "high", "low")])
    for target, widths in ((columns, [3, 2]), ((columns == "a").astype(int), None)):
        search = MLPSearchCV(
            network, {"alpha": [0.1]}, n_iter=1, pruner=None, cv=PredefinedSplit(places)
        ).fit(X, target)
        found = search.oof_predictions_
        if widths is None:
            assert found.shape == (240, 2)
        else:
            assert [part.shape[1] for part in found] == widths
            found = np.hstack(found)
        assert np.isnan(found[100:]).all()
        assert np.isfinite(found[:100]).all()


def test_pipelines_of_the_folds(rows, network):
    X, y = rows
    pipe = make_pipeline(StandardScaler(), network)
    search = MLPSearchCV(
        pipe,
        {"mlpclassifier__alpha": [0.1]},
        n_iter=1,
        pruner=None,
        cv=FOLDS,
        return_estimators=True,
        refit=lambda results: 0,
    ).fit(X, y)
    for fitted, (train, test) in zip(search.fold_estimators_, FOLDS.split(X, y), strict=True):
        assert list(fitted.named_steps) == list(pipe.named_steps)
        assert fitted[0].mean_ == pytest.approx(X[train].mean(axis=0), abs=1e-6)
        assert np.array_equal(fitted.predict_proba(X[test]), search.oof_predictions_[test])


def test_other_estimators(rows):
    X, y = rows
    search = MLPSearchCV(Perceptron(random_state=0), {"alpha": [1e-4]}, pruner=None, cv=3)
    votes = search.fit(X, y).oof_predictions_
    assert set(np.unique(votes)) == {0, 1}
    assert (votes.sum(axis=1) == 1).all()
    table = TabularClassifier(n_folds=2, n_estimators=2, random_state=0)
    search = MLPSearchCV(
        table, {"n_estimators": [2]}, n_iter=1, pruner=None, cv=2, return_estimators=True
    ).fit(X[:90], y[:90])
    assert search.oof_predictions_.shape == (90, 3)
    assert [type(each) for each in search.fold_estimators_] == [TabularClassifier] * 2


def test_those_of_what_was_stopped(rows, network, monkeypatch):
    scored = []

    def counts(estimator, X, y):  # the clock: each score takes a second
        scored.append(1)
        return estimator.score(X, y)

    clock = SimpleNamespace(monotonic=lambda: len(scored), perf_counter=time.perf_counter)
    for module in (search_run, work):
        monkeypatch.setattr(module, "time", clock)
    search = MLPSearchCV(
        network, SPACE, n_iter=9, cv=3, scoring=counts, n_jobs=1, refit="ensemble", random_state=0
    )
    search.set_params(time_budget=10).fit(*rows)
    assert "stopped" in list(search.cv_results_["status"])
    assert np.isfinite(search.oof_predictions_).all()
    assert search.ensemble_score_ + 1e-6 >= search.best_score_
    assert search.predict(rows[0]).shape == (240,)


def test_none_of_what_was_dropped(rows, network):
    scored = []

    def fails(estimator, X, y):  # in the last rung
        scored.append(1)
        if len(scored) > 1 + 9 * 3:
            raise ValueError("late")
        return estimator.score(X, y)

    search = MLPSearchCV(
        network, SPACE, n_iter=9, cv=3, scoring=fails, n_jobs=1, refit="ensemble", random_state=0
    )
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="All configurations of"):
        search.fit(*rows)
    assert not hasattr(search, "oof_predictions_")
    assert search.ensemble_weights_[search.best_index_] == 1
    assert search.ensemble_score_ == search.best_score_
    assert search.predict(rows[0]).shape == (240,)


def test_wrong_arguments(rows, network):
    with pytest.raises(InvalidArgumentError, match=r"^return_estimators must be"):
        MLPSearchCV(network, SPACE, return_estimators="yes").fit(*rows)


@pytest.mark.parametrize("scoring", [None, "accuracy", "neg_log_loss"])
def test_a_check_is_one_forward_pass(scoring, rows, network, monkeypatch):
    passes, forward = [], NetworkUse._forward

    def counting(self, X, read):
        passes.append(len(X))
        return forward(self, X, read)

    monkeypatch.setattr(NetworkUse, "_forward", counting)
    search = MLPSearchCV(network, SPACE, n_iter=2, cv=2, scoring=scoring, random_state=0)
    search.set_params(pruner=None, refit=False).fit(*rows)
    assert passes == [120] * 4
    search.set_params(refit=True).fit(*rows)
    first = search.predict_proba(rows[0])
    first[:] = 0.0  # what is returned outside of a search is the user's own
    assert search.predict_proba(rows[0]).any()
