"""A perceptron comes back from its file with all that it knows, and learns on as if never saved."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal, assert_equal
from safetensors.numpy import load_file, save_file
from scipy import sparse
from sklearn.exceptions import NotFittedError

from multilayer import ModelFileError, Perceptron, load, save
from multilayer._persist.manifest import read_manifest

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(60, 4))
TWO = np.where(X[:, 0] > 0.3, "high", "low")
THREE = np.arange(60) % 3 * 10
BOTH = (X[:, :2] > 0).astype(int)
TARGETS = {
    "two classes": TWO,
    "bools": TWO == "high",
    "text objects": TWO.astype(object),
    "three classes": THREE,
    "floats": THREE / 2,
    "indicators": BOTH,
}


def round_trip(model, folder):
    save(model, folder / "model.safetensors")
    return load(folder / "model.safetensors")


@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_everything_comes_back(y, tmp_path):
    model = Perceptron(max_iter=5, penalty="elasticnet", class_weight="balanced").fit(X, y)
    again = round_trip(model, tmp_path)
    assert_equal(vars(again), vars(model))
    types = {name: type(value) for name, value in vars(model).items()}
    assert {name: type(value) for name, value in vars(again).items()} == types
    assert_array_equal(again.decision_function(X), model.decision_function(X))
    assert_array_equal(again.predict(X), model.predict(X))
    assert again.predict(X).dtype == model.predict(X).dtype


def test_sparse_weights(tmp_path):
    model = Perceptron(penalty="l1", alpha=0.1, max_iter=5).fit(X, THREE).sparsify()
    again = round_trip(model, tmp_path)
    assert sparse.issparse(again.coef_)
    assert type(again.coef_) is type(model.coef_)
    assert (again.coef_ != model.coef_).nnz == 0
    assert_array_equal(again.predict(X), model.predict(X))


def test_names_of_columns(tmp_path):
    frame = pd.DataFrame(X, columns=list("abcd"))
    again = round_trip(Perceptron(max_iter=5).fit(frame, TWO), tmp_path)
    assert_array_equal(again.feature_names_in_, list("abcd"))
    with pytest.raises(ValueError, match="feature names"):
        again.predict(frame[list("dcba")])


def test_warm_start_goes_on(tmp_path):
    model = Perceptron(max_iter=3, warm_start=True, random_state=1).fit(X, THREE)
    again = round_trip(model, tmp_path)
    assert_equal(vars(again.fit(X, THREE)), vars(model.fit(X, THREE)))


def test_partial_fit_goes_on(tmp_path):
    model = Perceptron(random_state=1).partial_fit(X[:30], THREE[:30], classes=np.unique(THREE))
    again = round_trip(model, tmp_path)
    for _ in range(2):
        model.partial_fit(X[30:], THREE[30:])
        again.partial_fit(X[30:], THREE[30:])
    assert_equal(vars(again), vars(model))


def test_random_generator_becomes_none(tmp_path):
    model = Perceptron(max_iter=2, random_state=np.random.RandomState(0)).fit(X, TWO)
    assert round_trip(model, tmp_path).random_state is None


def test_many_classes_are_an_array(tmp_path):
    model = Perceptron(max_iter=1).fit(np.eye(240), np.arange(240) % 120)
    again = round_trip(model, tmp_path)
    assert_array_equal(again.classes_, np.arange(120))
    (step,) = read_manifest(tmp_path / "model.safetensors")["steps"]
    assert step["fitted"]["classes"] == {"dtype": "<i8", "n": 120}


def test_many_words_are_bytes(tmp_path):
    words = np.array([f"größe {i % 120}" for i in range(240)])
    model = Perceptron(max_iter=1).fit(np.eye(240), words)
    again = round_trip(model, tmp_path)
    assert_array_equal(again.classes_, np.unique(words), strict=True)


def test_unfitted_is_refused(tmp_path):
    with pytest.raises(NotFittedError):
        save(Perceptron(), tmp_path / "model")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("coef", lambda coef: coef[:, :3], "shape"),
        ("coef", lambda coef: coef * np.nan, "NaN"),
        ("intercept", lambda intercept: intercept[:2], "shape"),
        ("coef.indices", lambda indices: indices + 4, "no sparse matrix"),
        ("coef.indices", lambda indices: -indices - 1, "no sparse matrix"),
        ("coef.indptr", lambda indptr: indptr[::-1].copy(), "no sparse matrix"),
    ],
)
def test_altered_arrays_are_refused(name, change, words, tmp_path):
    model = Perceptron(max_iter=5).fit(X, THREE)
    save(model.sparsify() if "." in name else model, tmp_path / "good")
    arrays = load_file(tmp_path / "good")
    arrays[f"Perceptron.{name}"] = change(arrays[f"Perceptron.{name}"])
    metadata = {"multilayer": manifest_text(tmp_path / "good")}
    save_file(arrays, tmp_path / "bad", metadata=metadata)
    with pytest.raises(ModelFileError, match=words):
        load(tmp_path / "bad")


def manifest_text(path):
    return json.dumps(read_manifest(path))
