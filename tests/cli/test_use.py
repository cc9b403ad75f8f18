"""``multilayer evaluate``, ``predict`` and ``info``."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.preprocessing import MinMaxScaler

from multilayer import MLPClassifier, MLPRegressor, __version__, load, save
from multilayer._cli.confusions import confusions

COLUMNS = ["size", "width", "flag"]


def test_evaluate(run, table, model, frame):
    found = run("evaluate", model, table, "--json").json
    loaded = load(model)
    expected = loaded.predict_proba(frame[COLUMNS])
    assert found["rows"] == 200
    assert found["accuracy"] == accuracy_score(frame["kind"], loaded.predict(frame[COLUMNS]))
    assert found["log_loss"] == pytest.approx(log_loss(frame["kind"], expected), rel=1e-5)
    assert found["trained_on_some_rows"] is True


def test_evaluate_for_people(run, table, model):
    ran = run("evaluate", model, table)
    assert ran.code == 0
    assert ran.err == ""
    assert "of 200 rows" in ran.out
    assert "long [bold]kind" in ran.out
    assert "trained on some of these rows" in ran.out


def test_order_of_columns_does_not_matter(run, model, table, frame, tmp_path):
    frame[["kind", "flag", "width", "size"]].to_csv(tmp_path / "turned.csv", index=False)
    found = [run("evaluate", model, name, "--json").json for name in (table, "turned.csv")]
    assert found[0]["accuracy"] == found[1]["accuracy"]


def test_predict(run, table, model, frame):
    ran = run("predict", model, table)
    assert ran.err == ""
    header, *labels = list(csv.reader(io.StringIO(ran.out)))
    assert header == ["prediction"]
    assert [label for (label,) in labels] == load(model).predict(frame[COLUMNS]).tolist()


def test_predict_without_the_target(run, model, frame, tmp_path):
    frame[COLUMNS].to_csv(tmp_path / "new.csv", index=False)
    assert len(run("predict", model, "new.csv").out.splitlines()) == 201


def test_predict_probabilities_to_a_file(run, table, model, frame, tmp_path):
    ran = run("predict", model, table, "--proba", "-o", "p.csv")
    assert ran.out == ""
    assert "200 predictions written to p.csv" in ran.err
    written = pd.read_csv(tmp_path / "p.csv")
    assert written.columns.tolist() == [
        "prediction",
        "probability_long [bold]kind",
        "probability_other",
    ]
    expected = load(model).predict_proba(frame[COLUMNS])
    np.testing.assert_allclose(written.iloc[:, 1:].to_numpy(), expected, rtol=1e-8)


def test_predict_json(run, table, model):
    found = run("predict", model, table, "--proba", "--json").json
    assert len(found["predictions"]) == len(found["probabilities"]) == found["rows"] == 200
    kept = run("predict", model, table, "--json", "-o", "p.csv").json
    assert kept["output"] == "p.csv"
    assert "predictions" not in kept


def test_dropped_columns_are_ignored_later(run, frame, tmp_path):
    frame.assign(id="x").to_csv(tmp_path / "data.csv", index=False)
    quick = ("--recipe", "table", "--hidden", "8", "--epochs", "1")
    run("train", "data.csv", "--target", "kind", "--drop", "id", "--quiet", *quick)
    assert run("evaluate", "data.safetensors", "data.csv").code == 0


def test_model_saved_in_python(run, table, frame, tmp_path):
    clf = MLPClassifier((8,), learning_rate="cosine", max_iter=3, random_state=0)
    save(clf.fit(frame[COLUMNS].to_numpy(np.float32), frame["kind"]), tmp_path / "own")
    assert "--target must name" in run("evaluate", "own", table).error
    found = run("evaluate", "own", table, "--target", "kind", "--json").json
    assert found["accuracy"] == load("own").score(
        frame[COLUMNS].to_numpy(np.float32), frame["kind"]
    )
    assert found["trained_on_some_rows"] is False
    assert run("predict", "own", table, "--drop", "kind").code == 0


def test_info(run, model):
    ran = run("info", model)
    assert ran.code == 0
    for words in (
        "StandardScaler + MLPClassifier",
        "3-8-1, 41 parameters",
        "'size'",
        "5 epochs in",
    ):
        assert words in ran.out
    found = run("info", model, "--json").json
    assert found["classes"] == ["long [bold]kind", "other"]
    assert found["features"] == COLUMNS
    assert found["target"] == "kind"
    assert found["versions"]["multilayer"] == __version__


def test_info_of_an_untrained_network_is_json(run, frame, tmp_path):
    clf = MLPClassifier((8,), learning_rate="cosine", max_iter=0)
    save(clf.fit(frame[COLUMNS], frame["kind"]), tmp_path / "own")
    assert run("info", "own", "--json").json["loss"] is None
    assert run("info", "own").code == 0


def test_confusions():
    y = np.array([0, 0, 0, 1, 1, 2])
    first, second = confusions(y, np.array([1, 2, 2, 1, 0, 2]))
    assert (first.label, first.rows, first.recall) == (0, 3, 0.0)
    assert (first.taken_for, first.times) == (2, 2)
    assert (second.label, second.recall, second.taken_for) == (1, 0.5, 0)
    assert confusions(y, y) == []


@pytest.fixture
def numbers(frame, tmp_path):
    """A regressor's file, trained to predict the size."""
    reg = MLPRegressor(
        hidden_layer_sizes=(4,), norm="batch", learning_rate="cosine", max_iter=5, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="worse than a constant"):
        reg.fit(frame[["width"]], frame["size"], X_val=frame[["width"]], y_val=frame["size"])
    save(reg, tmp_path / "numbers.safetensors")
    return "numbers.safetensors"


