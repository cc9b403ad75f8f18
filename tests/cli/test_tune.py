"""``multilayer tune``: a search on a table, its leaders while it runs, and the model saved."""

import contextlib
import io
import re

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline

from multilayer import MLPClassifier, TabularEncoder, load
from multilayer._cli.leaders import (
    Followed,
    Leader,
    LeaderLines,
    LeaderTable,
    leaders_follower,
)
from multilayer._cli.main import main
from multilayer._cli.search_page import search_sections
from multilayer._cli.tune import tune
from multilayer._cli.tune_options import request_of
from multilayer._cli.tuning import in_options, plain_values, search_for
from multilayer._search.lanes import is_pausable
from multilayer.search import MLPSearchCV

from .conftest import Ran, make_frame
from .test_html_report import Page

FEW = ("--n-iter", "3", "--cv", "2")


@pytest.fixture(scope="module")
def frame():
    """The table of the other tests, with text, dates and gaps among its columns."""
    found = make_frame().head(120)
    found["town"] = np.where(np.arange(120) % 3, "Rome", "Lima")
    found.loc[::9, "width"] = np.nan
    return found


@pytest.fixture(scope="module")
def tuned(frame, tmp_path_factory):
    """A folder with a table and a model tuned on it, and what was printed."""
    folder = tmp_path_factory.mktemp("tuned")
    frame.to_csv(folder / "things.csv", index=False)
    out, err = io.StringIO(), io.StringIO()
    options = ("--target", "kind", *FEW, "--test-fraction", "0.2", "--id", "flag")
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["tune", "things.csv", *options])
    assert code == 0, err.getvalue()
    return folder, Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture
def use(tuned, tmp_path):
    """Copy the table and the model here."""
    for path in tuned[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())


# A search of classes --------------------------------------------------------------------------


def test_what_is_printed(tuned):
    _, ran = tuned
    first, second, *rest = ran.err.splitlines()
    assert first == "things.csv: 96 rows to train on, 24 to test; 3 columns"
    assert second.startswith("target kind: classification")
    lines = [line for line in rest if line.startswith(("3 conf", "0:"))]
    assert lines[0] == "3 configurations, 2 networks each, 1 rung"
    assert re.fullmatch(r"0:\d\d  \d of 3 configurations, best 0\.\d{4}  alpha=.*", lines[1])
    for words in (
        "accuracy in cross-validation",
        "default configuration",
        "3 configurations, 6 networks",
        "final training",
        "On 24 rows set aside to test",
        "next: multilayer predict things.safetensors NEW_ROWS.csv",
    ):
        assert words in ran.out
    leaders = re.findall(r"^ +([123])   (0\.\d{4}|1\.0000) .*finished", ran.out, re.MULTILINE)
    assert [rank for rank, _ in leaders] == ["1", "2", "3"]
    assert sorted((score for _, score in leaders), reverse=True) == [s for _, s in leaders]


def test_the_model_is_used_like_others(use, run, frame):
    model = load("things.safetensors")
    X = frame[["size", "width", "town"]]
    expected = accuracy_score(frame["kind"], model.predict(X))
    assert expected > 0.8
    assert (
        run("evaluate", "things.safetensors", "things.csv", "--json").json["accuracy"] == expected
    )
    lines = run("predict", "things.safetensors", "things.csv").out.splitlines()
    assert lines[0] == "flag,prediction"
    assert [line.partition(",")[2] for line in lines[1:]] == model.predict(X).tolist()
    assert "MLPClassifier" in run("info", "things.safetensors").out


def test_it_is_the_search_of_python(use, run, frame):
    ran = run("tune", "things.csv", "--target", "kind", *FEW, "--json", "--drop", "flag")
    assert ran.err == ""
    found = ran.json
    X, y = frame[["size", "width", "town"]], frame["kind"]
    network = make_pipeline(TabularEncoder(), MLPClassifier(random_state=0))
    search = MLPSearchCV(network, n_iter=3, cv=2, random_state=0).fit(X, y)
    assert found["best_score"] == search.best_score_
    assert found["best_epochs"] == search.cv_results_["best_epochs"][search.best_index_]
    short = {name.rpartition("__")[2]: value for name, value in search.best_params_.items()}
    best = {name.rpartition("__")[2]: value for name, value in found["best_params"].items()}
    assert best == plain_values(short)
    ranks = sorted(search.cv_results_["rank_test_score"].tolist())
    assert [each["rank"] for each in found["configurations"]] == ranks
    assert found["n_networks"] == 6
    assert found["test"] is None
    np.testing.assert_array_equal(
        load("things.safetensors").predict_proba(X), search.predict_proba(X)
    )


# Numbers, a page, Ctrl-C ----------------------------------------------------------------------


