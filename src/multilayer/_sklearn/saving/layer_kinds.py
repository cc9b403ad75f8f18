"""The layers of ensembles as plain data and back: one table of their kinds.

A layer is written as its kind and the fields of its record; its parameters are arrays. A record in
:data:`LAYERS` says which arrays those are, so that a file is checked before anything is computed.
The nodes of a layer for ONNX are in ``_onnx/layer_nodes.py``.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from multilayer._core.errors import InvalidArgumentError, ModelFileError
from multilayer._core.pytrees import map_leaves, named_leaves, with_leaves
from multilayer._core.types import JSON
from multilayer._data.encoding import TableLayout
from multilayer._nn.activation_layers import (
    MixtureParameters,
    activate,
    parametric,
    scheduled_dropout,
)
from multilayer._nn.column_layers import (
    ColumnStatistics,
    RobustParameters,
    TableParameters,
    robust_scaling,
    table_inputs,
)
from multilayer._nn.embeddings import (
    Bins,
    CategoryParameters,
    PeriodicParameters,
    PiecewiseParameters,
    category_embedding,
    periodic_embedding,
    piecewise_linear_embedding,
)
from multilayer._nn.members import BatchEnsembleParameters, Members, batch_ensemble, shared
from multilayer._nn.model import Fixed, Parameters, Rate
from multilayer._nn.quantile_layers import QuantileParameters, quantile_scaling
from multilayer._nn.tabular_layers import (
    LinearParameters,
    NtkParameters,
    ScaleParameters,
    TabularLayer,
    linear,
    ntk_dense,
    scaling,
)
from multilayer._sklearn.saving.frozen_records import decode_record, encode_record
from multilayer._sklearn.saving.reader import (
    StoredArrays,
    Values,
    brief,
    require_finite,
    take_array,
    take_count,
)

PARAMS = "params"


@dataclass(frozen=True)
class ArrayShape:
    """The shape of an array of one member."""

    shape: tuple[int, ...]
    shared: bool = False  # by all members


def _same(layer: object, n_inputs: int) -> int:
    return n_inputs


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
        For a layer that reads columns by what they are, and so has only such in front of it: the
        columns that it makes of those of a table, with codes only if it passes them. It refuses
        columns that do not fit. The number of outputs is theirs.
    later : tuple of str
        Fields that files written before them lack.
    """

    layer: type[TabularLayer]
    parameters: Callable[[Any, int], Parameters]  # the layer is of its own type
    n_outputs: Callable[[Any, int], int] = _same
    reads_table: Callable[[Any, TableLayout], TableLayout] | None = None
    later: tuple[str, ...] = ()


# Layers of columns -------------------------------------------------------------------------------


def _table_parameters(layer: table_inputs, n_inputs: int) -> TableParameters:
    columns, bins = ArrayShape((layer.n_numeric,)), ArrayShape((layer.n_bins,))
    statistics = ColumnStatistics(columns, columns, bins, bins, bins, ArrayShape((1,)))
    tables = tuple(ArrayShape((n, layer.embedding_size)) for n in layer.cardinalities)
    return TableParameters(Fixed(statistics), tables)


def _after_table(layer: table_inputs, layout: TableLayout) -> TableLayout:
    columns = (layer.n_numeric, layer.n_flags, layer.cardinalities)
    if columns != (layout.n_numeric, layout.n_flags, layout.cardinalities):
        raise _misfit(layer)
    if len(layer.bins) != layer.n_numeric:
        raise ModelFileError("its table_inputs must have a number of bins for each numeric column.")
    return _numbers(layer.n_outputs)


def _robust_parameters(layer: robust_scaling, n_inputs: int) -> RobustParameters:
    columns = Fixed(ArrayShape((layer.n_columns,)))
    return RobustParameters(columns, columns)


def _quantile_parameters(layer: quantile_scaling, n_inputs: int) -> QuantileParameters:
    return QuantileParameters(Fixed(ArrayShape((layer.n_columns, layer.n_quantiles))))


def _category_parameters(layer: category_embedding, n_inputs: int) -> CategoryParameters:
    return CategoryParameters(tuple(ArrayShape((n, layer.size)) for n in layer.cardinalities))


def _after_categories(layer: category_embedding, layout: TableLayout) -> TableLayout:
    if layer.cardinalities != layout.cardinalities:
        raise _misfit(layer)
    codes = len(layer.cardinalities)
    return _numbers(layout.n_columns - codes + codes * layer.size)


