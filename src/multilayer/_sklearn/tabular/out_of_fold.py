"""Predictions for rows that a member has not been trained on: what an ensemble is judged by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from multilayer._core.pytrees import leaves, map_leaves, with_leaves
from multilayer._core.types import Report
from multilayer._engine.callbacks.protocol import Callback, Stop
from multilayer._engine.loop import Training
from multilayer._nn.model import Parameters
from multilayer._sklearn.tabular.recipe import Recipe

TEMPERATURES = np.exp(np.linspace(-1.2, 0.5, 18))
"""Factors of the logarithms of probabilities that calibration tries."""

SHARES = np.linspace(0.0, 1.0, 5)
"""Weights of the second of two views that are tried."""


# Tables of predictions, and their losses ---------------------------------------------------------


@dataclass(frozen=True)
class Targets:
    """What predictions are compared with."""

    y: np.ndarray  # (rows,) class numbers, or (rows, outputs)
    weight: np.ndarray  # (rows,)
    classification: bool

    def loss(self, predicted: np.ndarray) -> float:
        """Return the loss of a table: the log loss after calibration, or the squared error."""
        if self.classification:
            return self.calibrated(predicted)[1]
        return self._mean(np.square(predicted - self.y).mean(axis=1))

    def score(self, predicted: np.ndarray) -> float:
        """Return the accuracy, or the share of the variance that is explained."""
        if self.classification:
            return self._mean(predicted.argmax(axis=1) == self.y)
        mean = np.average(self.y, axis=0, weights=self.weight)
        spread = self._mean(np.square(self.y - mean).mean(axis=1))
        return 1.0 - self.loss(predicted) / spread if spread else 0.0

    def calibrated(self, probabilities: np.ndarray) -> tuple[float, float]:
        """Return the temperature of the lowest log loss, and that loss."""
        logs = np.log(np.maximum(probabilities, 1e-9))
        rows = np.arange(len(logs))
        losses = [
            self._mean(log_sum_exp(t * logs) - t * logs[rows, self.y]) for t in TEMPERATURES
        ]
        best = int(np.argmin(losses))
        return float(TEMPERATURES[best]), losses[best]

    def _mean(self, values: np.ndarray) -> float:
        return float(np.average(values, weights=self.weight))


def log_sum_exp(values: np.ndarray) -> np.ndarray:
    """Return the logarithm of the sum of the exponentials of each row."""
    largest = values.max(axis=1)
    return largest + np.log(np.exp(values - largest[:, None]).sum(axis=1))


def softmax(raw: np.ndarray) -> np.ndarray:
    """Return probabilities over the last axis."""
    weights = np.exp(raw - raw.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities whose logarithms are multiplied by a factor."""
    return softmax(temperature * np.log(np.maximum(probabilities, 1e-9)))


# The judge of training ---------------------------------------------------------------------------


@dataclass
class ViewBest:
    """The best evaluation of a view."""

    loss: float = np.inf
    evaluation: int = -1
    table: np.ndarray | None = None


class OutOfFold(Callback):
    """Judges an ensemble by predictions for the rows of other folds, and ends its training.

    For each view the members of its best evaluation are kept. At the end of a cycle of the learning
    rate training ends, if no view has gained enough in it.
    """

    def __init__(
        self,
        recipe: Recipe,
        folds: Sequence[np.ndarray],
        targets: Targets,
        predict: Callable[[Parameters], list[np.ndarray]],
    ) -> None:
        self._recipe, self._folds, self._targets = recipe, folds, targets
        self._predict = predict
        self.views = [ViewBest() for _ in recipe.views]
        self.best_params: Parameters = None
        self._before = [np.inf] * len(recipe.views)
        self._evaluations = 0
        self.curves: list[list[float]] = []

    def judge(self, training: Training, network: Parameters) -> tuple[float, float]:
        """Return loss and score out of fold, the mean of the views; remember the best members."""
        tables = self.tables(self._predict(network))
        better = []
        losses = [self._targets.loss(table) for table in tables]
        for number, (view, table, loss) in enumerate(
            zip(self.views, tables, losses, strict=True)
        ):
            if loss <= view.loss:
                view.loss, view.evaluation, view.table = loss, self._evaluations, table
                better.append(number)
        self.remember(network, better)
        self._evaluations += 1
        self.curves.append(losses)
        mean = np.mean(tables, axis=0)
        return self._targets.loss(mean), self._targets.score(mean)

    def tables(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """Return for each view the outputs of every row, from the member that has not seen it."""
        n, folds = len(self._targets.weight), len(self._folds)
        tables = []
        for view in range(len(self._recipe.views)):
            table = np.zeros((n, outputs[0].shape[-1]))
            counts = np.zeros((n, 1))
            for fold, rows in enumerate(self._folds):
                raw = outputs[view * folds + fold]
                table[rows] += softmax(raw) if self._targets.classification else raw
                counts[rows] += 1
            tables.append(table / np.maximum(counts, 1))
        return tables

    def remember(self, network: Parameters, better: list[int]) -> None:
        """Copy the members of some views."""
        if not better:
            return
        if self.best_params is None:
            self.best_params = map_leaves(lambda leaf: np.array(leaf), network)
            return
        folds = len(self._folds)
        for mine, new in zip(leaves(self.best_params), leaves(network), strict=True):
            new = np.asarray(new)
            for view in better:
                some = slice(view * folds, (view + 1) * folds)
                mine[some] = new[some]

    def on_epoch_end(self, report: Report) -> Stop | None:
        """End training where a whole cycle has brought no view forward."""
        done = self._evaluations + 1
        if done & (done - 1):  # a cycle ends after 1, 3, 7, 15, ... evaluations
            return None
        gained = [
            view.loss < (1.0 - self._recipe.gain) * before
            for view, before in zip(self.views, self._before, strict=True)
        ]
        self._before = [view.loss for view in self.views]
        cycles = done.bit_length() - 1
        if cycles >= self._recipe.fewest_cycles and not any(gained):
            return Stop("converged")
        return None


def view_weights(tables: Sequence[np.ndarray], targets: Targets) -> np.ndarray:
    """Return the weights of the views by the loss of their mixture."""
    if len(tables) == 1:
        return np.ones(1)
    tried = [np.array([1.0 - share, share]) for share in SHARES]
    losses = [targets.loss(np.tensordot(weights, tables, 1)) for weights in tried]
    return tried[int(np.argmin(losses))]
