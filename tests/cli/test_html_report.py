"""``multilayer report``: pages that are whole, safe, and say what ``evaluate`` says."""

import base64
import io
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from multilayer import MLPClassifier, Perceptron, TabularRegressor, save
from multilayer._cli.html_report import stages
from multilayer._cli.measures import number_figures
from multilayer._cli.page import Cell, element, table
from multilayer._cli.report_facts import NumberResults
from multilayer._cli.report_page import _coverage
from multilayer._cli.report_subject import content_of

pytest.importorskip("matplotlib", reason="pages have pictures")

VOID = {"meta", "img"}
SCRIPT = "<script>alert(1)</script>"
IMAGE = "</td><img src=x onerror=alert(1)>"
LONG = "a very long name of a column, " * 4


class Page(HTMLParser):
    """The elements of a page, which must be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.text, self.open, self.tags, self.attributes = text, [], [], []
        self.words, self.headings = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *each) for each in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)

    @property
    def pictures(self):
        prefix = "data:image/svg+xml;base64,"
        found = [value for tag, name, value in self.attributes if (tag, name) == ("img", "src")]
        assert all(value.startswith(prefix) for value in found)
        return [base64.b64decode(value.removeprefix(prefix)).decode() for value in found]


@pytest.fixture
def page(tmp_path):
    """Return a function that reads a page, and checks what holds for every one."""

    def read(name="report.html"):
        found = Page((tmp_path / name).read_text(encoding="utf-8"))
        assert found.text.startswith("<!DOCTYPE html>")
        assert not {"script", "link", "iframe", "object"} & set(found.tags)
        for tag, name, value in found.attributes:
            assert name in ("src", "href") or not name.startswith("on")
            if name in ("src", "href"):
                assert (tag, value[:5]) == ("img", "data:")
        assert "default-src 'none'" in found.text
        for picture in found.pictures:
            assert re.search(r"(href|src)=\"https?:|<script|<foreignObject", picture) is None
        return found

    return read


# A single network, with a scaler before it ----------------------------------------------------


def test_a_page_says_what_evaluate_says(run, table, model, page):
    expected = run("evaluate", model, table, "--json").json
    ran = run("report", model, table, "--html", "report.html", "--repeats", "2")
    assert ran.code == 0
    assert ran.out == "report written to report.html\n"
    assert [line.split()[0] for line in ran.err.splitlines()] == [
        "predicting",
        "intervals",
        "importance",
        "drawing",
    ]
    found = page()
    assert found.headings == [
        "things.safetensors on things.csv",
        "How good the predictions are",
        "What is confused",
        "Calibration",
        "What the predictions depend on",
        "Training",
        "Model",
        "Data",
    ]
    words = found.words
    assert words[words.index("accuracy") + 1] == f"{expected['accuracy']:.2%}"
    assert words[words.index("log loss") + 1] == f"{expected['log_loss']:.4g}"
    assert "base rate: always other" in words or "base rate: always long [bold]kind" in words
    assert "long [bold]kind" in words
    assert "The model was trained on some of these rows: new ones are harder." in words
    assert "StandardScaler + MLPClassifier" in words
    assert any(re.fullmatch(r"5 epochs; the network of epoch \d is used\.", word) for word in words)
    curves, score = found.pictures[2:]
    for text in ("training", "validation", "chosen epoch"):
        assert text in curves
    assert "validation score" in score
    assert "size" in found.pictures[1]


def test_figures_as_json(run, table, model, tmp_path):
    expected = run("evaluate", model, table, "--json").json
    args = ("report", model, table, "--html", "report.html", "--repeats", "1", "--json")
    ran = run(*args)
    assert ran.err == ""
    found = ran.json
    assert found["html"] == "report.html"
    assert found["rows"] == 200
    assert found["trained_on_some_rows"] is True
    for name, figure in found["figures"].items():
        assert figure["value"] == expected[name]
        assert figure["low"] <= figure["high"]
    accuracy = found["figures"]["accuracy"]
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert {each["name"] for each in found["importances"]} == {"size", "width", "flag"}
    first = (tmp_path / "report.html").read_bytes()
    assert run(*args).json == found
    assert (tmp_path / "report.html").read_bytes() == first


def test_importances_of_another_score_and_none(run, table, model, page):
    options = ("--html", "report.html", "--repeats", "1", "--scoring", "roc_auc")
    assert run("report", model, table, *options).code == 0
    assert "fall of the score (roc_auc)" in page().pictures[1]
    ran = run("report", model, table, "--html", "report.html", "--repeats", "0", "--json")
    assert ran.json["importances"] is None
    assert "Importances were left out by --repeats 0." in page().words
    assert len(page().pictures) == 3


# Raw tables: numbers and their intervals ------------------------------------------------------


@pytest.fixture(scope="module")
def prices():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "area": rng.uniform(20, 120, 90),
            "town": rng.choice(["Rome", "Lima"], 90).astype(object),
            "shop": "main",
            "built": pd.date_range("2020-01-01", periods=90),
        }
    )
    frame["price"] = 30.0 * frame["area"] + 500 * (frame["town"] == "Rome")
    frame.loc[::10, "area"], frame.loc[::7, "town"] = np.nan, None
    return frame


@pytest.fixture(scope="module")
def regressor(prices):
    X, y = prices.drop(columns="price"), prices["price"]
    return TabularRegressor(n_estimators=2, n_folds=2, random_state=0).fit(X, y)


def test_numbers(run, prices, regressor, page, tmp_path):
    save(regressor, tmp_path / "m.safetensors")
    prices.to_parquet(tmp_path / "prices.parquet")
    ran = run(
        "report", "m.safetensors", "prices.parquet", "--target", "price", "--html", "report.html"
    )
    assert ran.code == 0, ran.err
    found = page()
    assert found.headings[1:] == [
        "How good the predictions are",
        "Errors",
        "Coverage of the intervals",
        "What the predictions depend on",
        "Training",
        "Model",
        "Data",
    ]
    words = found.words
    X, y = prices.drop(columns="price"), prices["price"]
    assert words[words.index("R2") + 1] == f"{regressor.score(X, y):.4g}"
    low, high = regressor.predict_interval(X, 0.9).T
    share = np.mean((low <= y) & (y <= high))
    assert words[words.index("90%") + 1] == f"{share:.2%}"
    assert "dropped: constant" in words
    assert "2 different: " in next(word for word in words if word.startswith("2 different"))
    assert words[words.index("town", words.index("role")) + 2] == str(prices["town"].isna().sum())
    assert any("networks of epoch" in word for word in words)
    assert "out of fold" in found.pictures[-2]


def test_intervals_that_there_are_not():
    y = np.array([1.0, 2.0, 4.0])
    found = NumberResults(number_figures(y, y), y, y, (0.9,), None, "It predicts none.")
    assert "There are no intervals to judge. It predicts none." in _coverage(found).text


# Names and labels that are anything -----------------------------------------------------------


@pytest.fixture
def many(tmp_path):
    """Write a network of 25 classes that has learnt nothing, and rows with ugly names."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(100, 3)), columns=[SCRIPT, LONG, "cost $x_1$ in $\x1b"])
    labels = np.array([f"{IMAGE} {i:02d}" for i in range(25)])[rng.permutation(100) % 25]
    clf = MLPClassifier((2,), max_iter=0, random_state=0).fit(rows, labels)
    save(clf, tmp_path / "many.safetensors")
    rows.assign(**{"the & target": labels}).to_parquet(tmp_path / "many.parquet")
    return "report", "many.safetensors", "many.parquet", "--target", "the & target"