def _periodic_parameters(layer: periodic_embedding, n_inputs: int) -> PeriodicParameters:
    waves = (layer.n_columns, layer.n_frequencies)
    kernel, bias = ArrayShape((*waves, layer.size)), ArrayShape((layer.n_columns, layer.size))
    return PeriodicParameters(ArrayShape(waves), ArrayShape(waves), kernel, bias)


def _piecewise_parameters(layer: piecewise_linear_embedding, n_inputs: int) -> PiecewiseParameters:
    bins = ArrayShape((layer.n_columns, layer.n_bins))
    line = ArrayShape((layer.n_columns, layer.size))
    kernel = ArrayShape((layer.n_columns, layer.n_bins, layer.size))
    return PiecewiseParameters(Fixed(Bins(bins, bins, bins, bins)), line, line, kernel)


def _after_numbers(added: Callable[[Any], int]) -> Callable[[Any, TableLayout], TableLayout]:
    """Return the check of a layer that reads the first columns, none of them codes."""

    def after(layer: Any, layout: TableLayout) -> TableLayout:
        numbers = layout.n_numeric + layout.n_flags
        if layer.n_columns > numbers:
            raise _misfit(layer)
        return _numbers(numbers + added(layer), layout.cardinalities)

    return after


def _numbers(n_columns: int, cardinalities: tuple[int, ...] = ()) -> TableLayout:
    return TableLayout(n_columns, 0, cardinalities)


def _misfit(layer: TabularLayer) -> ModelFileError:
    name = type(layer).__name__
    return ModelFileError(f"its {name} reads other columns than its encoder makes.")


# All kinds ---------------------------------------------------------------------------------------


def _scale_parameters(layer: scaling, n_inputs: int) -> ScaleParameters:
    _check_groups(layer, n_inputs)
    return ScaleParameters(ArrayShape((n_inputs,)), Fixed(ArrayShape((1,))))


def _adapter_parameters(layer: batch_ensemble, n_inputs: int) -> BatchEnsembleParameters:
    _check_groups(layer, n_inputs)
    units = ArrayShape((layer.n_units,))
    kernel = ArrayShape((n_inputs, layer.n_units), shared=True)
    return BatchEnsembleParameters(ArrayShape((n_inputs,)), kernel, units, units)


def _check_groups(layer: scaling | batch_ensemble, n_inputs: int) -> None:
    if layer.groups and sum(layer.groups) != n_inputs:
        raise ModelFileError(
            f"the groups of its {type(layer).__name__} must have {n_inputs} inputs together."
        )


LAYERS: dict[str, LayerKind] = {
    kind.layer.__name__: kind
    for kind in (
        LayerKind(table_inputs, _table_parameters, reads_table=_after_table),
        LayerKind(robust_scaling, _robust_parameters, reads_table=_after_numbers(lambda _: 0)),
        LayerKind(quantile_scaling, _quantile_parameters, reads_table=_after_numbers(lambda _: 0)),
        LayerKind(category_embedding, _category_parameters, reads_table=_after_categories),
        LayerKind(
            periodic_embedding,
            _periodic_parameters,
            reads_table=_after_numbers(lambda layer: layer.n_columns * layer.size),
        ),
        LayerKind(
            piecewise_linear_embedding,
            _piecewise_parameters,
            reads_table=_after_numbers(lambda layer: layer.n_columns * (layer.size - 1)),
        ),
        LayerKind(scaling, _scale_parameters, later=("initial", "groups")),
        LayerKind(
            ntk_dense,
            lambda layer, n: NtkParameters(
                ArrayShape((n, layer.n_units)), ArrayShape((layer.n_units,))
            ),
            lambda layer, n_inputs: layer.n_units,
            later=("initial",),
        ),
        LayerKind(
            linear,
            lambda layer, n: LinearParameters(
                ArrayShape((n, layer.n_units)), ArrayShape((layer.n_units,))
            ),
            lambda layer, n_inputs: layer.n_units,
        ),
        LayerKind(batch_ensemble, _adapter_parameters, lambda layer, n_inputs: layer.n_units),
        LayerKind(parametric, lambda layer, n: MixtureParameters(ArrayShape((n,)))),
        LayerKind(activate, lambda layer, n: ()),
        LayerKind(scheduled_dropout, lambda layer, n: Rate(ArrayShape(())), later=("shared_mask",)),
    )
}
"""Kinds of layers, by the names of their dataclasses; :class:`shared` is written around one."""


def kind_of(layer: TabularLayer) -> LayerKind | None:
    """Return the kind of a layer, of one that is shared that of the layer in it."""
    own = unshared(layer)
    kind = LAYERS.get(type(own).__name__)
    return kind if kind is not None and kind.layer is type(own) else None