def test_a_model_that_predicts_numbers(run, table, numbers, frame, tmp_path):
    expected = load(tmp_path / numbers).predict(frame[["width"]])
    others = ("--drop", "flag", "--drop", "kind", "--drop", "size")
    header, *lines = run("predict", numbers, table, *others).out.splitlines()
    assert header == "prediction"
    np.testing.assert_allclose(np.array(lines, float), expected, rtol=1e-6)
    assert "--proba is for classes" in run("predict", numbers, table, "--proba", *others).err
    found = run("evaluate", numbers, table, "--target", "size", *others[:4], "--json").json
    assert found["r2"] == pytest.approx(r2_score(frame["size"], expected), rel=1e-5)
    for_people = run("evaluate", numbers, table, "--target", "size", *others[:4]).out
    assert "mean absolute error" in for_people
    shown = run("info", numbers).out
    assert "MLPRegressor" in shown
    assert "best validation R2" in shown
    assert f"{load(tmp_path / numbers).n_parameters_} parameters" in shown


def test_quantiles_of_a_model_that_has_them(run, table, frame, tmp_path):
    reg = MLPRegressor("quantile", (4,), learning_rate="cosine", max_iter=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="worse than a constant"):
        reg.fit(frame[["width"]], frame["size"])
    save(reg, tmp_path / "quantiles.safetensors")
    others = ("--drop", "flag", "--drop", "kind", "--drop", "size")
    asked = ("predict", "quantiles.safetensors", table, *others, "--quantiles")
    header, *lines = run(*asked, "0.1,0.9").out.splitlines()
    assert header == "prediction,quantile_0.1,quantile_0.9"
    expected = reg.predict(frame[["width"]], quantiles=(0.1, 0.5, 0.9))[:, [1, 0, 2]]
    written = np.array([line.split(",") for line in lines], float)
    np.testing.assert_allclose(written, expected, rtol=1e-6)
    found = run(*asked, "0.1,0.9", "--json").json
    assert found["quantiles"] == [0.1, 0.9]
    np.testing.assert_allclose(found["quantile_values"], expected[:, 1:], rtol=1e-6)
    for levels, words in (
        ("0.1;0.9", "commas between"),
        ("0.2", "among the levels"),
        ("2", "(0, 1)"),
    ):
        ran = run(*asked, levels)
        assert (ran.code, ran.out) == (2, "")
        assert words in ran.err


