"""Regressors as nodes: predicted numbers from the outputs of a network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from multilayer._core.activations import OnnxForm
from multilayer._objectives.regression_losses import SMALLEST_SPREAD, OutputKind
from multilayer._onnx.graph import Graph
from multilayer._onnx.network import DenseNetwork
from multilayer._onnx.outputs import Output

FLOAT = np.dtype("float32")


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
