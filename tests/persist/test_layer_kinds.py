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
from multilayer._nn import (
    activation_layers,
    column_layers,
    embeddings,
    members,
    quantile_layers,
    tabular_layers,
)
from multilayer._nn.activation_layers import activate, parametric, scheduled_dropout
from multilayer._nn.column_layers import robust_scaling, table_inputs
from multilayer._nn.embeddings import (
    category_embedding,
    periodic_embedding,
    piecewise_linear_embedding,
)
from multilayer._nn.members import (
    Members,
    batch_ensemble,
    init_layers,
    init_members,
    shared,
    stacked,
)
from multilayer._nn.quantile_layers import quantile_scaling
from multilayer._nn.tabular_layers import TabularLayer, linear, ntk_dense, scaling
from multilayer._onnx import layer_nodes, table_columns
from multilayer._persist.memory import MemoryBudget
from multilayer._sklearn.saving.layer_kinds import (
    LAYERS,
    encode_members,
    layer_widths,
    take_members,
    unshared,
)
from multilayer._sklearn.saving.reader import StoredArrays, StoredValues
from multilayer._sklearn.saving.steps.tabular_encoder import COLUMNS, ENCODER
from multilayer._sklearn.tabular.column_roles import ROLES

MODULES = (
    activation_layers,
    column_layers,
    embeddings,
    members,
    quantile_layers,
    tabular_layers,
)
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
STEPS = Members(
    (
        shared(robust_scaling(3)),
        shared(quantile_scaling(2, 5)),
        shared(piecewise_linear_embedding(1, 4, 3)),
        periodic_embedding(2, 4, 2),
        category_embedding((4,), 2),
        scaling(1.0, initial="random_signs", groups=(5, 6)),
        batch_ensemble(5, "normal"),
        shared(linear(4)),
        linear(2),
    ),
    n_members=3,
    own_rows=False,
)
STEP_PARAMS = init_members(STEPS.layers, RNG, X, 3)
NETWORKS = {"views": (NETWORK, PARAMS), "steps": (STEPS, STEP_PARAMS)}


def test_every_layer_has_a_kind():
    there = {
        each
        for module in MODULES
        for each in vars(module).values()
        if inspect.isclass(each) and issubclass(each, TabularLayer)
    } - {TabularLayer}
    own = {kind.layer for kind in LAYERS.values()} | {shared}  # which is written around another
    assert own == there, "complete LAYERS in layer_kinds.py"
    used = {type(unshared(each)) for each in NETWORK.layers + STEPS.layers} | {shared}
    assert used == there, "complete this test"
    assert set(layer_nodes.LAYERS) == there, "complete LAYERS in _onnx/layer_nodes.py"


def test_every_role_has_a_kind_of_column():
    assert {*COLUMNS, "drop"} == set(ROLES), "complete COLUMNS in steps/tabular_encoder.py"
    assert set(table_columns.COLUMNS) == set(COLUMNS.values()), (
        "complete COLUMNS in _onnx/table_columns.py"
    )
    assert all(issubclass(each, ColumnEncoding) for each in COLUMNS.values())


def stored(arrays):
    return StoredArrays(arrays, MemoryBudget(10**6))


@pytest.mark.parametrize(("ensemble", "own"), NETWORKS.values(), ids=NETWORKS)
def test_layers_there_and_back(ensemble, own):
    described, arrays = encode_members(ensemble, own)
    left = stored(arrays)
    network, params = take_members(described, left, LAYOUT, 2)
    assert network == ensemble
    assert not left
    for one, other in zip(leaves(params), leaves(own), strict=True):
        assert_array_equal(one, other)
    assert_array_equal(network.apply(params, X), ensemble.apply(own, X))
    assert layer_widths(network, LAYOUT)[-1] == 2


def test_widths_are_those_of_what_changes_them():
    assert layer_widths(NETWORK, LAYOUT) == [4, 8, 3, 2]
    assert layer_widths(STEPS, LAYOUT) == [4, 4, 4, 6, 10, 11, 5, 4, 2]


def test_files_without_the_fields_of_later_versions():
    described, arrays = encode_members(NETWORK, PARAMS)
    for place, names in ((1, ("initial", "groups")), (2, ("shared_mask",)), (3, ("initial",))):
        for name in names:
            del described["layers"][place]["fields"][name]
    network, _ = take_members(described, stored(arrays), LAYOUT, 2)
    assert network == NETWORK


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


def shared_twice(described, arrays):
    described["layers"][7]["fields"]["layer"] = described["layers"][0]


def quantiles(**fields):
    def change(described, arrays):
        described["layers"][1]["fields"]["layer"]["fields"] |= fields

    return change


def kernels_of_each(described, arrays):
    arrays["params.6.kernel"] = np.repeat(arrays["params.6.kernel"], 3, axis=0)


def codes_too_late(described, arrays):
    described["layers"].insert(0, {"kind": "activate", "fields": {"activation": "relu"}})


def without_arrays(described, arrays):
    described["n_members"] = 10**6
    del described["layers"][2:]  # those left are shared


STEPS_REFUSED = {
    "numbers beyond those of a table": (changed(3, n_columns=7), "its periodic_embedding reads"),
    "quantiles of more columns": (quantiles(n_columns=4), "its quantile_scaling reads other"),
    "other quantiles": (quantiles(n_quantiles=6), r"'params.1.quantiles.value' has shape"),
    "a single quantile": (quantiles(n_quantiles=1), "cannot be: n_quantiles must be"),
    "other codes": (changed(4, cardinalities=[5]), "its category_embedding reads other columns"),
    "no codes": (changed(4, cardinalities=[]), "its category_embedding reads other columns"),
    "columns behind other layers": (codes_too_late, "a layer of columns behind another one"),
    "other groups": (changed(5, groups=[5, 5]), "groups of its scaling must have 11 inputs"),
    "unknown weights": (changed(6, initial="twos"), "cannot be: initial must be one of"),
    "a layer shared twice": (shared_twice, "a layer of a kind that this version lacks: 'shared'"),
    "a kernel for each": (kernels_of_each, r"has shape \(3, 11, 5\)"),
    "more members than a file warrants": (without_arrays, "more memory than a file of its size"),
}


@pytest.mark.parametrize(("change", "message"), STEPS_REFUSED.values(), ids=STEPS_REFUSED)
def test_steps_that_do_not_fit(change, message):
    described, arrays = encode_members(STEPS, STEP_PARAMS)
    change(described, arrays)
    with pytest.raises(ModelFileError, match=message):
        take_members(described, stored(arrays), LAYOUT, 2)


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
