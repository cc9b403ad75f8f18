"""Files of weighted ensembles on the command line."""

import csv
import io

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import MLPClassifier, MLPRegressor, TabularClassifier, save
from multilayer.search import EnsembleClassifier, EnsembleRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SHORT = {"max_iter": 4, "random_state": 0}


def networks():
    return [("wide", MLPClassifier((6,), **SHORT)), ("deep", MLPClassifier((3, 3), **SHORT))]


@pytest.fixture(params=["networks", "behind steps", "of pipelines", "tables"])
def saved(request, frame, tmp_path):
    """Save an ensemble where the command line looks; return it, and its rows."""
    frame = frame[["size", "width", "kind"]]
    frame.to_csv(tmp_path / "table.csv", index=False)
    rows = frame[["size", "width"]]
    scaled = [(name, make_pipeline(StandardScaler(), each)) for name, each in networks()]
    tables = TabularClassifier(n_folds=2, n_estimators=2, random_state=0)
    model = {
        "networks": EnsembleClassifier(networks(), weights=[3, 1]),
        "behind steps": make_pipeline(StandardScaler(), EnsembleClassifier(networks())),
        "of pipelines": EnsembleClassifier(scaled),
        "tables": EnsembleClassifier([("one", tables), ("other", tables)]),
    }[request.param]
    save(model.fit(rows, frame["kind"]), tmp_path / "model")
    return model, rows, frame["kind"]


def test_predict_and_evaluate(run, saved):
    model, rows, kinds = saved
    ran = run("predict", "model", "table.csv", "--drop", "kind", "--proba")
    lines = list(csv.DictReader(io.StringIO(ran.out)))
    assert [line["prediction"] for line in lines] == model.predict(rows).tolist()
    shares = [float(value) for value in list(lines[0].values())[1:]]
    np.testing.assert_allclose(shares, model.predict_proba(rows)[0], rtol=1e-5)
    found = run("evaluate", "model", "table.csv", "--target", "kind", "--json").json
    assert found["accuracy"] == model.score(rows, kinds)
    squared = (model.predict_proba(rows)[:, 1] - (kinds == "other")) ** 2
    assert found["brier"] == pytest.approx(squared.mean(), rel=1e-4)


def test_info(run, saved):
    found = run("info", "model", "--json").json
    assert found["kind"].partition("EnsembleClassifier")[1]
    assert found["n_features"] == 2
    assert found["features"] == ["size", "width"]
    assert found["classes"] == ["long [bold]kind", "other"]
    members = found["members"]
    assert len(members) == 2
    assert sum(member["weight"] for member in members) == 1
    assert sum(member["n_parameters"] for member in members) == found["n_parameters"] > 0
    assert f"{members[0]['weight']:.3f} x {members[0]['name']}: " in run("info", "model").out


def test_export_and_report(run, frame, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("matplotlib")
    frame.to_csv(tmp_path / "table.csv", index=False)
    model = EnsembleRegressor([("a", MLPRegressor(hidden_layer_sizes=(3,), **SHORT))])
    save(model.fit(frame[["size"]], frame["width"]), tmp_path / "model")
    ran = run("export", "model", "--onnx", "model.onnx", "--json")
    assert [each["name"] for each in ran.json["outputs"]] == ["variable"]
    more = ("--target", "width", "--drop", "flag", "--drop", "kind", "--html", "report.html")
    ran = run("report", "model", "table.csv", *more)
    assert ran.code == 0
    page = (tmp_path / "report.html").read_text()
    assert "EnsembleRegressor(MLPRegressor)" in page
    assert "no curves of training" in page


def test_several_numbers(run, frame, tmp_path):
    frame.to_csv(tmp_path / "table.csv", index=False)
    model = EnsembleRegressor([("a", MLPRegressor(hidden_layer_sizes=(3,), **SHORT))])
    save(model.fit(frame[["size"]], frame[["size", "width"]].to_numpy()), tmp_path / "model")
    drops = ("--drop", "flag", "--drop", "kind", "--target", "width")
    assert (
        "MODEL must predict one column for evaluate"
        in run("evaluate", "model", "table.csv", *drops).error
    )
