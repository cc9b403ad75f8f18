"""``multilayer train`` on tables as they come, and what its models are used for."""

import contextlib
import csv
import functools
import io
import json
import sys

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.datasets import load_iris
from sklearn.metrics import r2_score, roc_auc_score

from multilayer import TabularClassifier, TabularEncoder, TabularRegressor, load
from multilayer._cli import tabular_training
from multilayer._cli.column_notes import gives_away, in_options, print_roles
from multilayer._cli.console import EnsembleBar, Follower, ensemble_follower, remarks
from multilayer._cli.main import main
from multilayer._engine.callbacks.protocol import Progress

from .conftest import Ran

N = 120


def make_visits():
    rng = np.random.default_rng(0)
    town = rng.choice(["Rome", "Lima", "Oslo"], N).astype(object)
    age = rng.integers(18, 80, N).astype(float)
    rome = town == "Rome"
    bought = rome | (age > 50)
    town[::11], age[::7] = None, np.nan
    return pd.DataFrame(
        {
            "ticket": [f"T{i:04d}" for i in rng.permutation(N)],
            "age": age,
            "town": town,
            "day": pd.date_range("2024-01-01", periods=N).astype(str),
            "grade": rng.choice(["1", "2", "x"], N),
            "shop": "main",
            "spent": np.round(20 + 30 * rome + rng.normal(size=N), 2),
            "bought": np.where(bought, "yes", "no"),
        }
    )


VISITS = make_visits()
DROPPED = ("dropped:", "--role", "says", "so")