def unshared(layer: TabularLayer) -> TabularLayer:
    """Return a layer without what says that members share it."""
    return layer.layer if isinstance(layer, shared) else layer


@dataclass(frozen=True)
class PlacedLayer:
    """A layer of a network, and how wide it is."""

    layer: TabularLayer
    kind: LayerKind
    n_inputs: int
    n_outputs: int


def placed(layers: Iterable[TabularLayer], layout: TableLayout) -> Iterator[PlacedLayer]:
    """Go through layers from the columns of an encoded table on; refuse those that do not fit."""
    columns: TableLayout | None = layout
    width = layout.n_columns
    for layer in layers:
        kind, own = kind_of(layer), unshared(layer)
        assert kind is not None  # those of networks that are read or written have one
        if kind.reads_table is None:
            columns, after = None, kind.n_outputs(own, width)
        elif columns is None:
            raise ModelFileError("its network has a layer of columns behind another one.")
        else:
            columns = kind.reads_table(own, columns)
            after = columns.n_columns
        yield PlacedLayer(layer, kind, width, after)
        width = after


# To plain data and back --------------------------------------------------------------------------


def encode_members(
    network: Members, params: tuple[Parameters, ...]
) -> tuple[dict[str, JSON], dict[str, np.ndarray]]:
    """Return the layers of an ensemble as JSON, and its parameters as arrays."""
    for layer in network.layers:
        if kind_of(layer) is None:
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
    layers: list[JSON] = [_encode_layer(layer) for layer in network.layers]
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
    layers = tuple(_take_layer(each) for each in encoded)
    widths, params = [layout.n_columns], []
    for place, each in enumerate(placed(layers, layout)):
        sizes = each.kind.parameters(unshared(each.layer), each.n_inputs)
        if isinstance(each.layer, shared):
            sizes = map_leaves(lambda size: ArrayShape(size.shape, shared=True), sizes)
        params.append(_take_parameters(f"{PARAMS}.{place}", sizes, n_members, arrays))
        widths.append(each.n_outputs)
    # Of layers that members share, their outputs may be more than what a file of its size warrants.
    arrays.spend(4 * n_members * max(widths))
    if widths[-1] != n_outputs:
        raise ModelFileError(f"its targets need {n_outputs} outputs, its network has {widths[-1]}.")
    return Members(layers, n_members, own_rows=False), tuple(params)


def layer_widths(network: Members, layout: TableLayout) -> list[int]:
    """Return the columns of an encoded table, and the outputs of the layers that have their own."""
    changing = (
        each.n_outputs
        for each in placed(network.layers, layout)
        if each.kind.reads_table is not None or each.kind.n_outputs is not _same
    )
    return [layout.n_columns, *changing]


def _encode_layer(layer: TabularLayer) -> dict[str, JSON]:
    if isinstance(layer, shared):
        return {"kind": shared.__name__, "fields": {"layer": _encode_layer(layer.layer)}}
    return {"kind": type(layer).__name__, "fields": encode_record(layer)}


def _take_layer(encoded: JSON) -> TabularLayer:
    match encoded:
        case {"kind": "shared", "fields": {"layer": inner, **others}, **rest} if not others | rest:
            layer = _take_own_layer(inner)
            return _made(lambda: shared(layer))
    return _take_own_layer(encoded)


def _take_own_layer(encoded: JSON) -> TabularLayer:
    match encoded:
        case {"kind": str(name), "fields": fields, **rest} if not rest:
            if name not in LAYERS:
                raise ModelFileError(f"it has a layer of a kind that this version lacks: {name!r}.")
            kind = LAYERS[name]
            return _made(lambda: decode_record(kind.layer, fields, later=kind.later))
    raise ModelFileError("its layers must have a kind and fields each.")


def _made(make: Callable[[], TabularLayer]) -> TabularLayer:
    """Return a layer whose arguments are those of a file."""
    try:
        return make()
    except InvalidArgumentError as error:
        raise ModelFileError(f"it has a layer that cannot be: {brief(error)}") from error


def _take_parameters(
    prefix: str, sizes: Parameters, n_members: int, arrays: StoredArrays
) -> Parameters:
    found = []
    for path, size in named_leaves(sizes):
        name = f"{prefix}.{path.replace('/', '.')}"
        front = 1 if size.shared else n_members
        found.append(take_array(arrays, name, (front, *size.shape)))
    return with_leaves(sizes, found)
