"""MLPSearchCV: the same numbers as one fit after another, and scikit-learn's interface."""

import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from multilayer import (
    DataError,
    DivergenceError,
    InvalidArgumentError,
    MLPClassifier,
    MLPRegressor,
    Perceptron,
)
from multilayer._search import search_run, work
from multilayer._search.lanes import Lane
from multilayer.search import MLPSearchCV

from .conftest import SPACE

FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


def test_scores_are_those_of_single_fits(rows, network):
    search = MLPSearchCV(network, SPACE, sampler="grid", pruner=None, cv=FOLDS, refit=False)
    found = search.fit(*rows).cv_results_
    for i in (0, 5, 17):
        own = clone(network).set_params(**found["params"][i])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = cross_val_score(own, *rows, cv=FOLDS)
        assert [found[f"split{k}_test_score"][i] for k in range(3)] == scores.tolist()
    assert len(found["params"]) == 19  # the network as it is, and all combinations
    assert found["params"][0] == {n: network.get_params()[n] for n in sorted(SPACE)}


def test_halving_continues_fits_exactly(rows, network):
    search = MLPSearchCV(network, SPACE, n_iter=12, cv=FOLDS, n_checks=1, random_state=1)
    found = search.fit(*rows).cv_results_
    assert sorted(set(found["n_epochs"])) == [2, 6, 18]
    finished = np.flatnonzero(found["n_epochs"] == 18)
    assert set(np.asarray(found["status"])[finished]) == {"finished"}
    i = int(finished[0])
    own = clone(network).set_params(**found["params"][i])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = cross_val_score(own, *rows, cv=FOLDS)
        alone = clone(network).set_params(**search.best_params_).fit(*rows)
    if found["best_epochs"][i] == 18:
        assert [found[f"split{k}_test_score"][i] for k in range(3)] == scores.tolist()
    curve = search.learning_curves_[i]
    assert curve["epochs"] == [2, 6, 18]
    assert found["mean_test_score"][i] == max(curve["score"])
    assert curve["score"][-1] == pytest.approx(scores.mean())
    if found["best_epochs"][search.best_index_] == 18:
        assert np.array_equal(search.predict_proba(rows[0]), alone.predict_proba(rows[0]))
    # Those that trained longer rank before others.
    ranks = found["rank_test_score"]
    assert ranks[finished].max() <= len(finished) < ranks[found["n_epochs"] < 18].min() + 1


@pytest.mark.parametrize("pruner", ["halving", "hyperband"])
def test_the_number_of_threads_changes_nothing(rows, network, pruner):
    def results(n_jobs):
        search = MLPSearchCV(
            network, SPACE, n_iter=10, pruner=pruner, cv=3, n_jobs=n_jobs, random_state=0
        )
        found = search.fit(*rows).cv_results_
        return {k: v for k, v in found.items() if "time" not in k}

    one, three = results(1), results(3)
    assert one.keys() == three.keys()
    for name, values in one.items():
        assert list(values) == list(three[name]), name


def test_the_final_network_trains_for_the_best_epochs(rows, network):
    search = MLPSearchCV(network, SPACE, n_iter=6, cv=3, random_state=2, n_checks=6).fit(*rows)
    best = search.best_index_
    assert search.best_estimator_.n_iter_ == search.cv_results_["best_epochs"][best]
    assert search.best_score_ == search.cv_results_["mean_test_score"][best]
    assert search.cv_results_["rank_test_score"][best] == 1
    assert search.best_estimator_.max_iter == network.max_iter
    assert search.classes_.tolist() == ["a", "b", "c"]
    assert search.score(*rows) > 0.6


def test_several_scores_and_rows_of_the_training(rows, network):
    search = MLPSearchCV(
        network,
        SPACE,
        n_iter=4,
        scoring=["accuracy", "neg_log_loss"],
        refit="neg_log_loss",
        return_train_score=True,
        cv=3,
        random_state=0,
    ).fit(*rows)
    found = search.cv_results_
    assert search.multimetric_
    assert found["rank_test_neg_log_loss"][search.best_index_] == 1
    assert {"split2_test_accuracy", "mean_train_neg_log_loss"} <= set(found)
    with pytest.raises(ValueError, match="refit"):
        MLPSearchCV(network, SPACE, scoring=["accuracy", "f1_macro"]).fit(*rows)