def test_numbers_with_a_page(run, frame, tmp_path):
    pytest.importorskip("matplotlib", reason="pages have pictures")
    frame.assign(price=30 * frame["size"] + 900).to_parquet(tmp_path / "prices.parquet")
    options = ("--target", "price", "--drop", "kind", "--n-iter", "4", "--cv", "2")
    ran = run("tune", "prices.parquet", *options, "--report", "page.html", "--pruner", "hyperband")
    assert ran.code == 0, ran.err
    assert "R2 in cross-validation" in ran.out
    found = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert {"Errors", "Search", "Configurations", "Training"} <= set(found.headings)
    words = found.words
    assert "Made by multilayer tune, with --seed 0." in words
    assert "The model was trained on some of these rows: new ones are harder." in words
    assert "There are too few configurations to say which arguments matter." in words
    assert words.count("halved") + words.count("finished") == 4
    curves, lines = found.pictures[-2:]
    assert "trained to the end" in curves
    assert "learning_rate_init" in lines


def test_pictures_of_ten_configurations():
    pytest.importorskip("matplotlib", reason="pages have pictures")
    network = MLPClassifier((4,), max_iter=3, random_state=0)
    search = MLPSearchCV(network, n_iter=10, cv=2, pruner=None, random_state=0)
    sections = search_sections(search.fit(*load_iris(return_X_y=True)), [], [("search", "short")])
    found = Page("".join(each.text for each in sections))
    curves, importances, lines = found.pictures
    assert "trained to the end" in curves
    assert "batch_size" in importances
    assert "batch_size" in lines
    assert ("figure", "class", "wide") in found.attributes


def test_ctrl_c_ends_the_search_with_the_best_so_far(use, run, monkeypatch):
    def rung(self, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(LeaderLines, "rung", rung)
    ran = run("tune", "things.csv", "--target", "kind", "--n-iter", "9", "--cv", "2", "-m", "m.st")
    assert ran.code == 130
    assert "Interrupted: the best configuration so far is trained and saved." in ran.out
    assert "ended before all were done" in ran.out
    assert "The search was interrupted" not in ran.err
    last = "training the best configuration so far on all rows; Ctrl-C again ends without a model"
    assert ran.err.splitlines()[-1] == last
    assert load("m.st").predict(pd.read_csv("things.csv")[["size", "width", "flag", "town"]]).any()


# Progress -------------------------------------------------------------------------------------


CANDIDATES = [{"net__alpha": 0.1}, {"net__alpha": 0.2}, {"net__alpha": 0.31234}]


def go(followed):
    """Report a search of three configurations with two networks each, two of which fail."""
    with followed(CANDIDATES, 3, 2):
        followed.begin(2)
        for candidate, scores in enumerate([(0.5, 0.7), (0.8, 0.9), (0.4, np.nan)]):
            followed.network(candidate, 3, scores[0])
            followed.network(candidate, 3 + candidate, scores[1])
        followed.rung(1, [0, 1, 2], [0.6, 0.85, np.nan], 5, [1])
        followed.network(1, 9, 0.9)
        yield
        followed.network(1, 9, 1.0)
        followed.rung(2, [1], [0.95], 9, [])
        followed.end(interrupted=False)
        yield


def test_the_state_of_a_search():
    followed = Followed()
    steps = go(followed)
    next(steps)
    found = [(each.candidate, each.epochs, each.status) for each in followed.ranked]
    assert found == [(1, 4, "training"), (0, 3, "halved"), (2, 5, "failed")]
    next(steps)
    best = followed.ranked[0]
    assert (best.candidate, best.epochs, best.status) == (1, 9, "finished")
    assert best.score == pytest.approx(0.95)
    assert followed.n_trained == 6
    assert followed.number == followed.n_rungs == 2


def test_those_that_trained_to_their_end_compare_by_score():
    found = [
        Leader(0, 0.89, 200, "finished"),
        Leader(1, 0.98, 90, "finished"),
        Leader(2, 0.99, 60, "halved"),
        Leader(3, 1.0, 20, "training"),
        Leader(4, np.nan, 200, "failed"),
    ]
    ranked = sorted(found, key=lambda leader: leader.order, reverse=True)
    assert [leader.candidate for leader in ranked] == [1, 0, 2, 3, 4]


def test_configurations_whose_networks_were_not_reported_have_the_mean_of_the_rung():
    followed = Followed()(CANDIDATES, 3, 2)
    followed.begin(2)
    followed.network(0, 3, 0.5)
    followed.rung(1, [0, 1, 2], [0.6, 0.7, np.nan], 3, [1])
    found = [(each.candidate, each.score, each.status) for each in followed.ranked]
    assert found[:2] == [(1, 0.7, "training"), (0, 0.6, "halved")]
    assert found[2][2] == "failed"
    followed.network(1, 9, 0.8)
    followed.network(1, 9, 0.9)  # the two of the next rung, none of the first
    assert followed.ranked[0].score == pytest.approx(0.85)


def test_the_table_on_a_terminal():
    console = Console(file=io.StringIO(), force_terminal=True, width=70, color_system=None)
    followed = leaders_follower(console, 60.0, silent=False)
    assert isinstance(followed, LeaderTable)
    steps = go(followed)
    next(steps)
    with console.capture() as screen:
        console.print(followed.shown())
    text = screen.get()
    assert re.search(r"searching: rung 2 of 2  6 of 6 networks  0:00, (1:00|0:59) left", text)
    assert re.search(r"1 +0\.8500 +4 +training +alpha=0\.2", text)
    assert re.search(r"2 +0\.6000 +3 +halved +default: alpha=0\.1", text)
    assert re.search(r"3 +5 +failed +alpha=0\.312", text)
    list(steps)
    assert "training the best configuration on all rows" in console.file.getvalue()


def test_plain_lines():
    console = Console(file=io.StringIO(), width=70)
    followed = leaders_follower(console, None, silent=False)
    list(go(followed))
    assert console.file.getvalue().splitlines() == [
        "3 configurations, 2 networks each, 2 rungs",
        "0:00  rung 1: 3 configurations at 5 epochs, best 0.8500  alpha=0.2",
        "0:00  rung 2: 1 configuration at 9 epochs, best 0.9500  alpha=0.2",
        "training the best configuration on all rows",
    ]


# Options --------------------------------------------------------------------------------------


def requested(**options):
    """Return what options ask for; the others have their defaults."""
    names = tune.__code__.co_varnames[: tune.__code__.co_argcount]
    defaults = dict(zip(names[1:], tune.__defaults__, strict=True))
    return request_of({"data": "things.csv", **defaults, **options})


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600), ("0.5m", 30)]
)
def test_times(text, seconds):
    assert requested(time_budget=text).time_budget == seconds


