"""Classifiers as nodes: labels and probabilities from the outputs of a network."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np

from multilayer._core.checks import refuse
from multilayer._objectives.objective import ClassificationLoss
from multilayer._onnx.graph import Graph
from multilayer._onnx.network import DenseNetwork
from multilayer._onnx.options import Options, numbered, with_outputs
from multilayer._onnx.outputs import Described, Output, flat, highest, labels_of, pick, positive

FLOAT, INTEGER = np.dtype("float32"), np.dtype("int64")


@dataclass(frozen=True)
class Classes:
    """A network whose output units, cut into heads, stand for classes."""

    network: DenseNetwork
    loss: ClassificationLoss
    classes: tuple[np.ndarray, ...]  # of each column of labels
    several: bool = False  # whether labels are columns of classes, each with outputs of its own
    raw: bool = False  # whether "probabilities" are outputs before their activation

    def with_options(self, options: Options) -> Described:
        """Return it with options of skl2onnx; several columns of classes have no ZipMap there."""
        if self.several and options.zipmap == "columns":
            rule = "True or False for several columns of classes"
            refuse("options['zipmap']", rule, options.zipmap, "They have an output each.")
        classes = tuple(map(numbered, self.classes)) if options.nocl else self.classes
        changed = replace(self, classes=classes, raw=options.raw_scores)
        if self.several:
            options = replace(options, zipmap=False)
        return with_outputs(changed, classes, options)

    def outputs(self) -> list[Output]:
        """Labels and probabilities, of each column of labels."""
        return [output for i in range(len(self.classes)) for output in self._outputs_of(i)]

    def _outputs_of(self, i: int) -> Iterator[Output]:
        end = f"_{i}" if self.several else ""
        yield Output(f"label{end}", labels_of(self.classes[i]).dtype, ())
        yield Output(f"probabilities{end}", FLOAT, (len(self.classes[i]),))

    def build(self, graph: Graph, x: str) -> list[str]:
        """Add the nodes from rows to the outputs."""
        raw = self.network.build(graph, x)
        if self.loss.yes_no:
            chosen = flat(graph, positive(graph, raw, FLOAT))
            both = graph.node("Concat", graph.node("Neg", raw), raw, axis=1)
            values = both if self.raw else graph.node("Sigmoid", both)
            return [self._label(graph, 0, chosen), values]
        return [name for i in range(len(self.classes)) for name in self._head(graph, raw, i)]

    def _head(self, graph: Graph, raw: str, i: int) -> tuple[str, str]:
        """Add the label and the probabilities of exclusive classes."""
        ends = [0, *accumulate(map(len, self.classes))]
        scores = graph.columns(raw, *list(pairwise(ends))[i]) if self.several else raw
        label = self._label(graph, i, highest(graph, scores))
        if self.raw:
            return label, graph.node("Identity", scores)
        if self.loss.one_vs_rest:  # a yes/no output of each class, normalised over them
            # log(logistic(z)), which does not underflow as a quotient would
            scores = graph.node("Neg", graph.node("Softplus", graph.node("Neg", scores)))
        return label, graph.node("Softmax", scores, axis=1)

    def _label(self, graph: Graph, i: int, numbers: str) -> str:
        return pick(graph, labels_of(self.classes[i]), numbers)


@dataclass(frozen=True)
class Indicators:
    """A network that says yes or no to each of several labels."""

    network: DenseNetwork
    classes: np.ndarray  # the labels
    two_units: bool  # whether a label has a unit for no and one for yes
    raw: bool = False  # whether "probabilities" are outputs before their activation

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return len(self.classes)

    def with_options(self, options: Options) -> Described:
        """Return it with options of skl2onnx."""
        classes = numbered(self.classes) if options.nocl else self.classes
        return with_outputs(replace(self, raw=options.raw_scores), [classes], options)

    def outputs(self) -> list[Output]:
        """Which labels a row has, and how probable each is."""
        shape = (self.n_labels,)
        return [Output("label", INTEGER, shape), Output("probabilities", FLOAT, shape)]

    def build(self, graph: Graph, x: str) -> list[str]:
        """Add the nodes from rows to the outputs."""
        logits = self.network.build(graph, x)
        if self.two_units:
            no, yes = (graph.columns(logits, i, 2 * self.n_labels, 2) for i in (0, 1))
            logits = graph.node("Sub", yes, no)
        values = graph.node("Identity" if self.raw else "Sigmoid", logits)
        return [positive(graph, logits, FLOAT), values]