def test_the_smallest_network_within_one_error(rows, network):
    search = MLPSearchCV(
        network,
        {"hidden_layer_sizes": [(3,), (40,), (60, 60)]},
        sampler="grid",
        pruner=None,
        refit="1se",
        cv=3,
    ).fit(*rows)
    found = search.cv_results_
    best = int(np.argmax(found["mean_test_score"]))
    error = found["std_test_score"][best] / np.sqrt(2)
    assert found["mean_test_score"][search.best_index_] >= found["mean_test_score"][best] - error
    sizes = {(3,): 0, (6,): 1, (40,): 2, (60, 60): 3}
    within = found["mean_test_score"] >= found["mean_test_score"][best] - error
    smallest = min(
        sizes[p["hidden_layer_sizes"]] for p, ok in zip(found["params"], within, strict=True) if ok
    )
    assert sizes[search.best_params_["hidden_layer_sizes"]] == smallest


def test_networks_that_stop_by_themselves_rank_by_their_score(rows, network):
    space = {"tol": [10.0, 0.0], "n_iter_no_change": [9], "learning_rate_init": [1e-6, 0.01]}
    search = MLPSearchCV(network, space, sampler="grid", pruner=None, cv=3).fit(*rows)
    found = search.cv_results_
    assert set(found["n_epochs"]) == {11, 18}  # the first of them are of a large tolerance
    assert set(found["status"]) == {"finished"}
    assert found["mean_test_score"][search.best_index_] == found["mean_test_score"].max()
    assert (np.diff(found["mean_test_score"][np.argsort(found["rank_test_score"])]) <= 0).all()


def test_lines_of_progress(rows, network, capsys):
    MLPSearchCV(network, SPACE, n_iter=9, cv=3, verbose=1, refit=False, random_state=0).fit(*rows)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "9 configurations, 3 networks each, 2 rungs"
    assert "rung 1: 9 configurations at 6 epochs, best 0." in lines[1]
    assert "rung 2: 3 configurations at 18 epochs, best 0." in lines[2]


def test_a_function_chooses(rows, network):
    search = MLPSearchCV(network, SPACE, n_iter=3, cv=3, refit=lambda found: 1, random_state=0)
    search.fit(*rows)
    assert search.best_index_ == 1
    assert not hasattr(search, "best_score_")
    assert search.best_params_ == search.cv_results_["params"][1]


def test_seeds_are_averaged(rows, network):
    search = MLPSearchCV(
        network, {"alpha": [0.1]}, sampler="grid", pruner=None, cv=3, n_seeds=2, random_state=0
    ).fit(*rows)
    assert search.cv_results_["split0_test_score"].shape == (2,)
    assert isinstance(search.best_estimator_.random_state, int)


def test_steps_of_a_pipeline_see_no_row_of_the_test(rows, network):
    X, y = rows
    pipe = make_pipeline(StandardScaler(), SelectKBest(k=4), network)
    space = {"selectkbest__k": [3, 5], "mlpclassifier__alpha": [0.0, 0.1]}
    search = MLPSearchCV(pipe, space, sampler="grid", pruner=None, cv=FOLDS).fit(X, y)
    found = search.cv_results_
    for i in (0, 2):
        own = clone(pipe).set_params(**found["params"][i])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = cross_val_score(own, X, y, cv=FOLDS)
        assert [found[f"split{k}_test_score"][i] for k in range(3)] == scores.tolist()
    alone = clone(pipe).set_params(**search.best_params_)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone.fit(X, y)
    assert np.array_equal(search.predict_proba(X), alone.predict_proba(X))


def test_groups_and_weights(rows, network):
    X, y = rows
    groups, weights = np.arange(len(y)) % 5, np.linspace(0.5, 1.5, len(y))
    search = MLPSearchCV(network, SPACE, n_iter=3, pruner=None, cv=GroupKFold(3), random_state=0)
    search.fit(X, y, groups=groups, sample_weight=weights)
    own = clone(network).set_params(**search.cv_results_["params"][1])
    train, test = next(GroupKFold(3).split(X, y, groups))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own.fit(X[train], y[train], sample_weight=weights[train])
    assert own.score(X[test], y[test]) == pytest.approx(
        search.cv_results_["split0_test_score"][1], abs=0.02
    )


