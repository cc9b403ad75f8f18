"""Weighted ensembles as graphs: the graphs of the members, side by side, and their mean."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from multilayer._core.checks import refuse
from multilayer._onnx.graph import Graph
from multilayer._onnx.outputs import (
    Described,
    Options,
    Output,
    Rows,
    highest,
    labels_of,
    numbered,
    pick,
    positive,
    with_outputs,
)

FLOAT = np.dtype("float32")


def mean_of(graph: Graph, tensors: Sequence[str], weights: np.ndarray) -> str:
    """Add the weighted mean of tensors of one shape, in float64."""
    total = ""
    for tensor, weight in zip(tensors, weights, strict=True):
        part = graph.node("Mul", graph.cast(tensor, "float64"), np.array(weight, np.float64))
        total = graph.node("Add", total, part) if total else part
    return total


@dataclass(frozen=True)
class AverageClasses:
    """Classifiers whose probabilities are averaged."""

    members: tuple[Described, ...]  # with outputs of labels and probabilities in turn
    weights: np.ndarray  # (members,), shares of 1
    classes: tuple[np.ndarray, ...]  # of each column of labels; of indicators the labels
    indicators: bool  # whether each label is there or not by itself
    reads_tables: bool = False

    def with_options(self, options: Options) -> Described:
        """Return it with options of skl2onnx; a mean of probabilities has no raw scores."""
        if options.raw_scores:
            rule = "False for an ensemble, which averages probabilities"
            refuse("options['raw_scores']", rule, True)
        if len(self.classes) > 1:
            if options.zipmap == "columns":
                rule = "True or False for several columns of classes"
                refuse("options['zipmap']", rule, options.zipmap, "They have an output each.")
            options = replace(options, zipmap=False)
        classes = tuple(map(numbered, self.classes)) if options.nocl else self.classes
        return with_outputs(replace(self, classes=classes), classes, options)

    def outputs(self) -> list[Output]:
        """Labels and probabilities, of each column of labels."""
        if self.indicators:
            shape = self.classes[0].shape
            return [
                Output("label", np.dtype("int64"), shape),
                Output("probabilities", FLOAT, shape),
            ]
        ends = [f"_{i}" for i in range(len(self.classes))] if len(self.classes) > 1 else [""]
        found = []
        for end, classes in zip(ends, self.classes, strict=True):
            found.append(Output(f"label{end}", labels_of(classes).dtype, ()))
            found.append(Output(f"probabilities{end}", FLOAT, (len(classes),)))
        return found

    def build(self, graph: Graph, x: Rows) -> list[str]:
        """Add the nodes from rows to the outputs."""
        made = [list(map(str, member.build(graph, x))) for member in self.members]
        found = []
        for i, classes in enumerate(self.classes):
            mean = mean_of(graph, [outputs[2 * i + 1] for outputs in made], self.weights)
            if self.indicators:
                label = positive(graph, graph.node("Sub", mean, np.array(0.5)), np.float64)
            else:
                label = pick(graph, labels_of(classes), highest(graph, mean))
            found += [label, graph.cast(mean, FLOAT)]
        return found


@dataclass(frozen=True)
class AverageNumbers:
    """Regressors whose predictions are averaged."""

    members: tuple[Described, ...]  # with one output
    weights: np.ndarray  # (members,), shares of 1
    n_targets: int
    reads_tables: bool = False

    def outputs(self) -> list[Output]:
        """Predictions."""
        return [Output("variable", FLOAT, (self.n_targets,))]

    def build(self, graph: Graph, x: Rows) -> list[str]:
        """Add the nodes from rows to the outputs."""
        each = [str(member.build(graph, x)[0]) for member in self.members]
        return [graph.cast(mean_of(graph, each, self.weights), FLOAT)]
