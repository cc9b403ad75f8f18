"""Honest models, however odd, are saved and read, and within the memory that is promised."""

import json
import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import multilayer
from multilayer import MLPClassifier, MLPRegressor, ModelFileError, nn
from multilayer._core.types import REPORT_COLUMNS
from multilayer._engine.history import History
from multilayer._persist.tensors import MODEL, read_tensors, write_tensors
from multilayer._sklearn.targets.class_outputs import objective

from .files import Tensor, seeds, take_apart

ARGUMENTS = {"hidden_layer_sizes": (1,), "max_iter": 0, "random_state": 0}


def round_trip(model, place):
    """Save and read a model, and measure what reading takes."""
    multilayer.save(model, place)
    size = place.stat().st_size
    multilayer.load(place)
    tracemalloc.start()
    try:
        again = multilayer.load(place)
        assert tracemalloc.get_traced_memory()[1] <= 2 * size + 1_000_000
    finally:
        tracemalloc.stop()
    content = place.read_bytes()
    multilayer.save(again, place)
    assert place.read_bytes() == content
    return again


@pytest.fixture(scope="module")
def small():
    return MLPClassifier(**ARGUMENTS).fit(np.eye(6), np.arange(6) % 3)


def relabelled(model, classes):
    """Return a classifier with other labels, and output units for them."""
    model = pickle.loads(pickle.dumps(model))
    model.classes_ = np.sort(classes)
    model._trained = objective(model._target_kind, model.classes_, model.out_activation)
    n_classes = len(classes)
    model.coefs_[1] = np.ones((1, n_classes), np.float32)
    model.intercepts_[1] = np.arange(n_classes, dtype=np.float32)
    model.n_outputs_ = n_classes
    model._network = type(model._network)(
        layer_sizes=(6, 1, n_classes), activations=model._network.activations
    )
    return model


LABELS = {
    "5,000 words": np.array([f"class number {i:05}" for i in range(5000)]),
    "5,000 objects": np.array([f"class number {i:05}" for i in range(5000)], object),
    "20,000 numbers": np.arange(20_000),
    "one very long": np.array([*(f"{i:03}" for i in range(999)), "x" * 5000]),
    "one very long object": np.array([*(f"{i:03}" for i in range(999)), "x" * 5000], object),
    "Korean": np.array([f"부류 {i:04}" for i in range(2000)]),
    "emoji": np.array([f"😀 {i:04}" for i in range(2000)], object),
}


@pytest.mark.parametrize("classes", LABELS.values(), ids=LABELS)
def test_labels(classes, small, place):
    model = relabelled(small, classes)
    again = round_trip(model, place)
    assert_array_equal(again.classes_, model.classes_)
    assert_array_equal(again.coefs_[1], model.coefs_[1])


def test_types_of_labels_wider_than_they_need(small, place):
    multilayer.save(relabelled(small, np.array(["a", "b", "c"], "<U4000")), place)
    assert multilayer.load(place).classes_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("word", ["feature", "특성 이름", "😀"])
def test_50_000_named_columns(word, place):
    frame = pd.DataFrame(np.eye(4, 50_000), columns=[f"{word} {i}" for i in range(50_000)])
    model = MLPRegressor(**ARGUMENTS).fit(frame, np.arange(4.0))
    again = round_trip(model, place)
    assert_array_equal(again.feature_names_in_, model.feature_names_in_)
    assert_array_equal(again.predict(frame), model.predict(frame))


def test_a_long_history(small, place):
    model = pickle.loads(pickle.dumps(small))
    epochs = np.arange(30_000.0)
    columns = {name: np.full(30_000, 0.5) for name in REPORT_COLUMNS}
    columns |= {"epoch": epochs, "steps": 9 * epochs, "seconds": epochs / 7}
    model._history = History.of_columns(columns)
    again = round_trip(model, place)
    assert again._history.reports(0) == model._history.reports(0)
    assert_array_equal(again.history_["seconds"], model.history_["seconds"])
    assert again.loss_curve_ == model.loss_curve_


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"lists": [[] for _ in range(20_000)]},
        {"objects": [{"a": 1} for _ in range(5_000)]},
        {"text": ['"\\\n' * 3000] * 100},
        {"wide": ["a" * 5000 + "😀"] * 100},
    ],
    ids=lambda description: next(iter(description), "nothing"),
)
def test_descriptions_and_many_arrays(description, place):
    arrays = {f"array {i}": np.full((), i, np.float32) for i in range(2000)}
    write_tensors(place, MODEL, description, arrays)
    tracemalloc.start()
    try:
        found, again = read_tensors(place, MODEL)
        assert tracemalloc.get_traced_memory()[1] <= 2 * place.stat().st_size + 1_000_000
    finally:
        tracemalloc.stop()
    assert found == {"format": "multilayer-model", "protocol": MODEL.protocol, **description}
    assert again.keys() == arrays.keys()
    assert all(again[name] == value for name, value in arrays.items())


@pytest.mark.parametrize(
    "description",
    [{"deep": json.loads("[" * 40 + "]" * 40)}, {"big": 10**30}, {"half": "\ud800"}],
    ids=["deep", "large number", "half a character"],
)
def test_what_no_reader_would_take_is_not_written(description, place):
    place.write_bytes(b"before")
    with pytest.raises(ModelFileError, match="no reader would accept it"):
        write_tensors(place, MODEL, description, {})
    assert place.read_bytes() == b"before"


def test_arrays_are_our_own(place):
    nn.save({"a": np.ones(3)}, place)
    array = nn.restore(place, like={"a": np.ones(3)})["a"]
    assert array.flags.writeable
    assert array.flags.owndata


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nonfinite_weights_on_demand(value, place):
    parts = take_apart(seeds()["protocol-1/multiclass"])
    name = "MLPClassifier.coefs.0"
    changed = tuple(
        Tensor.of(name, np.full_like(tensor.array, value)) if tensor.name == name else tensor
        for tensor in parts.tensors
    )
    place.write_bytes(type(parts)(parts.text, changed).packed())
    with pytest.raises(ModelFileError, match="NaN or infinity"):
        multilayer.load(place)
    model = multilayer.load(place, allow_nonfinite=True)
    assert_array_equal(model.coefs_[0], np.full((4, 4), value, np.float32))
    with pytest.raises(ModelFileError, match="NaN or infinity"):
        multilayer.save(model, place)


def test_sizes_that_are_only_arguments_take_no_memory(place):
    parts = take_apart(seeds()["protocol-1/multiclass"])
    described = parts.description
    described["steps"][0]["params"]["hidden_layer_sizes"] = {"tuple": [10**9]}
    content = parts.describing(described).packed()
    place.write_bytes(content)
    tracemalloc.start()
    try:
        model = multilayer.load(place)
        assert tracemalloc.get_traced_memory()[1] <= 2 * len(content) + 1_000_000
    finally:
        tracemalloc.stop()
    assert model.predict(np.ones((2, 4), np.float32)).shape == (2,)
