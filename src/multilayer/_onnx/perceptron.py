"""Perceptrons as nodes: labels and scores of threshold units, in float64 as in training."""

from dataclasses import dataclass, replace

import numpy as np

from multilayer._core.checks import refuse
from multilayer._onnx.graph import Graph
from multilayer._onnx.options import Options, numbered, with_outputs
from multilayer._onnx.outputs import Described, Output, flat, highest, labels_of, pick, positive

DOUBLE, INTEGER = np.dtype("float64"), np.dtype("int64")


@dataclass(frozen=True)
class ThresholdUnits:
    """One layer of threshold units."""

    weights: np.ndarray  # (units, features), float64
    bias: np.ndarray  # (units,), float64
    classes: np.ndarray
    several: bool  # whether each unit stands for a label of its own

    def with_options(self, options: Options) -> Described:
        """Return it with options of skl2onnx: scores are raw, and no probabilities for a ZipMap."""
        if options.zipmap == "columns":
            refuse("options['zipmap']", "True or False for scores", options.zipmap)
        classes = numbered(self.classes) if options.nocl else self.classes
        options = replace(options, zipmap=False)
        return with_outputs(replace(self, classes=classes), [classes], options)

    def outputs(self) -> list[Output]:
        """Labels and the units' scores."""
        n_units = len(self.bias)
        scores = Output("scores", DOUBLE, (n_units,))
        if self.several:
            return [Output("label", INTEGER, (n_units,)), scores]
        return [Output("label", labels_of(self.classes).dtype, ()), scores]

    def build(self, graph: Graph, x: str) -> list[str]:
        """Add the nodes from rows to the outputs."""
        x = graph.cast(x, DOUBLE)
        scores = graph.node("Add", graph.node("MatMul", x, self.weights.T), self.bias)
        if self.several:
            return [positive(graph, scores, DOUBLE), scores]
        one = len(self.bias) == 1
        chosen = flat(graph, positive(graph, scores, DOUBLE)) if one else highest(graph, scores)
        return [pick(graph, labels_of(self.classes), chosen), scores]