def test_rows_to_search_on():
    assert requested(search_rows=0.5).search_rows == 0.5
    rows = requested(search_rows=500.0).search_rows
    assert isinstance(rows, int)
    assert rows == 500


@pytest.mark.parametrize(
    ("options", "pruner", "refit"),
    [
        ({}, "halving", True),
        ({"pruner": "none", "refit": "1se"}, None, "1se"),
        ({"pruner": "hyperband", "refit": "best"}, "hyperband", True),
    ],
)
def test_the_search_has_the_options(options, pruner, refit):
    search = search_for(requested(n_iter=7, cv=3, n_jobs=2, seed=5, **options), MLPClassifier())
    assert (search.pruner, search.refit, search.n_iter, search.cv) == (pruner, refit, 7, 3)
    assert (search.n_jobs, search.random_state) == (2, 5)


def test_fits_that_cannot_pause_are_trained_whole(run, table):
    whole = MLPClassifier(solver="lbfgs")
    assert not is_pausable(whole)
    assert search_for(requested(), whole).pruner is None
    with pytest.raises(ValueError, match="--pruner must be none for --estimator mlp"):
        search_for(requested(pruner="halving"), whole)


def test_messages_name_options():
    message = "time_budget must be long, got time_budget=1. Give fewer folds or search_rows."
    expected = "--time-budget must be long, got --time-budget=1. Give fewer folds or --search-rows."
    assert in_options(message) == expected


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--time-budget", "5 minutes"], "--time-budget must be a time such as 90s, 5m or 1h"),
        (["--time-budget", "0s"], "--time-budget must be a time"),
        (["--search-rows", "nan"], "--search-rows must be a number of rows"),
        (["--search-rows", "1.5"], "--search-rows must be a number of rows"),
        (["--estimator", "tabnn"], "--estimator must be one of"),
        (["--pruner", "half"], "--pruner must be one of"),
        (["--sampler", "grid"], "--sampler must be one of"),
        (["--refit", "last"], "--refit must be one of"),
        (["--scoring", "acuracy"], "Did you mean 'accuracy'?"),
        (["--scoring", "loss"], "Write neg_log_loss"),
        (["--n-iter", "0"], "Invalid value for '--n-iter'"),
        (["--cv", "1"], "Invalid value for '--cv'"),
        (["--seed", "-1"], "--seed must be an integer from 0"),
        (["--test-fraction", "1"], "--test-fraction must be"),
        (["--model", "things.csv"], "--model must be another file than DATA"),
        (["--model", "none/x.st"], "folder"),
        (["--report", "things.csv"], "--report must be another file than things.csv"),
        (["--report", "x.st", "--model", "x.st"], "--report must be another file than --model"),
        (["--target", "kin"], "Did you mean 'kind'?"),
        (["--time-budget", "0.000001"], "--time-budget must be long enough"),
    ],
)
def test_refused(run, table, tmp_path, args, message):
    target = [] if "--target" in args else ["--target", "kind"]
    found = run("tune", table, *target, *args, "--quiet")
    assert message in found.error
    assert list(tmp_path.iterdir()) == [tmp_path / table]


@pytest.mark.parametrize("data", ["mnist", "x.npz"])
def test_only_tables(run, data):
    assert "DATA must be a table with column names" in run("tune", data).error


def test_a_class_weight_is_for_classes(run, table):
    error = run("tune", table, "--target", "size", "--class-weight", "balanced").error
    assert "--class-weight must be left out in regression" in error
