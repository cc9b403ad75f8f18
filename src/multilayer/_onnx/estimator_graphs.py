"""Classifiers, regressors and perceptrons as graphs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np

from multilayer._core.activations import OnnxForm
from multilayer._core.checks import refuse
from multilayer._objectives.objective import ClassificationLoss
from multilayer._objectives.regression_losses import SMALLEST_SPREAD, OutputKind
from multilayer._onnx.graph import DenseNetwork, Graph
from multilayer._onnx.outputs import (
    Described,
    Options,
    Output,
    flat,
    highest,
    labels_of,
    numbered,
    pick,
    positive,
    with_outputs,
)

# Classifiers as nodes: labels and probabilities from the outputs of a network --------------------


FLOAT, DOUBLE, INTEGER = np.dtype("float32"), np.dtype("float64"), np.dtype("int64")


@dataclass(frozen=True)
class Classes:
    """A network whose output units, cut into heads, stand for classes."""

    network: DenseNetwork
    loss: ClassificationLoss
    classes: tuple[np.ndarray, ...]  # of each column of labels
    several: bool = False  # whether labels are columns of classes, each with outputs of its own
    temperature: float = 1.0  # what the outputs are divided by for probabilities
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
            if not self.raw:
                both = graph.node("Sigmoid", _tempered(graph, both, self.temperature))
            return [self._label(graph, 0, chosen), both]
        return [name for i in range(len(self.classes)) for name in self._head(graph, raw, i)]

    def _head(self, graph: Graph, raw: str, i: int) -> tuple[str, str]:
        """Add the label and the probabilities of exclusive classes."""
        ends = [0, *accumulate(map(len, self.classes))]
        scores = graph.columns(raw, *list(pairwise(ends))[i]) if self.several else raw
        label = self._label(graph, i, highest(graph, scores))
        if self.raw:
            return label, graph.node("Identity", scores)
        scores = _tempered(graph, scores, self.temperature)
        if self.loss.one_vs_rest:  # a yes/no output of each class, normalised over them
            # log(logistic(z)), which does not underflow as a quotient would
            scores = graph.node("Neg", graph.node("Softplus", graph.node("Neg", scores)))
        return label, graph.node("Softmax", scores, axis=1)

    def _label(self, graph: Graph, i: int, numbers: str) -> str:
        return pick(graph, labels_of(self.classes[i]), numbers)


def _tempered(graph: Graph, logits: str, temperature: float) -> str:
    """Add the division of logits by a temperature."""
    if temperature == 1:
        return logits
    return graph.node("Div", logits, np.array(temperature, FLOAT))


@dataclass(frozen=True)
class Indicators:
    """A network that says yes or no to each of several labels."""

    network: DenseNetwork
    classes: np.ndarray  # the labels
    two_units: bool  # whether a label has a unit for no and one for yes
    temperature: float = 1.0  # what the logits are divided by for probabilities
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
        if self.raw:
            values = graph.node("Identity", logits)
        else:
            values = graph.node("Sigmoid", _tempered(graph, logits, self.temperature))
        return [positive(graph, logits, FLOAT), values]


# Regressors as nodes: predicted numbers from the outputs of a network ----------------------------


@dataclass(frozen=True)
class Numbers:
    """A network that predicts numbers."""

    network: DenseNetwork
    output: OutputKind
    out_activation: OnnxForm
    mean: np.ndarray  # (targets,), float64: what is added to the outputs of standardised targets
    scale: np.ndarray  # (targets,), float64
    n_levels: int = 1  # quantiles of each target that are learnt
    middle: int = 0  # the number of the median among them
    asked: tuple[int, ...] = ()  # the numbers of those to return

    @property
    def n_targets(self) -> int:
        """Number of targets."""
        return len(self.mean)

    def outputs(self) -> list[Output]:
        """Predictions, as "variable"; "quantiles" or "std" too, where the loss has them."""
        return [
            Output("variable", FLOAT, (self.n_targets,)),
            *FINISHES[self.output].further_outputs(self),
        ]

    def build(self, graph: Graph, x: str) -> list[str]:
        """Add the nodes from rows to the outputs."""
        return FINISHES[self.output].build(self, graph, self.network.build(graph, x))

    def point(self, graph: Graph, raw: str) -> list[str]:
        """Add the output activation."""
        return [self._in_units(graph, self.out_activation(graph, raw), self.mean)]

    def mean_and_spread(self, graph: Graph, raw: str) -> list[str]:
        """Add the mean and the standard deviation."""
        mean, spread = (graph.columns(raw, i, 2 * self.n_targets, 2) for i in (0, 1))
        spread = graph.node("Softplus", spread)
        spread = graph.node("Add", spread, np.array(SMALLEST_SPREAD, FLOAT))
        return [self._in_units(graph, mean, self.mean), self._in_units(graph, spread, None)]

    def quantiles(self, graph: Graph, raw: str) -> list[str]:
        """Add the median and the quantiles wanted, each a distance beyond its neighbour."""
        n, middle = self.n_levels, self.middle
        units = [graph.columns(raw, i, n * self.n_targets, n) for i in range(n)]
        gaps = [graph.node("Softplus", unit) for unit in units]
        levels = {middle: units[middle]}
        for i in range(middle + 1, n):
            levels[i] = graph.node("Add", levels[i - 1], gaps[i])
        for i in reversed(range(middle)):
            levels[i] = graph.node("Sub", levels[i + 1], gaps[i])
        levels = {i: self._in_units(graph, level, self.mean) for i, level in levels.items()}
        asked = [levels[i] for i in self.asked]
        if self.n_targets > 1:  # (rows, targets) each, beside each other on an axis of their own
            asked = [graph.node("Unsqueeze", level, np.array([2])) for level in asked]
        axis = 2 if self.n_targets > 1 else 1
        return [levels[middle], graph.node("Concat", *asked, axis=axis)]

    def _in_units(self, graph: Graph, values: str, mean: np.ndarray | None) -> str:
        """Bring values ``(rows, targets)`` to the units of the targets, in float64 as predict."""
        if (self.scale == 1).all() and (mean is None or (mean == 0).all()):
            return values
        values = graph.node("Mul", graph.cast(values, "float64"), self.scale)
        if mean is not None:
            values = graph.node("Add", values, mean)
        return graph.cast(values, FLOAT)


@dataclass(frozen=True)
class Finish:
    """How one kind of output ends a graph."""

    build: Callable[[Numbers, Graph, str], list[str]]  # from raw outputs to all outputs
    further_outputs: Callable[[Numbers], list[Output]]  # those after "variable"


def _quantiles_output(numbers: Numbers) -> list[Output]:
    targets = (numbers.n_targets,) if numbers.n_targets > 1 else ()
    return [Output("quantiles", FLOAT, (*targets, len(numbers.asked)))]


FINISHES: dict[OutputKind, Finish] = {
    OutputKind.POINT: Finish(Numbers.point, lambda _: []),
    OutputKind.QUANTILES: Finish(Numbers.quantiles, _quantiles_output),
    OutputKind.MEAN_AND_SPREAD: Finish(
        Numbers.mean_and_spread,
        lambda numbers: [Output("std", FLOAT, (numbers.n_targets,))],
    ),
}


# Perceptrons as nodes: labels and scores of threshold units, in float64 as in training -----------


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
