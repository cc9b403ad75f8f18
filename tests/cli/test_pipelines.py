"""Pipelines that were saved in Python, on the command line: tables with text and gaps."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from multilayer import MLPClassifier, MLPRegressor, Perceptron, save

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 40
FRAME = pd.DataFrame(
    {
        "age": np.where(np.arange(N) % 5, np.arange(N) / N, np.nan),
        "city": np.array(["Seoul", "Köln", "Oslo"])[np.arange(N) % 3],
        "kind": np.array(["yes", "no"])[np.arange(N) // 20],
    }
)
TABLE = FRAME[["age", "city"]]
SHORT = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}


def columns():
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_column_transformer((numbers, ["age"]), (OneHotEncoder(), ["city"]))


@pytest.fixture
def saved(tmp_path):
    """Save a pipeline of a table and a network where the command line looks; return it."""
    FRAME.to_csv(tmp_path / "table.csv", index=False)
    model = make_pipeline(columns(), MLPClassifier(**SHORT)).fit(TABLE, FRAME["kind"])
    save(model, tmp_path / "model")
    return model


def test_predict(run, saved):
    ran = run("predict", "model", "table.csv", "--drop", "kind", "--proba")
    assert ran.code == 0
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [row["prediction"] for row in rows] == saved.predict(TABLE).tolist()
    shares = [float(value) for value in list(rows[0].values())[1:]]
    np.testing.assert_allclose(shares, saved.predict_proba(TABLE)[0], rtol=1e-6)


def test_evaluate(run, saved):
    found = run("evaluate", "model", "table.csv", "--target", "kind", "--json").json
    assert found["accuracy"] == saved.score(TABLE, FRAME["kind"])


def test_info(run, saved):
    found = run("info", "model", "--json").json
    inner = "Pipeline(SimpleImputer + StandardScaler) + OneHotEncoder"
    assert found["kind"] == f"ColumnTransformer({inner}) + MLPClassifier"
    assert found["features"] == ["age", "city"]
    assert found["layers"] == [4, 3, 1]
    assert run("info", "model").code == 0


def test_rows_that_no_step_takes(run, saved, tmp_path):
    TABLE.assign(city="Lima").to_csv(tmp_path / "other.csv", index=False)
    ran = run("predict", "model", "other.csv")
    assert ran.code != 0
    assert "cannot take these rows" in ran.err


def test_perceptron(run, tmp_path):
    FRAME.to_csv(tmp_path / "table.csv", index=False)
    model = make_pipeline(columns(), Perceptron(max_iter=5)).fit(TABLE, FRAME["kind"])
    save(model, tmp_path / "model")
    assert run("predict", "model", "table.csv", "--drop", "kind", "--json").code == 0
    assert run("info", "model", "--json").json["layers"] == [4, 1]
    for command in (("evaluate", "--target", "kind"), ("predict", "--drop", "kind", "--proba")):
        ran = run(command[0], "model", "table.csv", *command[1:])
        assert ran.code != 0
        assert "ends in a Perceptron" in ran.err


def test_transformed_targets(run, tmp_path):
    rows = pd.DataFrame({"a": np.arange(N) / N, "b": np.arange(N) % 7})
    rows.to_csv(tmp_path / "table.csv", index=False)
    regressor = TransformedTargetRegressor(MLPRegressor(**SHORT), transformer=MinMaxScaler())
    save(regressor.fit(rows, rows["a"] * 100), tmp_path / "model")
    ran = run("predict", "model", "table.csv")
    assert ran.code == 0
    assert len(ran.out.splitlines()) == N + 1
    found = run("info", "model", "--json").json
    assert found["kind"] == "TransformedTargetRegressor(MLPRegressor + MinMaxScaler)"


def test_many_classes(run, tmp_path):
    save(Perceptron(max_iter=1).fit(np.eye(900), np.arange(900) % 300), tmp_path / "model")
    found = run("info", "model", "--json").json
    assert (found["classes"], found["n_classes"]) == (None, 300)
    assert "300" in run("info", "model").out
