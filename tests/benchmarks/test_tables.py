"""Ranks, comparisons and tests of the benchmark on tables; what it reads and writes."""

import importlib
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier

ROOT = Path(__file__).parents[2]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("a source distribution has no benchmarks", allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def repository_on_path():
    """Import `benchmarks` as `python -m benchmarks.tables` does, and take it away again."""
    sys.path.insert(0, str(ROOT))
    yield
    sys.path.remove(str(ROOT))


@pytest.fixture
def ranks():
    return importlib.import_module("benchmarks.tables.ranks")


@pytest.fixture
def results():
    return importlib.import_module("benchmarks.tables.results")


@pytest.fixture
def data():
    return importlib.import_module("benchmarks.tables.data")


@pytest.fixture
def report():
    return importlib.import_module("benchmarks.tables.report")


def of_tables(*values):
    """Scores of seed 0, one per table."""
    return {(f"t{number}", 0): value for number, value in enumerate(values)}


def test_mean_ranks_share_ties(ranks):
    found = ranks.mean_ranks({"a": of_tables(1, 2), "b": of_tables(1, 1), "c": of_tables(3, 2)})
    assert found == {"a": (1.5 + 2.5) / 2, "b": (1.5 + 1) / 2, "c": (3 + 2.5) / 2}
    assert sum(found.values()) == pytest.approx(1 + 2 + 3)


def test_mean_ranks_are_over_common_splits(ranks):
    partial = {("t1", 0): 5.0}
    found = ranks.mean_ranks({"a": of_tables(9, 2), "b": of_tables(1, 3), "c": partial})
    assert found == {"a": 1, "b": 2, "c": 3}
    with pytest.raises(ValueError, match="no split in common"):
        ranks.mean_ranks({"a": of_tables(1), "b": {("other", 0): 1.0}})


def test_relative_difference_is_bounded_and_antisymmetric(ranks):
    assert ranks.relative_difference(0, 0) == 0
    assert ranks.relative_difference(0, 0.1) == -2
    assert ranks.relative_difference(3, 1) == -ranks.relative_difference(1, 3) == 1


def test_comparison_counts_splits_and_tests_tables(ranks):
    rng = np.random.default_rng(0)
    keys = [(f"t{table}", seed) for table in range(8) for seed in range(3)]
    theirs = dict(zip(keys, rng.uniform(0.1, 0.3, len(keys)), strict=True))
    ours = {key: value * rng.uniform(0.8, 1.05) for key, value in theirs.items()}
    ours["t0", 0] = theirs["t0", 0]
    found = ranks.compare(ours, theirs | {("only theirs", 0): 1.0})
    assert (found.wins, found.ties, found.losses) == (
        sum(ours[key] < theirs[key] for key in keys),
        1,
        sum(ours[key] > theirs[key] for key in keys),
    )
    own, other = (
        np.reshape([scores[key] for key in keys], (8, 3)).mean(axis=1) for scores in (ours, theirs)
    )
    differences = (own - other) / ((own + other) / 2)
    assert found.n_tables == 8
    assert_allclose(found.difference, np.median(differences))
    assert_allclose(found.p_value, stats.wilcoxon(differences).pvalue)
    mirrored = ranks.compare(theirs, ours)
    assert (mirrored.wins, mirrored.losses) == (found.losses, found.wins)
    assert mirrored.p_value == pytest.approx(found.p_value)


def test_comparison_of_equals(ranks):
    found = ranks.compare(of_tables(1, 2, 0), of_tables(1, 2, 0))
    assert (found.wins, found.ties, found.losses, found.p_value) == (0, 3, 0, 1.0)


def test_holm_by_hand(ranks):
    # 3 * .01, then max(that, 2 * .02), then max(that, 1 * .03)
    assert ranks.holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert ranks.holm([0.9, 0.6]) == [1.0, 1.0]
    assert ranks.holm([]) == []


def make_results(results, contenders, tables=("one", "two"), seeds=(0, 1)):
    """A classification and a regression; the first contender is the best and the slowest."""
    found = []
    for table in tables:
        for seed in seeds:
            for place, contender in enumerate(contenders):
                score = 0.1 + 0.05 * place + 0.001 * seed
                scores = {"error": score, "log_loss": 2 * score}
                if table == "two":
                    scores = {"nrmse": score}
                found.append(
                    results.Result(
                        table=table,
                        task="regression" if table == "two" else "classification",
                        seed=seed,
                        contender=contender,
                        version="1.0",
                        machine="a machine",
                        n_train=1000 + seed,
                        fit_cpu=8.0 / (place + 1),
                        fit_wall=4.0 / (place + 1),
                        predict_cpu=0.1,
                        predict_wall=0.1,
                        **scores,
                    )
                )
    return found


def test_results_survive_the_file(results, tmp_path):
    file = tmp_path / "results.jsonl"
    assert results.read(file) == []
    found = make_results(results, ["multilayer"])
    for result in found:
        results.append(file, result)
    assert results.read(file) == found
    with file.open("a") as lines:
        lines.write(json.dumps({"mistake": 1}) + "\n")
    with pytest.raises(ValueError, match=r"results\.jsonl:5: unknown fields \['mistake'\]"):
        results.read(file)


def test_two_results_of_a_split_are_refused(results):
    found = make_results(results, ["multilayer"])
    with pytest.raises(ValueError, match="two results"):
        results.by_contender([*found, found[0]])


def rows_of(text, first):
    """The cells of the rows of a report that begin with a text."""
    lines = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [[cell.strip() for cell in line.strip("|").split("|")][1:] for line in lines]


def test_report_says_what_the_results_say(results, report):
    found = make_results(results, ["multilayer", "catboost", "lightgbm"])
    text = report.compose(found, "tables.png")
    # ranks, then seconds: totals and medians of cpu and wall, ratio, predictions
    assert rows_of(text, "CatBoost") == [
        ["2.00", "2.00", "2.00"],
        ["8.0", "4.0", "4.0", "2.0", "1.00", "0.20", "0.20"],
    ]
    assert rows_of(text, "multilayer")[1][4] == "2.00"
    assert rows_of(text, "log loss: LightGBM")[0][:2] == ["2-0-0", "1"]
    # columns in the order of the contenders' titles: multilayer, LightGBM, CatBoost
    cells = ["**0.1005** / 0.2010", "0.2005 / 0.4010", "0.1505 / 0.3010"]
    assert rows_of(text, "one")[0] == cells
    assert rows_of(text, "two")[0] == ["**0.1005**", "0.2005", "0.1505"]
    assert "Not all are complete" not in text


def test_report_leaves_out_what_not_all_finished(results, report):
    found = make_results(results, ["multilayer", "catboost"])
    found = [r for r in found if (r.contender, r.key) != ("catboost", ("one", 1))]
    text = report.compose(found, "tables.png")
    assert "error or nRMSE (n=3) | log loss (n=1) | nRMSE (n=2)" in text
    assert "CatBoost finished 3 of 4 splits" in text
    regressions = [r for r in found if (r.contender, r.table) != ("catboost", "one")]
    text = report.compose(regressions, "tables.png")
    assert "error or nRMSE (n=2) | log loss (n=0) | nRMSE (n=2)" in text
    apart = [r for r in found if (r.contender == "catboost") == (r.table == "one")]
    with pytest.raises(ValueError, match="no split in common"):
        report.compose(apart, "tables.png")


def test_report_without_multilayer_compares_nothing(results, report):
    text = report.compose(make_results(results, ["catboost", "lightgbm"]), "tables.png")
    assert "won, tied" not in text


def test_picture_labels_every_contender(results, tmp_path):
    picture = importlib.import_module("benchmarks.tables.picture")
    contenders = importlib.import_module("benchmarks.tables.contenders")
    picture.draw(make_results(results, list(contenders.TITLES)), tmp_path / "tables.png")
    assert (tmp_path / "tables.png").stat().st_size > 10_000


def test_folder_of_tables(data, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=100), "target": ["x", "y"] * 50})
    frame.to_parquet(tmp_path / "small.parquet")
    (tmp_path / "tables.json").write_text('{"small": {"task": "classification", "rows": 100}}')
    table = data.read_folder(tmp_path)["small"]
    split = data.split(table, seed=3, max_rows=40)
    assert (len(split.X_train), len(split.X_test)) == (40, 20)
    assert list(split.X_train) == ["a"]
    assert np.unique(split.y_train, return_counts=True)[1].tolist() == [20, 20]
    again, other = data.split(table, 3, 40), data.split(table, 4, 40)
    assert split.X_train.equals(again.X_train)
    assert not split.X_test.equals(other.X_test)
    assert not set(split.X_train.index) & set(split.X_test.index)


