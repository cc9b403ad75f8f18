"""Searches in a storage: they resume where they were, to the results that they would have had."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from numpy.testing import assert_array_equal
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.stats import expon, randint, uniform
from sklearn.model_selection import KFold, cross_validate

import multilayer
from multilayer import InvalidArgumentError, ModelFileError
from multilayer._persist.atomic import claimed
from multilayer._search import search_run, work
from multilayer._search.lanes import Lane
from multilayer._search.optuna_study import StudyRecord

from .search_case import SPACE, X, search_of, searched, y

SCRIPT = Path(__file__).parent / "scripts" / "killed_search.py"


@pytest.fixture(scope="module")
def plain():
    """Searches without a storage, by sampler."""
    return {sampler: searched(sampler=sampler) for sampler in ("random", "tpe")}


def assert_same(found, expected):
    """Compare all that does not measure time."""
    ours, theirs = found.cv_results_, expected.cv_results_
    assert ours.keys() == theirs.keys()
    for name in ours:
        if "time" not in name:
            assert_array_equal(ours[name], theirs[name], err_msg=name)
    assert found.learning_curves_ == expected.learning_curves_
    if hasattr(found, "oof_predictions_"):
        assert_array_equal(found.oof_predictions_, expected.oof_predictions_)
    assert_array_equal(found.predict_proba(X), expected.predict_proba(X))


@pytest.fixture
def begun(monkeypatch):
    """Lanes that begin from now on: epochs that were scored before, and epochs begun from."""
    found, begin = [], Lane._begin

    def noting(self):
        fit = begin(self)
        found.append((self.curve[-1].epochs if self.curve else 0, fit.epochs))
        return fit

    monkeypatch.setattr(Lane, "_begin", noting)
    return found


def assert_nothing_is_trained_twice(begun):
    """All that was scored is gone on from; of one network the score may have been lost."""
    assert all(epochs >= scored for scored, epochs in begun)
    assert sum(epochs > scored for scored, epochs in begun) <= 2  # one on each core


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_stored_search_has_the_same_results_and_is_not_trained_again(
    sampler, plain, tmp_path, monkeypatch
):
    path = tmp_path / "study.journal"
    assert_same(searched(storage=path, sampler=sampler), plain[sampler])
    monkeypatch.setattr(Lane, "train", None)  # which nothing calls
    assert_same(searched(storage=str(path), sampler=sampler), plain[sampler])
    finished = list(plain[sampler].cv_results_["status"]).count("finished")
    files = list((tmp_path / "study.journal.networks").rglob("*.safetensors"))
    assert len(files) == 3 * finished  # what they predicted


def test_optuna_has_the_study(plain, tmp_path):
    path = tmp_path / "study.journal"
    search = searched(storage=path, n_iter=9)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    [name] = optuna.get_all_study_names(storage)
    study = optuna.load_study(study_name=name, storage=storage)
    states = {"finished": "COMPLETE", "halved": "PRUNED"}
    statuses = [states[status] for status in search.cv_results_["status"]]
    assert [trial.state.name for trial in study.trials] == statuses
    assert set(statuses) == {"COMPLETE", "PRUNED"}
    assert study.best_value == search.cv_results_["mean_test_score"].max()
    best = study.best_trial.number
    rate = search.cv_results_["params"][best]["learning_rate_init"]
    assert study.best_trial.params["learning_rate_init"] == rate
    curve = search.learning_curves_[best]
    values = study.best_trial.intermediate_values
    assert values == dict(zip(curve["epochs"], curve["score"], strict=True))


def run_killed(*arguments):
    done = subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


@pytest.mark.parametrize(
    ("sampler", "check", "moment"), [("random", 40, "before"), ("tpe", 55, "after")]
)
def test_a_killed_search_resumes(sampler, check, moment, plain, begun, tmp_path):
    path = tmp_path / "study.journal"
    assert run_killed(path, sampler, check, moment)
    assert_same(searched(storage=path, sampler=sampler), plain[sampler])
    assert begun
    assert_nothing_is_trained_twice(begun)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_search_killed_at_any_moment_resumes(sampler, plain, begun, tmp_path):
    killed = 0
    for i, seconds in enumerate(np.random.default_rng(0).uniform(0.0, 1.2, 5)):
        path = tmp_path / f"{i}.journal"
        killed += run_killed(path, sampler, seconds)
        assert_same(searched(storage=path, sampler=sampler), plain[sampler])
        assert_nothing_is_trained_twice(begun)
        begun.clear()
    assert killed > 1  # a quick machine may end before


def test_half_a_line_at_the_end_of_the_journal_is_cut_off(plain, tmp_path):
    path = tmp_path / "study.journal"
    searched(storage=path)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rfind(b"\n", 0, -1) + 10])
    assert_same(searched(storage=path), plain["random"])


@pytest.mark.parametrize("folder", [True, False], ids=["networks", "no networks"])
def test_a_database(folder, plain, tmp_path, monkeypatch):
    given = {"storage": f"sqlite:///{tmp_path / 'study.db'}"}
    if folder:
        given["checkpoint"] = tmp_path / "networks"
    stops = iter(range(1000))

    def stopping(self, lane):
        if next(stops) == 44:
            raise KeyboardInterrupt
        checked(self, lane)

    checked = StudyRecord.checked
    with monkeypatch.context() as patched:
        patched.setattr(StudyRecord, "checked", stopping)
        stopped = searched(**given)
    assert "stopped" in list(stopped.cv_results_["status"])
    found = searched(**given)
    assert_same(found, plain["random"])
    assert hasattr(found, "oof_predictions_") == folder


def test_more_time_goes_on(tmp_path, monkeypatch):
    scored, checked = [], StudyRecord.checked

    def counting(self, lane):
        scored.append(lane)
        checked(self, lane)

    # The clock: each check takes a second.
    monkeypatch.setattr(StudyRecord, "checked", counting)
    clock = SimpleNamespace(monotonic=lambda: len(scored), perf_counter=lambda: 0.0)
    for module in (search_run, work):
        monkeypatch.setattr(module, "time", clock)
    path = tmp_path / "study.journal"
    first = searched(storage=path, time_budget=50).cv_results_
    more = searched(storage=path, time_budget=500).cv_results_
    n = len(first["params"])
    assert 2 <= n < 12 == len(more["params"])
    assert more["params"][:n] == first["params"]
    assert first["status"][0] == more["status"][0] == "finished"
    assert set(more["status"]) == {"finished", "halved"}


def test_other_searches_in_the_same_storage(tmp_path):
    path = tmp_path / "study.journal"
    given = {"n_iter": 3, "pruner": None}
    found = cross_validate(search_of(storage=path, **given), X, y, cv=2, return_estimator=True)
    direct = cross_validate(search_of(**given), X, y, cv=2, return_estimator=True)
    assert_array_equal(found["test_score"], direct["test_score"])
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    assert len(optuna.get_all_study_names(optuna.storages.JournalStorage(backend))) == 2


def test_without_a_random_state_it_resumes_too(tmp_path, monkeypatch):
    given = {"storage": tmp_path / "study.journal", "n_iter": 3, "random_state": None}
    first = searched(**given)
    monkeypatch.setattr(Lane, "train", None)
    assert_same(searched(**given), first)


# What Optuna suggests ---------------------------------------------------------------------------


def test_a_function_of_a_trial():
    def space(trial):
        depth = trial.suggest_int("depth", 1, 2)
        widths = tuple(trial.suggest_int(f"width {i}", 4, 8) for i in range(depth))
        return {"hidden_layer_sizes": widths, "alpha": trial.suggest_float("alpha", 0.0, 1.0)}

    for sampler in ("random", "tpe", optuna.samplers.RandomSampler(seed=0)):
        search = search_of(sampler=sampler, n_iter=4).set_params(param_distributions=space)
        found = search.fit(X, y).cv_results_["params"]
        assert found[0] == {}  # the estimator as it is
        assert {len(params["hidden_layer_sizes"]) for params in found[1:]} <= {1, 2}


def test_distributions():
    space = {
        "alpha": FloatDistribution(1e-6, 1e-2, log=True),
        "learning_rate_init": uniform(0.001, 0.01),
        "batch_size": randint(20, 60),
        "n_iter_no_change": IntDistribution(3, 9),
        "hidden_layer_sizes": [(4,), (5, 4)],
    }
    search = search_of(sampler="tpe", n_iter=6).set_params(param_distributions=space)
    found = search.fit(X, y).cv_results_["params"]
    for params in found[1:]:
        assert 1e-6 <= params["alpha"] <= 1e-2
        assert 0.001 <= params["learning_rate_init"] <= 0.011
        assert isinstance(params["batch_size"], int)
        assert 20 <= params["batch_size"] < 60
        assert params["hidden_layer_sizes"] in [(4,), (5, 4)]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"sampler": 3}, "sampler"),
        ({"sampler": "grid", "param_distributions": lambda trial: {}}, "sampler"),
        ({"sampler": "tpe", "param_distributions": {"alpha": expon()}}, "param_distributions"),
        ({"sampler": "tpe", "param_distributions": [SPACE, SPACE]}, "param_distributions"),
        ({"sampler": "tpe", "param_distributions": {"alpa": [1]}}, "param_distributions"),
        ({"param_distributions": lambda trial: {"alpa": 1}}, "param_distributions"),
        ({"param_distributions": lambda trial: 3}, "param_distributions"),
        ({"storage": 3}, "storage"),
        ({"checkpoint": "folder"}, "checkpoint"),
        ({"storage": "sqlite:///study.db", "refit": "ensemble"}, "checkpoint"),
        ({"storage": "a.journal", "return_estimators": True}, "return_estimators"),
        ({"storage": "a.journal", "cv": KFold(3, shuffle=True)}, "cv"),
        ({"storage": "a.journal", "estimator__random_state": np.random.RandomState(0)}, "storage"),
    ],
)
def test_arguments_are_checked(arguments, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgumentError, match=f"{named} must be"):
        search_of().set_params(**arguments).fit(X, y)
    assert not list(tmp_path.iterdir())


def test_one_process_at_a_time(tmp_path):
    folder = tmp_path / "study.journal.networks"
    folder.mkdir()
    with claimed(folder), pytest.raises(ModelFileError, match="another process"):
        search_of(storage=tmp_path / "study.journal").fit(X, y)


def test_without_optuna_the_remedy_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("multilayer._search.optuna")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(multilayer._search, "optuna_search", raising=False)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match="pip install optuna"):
        search_of(sampler="tpe").fit(X, y)
    search_of(n_iter=2).fit(X, y)