def train(folder, *options):
    """Train in a folder; return what was printed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["train", "visits.csv", *options])
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """A folder with the table and a classifier, and what was printed."""
    folder = tmp_path_factory.mktemp("classes")
    VISITS.drop(columns="spent").to_csv(folder / "visits.csv", index=False)
    ran = train(folder, "--target", "bought", "--id", "ticket", "--test-fraction", "0.2")
    assert ran.code == 0, ran.err
    return folder, ran


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """A folder with the table and a regressor, and what was printed as JSON."""
    folder = tmp_path_factory.mktemp("numbers")
    VISITS.to_csv(folder / "visits.csv", index=False)
    options = ("--target", "spent", "--drop", "bought", "--json", "--role", "grade=drop")
    few = functools.partial(TabularRegressor, n_folds=2, n_estimators=2)
    with pytest.MonkeyPatch.context() as patch:  # what is printed is the same of few networks
        patch.setattr(tabular_training, "TabularRegressor", few)
        ran = train(folder, *options)
    assert ran.code == 0, ran.err
    return folder, ran


@pytest.fixture
def visits(tmp_path):
    VISITS.to_csv(tmp_path / "visits.csv", index=False)
    return "visits.csv"


# What is printed ------------------------------------------------------------------------------


def test_what_was_decided_is_printed(classes):
    first, second, *rest = classes[1].err.splitlines()
    assert first == "visits.csv: 96 rows to train on, 24 to test; 5 columns"
    assert second == "target bought: classification (2 classes: 'no', 'yes')"
    roles = {line.split()[0]: line.split()[2] for line in rest if len(line.split()) > 2}
    assert roles["age"] == "numeric"
    assert roles["town"] == roles["grade"] == "categorical"
    assert roles["day"] == "datetime"
    assert "ticket" not in roles
    assert any(line.split()[-2:] == ["dropped:", "constant"] for line in rest)
    assert any(line.startswith("epoch 3  loss out of fold ") for line in rest)


def test_the_result_is_printed(classes):
    out = classes[1].out
    for words in ("accuracy out of fold", "networks", "On 24 rows set aside", "ROC AUC"):
        assert words in out
    assert "of 'yes'" in out
    assert "next: multilayer predict visits.safetensors NEW_ROWS.csv" in out


def test_json(numbers):
    _, ran = numbers
    assert ran.err == ""
    found = ran.json
    assert found["task"] == "regression"
    assert found["recipe"] == "tabular"
    assert found["roles"]["age"] == "numeric"
    assert set(found["dropped"]) == {"ticket", "shop", "grade"}
    assert found["rows"] == {"train": N, "test": 0}
    assert found["out_of_fold_score"] > 0.5
    assert found["test"] is None
    assert json.loads(json.dumps(found)) == found


# Models ---------------------------------------------------------------------------------------


@pytest.fixture
def use(run, tmp_path):
    """Return a function that copies the files of a folder here."""

    def use(folder):
        for path in folder[0].iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        return load("visits.safetensors")

    return use


def rows_of(text):
    return list(csv.reader(io.StringIO(text)))


def test_the_model_is_that_of_python(classes, use):
    model = use(classes)
    assert isinstance(model, TabularClassifier)
    assert model.feature_names_in_.tolist() == ["age", "town", "day", "grade", "shop"]
    assert model.report_.n_rows == 96
    assert model.random_state == 0


def test_predictions_have_the_ids(classes, use, run):
    model = use(classes)
    header, *rows = rows_of(run("predict", "visits.safetensors", "visits.csv", "--proba").out)
    assert header == ["ticket", "prediction", "probability_no", "probability_yes"]
    assert [row[0] for row in rows] == VISITS["ticket"].tolist()
    assert [row[1] for row in rows] == model.predict(VISITS[model.feature_names_in_]).tolist()
    expected = model.predict_proba(VISITS[model.feature_names_in_])
    np.testing.assert_allclose(np.array([row[2:] for row in rows], float), expected, rtol=1e-8)


def test_the_target_and_the_columns_that_were_dropped_may_be_absent(classes, use, run, tmp_path):
    use(classes)
    with_all = run("predict", "visits.safetensors", "visits.csv")
    VISITS[["town", "ticket", "day", "age", "grade"]].to_csv(tmp_path / "new.csv", index=False)
    without = run("predict", "visits.safetensors", "new.csv")
    assert without.err == ""
    assert without.out == with_all.out


def test_other_ids_and_none(classes, use, run, tmp_path):
    use(classes)
    names = VISITS[["age", "town", "day", "grade"]].assign(row=np.arange(N) + 7)
    names.to_csv(tmp_path / "new.csv", index=False)
    ran = run("predict", "visits.safetensors", "new.csv", "--id", "row", "--json")
    assert ran.json["ids"]["row"][:2] == ["7", "8"]
    names.drop(columns="row").to_csv(tmp_path / "new.csv", index=False)
    ran = run("predict", "visits.safetensors", "new.csv")
    assert ran.err == (
        "warning: new.csv lacks 'ticket', which named the rows in training: predictions are in the "
        "order of the rows.\n"
    )
    assert rows_of(ran.out)[0] == ["prediction"]


def test_predictions_as_parquet(classes, use, run, tmp_path):
    use(classes)
    run("predict", "visits.safetensors", "visits.csv", "--proba", "-o", "p.parquet")
    written = pd.read_parquet(tmp_path / "p.parquet")
    assert written.columns.tolist() == ["ticket", "prediction", "probability_no", "probability_yes"]
    printed = rows_of(run("predict", "visits.safetensors", "visits.csv").out)[1:]
    assert written[["ticket", "prediction"]].to_numpy().tolist() == printed


def test_standard_input(classes, use, run, monkeypatch):
    use(classes)
    expected = run("predict", "visits.safetensors", "visits.csv").out
    content = io.BytesIO(VISITS.drop(columns="spent").to_csv(index=False).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    assert run("predict", "visits.safetensors", "-").out == expected


def test_categories_that_look_like_numbers_in_new_rows(classes, use, run, tmp_path):
    model = use(classes)
    some = VISITS[VISITS["grade"] != "x"]
    some.drop(columns=["spent", "bought"]).to_csv(tmp_path / "new.csv", index=False)
    predicted = run("predict", "visits.safetensors", "new.csv", "--proba").out
    expected = model.predict_proba(some[model.feature_names_in_])
    found = np.array([row[2:] for row in rows_of(predicted)[1:]], float)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_evaluate(classes, use, run):
    model = use(classes)
    found = run("evaluate", "visits.safetensors", "visits.csv", "--json").json
    X, y = VISITS[model.feature_names_in_], VISITS["bought"]
    assert found["accuracy"] == model.score(X, y)
    expected = roc_auc_score(y == "yes", model.predict_proba(X)[:, 1])
    assert found["auc"] == pytest.approx(expected)
    assert found["positive"] == "yes"
    assert found["trained_on_some_rows"] is True
    shown = run("evaluate", "visits.safetensors", "visits.csv").out
    for words in ("base rate", "balanced accuracy", "log loss", "Brier score", "calibration error"):
        assert words in shown


def test_numbers(numbers, use, run):
    model = use(numbers)
    assert isinstance(model, TabularRegressor)
    assert model.feature_roles_["grade"] == "drop"
    found = run("evaluate", "visits.safetensors", "visits.csv", "--json").json
    predicted = model.predict(VISITS[model.feature_names_in_])
    assert found["r2"] == pytest.approx(r2_score(VISITS["spent"], predicted))
    assert found["rmse"] < found["base_rmse"]
    shown = run("evaluate", "visits.safetensors", "visits.csv").out
    assert "root mean squared error" in shown
    printed = np.array(rows_of(run("predict", "visits.safetensors", "visits.csv").out)[1:], float)
    np.testing.assert_allclose(printed[:, 0], predicted)
    refused = run("predict", "visits.safetensors", "visits.csv", "--proba").error
    assert "--proba is for classes" in refused
    refused = run("predict", "visits.safetensors", "visits.csv", "--quantiles", "0.1").error
    assert "which ends in a TabularRegressor. It has intervals: --interval 0.9." in refused


def test_intervals_of_numbers(numbers, use, run):
    model = use(numbers)
    low, high = model.predict_interval(VISITS[model.feature_names_in_], 0.8).T
    ran = run("predict", "visits.safetensors", "visits.csv", "--interval", "0.8")
    header, *rows = rows_of(ran.out)
    assert header[-3:] == ["prediction", "lower", "upper"]
    np.testing.assert_allclose(np.array(rows, float)[:, -2:], np.column_stack([low, high]))
    found = run("evaluate", "visits.safetensors", "visits.csv", "--json").json
    low, high = model.predict_interval(VISITS[model.feature_names_in_]).T
    assert found["coverage"] == np.mean((low <= VISITS["spent"]) & (VISITS["spent"] <= high))
    assert found["interval_width"] == pytest.approx(np.mean(high - low))


def test_rows_that_lack_a_column(classes, use, run, tmp_path):
    use(classes)
    VISITS.drop(columns=["spent", "town"]).to_csv(tmp_path / "new.csv", index=False)
    assert "was trained on: 'town'" in run("predict", "visits.safetensors", "new.csv").error
    VISITS.to_csv(tmp_path / "new.csv", index=False)
    assert "--drop spent" in run("predict", "visits.safetensors", "new.csv").error


# Options --------------------------------------------------------------------------------------


def params_of(run, monkeypatch, cls, *args):
    """Return what an estimator is constructed with."""
    seen = {}

    def fit(self, X, y):
        seen.update(self.get_params(), rows=len(y))
        raise KeyboardInterrupt

    monkeypatch.setattr(cls, "fit", fit)
    assert run(*args).code == 130
    return seen


def test_options_reach_the_estimator(run, visits, monkeypatch):
    options = ("--class-weight", "balanced", "--scoring", "roc_auc", "--time-budget", "7")
    args = ("train", visits, "--target", "bought", *options, "--seed", "3", "--keep", "age")
    seen = params_of(run, monkeypatch, TabularClassifier, *args, "--role", "grade=categorical")
    assert (seen["class_weight"], seen["scoring"], seen["time_budget"]) == (
        "balanced",
        "roc_auc",
        7.0,
    )
    assert seen["random_state"] == 3
    assert seen["feature_roles"] == {"age": "numeric", "grade": "categorical"}
    assert seen["rows"] == N


def test_the_task_is_that_of_the_option(run, tmp_path, monkeypatch):
    VISITS.assign(stars=np.arange(N) % 5).to_csv(tmp_path / "d.csv", index=False)
    args = ("train", "d.csv", "--target", "stars")
    assert params_of(run, monkeypatch, TabularClassifier, *args)["rows"] == N
    task = ("--task", "regression")
    assert params_of(run, monkeypatch, TabularRegressor, *args, *task)["rows"] == N


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", "5"], "--epochs must be left out with the recipe tabular"),
        (["--hidden", "5"], "Add --recipe table for a single network."),
        (["--patience", "5"], "--patience must be left out"),
        (["--checkpoint", "runs"], "--checkpoint must be left out"),
        (["--no-scale"], "--no-scale must be left out"),
        (["--validation-fraction", "0.1"], "--validation-fraction must be left out"),
        (["--recipe", "table", "--role", "age=drop"], "--role must be left out with the recipe"),
        (["--task", "ranking"], "--task must be one of"),
        (["--class-weight", "even"], "--class-weight must be one of"),
        (["--scoring", "rocauc"], "--scoring must be"),
        (["--time-budget", "0"], "--time-budget must be a number in (0, inf)"),
        (["--role", "age"], "--role must be COLUMN=ROLE"),
        (["--role", "age=number"], "--role age must be one of"),
        (["--role", "old=drop"], "--role must be a column"),
        (["--role", "bought=drop"], "--role must be a column that is not the target"),
        (["--id", "tickt"], "Did you mean 'ticket'?"),
        (["--id", "bought"], "--id must be another column than --target"),
        (["--keep", "ticket", "--id", "ticket"], "--keep must be a column that is not"),
        (["--test-fraction", "0.001"], "would have 0 rows"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_are_refused(run, visits, tmp_path, options, words):
    assert words in run("train", visits, "--target", "bought", *options).error
    assert [path.name for path in tmp_path.iterdir()] == ["visits.csv"]


def test_regression_has_no_class_weight(run, visits):
    args = ("train", visits, "--target", "spent", "--class-weight", "balanced")
    assert "--class-weight must be left out in regression" in run(*args).error


def test_arrays_are_for_single_networks(run):
    assert "--recipe must be one of" in run("train", "mnist", "--recipe", "tabular").error
    assert "--role must be left out" in run("train", "mnist", "--role", "a=drop").error


# Columns --------------------------------------------------------------------------------------


def test_free_text_is_refused_by_the_options_of_the_command_line(run, tmp_path):
    words = np.random.default_rng(0).choice(["red", "tall", "old", "new"], (N, 5))
    texts = [f"{' '.join(row)} {i}" for i, row in enumerate(words)]
    VISITS.assign(**{"the note": texts}).to_csv(tmp_path / "d.csv", index=False)
    error = run("train", "d.csv", "--target", "bought").error
    assert "--role 'the note=drop'" in error
    assert "--role 'the note=categorical'" in error
    assert "feature_roles" not in error


def test_messages_name_the_option():
    message = (
        """feature_roles["it's"] must be odd, got feature_roles["it's"]='x'. See feature_roles."""
    )
    assert in_options(message).startswith("""--role 'it'"'"'s' must be odd""")
    assert in_options(message).endswith("See --role.")


RNG = np.random.default_rng(0)
KINDS = RNG.choice(["a", "b", "c"], N)
PRICES = np.exp(RNG.normal(size=N))


@pytest.mark.parametrize(
    ("column", "target", "leaks"),
    [
        (KINDS, KINDS, True),
        (pd.Series(KINDS).map({"a": 7, "b": 3, "c": 5}), KINDS, True),
        (pd.Series(KINDS).replace("a", None), KINDS, True),
        (RNG.permutation(KINDS), KINDS, False),
        (np.arange(N), KINDS, False),
        (np.where(KINDS == "a", "x", "y"), KINDS, False),
        (np.log(PRICES), PRICES, True),
        (-3 * PRICES, PRICES, True),
        (RNG.permutation(PRICES), PRICES, False),
        (PRICES + RNG.normal(size=N) / 10, PRICES, False),
        ([str(i) for i in range(N)], PRICES, False),
        (np.round(PRICES), np.round(PRICES) * 2, True),
    ],
)
def test_columns_that_give_the_target_away(column, target, leaks):
    classes = target is KINDS
    assert gives_away(pd.Series(column), np.asarray(target), classes=classes) == leaks


def test_remarkable_columns_are_named(run, tmp_path, monkeypatch):
    frame = VISITS.assign(
        code=VISITS["bought"].map({"yes": 1, "no": 0}),
        year=1900 + np.arange(N),
        customerId=np.random.default_rng(0).permutation(10 * N)[:N],
    )
    frame.index = np.random.default_rng(1).permutation(N)
    frame.to_csv(tmp_path / "d.csv")

    def fit(self, X, y):
        assert "Unnamed: 0" not in X
        raise KeyboardInterrupt

    monkeypatch.setattr(TabularClassifier, "fit", fit)
    ran = run("train", "d.csv", "--target", "bought", "--quiet")
    unnamed, numbered, leaks, interrupted = ran.err.splitlines()
    assert "columns without a name, 'Unnamed: 0', which are left out" in unnamed
    assert "--drop year --drop customerId, or --id" in numbered
    assert "determine the target 'bought' one to one: 'code'." in leaks
    assert interrupted == "Interrupted."
    dropped = ("--drop", "code", "--id", "year", "--drop", "customerId", "--drop", "Unnamed: 0")
    assert run("train", "d.csv", "--target", "bought", "--quiet", *dropped).err == "Interrupted.\n"


def test_roles_of_many_columns(run, tmp_path, monkeypatch):
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 99))).add_prefix("c")
    wide.assign(same=1, y=VISITS["bought"]).to_csv(tmp_path / "d.csv", index=False)

    def fit(self, X, y):
        raise KeyboardInterrupt

    monkeypatch.setattr(TabularClassifier, "fit", fit)
    lines = run("train", "d.csv", "--target", "y").err.splitlines()
    assert "and 60 more columns: 60 numeric" in lines
    assert any("dropped: constant" in line for line in lines)


@pytest.mark.parametrize("width", [72, 80, 120])
def test_roles_fit_the_screen(width, capsys):
    texts = np.random.default_rng(0).choice(["a rather long name", "another long name"], N)
    frame = VISITS.drop(columns="bought").assign(**{"the name of a column is longer": texts})
    encoder = TabularEncoder(feature_roles={"age": "drop"}).fit(frame)
    print_roles(Console(width=width), encoder)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert sum("categorical" in line for line in lines) == 3
    assert any(line.split() == ["age", "float64", "drop", *DROPPED] for line in lines)


# How training goes ----------------------------------------------------------------------------


def test_interruption(run, visits, monkeypatch):
    original = Follower.on_progress

    def interrupt(self, progress):
        original(self, progress)
        raise KeyboardInterrupt

    monkeypatch.setattr(Follower, "on_progress", interrupt)
    args = ("train", visits, "--target", "bought", "--id", "ticket", "--drop", "spent")
    ran = run(*args, "--test-fraction", "0.2", "--json")
    assert (ran.code, ran.err) == (130, "")
    assert ran.json["stop_reason"] == "interrupted"
    assert run("predict", "visits.safetensors", visits, "--drop", "spent").code == 0


def follow(progress, epochs):
    with progress:
        for epoch in range(epochs):
            report = {"epoch": epoch, "validation_loss": 0.25, "validation_score": 0.5}
            progress.on_epoch_end(report)
            step = (epoch + 1) * 64
            progress.on_progress(Progress(step, 64 * 31, 64, step / 10, 2.0))


def test_lines_stand_at_the_ends_of_cycles(capsys):
    follow(ensemble_follower(remarks(), None, classes=True, silent=False), 31)
    shown = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in shown] == ["1", "3", "7", "15", "31"]
    assert shown[-1] == "epoch 31  loss out of fold 0.2500  accuracy 50.00%"


@pytest.mark.parametrize("budget", [None, 100.0])
@pytest.mark.parametrize("width", [80, 120])
def test_bar_fits_its_terminal(width, budget, tmp_path):
    with open(tmp_path / "screen", "w+", encoding="utf-8") as screen:
        console = Console(file=screen, force_terminal=True, width=width, color_system=None)
        bar = ensemble_follower(console, budget, classes=False, silent=False)
        assert isinstance(bar, EnsembleBar)
        follow(bar, 15)
        screen.seek(0)
        last = screen.read().rsplit("\r", 1)[-1]
    assert "epoch 15" in last
    assert "R2 0.5000" in last
    assert "1:38" in last
    assert max(len(line) for line in last.splitlines()) <= width
    done = bar._bars.tasks[0].percentage
    assert done == pytest.approx(98 if budget else 100 * 15 / 31)


@pytest.mark.slow
def test_iris_is_learnt_by_one_command(run, tmp_path):
    """A support vector machine has 96 % of these rows, logistic regression too."""
    X, y = load_iris(as_frame=True, return_X_y=True)
    flowers = X.assign(species=y.map(dict(enumerate(load_iris().target_names))))
    flowers.to_csv(tmp_path / "flowers.csv", index=False)
    args = ("train", "flowers.csv", "--target", "species", "--test-fraction", "0.2", "--json")
    found = [run(*args, "--seed", str(seed)).json["test"] for seed in range(10)]
    assert {figures["rows"] for figures in found} == {30}
    assert np.mean([figures["accuracy"] for figures in found]) >= 0.95
