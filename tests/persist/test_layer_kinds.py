"""Layers of ensembles, and columns of encoders, as plain data: every kind there and back."""

import inspect

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from multilayer import ModelFileError, TabularEncoder
from multilayer._core.activations import Activation
from multilayer._core.pytrees import leaves
from multilayer._data.column_encodings import CategoricalEncoding, ColumnEncoding
from multilayer._data.encoding import TableLayout
from multilayer._nn import tabular_layers
from multilayer._nn.column_layers import table_inputs
from multilayer._nn.members import Members, init_layers, stacked
from multilayer._nn.tabular_layers import (
    activate,
    ntk_dense,
    parametric,
    scaling,
    scheduled_dropout,
)
from multilayer._onnx import table_columns, tabular_graphs
from multilayer._persist.memory import MemoryBudget
from multilayer._sklearn.saving.layer_kinds import LAYERS, encode_members, take_members
from multilayer._sklearn.saving.reader import StoredArrays, StoredValues
from multilayer._sklearn.saving.steps.tabular_encoder import COLUMNS, ENCODER
from multilayer._sklearn.tabular.column_roles import ROLES

LAYOUT = TableLayout(2, 1, (4,))
RNG = np.random.default_rng(0)
X = np.column_stack([RNG.normal(size=(30, 3)), RNG.integers(0, 4, 30)]).astype(np.float32)
NETWORK = Members(
    (
        table_inputs(2, 1, (4,), (3, 0), 2),
        scaling(5.0),
        scheduled_dropout(0.5),
        ntk_dense(3, 0.2),
        parametric("gelu", 0.3),
        activate("relu"),
        ntk_dense(2),
    ),
    n_members=3,
    own_rows=False,
)
PARAMS = stacked([init_layers(NETWORK.layers, RNG, X) for _ in range(3)])


def test_every_layer_has_a_kind():
    there = {
        each
        for each in vars(tabular_layers).values()
        if inspect.isclass(each) and {"init", "apply"} <= vars(each).keys()
    } - {tabular_layers.TabularLayer}
    assert {kind.layer for kind in LAYERS.values()} == there, "complete LAYERS in layer_kinds.py"
    assert {type(layer) for layer in NETWORK.layers} == there, "complete this test"
    assert set(tabular_graphs.LAYERS) == there, "complete LAYERS in _onnx/tabular_graphs.py"


def test_every_role_has_a_kind_of_column():
    assert {*COLUMNS, "drop"} == set(ROLES), "complete COLUMNS in steps/tabular_encoder.py"
    assert set(table_columns.COLUMNS) == set(COLUMNS.values()), (
        "complete COLUMNS in _onnx/table_columns.py"
    )
    assert all(issubclass(each, ColumnEncoding) for each in COLUMNS.values())


def stored(arrays):
    return StoredArrays(arrays, MemoryBudget(10**6))


def test_layers_there_and_back():
    described, arrays = encode_members(NETWORK, PARAMS)
    left = stored(arrays)
    network, params = take_members(described, left, LAYOUT, 2)
    assert network == NETWORK
    assert not left
    for own, other in zip(leaves(params), leaves(PARAMS), strict=True):
        assert_array_equal(own, other)
    assert_array_equal(network.apply(params, X), NETWORK.apply(PARAMS, X))


def changed(place, **fields):
    def change(described, arrays):
        described["layers"][place]["fields"] |= fields

    return change


def swapped(described, arrays):
    described["layers"].insert(1, described["layers"].pop(0))


def one_fewer(described, arrays):
    described["n_members"] = 2


def unknown(described, arrays):
    described["layers"][5]["kind"] = "attention"


def narrower(described, arrays):
    arrays["params.3.kernel"] = arrays["params.3.kernel"][:, 1:]