def test_nothing_of_the_data_is_markup_and_many_classes_have_no_matrix(run, many, page):
    ran = run(*many, "--html", "report.html", "--repeats", "1")
    assert ran.code == 0, ran.err
    found = page()  # no script, and no image but the page's own
    assert SCRIPT in found.words
    assert "cost $x_1$ in $\\x1b" in found.words
    assert "\x1b" not in found.text
    assert any(word.startswith(IMAGE) for word in found.words)
    assert found.tags.count("img") == len(found.pictures)
    assert "The model file has no curves of training." in found.words
    assert "The most frequent mistakes among 25 classes." in found.words
    kinds = [value for tag, name, value in found.attributes if (tag, name) == ("table", "class")]
    assert "matrix" not in kinds
    assert LONG not in found.words
    assert ("td", "title", LONG) in found.attributes


# Refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--html", "none/x.html"], "folder"),
        (["--html", "things.csv"], "--html must be another file than things.csv"),
        (["--html", "things.safetensors"], "--html must be another file than things.safetensors"),
        (["--html", "."], "it is a folder"),
        (["--html", "x.html", "--target", "kin"], "Did you mean 'kind'?"),
        (["--html", "x.html", "--repeats", "-1"], "--repeats must be an integer of at least 0"),
        (["--html", "x.html", "--seed", "-1"], "--seed must be an integer from 0"),
        (["--html", "x.html", "--scoring", "acuracy"], "Did you mean 'accuracy'?"),
        (["--html", "x.html", "--scoring", "loss"], "Write neg_log_loss"),
        ([], "Missing option '--html'"),
    ],
)
def test_refused(run, table, model, tmp_path, args, message):
    assert message in run("report", model, table, *args).error
    assert not (tmp_path / "x.html").exists()


