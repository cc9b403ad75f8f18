"""``multilayer export``."""

import json
import sys

import numpy as np
import pytest

from multilayer import MLPRegressor, load, save

onnx = pytest.importorskip("onnx")
pytest.importorskip("skl2onnx")
onnxruntime = pytest.importorskip("onnxruntime")

COLUMNS = ["size", "width", "flag"]


def test_export(run, model, frame):
    found = run("export", model, "--onnx", "things.onnx", "--json").json
    assert found == {
        "model": str(model),
        "onnx": "things.onnx",
        "inputs": [{"name": "X", "type": "float", "shape": [None, 3]}],
        "outputs": [
            {"name": "label", "type": "string", "shape": [None]},
            {"name": "probabilities", "type": "float", "shape": [None, 2]},
        ],
        "opset": 17,
        "bytes": found["bytes"],
    }
    session = onnxruntime.InferenceSession("things.onnx")
    rows = frame[COLUMNS].to_numpy(np.float32)
    (label,) = session.run(["label"], {"X": rows})
    same = frame[COLUMNS].astype(np.float32).astype(np.float64)
    np.testing.assert_array_equal(label, load(model).predict(same))
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["feature_names"]) == COLUMNS
    assert json.loads(facts["classes"]) == ["long [bold]kind", "other"]


def test_export_for_people(run, model):
    ran = run("export", model, "--onnx", "things.onnx", "--inputs", "double")
    assert ran.code == 0
    assert ran.err == ""
    lines = [line.rstrip() for line in ran.out.splitlines()]
    assert lines[:5] == [
        "things.onnx",
        "inputs   X: double (rows, 3)",
        "outputs  label: string (rows,)",
        "         probabilities: float (rows, 2)",
        "opset    17",
    ]


def test_numbers(run, tmp_path):
    X = np.arange(12.0).reshape(6, 2)
    reg = MLPRegressor(hidden_layer_sizes=(3,), max_iter=0, random_state=0).fit(X, X[:, 0])
    save(reg, tmp_path / "numbers.safetensors")
    found = run("export", "numbers.safetensors", "--onnx", "numbers.onnx", "--json").json
    assert found["outputs"] == [{"name": "variable", "type": "float", "shape": [None, 1]}]


def test_refusals(run, model, monkeypatch):
    assert "Missing option '--onnx'" in run("export", model).error
    assert "model file not found" in run("export", "none.safetensors", "--onnx", "x.onnx").error
    assert "does not exist" in run("export", model, "--onnx", "none/x.onnx").error
    assert "must be another file" in run("export", model, "--onnx", model).error
    assert "--inputs" in run("export", model, "--onnx", "x.onnx", "--inputs", "half").error
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    error = run("export", model, "--onnx", "x.onnx").error
    assert "skl2onnx, which is not installed. Install it: pip install onnx skl2onnx" in error
