"""Encoders of raw tables, and ensembles of networks for them, as graphs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from multilayer._data.encoding import TableEncoding
from multilayer._nn.members import Members
from multilayer._nn.model import Parameters
from multilayer._onnx.graph import Graph
from multilayer._onnx.layer_nodes import LAYERS
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