@pytest.mark.parametrize(
    ("listed", "error", "message"),
    [
        ({"gone": {"task": "regression"}}, FileNotFoundError, "gone.parquet is missing"),
        ({"odd": {"task": "ranking"}}, ValueError, "odd: task must be one of"),
    ],
)
def test_folders_with_mistakes(data, tmp_path, listed, error, message):
    (tmp_path / "tables.json").write_text(json.dumps(listed))
    with pytest.raises(error, match=message):
        data.read_folder(tmp_path)


def test_rare_categories_become_one():
    frames = importlib.import_module("benchmarks.tables.contenders.frames")
    train = pd.DataFrame({"c": ["a"] * 3 + ["b"] * 2 + ["d", "e", None], "n": range(8)})
    prepare = frames.as_categories(train, most=3)
    test = pd.DataFrame({"c": ["a", "b", "d", "unseen", None], "n": range(5)})
    found = prepare(test)["c"]
    assert found.isna().tolist() == [False] * 4 + [True]
    assert found.dropna().tolist() == ["a", "b", "rare", "rare"]
    assert frames.as_categories(train)(test)["c"].isna().tolist() == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert test["c"].tolist()[:4] == ["a", "b", "d", "unseen"]


def test_missing_numbers_become_the_median_of_the_training_rows():
    frames = importlib.import_module("benchmarks.tables.contenders.frames")
    train = pd.DataFrame({"n": [1.0, 2.0, 9.0, None], "m": [None] * 4, "c": ["a", None, "b", "a"]})
    train["m"] = train["m"].astype(float)
    found = frames.without_missing(train)(train)
    assert found["n"].tolist() == [1, 2, 9, 2]
    assert found["m"].tolist() == [0] * 4
    assert found["c"].tolist() == ["a", "missing", "b", "a"]
    assert train.isna().sum().tolist() == [1, 4, 1]