def test_intervals_of_a_calibrated_model(run, table, frame, tmp_path):
    reg = MLPRegressor(hidden_layer_sizes=(), max_iter=0, calibration_fraction=0.25, random_state=0)
    reg.fit(frame[["width"]], frame["size"])
    save(reg, tmp_path / "calibrated.safetensors")
    others = ("--drop", "flag", "--drop", "kind")
    command = ("predict", "calibrated.safetensors", table, *others, "--drop", "size", "--interval")
    header, *lines = run(*command, "0.8").out.splitlines()
    assert header == "prediction,lower,upper"
    rows = frame[["width"]]
    expected = np.column_stack([reg.predict(rows), reg.predict_interval(rows, 0.8)])
    written = np.array([line.split(",") for line in lines], float)
    np.testing.assert_allclose(written, expected, rtol=1e-6)
    found = run(*command, "0.8", "--json").json
    assert found["coverage"] == 0.8
    np.testing.assert_allclose(found["intervals"], expected[:, 1:], rtol=1e-6)
    run(*command, "0.8", "-o", "p.parquet")
    assert list(pd.read_parquet(tmp_path / "p.parquet")) == ["prediction", "lower", "upper"]
    for coverage, words in (
        ("1", "--interval must be a number in (0, 1)"),
        ("0.99", "at most 0.98"),
    ):
        ran = run(*command, coverage)
        assert (ran.code, ran.out) == (2, "")
        assert words in ran.err
    judged = ("evaluate", "calibrated.safetensors", table, "--target", "size", *others)
    low, high = reg.predict_interval(rows, 0.9).T
    inside = np.mean((low <= frame["size"]) & (frame["size"] <= high))
    assert run(*judged, "--json").json["coverage"] == inside
    assert f"{inside:.2%} (intervals for 90%, " in run(*judged).out
    assert "intervals, on 50 rows" in run("info", "calibrated.safetensors").out


def test_intervals_of_several_targets(run, table, frame, tmp_path):
    reg = MLPRegressor(hidden_layer_sizes=(), max_iter=0, calibration_fraction=0.25, random_state=0)
    save(reg.fit(frame[["width"]], frame[["size", "width"]]), tmp_path / "two.safetensors")
    others = ("--drop", "flag", "--drop", "kind", "--drop", "size")
    run("predict", "two.safetensors", table, *others, "--interval", "0.8", "-o", "p.csv")
    written = pd.read_csv(tmp_path / "p.csv")
    assert list(written)[1:] == ["lower_0", "upper_0", "lower_1", "upper_1"]
    second = reg.predict_interval(frame[["width"]], 0.8)[:, 1]
    np.testing.assert_allclose(written[["lower_1", "upper_1"]], second, rtol=1e-6)
    refused = run("evaluate", "two.safetensors", table, "--target", "size", *others[:4])
    assert "MODEL must predict one column for evaluate" in refused.err


def test_intervals_of_other_models_are_refused(run, model, table, numbers, frame, tmp_path):
    others = ("--drop", "flag", "--drop", "kind", "--drop", "size", "--interval", "0.9")
    ran = run("predict", numbers, table, *others)
    assert (ran.code, "MODEL must be calibrated for --interval" in ran.err) == (2, True)
    assert "call calibrate(X, y)" in ran.err
    ran = run("predict", model, table, "--interval", "0.9")
    assert (ran.code, "predicts classes. Use --proba" in ran.err) == (2, True)
    scaled = TransformedTargetRegressor(MLPRegressor(max_iter=0), transformer=MinMaxScaler())
    save(scaled.fit(frame[["width"]], frame["size"]), tmp_path / "scaled.safetensors")
    ran = run("predict", "scaled.safetensors", table, *others)
    assert (ran.code, "which ends in a TransformedTargetRegressor" in ran.err) == (2, True)


def test_quantiles_of_other_models_are_refused(run, model, table, numbers):
    others = ("--drop", "flag", "--drop", "kind", "--drop", "size", "--quantiles", "0.1")
    assert "loss='squared_error'" in run("predict", numbers, table, *others).err
    ran = run("predict", model, table, "--quantiles", "0.1")
    assert (ran.code, "predicts classes" in ran.err) == (2, True)