def test_a_page_needs_matplotlib(run, table, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    error = run("report", model, table, "--html", "x.html").error
    assert error.endswith("Install it: pip install matplotlib.")


def test_models_that_evaluate_refuses(run, table, tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    save(Perceptron().fit(X, X[:, 0] > 0), tmp_path / "p.safetensors")
    error = run("report", "p.safetensors", table, "--html", "x.html").error
    assert "must end in an MLPClassifier or MLPRegressor for report" in error


# The parts ------------------------------------------------------------------------------------


def test_text_is_escaped():
    found = element("p", "a < b & \x07", element("b", None), title='"<', class_=None).text
    assert found == '<p title="&quot;&lt;">a &lt; b &amp; \\x07<b></b></p>'
    cells = table(("x", "n"), [("<", Cell("1", 0.8, "t"))], numbers=(1,), stacked=True).text
    assert '<td data-label="x">&lt;</td>' in cells
    assert 'class="number"' in cells
    assert "rgba(31,95,150,0.800)" in cells


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1.0, np.nan, 3.0]), (1, "1 to 3, median 2")),
        (np.array([2.0, 2.0]), (0, "always 2")),
        (np.array([np.nan]), (1, "nothing")),
        (pd.Series(["a", "b", "a", None]), (1, "2 different: a (2), b (1)")),
        (pd.Series([True, False, True]), (0, "2 different: True (2), False (1)")),
        (pd.Series([1, None], dtype="Int64"), (1, "always 1")),
        (pd.Series(list("abcd"), dtype="category"), (0, "4 different: a (1), b (1), c (1), ...")),
        (
            pd.Series(pd.to_datetime(["2024-01-02", "2024-01-01"])),
            (0, "2024-01-01 00:00:00 to 2024-01-02 00:00:00"),
        ),
    ],
)
def test_content_of_columns(values, expected):
    assert content_of(values) == expected


def test_progress():
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80)
    with stages(terminal, silent=False)("counting", 2) as advance:
        advance()
        advance()
    assert "2/2" in terminal.file.getvalue()
    plain = Console(file=io.StringIO())
    for silent, expected in ((False, "counting\n"), (True, "counting\n")):
        with stages(plain, silent=silent)("counting", 2) as advance:
            advance()
        assert plain.file.getvalue() == expected