@dataclass
class Constant:
    """Predicts the same row of probabilities for all, its classes in an order of its own."""

    classes_: list[str]
    row: list[float]

    def predict(self, X):
        return np.full((len(X), 1), self.classes_[int(np.argmax(self.row))], dtype=object)

    def predict_proba(self, X):
        return np.tile(np.float32(self.row), (len(X), 1))


def test_classes_are_scored_in_any_order(data):
    measure = importlib.import_module("benchmarks.tables.measure")
    y = np.array(["9", "10", "9", "11"], object)
    X = pd.DataFrame({"a": range(4)})
    model = Constant(["9", "10", "11"], [0.7, 0.3, 0.0])
    scores, _ = measure.score_classes(model, data.Split(X, y, X, y))
    assert scores["error"] == 0.5
    assert_allclose(scores["log_loss"], -np.log([0.7, 0.3, 0.7, 1e-15]).mean(), rtol=1e-6)
    with pytest.raises(ValueError, match="classes of the model"):
        measure.score_classes(Constant(["9", "10"], [0.7, 0.3]), data.Split(X, y, X, y))


def test_regressions_are_scored_relative_to_the_mean(data):
    measure = importlib.import_module("benchmarks.tables.measure")
    y = np.array([1.0, 2.0, 6.0])
    X = pd.DataFrame({"a": range(3)})
    scores, _ = measure.score_numbers(DummyRegressor().fit(X, y), data.Split(X, y, X, y))
    assert scores == {"nrmse": pytest.approx(1.0)}


@pytest.mark.slow
def test_a_run_measures_what_is_missing(data, results, tmp_path, capfd):
    driver = importlib.import_module("benchmarks.tables.driver")
    file = tmp_path / "results.jsonl"
    plan = driver.Plan(
        tables=[data.BUNDLED["iris"]],
        folder=None,
        seeds=[0],
        contenders=["sklearn_mlp", "histgb"],
        threads=1,
        max_rows=100,
        limit=300,
    )
    driver.run(plan, file)
    found = results.read(file)
    assert [result.contender for result in found] == plan.contenders
    split = data.split(data.BUNDLED["iris"], seed=0, max_rows=100)
    model = HistGradientBoostingClassifier(random_state=0).fit(split.X_train, split.y_train)
    assert found[1].error == np.mean(model.predict(split.X_test) != split.y_test)
    assert found[1].n_train == 100
    driver.run(replace(plan, seeds=[0, 1], contenders=["histgb"]), file)
    assert [result.seed for result in results.read(file)] == [0, 0, 1]
    capfd.readouterr()
    driver.run(replace(plan, seeds=[2], contenders=["histgb"], limit=0.1), file)
    assert "left out: 1/1 iris seed 2 histgb: not finished within" in capfd.readouterr().err
    assert len(results.read(file)) == 3