REFUSED = {
    "another activation": (changed(4, activation="eval"), "activation of its parametric must be"),
    "a negative size": (changed(3, n_units=-1), "n_units of its ntk_dense must be a count"),
    "a flag for a number": (changed(1, rate=True), "rate of its scaling must be float, got True"),
    "an unknown field": (changed(1, depth=1), r"must have the fields \['rate'"),
    "a number that is none": (changed(1, rate={"float": "nan"}), "must be a finite number"),
    "codes beyond a table": (changed(0, cardinalities=[5]), "reads other columns"),
    "too few bins": (changed(0, bins=[3]), "a number of bins for each numeric column"),
    "no list": (changed(0, bins=3), "bins of its table_inputs must be a list"),
    "columns later": (swapped, "params.0.scale"),
    "fewer members": (one_fewer, r"shape \(3, 2\)"),
    "an unknown kind": (unknown, "a layer of a kind that this version lacks: 'attention'"),
    "another shape": (narrower, "'params.3.kernel' has shape"),
    "wider outputs": (changed(6, n_units=4), "'params.6.kernel' has shape"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_layers_that_do_not_fit(change, message):
    described, arrays = encode_members(NETWORK, PARAMS)
    change(described, arrays)
    with pytest.raises(ModelFileError, match=message):
        take_members(described, stored(arrays), LAYOUT, 2)


def test_outputs_must_be_those_of_the_targets():
    described, arrays = encode_members(NETWORK, PARAMS)
    with pytest.raises(ModelFileError, match="its targets need 3 outputs, its network has 2"):
        take_members(described, stored(arrays), LAYOUT, 3)


def test_code_is_not_written():
    own = Activation("own", np.tanh)
    with pytest.raises(ModelFileError, match="activation of activate must be a name"):
        encode_members(Members((activate(own),), 1), ((),))
    with pytest.raises(ModelFileError, match="must consist of layers of the kinds"):
        encode_members(Members((np.tanh,), 1), ((),))


# Columns ------------------------------------------------------------------------------------------


def encoder_of(values, **arguments):
    """Return a fitted encoder of one column of levels, and it again after a file."""
    frame = pd.DataFrame({"levels": pd.Series(values, dtype=object), "other": range(len(values))})
    roles = {"levels": "categorical", "other": "numeric"}
    encoder = TabularEncoder(feature_roles=roles, min_frequency=1, **arguments).fit(frame)
    fitted, arrays = ENCODER.fitted(encoder)
    read = ENCODER.parse(ENCODER.params(encoder), StoredValues(fitted), stored(arrays))
    return encoder, ENCODER.build(read), frame


LEVELS = {
    "text": ["a", "b", "ü"],
    "integers": [3, 1, 2],
    "whole numbers beyond 64 bits": [1e300, 2e30, 5.0],
    "flags and numbers": [True, 0, 7],
    "a mixture": ["1", 1, 2.5, None],
    "infinity": ["x", np.inf, -np.inf],
    "many": [f"level {i}" for i in range(300)],
    "many integers": list(range(300)),
    "many of both": [*range(150), *(f"level {i}" for i in range(150))],
}


@pytest.mark.parametrize("max_one_hot", [None, 2])
@pytest.mark.parametrize("levels", LEVELS.values(), ids=LEVELS)
def test_levels_there_and_back(levels, max_one_hot):
    encoder, again, frame = encoder_of(levels * 2, max_one_hot=max_one_hot)
    assert again.columns_ == encoder.columns_
    assert_array_equal(again.transform(frame), encoder.transform(frame))
    assert_array_equal(again.get_feature_names_out(), encoder.get_feature_names_out())


def test_levels_that_are_no_numbers_of_a_file():
    with pytest.raises(ModelFileError, match="levels of column 'levels' must be integers of 64"):
        encoder_of(["x", 10**30 + 1] * 2)


def test_levels_that_come_twice():
    encoder, _, _ = encoder_of(["a", "b"])
    fitted, arrays = ENCODER.fitted(encoder)
    (column,) = (each for each in fitted["encoding"]["columns"] if "levels" in each)
    column["levels"]["values"] = ["a", "a"]
    with pytest.raises(ModelFileError, match="its column 'levels' must have levels that differ"):
        ENCODER.parse(ENCODER.params(encoder), StoredValues(fitted), stored(arrays))


def test_places_without_names():
    table = np.array([[0.5, "a"], [1.5, "b"], [2.5, "a"]] * 3, dtype=object)
    encoder = TabularEncoder().fit(table)
    fitted, arrays = ENCODER.fitted(encoder)
    read = ENCODER.parse(ENCODER.params(encoder), StoredValues(fitted), stored(arrays))
    again = ENCODER.build(read)
    assert again.feature_roles_ == {0: "numeric", 1: "categorical"}
    assert isinstance(again.columns_[1], CategoricalEncoding)
    assert not hasattr(again, "feature_names_in_")
    assert_array_equal(again.transform(table), encoder.transform(table))
