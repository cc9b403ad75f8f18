"""Weighted ensembles in files, read by Python and by the portable predictor."""

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multilayer import (
    MLPClassifier,
    MLPRegressor,
    ModelFileError,
    TabularClassifier,
    TabularRegressor,
    load,
    portable,
    save,
)
from multilayer._persist.memory import ANY_ROOM, MemoryBudget
from multilayer._portable.reading import read_steps
from multilayer._sklearn.saving.models import describe, rebuild
from multilayer._sklearn.saving.reader import StoredArrays
from multilayer.search import EnsembleClassifier, EnsembleRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
THREE = np.array(["a", "b", "c"])[np.arange(40) % 3]
QUICK = {"max_iter": 0, "random_state": 0}
FRAME = pd.DataFrame({"size": X[:, 0].astype(float), "city": RNG.choice(["Oslo", "Bern"], 40)})


def networks(**arguments):
    return [
        ("wide", MLPClassifier((6,), **QUICK, **arguments)),
        ("deep", MLPClassifier((3, 3), norm="batch", **QUICK, **arguments)),
    ]


def regressors():
    scaled = MLPRegressor(hidden_layer_sizes=(4,), standardize_target=True, **QUICK)
    return [("scaled", scaled), ("plain", MLPRegressor(hidden_layer_sizes=(3, 2), **QUICK))]


TABLES = {"n_folds": 2, "n_estimators": 2}
CASES = {
    "classes": lambda: EnsembleClassifier(networks(), weights=[3, 1]).fit(X, THREE),
    "two classes": lambda: EnsembleClassifier(networks()).fit(X, THREE == "a"),
    "labels": lambda: EnsembleClassifier(networks()).fit(X, (X[:, :2] > 0).astype(int)),
    "columns of classes": lambda: EnsembleClassifier(networks(), weights=(2, 1)).fit(
        X, np.column_stack([THREE, THREE == "a"])
    ),
    "calibrated": lambda: EnsembleClassifier(networks(calibration_fraction=0.3)).fit(X, THREE),
    "behind steps": lambda: make_pipeline(StandardScaler(), EnsembleClassifier(networks())).fit(
        X, THREE
    ),
    "of pipelines": lambda: EnsembleClassifier(
        [("pipe", make_pipeline(StandardScaler(), networks()[0][1])), networks()[1]],
        weights=np.array([1, 2]),
    ).fit(X, THREE),
    "numbers": lambda: EnsembleRegressor(regressors(), weights=[1, 3]).fit(X, X[:, 0] * 9),
    "several numbers": lambda: EnsembleRegressor(regressors()).fit(X, X[:, :2] * 9),
}


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_everything_comes_back(make, tmp_path):
    model = make()
    save(model, tmp_path / "model")
    again, predictor = load(tmp_path / "model"), portable.load(tmp_path / "model")
    name = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    expected = getattr(model, name)(X)
    for ours, theirs in zip(getattr(again, name)(X), expected, strict=True):
        assert np.array_equal(ours, theirs)
    for ours, theirs in zip(getattr(predictor, name)(X), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        assert ours.dtype == theirs.dtype
    if name == "predict_proba":
        assert np.array_equal(predictor.predict(X), model.predict(X))
    assert predictor.n_features_in_ == 3
    save(again, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()
    refitted = clone(again).fit(X, X[:, 0] if name == "predict" else THREE)
    assert refitted.predict(X).shape == (40,)


@pytest.mark.parametrize("numbers", [False, True])
def test_of_raw_tables(numbers, tmp_path):
    kind, one = (
        (EnsembleRegressor, TabularRegressor)
        if numbers
        else (EnsembleClassifier, TabularClassifier)
    )
    members = [(f"seed{i}", one(**TABLES, random_state=i)) for i in range(2)]
    model = kind(members, weights=[1, 2]).fit(FRAME, FRAME["size"] if numbers else THREE)
    save(model, tmp_path / "model")
    again, predictor = load(tmp_path / "model"), portable.load(tmp_path / "model")
    assert (
        again.feature_names_in_.tolist() == predictor.feature_names_in_.tolist() == ["size", "city"]
    )
    name = "predict" if numbers else "predict_proba"
    expected = getattr(model, name)(FRAME)
    assert np.array_equal(getattr(again, name)(FRAME), expected)
    np.testing.assert_allclose(getattr(predictor, name)(FRAME), expected, rtol=1e-5, atol=1e-5)


def altered(change, model):
    described = describe(model)
    steps = copy.deepcopy(described.steps)
    change(steps[0])
    return steps, described.arrays


def other_classes(step):
    step["steps"][1]["fitted"]["classes"]["values"] = ["a", "b", "d"]


def weights(values):
    return lambda step: step["fitted"].update(weights=values)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (weights([0.5, 0.6]), "shares of 1"),
        (weights([1.5, -0.5]), "shares of 1"),
        (weights([1.0]), "list of 2"),
        (weights([0.5, "0.5"]), "shares of 1"),
        (weights([True, 0.0]), "shares of 1"),
        (lambda step: step["fitted"].pop("weights"), "list of 2"),
        (lambda step: step["params"].update(weights="x"), "weights"),
        (lambda step: step["params"].update(voting="hard"), "voting"),
        (lambda step: step["fitted"].update(bias=1), "bias"),
        (lambda step: step["steps"][1].update(name="wide"), "two members of one name"),
        (other_classes, "different classes"),
        (lambda step: step.update(kind="EnsembleRegressor"), "EnsembleRegressor"),
        (lambda step: step.update(steps=[]), "no steps"),
    ],
)
def test_parts_that_do_not_fit(change, reason):
    model = EnsembleClassifier(networks()).fit(X, THREE)
    for read in (rebuild, read_steps):
        steps, arrays = altered(change, model)
        if steps[0]["kind"] == "EnsembleRegressor":
            arrays = {
                name.replace("EnsembleClassifier", "EnsembleRegressor"): array
                for name, array in arrays.items()
            }
        with pytest.raises(ModelFileError, match=reason):
            read(False, steps, StoredArrays(arrays, MemoryBudget(ANY_ROOM)))


def test_members_of_other_columns_or_targets():
    model = EnsembleRegressor(regressors()).fit(X, X[:, 0])
    for other in (
        MLPRegressor(hidden_layer_sizes=(2,), **QUICK).fit(X[:, :2], X[:, 0]),
        MLPRegressor(hidden_layer_sizes=(2,), **QUICK).fit(X, X[:, :2]),
        MLPRegressor("quantile", (2,), **QUICK).fit(X, X[:, 0]),
        MLPClassifier((2,), **QUICK).fit(X, THREE),
    ):
        model.estimators_[1] = other
        described = describe(model)
        with pytest.raises(ModelFileError, match=r"its EnsembleRegressor has a? ?member"):
            rebuild(False, described.steps, StoredArrays(described.arrays, MemoryBudget(ANY_ROOM)))
