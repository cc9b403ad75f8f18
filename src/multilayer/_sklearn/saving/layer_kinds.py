"""The layers of ensembles as plain data and back: one table of their kinds.

A layer is written as its kind and the fields of its record; its parameters are arrays. A record in
:data:`LAYERS` says which arrays those are, so that a file is checked before anything is computed.
The nodes of a layer for ONNX are in ``_onnx/tabular_graphs.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.pytrees import named_leaves, with_leaves
from multilayer._core.types import JSON
from multilayer._data.encoding import TableLayout
from multilayer._nn.column_layers import ColumnStatistics, TableParameters, table_inputs
from multilayer._nn.members import Members
from multilayer._nn.model import Fixed, Parameters, Rate
from multilayer._nn.tabular_layers import (
    MixtureParameters,
    NtkParameters,
    ScaleParameters,
    TabularLayer,
    activate,
    ntk_dense,
    parametric,
    scaling,
    scheduled_dropout,
)
from multilayer._sklearn.saving.frozen_records import decode_record, encode_record
from multilayer._sklearn.saving.reader import (
    StoredArrays,
    Values,
    require_finite,
    take_array,
    take_count,
)

PARAMS = "params"


@dataclass(frozen=True)
class ArrayShape:
    """The shape of an array of one member."""

    shape: tuple[int, ...]


def _same(layer: object, n_inputs: int) -> int:
    return n_inputs


def _any_layout(layer: object, layout: TableLayout) -> None:
    """Accept any columns."""


@dataclass(frozen=True)
class LayerKind:
    """A kind of layer.

    Attributes
    ----------
    layer : type
        The frozen dataclass of the layer; its name is that of the kind.
    parameters : callable
        Returns the parameters of one member for so many inputs, with an :class:`ArrayShape` in
        place of each array.
    n_outputs : callable
        Returns how many outputs it has, given the number of inputs.
    reads_table : callable or None
        Refuses a layer that does not fit the columns of the encoded table. A layer that has it
        reads columns by what they are, and can be the first one only.
    """

    layer: type[TabularLayer]
    parameters: Callable[[Any, int], Parameters]  # the layer is of its own type
    n_outputs: Callable[[Any, int], int] = _same
    reads_table: Callable[[Any, TableLayout], None] | None = None


# The kinds ---------------------------------------------------------------------------------------


def _table_parameters(layer: table_inputs, n_inputs: int) -> TableParameters:
    columns, bins = ArrayShape((layer.n_numeric,)), ArrayShape((layer.n_bins,))
    statistics = ColumnStatistics(columns, columns, bins, bins, bins, ArrayShape((1,)))
    tables = tuple(ArrayShape((n, layer.embedding_size)) for n in layer.cardinalities)
    return TableParameters(Fixed(statistics), tables)


def _ntk_parameters(layer: ntk_dense, n_inputs: int) -> NtkParameters:
    return NtkParameters(ArrayShape((n_inputs, layer.n_units)), ArrayShape((layer.n_units,)))


def _fits_table(layer: table_inputs, layout: TableLayout) -> None:
    columns = (layer.n_numeric, layer.n_flags, layer.cardinalities)
    if columns != (layout.n_numeric, layout.n_flags, layout.cardinalities):
        raise ModelFileError("its first layer reads other columns than its encoder makes.")
    if len(layer.bins) != layer.n_numeric:
        raise ModelFileError("its first layer must have a number of bins for each numeric column.")


LAYERS: dict[str, LayerKind] = {
    kind.layer.__name__: kind
    for kind in (
        LayerKind(
            table_inputs,
            _table_parameters,
            lambda layer, n_inputs: layer.n_outputs,
            _fits_table,
        ),
        LayerKind(
            scaling, lambda layer, n: ScaleParameters(ArrayShape((n,)), Fixed(ArrayShape((1,))))
        ),
        LayerKind(
            ntk_dense,
            lambda layer, n: NtkParameters(
                ArrayShape((n, layer.n_units)), ArrayShape((layer.n_units,))
            ),
            lambda layer, n_inputs: layer.n_units,
        ),
        LayerKind(parametric, lambda layer, n: MixtureParameters(ArrayShape((n,)))),
        LayerKind(activate, lambda layer, n: ()),
        LayerKind(scheduled_dropout, lambda layer, n: Rate(ArrayShape(()))),
    )
}
"""Kinds of layers, by the names of their dataclasses."""


# To plain data and back --------------------------------------------------------------------------


def encode_members(
    network: Members, params: tuple[Parameters, ...]
) -> tuple[dict[str, JSON], dict[str, np.ndarray]]:
    """Return the layers of an ensemble as JSON, and its parameters as arrays."""
    for layer in network.layers:
        if type(layer) is not getattr(LAYERS.get(type(layer).__name__), "layer", None):
            raise ModelFileError(
                f"model must consist of layers of the kinds {list(LAYERS)} to be saved, got "
                f"{layer!r}."
            )
    arrays = {
        f"{PARAMS}.{path.replace('/', '.')}": np.asarray(leaf)
        for path, leaf in named_leaves(tuple(params))
    }
    for name, array in arrays.items():
        require_finite(f"its array {name!r}", array)
    layers: list[JSON] = [
        {"kind": type(layer).__name__, "fields": encode_record(layer)} for layer in network.layers
    ]
    return {"n_members": network.n_members, "layers": layers}, arrays


def take_members(
    described: Values, arrays: StoredArrays, layout: TableLayout, n_outputs: int
) -> tuple[Members, tuple[Parameters, ...]]:
    """Return an ensemble, as it predicts, and its parameters.

    Parameters
    ----------
    described : dict
        JSON that :func:`encode_members` returned.
    arrays : StoredArrays
        Its arrays; they are taken out.
    layout : TableLayout
        Columns of the encoded table that it is for.
    n_outputs : int
        Outputs that each member must have.
    """
    if set(described) != {"n_members", "layers"}:
        raise ModelFileError(f"its network must have members and layers, got {sorted(described)}.")
    n_members = take_count(described, "n_members", 1)
    encoded = described["layers"]
    if not isinstance(encoded, list) or not encoded:
        raise ModelFileError("its network has no list of layers.")
    width, layers, params = layout.n_columns, [], []
    for place, each in enumerate(encoded):
        kind, layer = _take_layer(each)
        if kind.reads_table is not None:
            if place:
                raise ModelFileError("its network has a layer of columns behind another one.")
            kind.reads_table(layer, layout)
        own = kind.parameters(layer, width)
        params.append(_take_parameters(f"{PARAMS}.{place}", own, n_members, arrays))
        layers.append(layer)
        width = kind.n_outputs(layer, width)
    if width != n_outputs:
        raise ModelFileError(f"its targets need {n_outputs} outputs, its network has {width}.")
    return Members(tuple(layers), n_members, own_rows=False), tuple(params)


def layer_widths(network: Members, layout: TableLayout) -> list[int]:
    """Return the columns of an encoded table, and the outputs of the layers that have their own."""
    widths = [layout.n_columns]
    for layer in network.layers:
        kind = LAYERS[type(layer).__name__]
        if kind.n_outputs is not _same:
            widths.append(kind.n_outputs(layer, widths[-1]))
    return widths


def _take_layer(encoded: JSON) -> tuple[LayerKind, TabularLayer]:
    match encoded:
        case {"kind": str(name), "fields": fields, **rest} if not rest:
            if name not in LAYERS:
                raise ModelFileError(f"it has a layer of a kind that this version lacks: {name!r}.")
            kind = LAYERS[name]
            return kind, decode_record(kind.layer, fields)
    raise ModelFileError("its layers must have a kind and fields each.")


def _take_parameters(
    prefix: str, sizes: Parameters, n_members: int, arrays: StoredArrays
) -> Parameters:
    found = []
    for path, size in named_leaves(sizes):
        name = f"{prefix}.{path.replace('/', '.')}"
        found.append(take_array(arrays, name, (n_members, *size.shape)))
    return with_leaves(sizes, found)
