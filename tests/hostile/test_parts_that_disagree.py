"""Files whose parts do not fit together, each refused by every reader for the same reason."""

import copy
from dataclasses import replace

import numpy as np
import pytest

import multilayer
from multilayer import ModelFileError, portable
from multilayer._cli.info import info

from .files import Tensor, seeds, take_apart

SEEDS = {name: take_apart(content) for name, content in seeds().items()}
NETWORK = "protocol-2/multiclass"


def assert_refused(parts, reason, place):
    place.write_bytes(parts.packed())
    for read in (multilayer.load, portable.load, info):
        with pytest.raises(ModelFileError, match=reason):
            read(place)


def described(name, change):
    """Return a valid file with its description changed by a function."""
    description = copy.deepcopy(SEEDS[name].description)
    change(description)
    return SEEDS[name].describing(description)


def fitted(description):
    return description["steps"][-1]["fitted"]


@pytest.mark.parametrize("name", ["fit_seconds", "compile_seconds"])
@pytest.mark.parametrize("value", [{"float": "nan"}, {"float": "inf"}, -1.0])
def test_seconds_that_are_none(name, value, place):
    parts = described(NETWORK, lambda all_: fitted(all_).update({name: value}))
    assert_refused(parts, f"its value '{name}' must be seconds", place)


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_iter", -1), ("t", -5), ("seed", 2**32), ("history", ["epoch"]), ("unknown", 3)],
)
def test_figures_of_training(name, value, place):
    parts = described(NETWORK, lambda all_: fitted(all_).update({name: value}))
    assert_refused(parts, name, place)


def test_a_history_of_columns_of_other_lengths(place):
    parts = SEEDS[NETWORK]
    changed = tuple(
        Tensor.of(each.name, each.array[:-1]) if each.name.endswith("history.loss") else each
        for each in parts.tensors
    )
    assert_refused(replace(parts, tensors=changed), "history differ in length", place)


def test_labels_of_another_number(place):
    parts = described(NETWORK, lambda all_: fitted(all_)["classes"]["values"].pop())
    assert_refused(parts, "needs?|do not fit|output units", place)


ALIKE = {"share": 0.1, "weighted": False}


@pytest.mark.parametrize(
    ("described_so", "arrays", "reason"),
    [
        (ALIKE, {}, r"'calibration\.relative' is missing"),
        (ALIKE, {"relative": np.zeros((5, 1, 2))}, r"'calibration\.relative' has shape"),
        (ALIKE, {"relative": np.zeros((0, 1, 1))}, "its calibration must have rows"),
        (ALIKE, {"relative": np.full((5, 1, 1), np.nan)}, "NaN or infinity"),
        (ALIKE | {"weighted": 1}, {"relative": np.zeros((5, 1, 1))}, "'weighted'"),
        (ALIKE | {"weighted": True}, {"relative": np.zeros((5, 1, 1))}, "weight' is missing"),
        (
            ALIKE | {"weighted": True},
            {"relative": np.zeros((5, 1, 1)), "weight": np.arange(5.0)},
            "weights of its calibration must be above 0",
        ),
        (
            ALIKE,
            {"relative": np.zeros((5, 1, 1)), "weight": np.ones(5)},
            r"'calibration\.weight' belongs to nothing",
        ),
        ({"share": 0.1, "temperature": 1.0, "n_rows": 5}, {}, "its calibration must have"),
    ],
)
def test_calibrations(described_so, arrays, reason, place):
    parts = described(
        "protocol-2/one-target", lambda all_: fitted(all_).update(calibration=described_so)
    )
    new = (Tensor.of(f"MLPRegressor.calibration.{name}", each) for name, each in arrays.items())
    assert_refused(replace(parts, tensors=(*parts.tensors, *new)), reason, place)


def test_a_scaler_of_other_columns(place):
    parts = SEEDS["protocol-2/named"]
    width = fitted(parts.description)["layer_sizes"][0]

    def narrower(description):
        scaler = description["steps"][0]["fitted"]
        scaler["n_features"] -= 1
        scaler["feature_names"] = None

    changed = tuple(
        Tensor.of(each.name, each.array[:-1]) if each.name.startswith("StandardScaler") else each
        for each in parts.tensors
    )
    parts = replace(described("protocol-2/named", narrower), tensors=changed)
    reason = f"one takes {width} columns, the one before returns {width - 1}"
    assert_refused(parts, reason, place)


def test_names_of_the_data_for_other_columns(place):
    parts = described(NETWORK, lambda all_: all_["data"].update(features=["one", "two"]))
    assert_refused(parts, "its data have 2 features, where it takes 4 columns", place)


@pytest.mark.parametrize(
    ("name", "value"),
    [("with_mean", 1), ("copy", None), ("with_std", "yes"), ("other", True), ("with_std", ...)],
)
def test_arguments_of_steps(name, value, place):
    def change(description):
        params = description["steps"][0]["params"]
        params[name] = value
        if value is ...:
            del params[name]

    assert_refused(described("protocol-2/named", change), name, place)


def test_scorers_are_left_to_fit(place):
    # Which there are differs between releases of scikit-learn.
    parts = described(NETWORK, lambda all_: all_["steps"][0]["params"].update(scoring="new one"))
    place.write_bytes(parts.packed())
    model = multilayer.load(place)
    assert portable.load(place).n_features_in_ == model.n_features_in_
    with pytest.raises(ValueError, match="scoring"):
        model.fit(np.eye(4), [0, 1, 2, 0])
