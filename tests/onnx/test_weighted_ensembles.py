"""Weighted ensembles as ONNX graphs."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import (
    InvalidArgumentError,
    MLPClassifier,
    MLPRegressor,
    TabularClassifier,
    TabularRegressor,
    to_onnx,
)
from multilayer.search import EnsembleClassifier, EnsembleRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
THREE = np.array(["a", "b", "c"])[np.arange(40) % 3]
QUICK = {"max_iter": 0, "random_state": 0}
TARGETS = {
    "classes": THREE,
    "two classes": (np.arange(40) % 2) * 7,
    "labels": (X[:, :2] > 0).astype(int),
    "columns of classes": np.column_stack([THREE, np.where(X[:, 0] > 0, "high", "low")]),
}
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def networks():
    return [("wide", MLPClassifier((6,), **QUICK)), ("deep", MLPClassifier((3, 3), **QUICK))]


@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_classes(y, runner):
    model = EnsembleClassifier(networks(), weights=[3, 1]).fit(X, y)
    found = runner(to_onnx(model))(X)
    columns = (
        model.predict_proba(X) if isinstance(model.classes_, list) else [model.predict_proba(X)]
    )
    labels = model.predict(X).T if len(columns) > 1 else [model.predict(X)]
    for i, (proba, label) in enumerate(zip(columns, labels, strict=True)):
        end = f"_{i}" if len(columns) > 1 else ""
        np.testing.assert_allclose(found[f"probabilities{end}"], proba, **CLOSE)
        assert found[f"label{end}"].tolist() == label.tolist()


def test_behind_steps(runner):
    model = make_pipeline(StandardScaler(), EnsembleClassifier(networks())).fit(X, THREE)
    found = runner(to_onnx(model))(X)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(X), **CLOSE)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_numbers(n_targets, runner):
    y = X[:, 0] * 9 if n_targets == 1 else X[:, :2] * 9
    scaled = MLPRegressor(hidden_layer_sizes=(4,), standardize_target=True, **QUICK)
    members = [("scaled", scaled), ("plain", MLPRegressor(hidden_layer_sizes=(3,), **QUICK))]
    model = EnsembleRegressor(members, weights=[1, 3]).fit(X, y)
    found = runner(to_onnx(model))(X)["variable"]
    np.testing.assert_allclose(found, model.predict(X).reshape(40, n_targets), **CLOSE)


@pytest.mark.parametrize("numbers", [False, True])
def test_raw_tables(numbers, runner):
    frame = pd.DataFrame({"size": X[:, 0].astype(float), "city": RNG.choice(["Oslo", "Bern"], 40)})
    one = TabularRegressor if numbers else TabularClassifier
    given = {"n_folds": 2, "n_estimators": 2}
    members = [(f"seed{i}", one(**given, random_state=i)) for i in range(2)]
    kind = EnsembleRegressor if numbers else EnsembleClassifier
    model = kind(members).fit(frame, frame["size"] if numbers else THREE)
    found = runner(to_onnx(model))(frame)
    if numbers:
        np.testing.assert_allclose(found["variable"][:, 0], model.predict(frame), **CLOSE)
    else:
        np.testing.assert_allclose(found["probabilities"], model.predict_proba(frame), **CLOSE)
    plain = kind(members).fit(X, frame["size"] if numbers else THREE)
    with pytest.raises(InvalidArgumentError, match=r"^inputs must be given"):
        to_onnx(plain)  # of columns that rounding may move to another bin


def test_options_of_skl2onnx(runner):
    skl2onnx = pytest.importorskip("skl2onnx")
    model = EnsembleClassifier(networks()).fit(X, THREE)

    def converted(**options):
        return skl2onnx.to_onnx(model, X[:1], options={id(model): options}, target_opset=17)

    found = runner(converted(zipmap="columns"))(X)
    np.testing.assert_allclose(found["sb"], model.predict_proba(X)[:, 1], **CLOSE)
    found = runner(converted(zipmap=False, nocl=True))(X)
    assert (model.classes_[found["label"]] == model.predict(X)).all()
    with pytest.raises(InvalidArgumentError, match="raw_scores"):
        converted(zipmap=False, raw_scores=True)


def test_what_no_graph_has():
    pipe = make_pipeline(StandardScaler(), MLPClassifier((3,), **QUICK))
    model = EnsembleClassifier([("pipe", pipe), ("plain", pipe[-1])]).fit(X, THREE)
    with pytest.raises(InvalidArgumentError, match="one pipeline that ends in the ensemble"):
        to_onnx(model)
