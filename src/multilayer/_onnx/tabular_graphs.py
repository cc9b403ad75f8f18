"""Encoders of raw tables, and ensembles of networks for them, as graphs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer._core.activations import AnyActivation, record_of
from multilayer._data.encoding import TableEncoding
from multilayer._nn.column_layers import CLIP, LARGEST, TableParameters, table_inputs
from multilayer._nn.members import Members
from multilayer._nn.model import Parameters, Rate
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
from multilayer._onnx.graph import Graph
from multilayer._onnx.outputs import (
    Described,
    Options,
    Output,
    highest,
    labels_of,
    numbered,
    pick,
    with_outputs,
)
from multilayer._onnx.table_columns import columns_of, encode

if TYPE_CHECKING:
    from skl2onnx.common._topology import Variable

FLOAT = np.dtype("float32")
SMALLEST = 1e-9  # probability that a logarithm is taken of


@dataclass(frozen=True)
class EncodedTable:
    """An encoder of raw tables."""

    encoding: TableEncoding
    reads_tables = True

    def outputs(self) -> list[Output]:
        """The matrix of numbers, flags and codes."""
        return [Output("encoded", FLOAT, (self.encoding.layout.n_columns,))]

    def build(self, graph: Graph, x: "Sequence[Variable]") -> list[str]:
        """Add the nodes from the columns of a table to the matrix."""
        return [encode(graph, self.encoding, columns_of(graph, x))]


# Ensembles ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TableEnsemble:
    """Networks behind an encoder of raw tables."""

    encoding: TableEncoding
    network: Members
    params: tuple[Parameters, ...]
    weights: np.ndarray  # (members,) of their predictions

    def build(self, graph: Graph, x: "Sequence[Variable]", read: Callable[[str], str]) -> str:
        """Add the weighted mean of what the members predict, ``(rows, outputs)`` of float64.

        ``read`` adds what raw outputs ``(members, rows, outputs)`` predict.
        """
        rows = encode(graph, self.encoding, columns_of(graph, x))
        values = graph.node("Unsqueeze", rows, np.array([0]))  # all members see the same rows
        for layer, params in zip(self.network.layers, self.params, strict=True):
            values = LAYERS[type(layer)](graph, layer, params, values)
        predicted = read(graph.cast(values, "float64"))
        weighted = graph.node("Mul", predicted, self.weights.astype(np.float64)[:, None, None])
        return graph.node("ReduceSum", weighted, np.array([0]), keepdims=0)


@dataclass(frozen=True)
class TableClasses:
    """An ensemble whose outputs stand for classes."""

    ensemble: TableEnsemble
    temperature: float
    classes: np.ndarray
    raw: bool = False  # whether "probabilities" are what the last softmax gets
    reads_tables = True

    def with_options(self, options: Options) -> Described:
        """Return it with options of skl2onnx."""
        classes = numbered(self.classes) if options.nocl else self.classes
        changed = replace(self, classes=classes, raw=options.raw_scores)
        return with_outputs(changed, [classes], options)

    def outputs(self) -> list[Output]:
        """Labels and probabilities."""
        return [
            Output("label", labels_of(self.classes).dtype, ()),
            Output("probabilities", FLOAT, (len(self.classes),)),
        ]

    def build(self, graph: Graph, x: "Sequence[Variable]") -> list[str]:
        """Add the nodes from the columns of a table to the outputs."""
        mean = self.ensemble.build(graph, x, lambda raw: graph.node("Softmax", raw, axis=2))
        logs = graph.node("Log", graph.node("Max", mean, np.array(SMALLEST)))
        scores = graph.node("Mul", logs, np.array(self.temperature))
        label = pick(graph, labels_of(self.classes), highest(graph, scores))
        values = scores if self.raw else graph.node("Softmax", scores, axis=1)
        return [label, graph.cast(values, FLOAT)]


@dataclass(frozen=True)
class TableNumbers:
    """An ensemble that predicts numbers, standardised in training."""

    ensemble: TableEnsemble
    mean: np.ndarray  # (targets,), float64, as the following
    spread: np.ndarray
    low: np.ndarray  # bounds of the predictions
    high: np.ndarray
    reads_tables = True

    def outputs(self) -> list[Output]:
        """Predictions."""
        return [Output("variable", FLOAT, (len(self.mean),))]

    def build(self, graph: Graph, x: "Sequence[Variable]") -> list[str]:
        """Add the nodes from the columns of a table to the outputs."""
        mean = self.ensemble.build(graph, x, lambda raw: raw)
        values = graph.node("Add", graph.node("Mul", mean, self.spread), self.mean)
        values = graph.node("Min", graph.node("Max", values, self.low), self.high)
        return [graph.cast(values, FLOAT)]


# Layers, for inputs ``(members or 1, rows, inputs)`` ---------------------------------------------


def _f32(array: object) -> np.ndarray:
    return np.asarray(array, FLOAT)


def _by_row(array: object) -> np.ndarray:
    """Return one array of each member as that of each of its rows."""
    return _f32(array)[..., None, :]


def _slice(graph: Graph, x: str, start: int, stop: int) -> str:
    return graph.node("Slice", x, *(np.array([n]) for n in (start, stop, 2)))


def _table_inputs(graph: Graph, layer: table_inputs, params: TableParameters, x: str) -> str:
    """Add numbers, their encoding, flags and embeddings side by side."""
    known, parts = params.statistics.value, []
    rest = layer.n_numeric + layer.n_flags
    if layer.n_numeric:
        z = graph.node("Sub", _slice(graph, x, 0, layer.n_numeric), _by_row(known.centre))
        z = graph.node("Mul", z, _by_row(known.factor))
        z = graph.node("Clip", z, np.array(-LARGEST, FLOAT), np.array(LARGEST, FLOAT))
        share = graph.node("Div", z, np.array(CLIP, FLOAT))
        square = graph.node("Add", graph.node("Mul", share, share), np.array(1.0, FLOAT))
        z = graph.node("Div", z, graph.node("Sqrt", square))
        parts.append(z)
        if layer.n_bins:
            v = graph.node("Gather", z, layer.sources, axis=2)
            v = graph.node("Mul", graph.node("Sub", v, _by_row(known.low)), _by_row(known.slope))
            v = graph.node("Clip", v, np.array(0.0, FLOAT), np.array(1.0, FLOAT))
            v = graph.node("Sub", v, _by_row(known.mean))
            parts.append(graph.node("Mul", v, _by_row(known.gain)))
    if layer.n_flags:
        flags = _slice(graph, x, layer.n_numeric, rest)
        members = len(_f32(known.gain))
        parts.append(graph.node("Add", flags, np.zeros((members, 1, 1), FLOAT)))
    for j, table in enumerate(params.embeddings):
        codes = graph.node("Squeeze", _slice(graph, x, rest + j, rest + j + 1), np.array([0, 2]))
        parts.append(graph.node("Gather", _f32(table), graph.cast(codes, "int64"), axis=1))
    return parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=2)


def _scaling(graph: Graph, layer: scaling, params: ScaleParameters, x: str) -> str:
    scale = 1 + np.asarray(params.used.value) * (np.asarray(params.scale) - 1)
    return graph.node("Mul", x, _by_row(scale))


def _ntk_dense(graph: Graph, layer: ntk_dense, params: NtkParameters, x: str) -> str:
    kernel = _f32(params.kernel)
    sums = graph.node("MatMul", x, kernel)
    sums = graph.node("Mul", sums, np.array(1.0 / np.sqrt(kernel.shape[-2]), FLOAT))
    return graph.node("Add", sums, _by_row(params.bias))


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
    scaling: _scaling,
    ntk_dense: _ntk_dense,
    parametric: _parametric,
    activate: _activate,
    scheduled_dropout: _dropout,
}
"""What adds the nodes of each kind of layer, of its parameters and inputs."""