def test_labels_at_random_score_at_chance(network):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 5)), rng.integers(0, 2, 300)
    search = MLPSearchCV(network, SPACE, n_iter=8, cv=3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outer = cross_validate(search, X, y, cv=4)["test_score"]
    assert abs(outer.mean() - 0.5) < 0.09


def test_regression_some_rows_and_the_default_space(rows):
    X = rows[0]
    y = X @ np.arange(6) + 0.1 * X[:, 0] ** 2
    search = MLPSearchCV(
        MLPRegressor(max_iter=9), n_iter=4, cv=3, search_rows=0.5, random_state=0
    ).fit(X, y)
    assert search.best_estimator_.t_ == len(y) * search.best_estimator_.n_iter_
    assert {"hidden_layer_sizes", "learning_rate_init"} <= set(search.best_params_)


def test_networks_that_fail(rows, network):
    X, y = rows
    space = {"learning_rate_init": [1e30], "hidden_layer_sizes": [(6,), (-1,)]}
    search = MLPSearchCV(
        network.set_params(solver="sgd"), space, sampler="grid", cv=3, random_state=0
    )
    with pytest.warns(FitFailedWarning, match="hidden_layer_sizes"), np.errstate(all="ignore"):
        search.fit(X, y)
    assert list(search.cv_results_["status"]) == ["finished", "failed", "failed"]
    assert np.isnan(search.cv_results_["mean_test_score"][1:]).all()
    assert search.best_index_ == 0
    with pytest.raises(DivergenceError), np.errstate(all="ignore"):
        search.set_params(error_score="raise").fit(X, y)
    wrong = {"hidden_layer_sizes": [(-1,), (-2,)]}
    with pytest.raises(DataError, match="All 6 fits"), np.errstate(all="ignore"):
        MLPSearchCV(
            network.set_params(hidden_layer_sizes=-1), wrong, n_iter=2, cv=3, random_state=0
        ).fit(X, y)
    with pytest.raises(DataError, match="X must contain numbers"):
        MLPSearchCV(MLPClassifier(), SPACE, cv=3).fit(np.array([["a"], ["b"]] * 9), [0, 1] * 9)


def test_networks_of_a_fold_share_its_rows(rows, network, monkeypatch):
    seen, train = [], Lane.train

    def noting(self, share, within):
        train(self, share, within)
        seen.append((self.fold, self.fit.training.source.window(0).rows.X))

    monkeypatch.setattr(Lane, "train", noting)
    MLPSearchCV(network, SPACE, n_iter=3, cv=2, random_state=0).fit(*rows)
    for fold in (0, 1):
        first, *others = [X for number, X in seen if number == fold]
        assert len(first) == 120
        assert others
        assert all(np.shares_memory(first, other) for other in others)


def test_a_search_ends_with_its_time(rows, network, monkeypatch):
    scored = []

    def counts(estimator, X, y):  # the clock: each score takes a second
        scored.append(1)
        return estimator.score(X, y)

    clock = SimpleNamespace(monotonic=lambda: len(scored), perf_counter=time.perf_counter)
    for module in (search_run, work):
        monkeypatch.setattr(module, "time", clock)
    given = {"n_iter": 9, "cv": 3, "scoring": counts, "n_jobs": 1, "random_state": 0}
    search = MLPSearchCV(network, SPACE, time_budget=70, **given).fit(*rows)
    # The estimator as it is trains to its end, then as many others as there is time for.
    assert search.cv_results_["status"][0] == "finished"
    assert 2 < len(search.cv_results_["params"]) < 9
    assert len(scored) <= 70
    assert search.best_estimator_.n_iter_ == search.cv_results_["best_epochs"][search.best_index_]
    scored.clear()
    search = MLPSearchCV(network, SPACE, time_budget=4, **given).fit(*rows)
    assert list(search.cv_results_["status"]) == ["stopped"]
    scored.clear()
    with pytest.raises(InvalidArgumentError, match="time_budget"):
        MLPSearchCV(network, SPACE, time_budget=2, **given).fit(*rows)


def test_an_interrupted_search_keeps_what_it_has(rows, network):
    scored, last = [], 31

    def interrupts(estimator, X, y):
        scored.append(1)
        if len(scored) == last:
            raise KeyboardInterrupt
        return estimator.score(X, y)

    search = MLPSearchCV(
        network, SPACE, n_iter=9, cv=3, scoring=interrupts, n_jobs=1, random_state=0
    )
    with pytest.warns(UserWarning, match="interrupted"):
        search.fit(*rows)
    assert len(search.cv_results_["params"]) == 9
    assert "stopped" in list(search.cv_results_["status"])
    assert search.predict(rows[0]).shape == (240,)
    scored, last = [], 2  # before a configuration is scored on all folds
    with pytest.raises(KeyboardInterrupt):
        search.fit(*rows)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"pruner": "median"}, "pruner"),
        ({"factor": 1}, "factor"),
        ({"n_iter": 5, "sampler": "grid"}, "n_iter"),
        ({"param_distributions": {"alpa": [1]}}, "param_distributions"),
        ({"param_distributions": "wide"}, "param_distributions"),
        ({"sampler": "annealing"}, "sampler"),
        ({"n_seeds": 0}, "n_seeds"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"search_rows": 1.5}, "search_rows"),
        ({"time_budget": -1}, "time_budget"),
        ({"error_score": "nan"}, "error_score"),
        ({"estimator": RandomForestClassifier()}, "estimator"),
        ({"estimator": Perceptron()}, "pruner"),
        ({"estimator": MLPClassifier(solver="lbfgs")}, "pruner"),
        ({"estimator": MLPClassifier(checkpoint="folder"), "error_score": "raise"}, "checkpoint"),
    ],
)
def test_wrong_arguments(rows, network, arguments, named):
    given = {"estimator": network, "param_distributions": SPACE, **arguments}
    with pytest.raises(InvalidArgumentError, match=f"^{named} must be"):
        MLPSearchCV(**given).fit(*rows)


