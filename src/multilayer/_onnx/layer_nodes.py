"""Layers of networks for tables as nodes of a graph, with axes ``(members or 1, rows, inputs)``.

Where an array of parameters or the inputs have one member for all, the nodes broadcast it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from multilayer._core.activations import AnyActivation, record_of
from multilayer._nn.activation_layers import (
    MixtureParameters,
    activate,
    parametric,
    scheduled_dropout,
)
from multilayer._nn.column_layers import (
    CLIP,
    LARGEST,
    RobustParameters,
    TableParameters,
    robust_scaling,
    table_inputs,
)
from multilayer._nn.embeddings import (
    CategoryParameters,
    PeriodicParameters,
    PiecewiseParameters,
    category_embedding,
    periodic_embedding,
    piecewise_linear_embedding,
)
from multilayer._nn.members import BatchEnsembleParameters, batch_ensemble, shared
from multilayer._nn.model import Parameters, Rate
from multilayer._nn.quantile_layers import (
    CENTRAL,
    CENTRE,
    LEAST_SHARE,
    TAIL,
    TAIL_START,
    WIDEST,
    QuantileParameters,
    halves,
    quantile_scaling,
)
from multilayer._nn.tabular_layers import (
    LinearParameters,
    NtkParameters,
    ScaleParameters,
    TabularLayer,
    linear,
    ntk_dense,
    scaling,
)
from multilayer._onnx.graph import Graph

FLOAT = np.dtype("float32")
END = np.iinfo(np.int64).max  # of a slice that goes on to the end


def _f32(array: object) -> np.ndarray:
    return np.asarray(array, FLOAT)


def _by_row(array: object) -> np.ndarray:
    """Return one array of each member as that of each of its rows."""
    return _f32(array)[..., None, :]


def _slice(graph: Graph, x: str, start: int, stop: int, axis: int = 2) -> str:
    return graph.node("Slice", x, *(np.array([n]) for n in (start, stop, axis)))


def _beside(graph: Graph, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=2)


def _spread(graph: Graph, x: str, n_members: int) -> str:
    """Add what has one member for all as that of each of several."""
    return x if n_members == 1 else graph.node("Add", x, np.zeros((n_members, 1, 1), FLOAT))


# Columns of a table ------------------------------------------------------------------------------


def _table_inputs(graph: Graph, layer: table_inputs, params: TableParameters, x: str) -> str:
    """Add numbers, their encoding, flags and embeddings side by side."""
    known, parts = params.statistics.value, []
    rest = layer.n_numeric + layer.n_flags
    if layer.n_numeric:
        z = _slice(graph, x, 0, layer.n_numeric)
        z = _scaled(graph, z, known.centre, known.factor)
        parts.append(z)
        if layer.n_bins:
            v = graph.node("Gather", z, layer.sources, axis=2)
            v = graph.node("Mul", graph.node("Sub", v, _by_row(known.low)), _by_row(known.slope))
            v = graph.node("Clip", v, *_bounds(0.0, 1.0))
            v = graph.node("Sub", v, _by_row(known.mean))
            parts.append(graph.node("Mul", v, _by_row(known.gain)))
    if layer.n_flags:
        flags = _slice(graph, x, layer.n_numeric, rest)
        parts.append(_spread(graph, flags, len(_f32(known.gain))))
    parts += _looked_up(graph, params.embeddings, x)
    return _beside(graph, parts)


def _scaled(graph: Graph, x: str, centre: object, factor: object) -> str:
    """Add numbers centred, scaled and clipped smoothly."""
    z = graph.node("Mul", graph.node("Sub", x, _by_row(centre)), _by_row(factor))
    z = graph.node("Clip", z, *_bounds(-LARGEST, LARGEST))
    share = graph.node("Div", z, np.array(CLIP, FLOAT))
    square = graph.node("Add", graph.node("Mul", share, share), np.array(1.0, FLOAT))
    return graph.node("Div", z, graph.node("Sqrt", square))


def _looked_up(graph: Graph, tables: tuple[object, ...], x: str) -> list[str]:
    """Add for each of the last columns, codes that all members have, the rows of its table."""
    first, parts = _slice(graph, x, 0, 1, axis=0), []
    for j, table in enumerate(tables):
        start = j - len(tables)
        codes = _slice(graph, first, start, start + 1 if start < -1 else END)
        codes = graph.cast(graph.node("Squeeze", codes, np.array([0, 2])), "int64")
        parts.append(graph.node("Gather", _f32(table), codes, axis=1))
    return parts


def _robust_scaling(graph: Graph, layer: robust_scaling, params: RobustParameters, x: str) -> str:
    n_columns = layer.n_columns
    if not n_columns:
        return x
    centre, factor = (_f32(part.value) for part in params)
    scaled = _scaled(graph, _slice(graph, x, 0, n_columns), centre, factor)
    return _beside(graph, [scaled, _spread(graph, _slice(graph, x, n_columns, END), len(centre))])


def _quantile_scaling(
    graph: Graph, layer: quantile_scaling, params: QuantileParameters, x: str
) -> str:
    n_columns, last = layer.n_columns, layer.n_quantiles - 1
    if not n_columns:
        return x
    quantiles = _f32(params.quantiles.value)
    z = graph.node("Clip", _slice(graph, x, 0, n_columns), *_bounds(-WIDEST, WIDEST))
    below, above = _places(graph, quantiles, z)
    scaled = _normal_quantile(graph, graph.node("Div", below, last), graph.node("Div", above, last))
    rest = _spread(graph, _slice(graph, x, n_columns, END), len(quantiles))
    return _beside(graph, [scaled, rest])


def _places(graph: Graph, quantiles: np.ndarray, x: str) -> tuple[str, str]:
    """Add how many intervals between quantiles lie below and above numbers."""
    n = quantiles.shape[-1]
    flat = quantiles.ravel()
    starts = np.arange(0, flat.size, n).reshape(len(quantiles), 1, -1)  # of the columns
    smaller = _count(graph, flat, starts, n, "Less", x)
    reached = _count(graph, flat, starts, n, "LessOrEqual", x)

    def quantile(place: str) -> str:
        inside = graph.node("Clip", place, np.array(0), np.array(n - 1))
        return graph.node("Gather", flat, graph.node("Add", inside, starts))

    low, high = quantile(graph.node("Sub", reached, np.array(1))), quantile(smaller)
    first, end = graph.cast(smaller, FLOAT), graph.cast(reached, FLOAT)
    width = graph.node("Sub", high, low)
    width = graph.node("Where", graph.node("Greater", width, 0.0), width, 1.0)
    middle = graph.node("Mul", graph.node("Sub", graph.node("Sub", end, first), 1.0), 0.5)
    among = graph.node("Equal", x, low)
    after = graph.node("Div", graph.node("Sub", x, low), width)
    after = graph.node("Add", graph.node("Sub", end, 1.0), after)
    below = graph.node("Where", among, graph.node("Add", first, middle), after)
    before = graph.node("Div", graph.node("Sub", high, x), width)
    before = graph.node("Add", graph.node("Sub", n - 1.0, first), before)
    beyond = graph.node("Add", graph.node("Sub", float(n), end), middle)
    above = graph.node("Where", among, beyond, before)
    bounds = _bounds(0.0, n - 1.0)
    return graph.node("Clip", below, *bounds), graph.node("Clip", above, *bounds)


def _count(graph: Graph, flat: np.ndarray, starts: np.ndarray, n: int, op: str, x: str) -> str:
    """Add how many quantiles of its column a number has reached: ``op`` says how."""
    count: str | np.ndarray = np.zeros((1, 1, 1), np.int64)
    for step in halves(n):
        tried = graph.node("Add", count, np.array(step))
        place = graph.node("Sub", graph.node("Min", tried, np.array(n)), np.array(1))
        quantile = graph.node("Gather", flat, graph.node("Add", place, starts))
        inside = graph.node("LessOrEqual", tried, np.array(n))
        reached = graph.node("And", graph.node(op, quantile, x), inside)
        count = graph.node("Where", reached, tried, count)
    return str(count)


def _normal_quantile(graph: Graph, below: str, above: str) -> str:
    """Add the quantiles of the normal distribution at shares, given those below and above."""

    def fraction(terms: tuple[tuple[float, ...], tuple[float, ...]], value: str) -> str:
        return graph.node("Div", *(graph.polynomial(value, each) for each in terms))

    centre = graph.node("Mul", graph.node("Sub", below, above), 0.5)
    square = graph.node("Sub", CENTRE**2, graph.node("Mul", centre, centre))
    inner = graph.node("Mul", centre, fraction(CENTRAL, square))
    share = graph.node("Max", graph.node("Min", below, above), LEAST_SHARE)
    root = graph.node("Sqrt", graph.node("Neg", graph.node("Log", share)))
    outer = fraction(TAIL, graph.node("Sub", root, TAIL_START))
    outer = graph.node("Mul", outer, graph.node("Sign", centre))
    central = graph.node("LessOrEqual", graph.node("Abs", centre), CENTRE)
    return graph.node("Where", central, inner, outer)


def _bounds(*numbers: float) -> list[np.ndarray]:
    return [np.array(number, FLOAT) for number in numbers]


def _category_embedding(
    graph: Graph, layer: category_embedding, params: CategoryParameters, x: str
) -> str:
    if not params.tables:
        return x
    rest = _slice(graph, x, 0, -len(params.tables))
    members = len(_f32(params.tables[0]))
    return _beside(graph, [_spread(graph, rest, members), *_looked_up(graph, params.tables, x)])


def _periodic_embedding(
    graph: Graph, layer: periodic_embedding, params: PeriodicParameters, x: str
) -> str:
    if not layer.n_columns:
        return x
    turns = _f32(params.frequencies)[..., None, :]
    angles = graph.node("Mul", _by_column(graph, x, layer.n_columns), np.array(2 * np.pi, FLOAT))
    angles = graph.node("Mul", angles, turns)
    waves = graph.node("Cos", graph.node("Add", angles, _f32(params.phases)[..., None, :]))
    sums = graph.node("MatMul", waves, _f32(params.kernel))
    embedded = _side_by_side(graph, graph.node("Add", sums, _by_row(params.bias)), layer.size)
    return _beside(graph, [embedded, _spread(graph, x, len(turns))])


def _piecewise_linear_embedding(
    graph: Graph, layer: piecewise_linear_embedding, params: PiecewiseParameters, x: str
) -> str:
    if not layer.n_columns:
        return x
    z = _by_column(graph, x, layer.n_columns)
    low, factor, floor, ceiling = (_by_row(part) for part in params.bins.value)
    v = graph.node("Mul", graph.node("Sub", z, low), factor)
    v = graph.node("Min", graph.node("Max", v, floor), ceiling)
    line = graph.node("Mul", z, _by_row(params.slope))
    line = graph.node("Add", line, _by_row(params.offset))
    sums = graph.node("Add", line, graph.node("MatMul", v, _f32(params.kernel)))
    rest = _spread(graph, _slice(graph, x, layer.n_columns, END), len(low))
    return _beside(graph, [_side_by_side(graph, sums, layer.size), rest])


def _by_column(graph: Graph, x: str, n_columns: int) -> str:
    """Add the first columns as ``(members or 1, n_columns, rows, 1)``."""
    columns = graph.node("Transpose", _slice(graph, x, 0, n_columns), perm=[0, 2, 1])
    return graph.node("Unsqueeze", columns, np.array([3]))


def _side_by_side(graph: Graph, embedded: str, size: int) -> str:
    """Add embeddings ``(members, n_columns, rows, size)`` as ``(members, rows, ...)``."""
    by_row = graph.node("Transpose", embedded, perm=[0, 2, 1, 3])
    return graph.node("Reshape", by_row, np.array([0, 0, -1]))  # 0 leaves an axis as it is


# Dense layers, and what stands between them ------------------------------------------------------


def _scaling(graph: Graph, layer: scaling, params: ScaleParameters, x: str) -> str:
    scale = 1 + np.asarray(params.used.value) * (np.asarray(params.scale) - 1)
    return graph.node("Mul", x, _by_row(scale))


def _ntk_dense(graph: Graph, layer: ntk_dense, params: NtkParameters, x: str) -> str:
    kernel = _f32(params.kernel)
    sums = graph.node("MatMul", x, kernel)
    sums = graph.node("Mul", sums, np.array(1.0 / np.sqrt(kernel.shape[-2]), FLOAT))
    return graph.node("Add", sums, _by_row(params.bias))


def _linear(graph: Graph, layer: linear, params: LinearParameters, x: str) -> str:
    return graph.node("Add", graph.node("MatMul", x, _f32(params.kernel)), _by_row(params.bias))


def _batch_ensemble(
    graph: Graph, layer: batch_ensemble, params: BatchEnsembleParameters, x: str
) -> str:
    scaled = graph.node("Mul", x, _by_row(params.scale_in))
    sums = graph.node("MatMul", scaled, _f32(params.kernel))
    sums = graph.node("Mul", sums, _by_row(params.scale_out))
    return graph.node("Add", sums, _by_row(params.bias))


def _shared(graph: Graph, layer: shared, params: Parameters, x: str) -> str:
    return LAYERS[type(layer.layer)](graph, layer.layer, params, x)


def _parametric(graph: Graph, layer: parametric, params: MixtureParameters, x: str) -> str:
    change = graph.node("Sub", _activated(graph, layer.activation, x), x)
    return graph.node("Add", x, graph.node("Mul", change, _by_row(params.share)))


def _activate(graph: Graph, layer: activate, params: tuple[()], x: str) -> str:
    return _activated(graph, layer.activation, x)


def _activated(graph: Graph, activation: AnyActivation, x: str) -> str:
    form = record_of(activation).onnx_form
    assert form is not None  # those of ensembles have names
    return form(graph, x)


def _dropout(graph: Graph, layer: scheduled_dropout, params: Rate, x: str) -> str:
    return x


LAYERS: Mapping[type[TabularLayer], Callable[[Graph, Any, Any, str], str]] = {
    table_inputs: _table_inputs,
    robust_scaling: _robust_scaling,
    quantile_scaling: _quantile_scaling,
    category_embedding: _category_embedding,
    periodic_embedding: _periodic_embedding,
    piecewise_linear_embedding: _piecewise_linear_embedding,
    scaling: _scaling,
    ntk_dense: _ntk_dense,
    linear: _linear,
    batch_ensemble: _batch_ensemble,
    shared: _shared,
    parametric: _parametric,
    activate: _activate,
    scheduled_dropout: _dropout,
}
"""What adds the nodes of each kind of layer, of its parameters and inputs."""