def test_other_estimators_train_whole(rows):
    space = {"alpha": loguniform(1e-5, 1e-3)}
    search = MLPSearchCV(Perceptron(random_state=0), space, n_iter=3, pruner=None, cv=3)
    assert search.fit(*rows).best_score_ > 0.5
    lbfgs = MLPSearchCV(
        MLPClassifier((4,), solver="lbfgs", random_state=0),
        {"alpha": [0.1]},
        sampler="grid",
        pruner=None,
        cv=3,
    ).fit(*rows)
    assert lbfgs.best_estimator_.solver == "lbfgs"


@pytest.mark.parametrize(
    "estimator",
    [
        MLPClassifier((8,), max_iter=27, learning_rate_init=0.02, random_state=0),
        MLPRegressor(hidden_layer_sizes=(8,), max_iter=81, learning_rate_init=0.05, random_state=0),
    ],
    ids=["classifier", "regressor"],
)
def test_contract_of_scikit_learn(estimator):
    search = MLPSearchCV(estimator, {"alpha": [1e-4, 1e-2]}, n_iter=2, cv=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(search)


@pytest.mark.parametrize("refit", [False, lambda results: 1])
def test_several_scores_none_of_which_decides(refit, rows, network):
    given = {"n_iter": 4, "cv": 2, "random_state": 0, "refit": refit}
    search = MLPSearchCV(network, SPACE, scoring=["accuracy", "neg_log_loss"], **given).fit(*rows)
    assert set(search.cv_results_["status"]) == {"finished", "halved"}
    assert np.isfinite(search.cv_results_["mean_test_neg_log_loss"]).all()
    assert hasattr(search, "best_estimator_") == bool(refit)


def test_a_generator_of_the_estimator_is_drawn_from_once(rows, network):
    found = []
    for n_jobs in (1, 2):
        network.set_params(random_state=np.random.RandomState(3))
        given = {"n_iter": 4, "cv": 2, "random_state": 0, "n_jobs": n_jobs}
        found.append(MLPSearchCV(network, SPACE, **given).fit(*rows).cv_results_)
    np.testing.assert_array_equal(found[0]["mean_test_score"], found[1]["mean_test_score"])


@pytest.mark.parametrize(("scores", "epochs"), [([1, 2], 18), ([2, 1], 2)])
def test_the_final_fit_of_what_time_stopped(scores, epochs, rows, network, monkeypatch):
    seen = []

    def given(estimator, X, y):  # the clock too: each score takes a second
        seen.append(1)
        return float(scores[min(len(seen) - 1, 3) // 2])

    clock = SimpleNamespace(monotonic=lambda: len(seen), perf_counter=time.perf_counter)
    for module in (search_run, work):
        monkeypatch.setattr(module, "time", clock)
    search = MLPSearchCV(network, SPACE, cv=2, scoring=given, n_jobs=1, time_budget=4)
    search.fit(*rows)
    assert search.learning_curves_ == [{"epochs": [2, 6], "score": scores}]
    assert search.best_estimator_.n_iter_ == epochs
