"""How much figures of predictions vary from sample to sample: percentile bootstrap of the rows.

A resample is a weight of each row, how often it was drawn. The figures of :mod:`measures` are
computed here for such weights, from what does not change: a thousand times scikit-learn's functions
would take minutes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from multilayer._cli.confusions import Label
from multilayer._cli.measures import N_BINS, SMALLEST

RESAMPLES = 1000
COVERAGE = 0.95


@dataclass(frozen=True)
class BootstrapInterval:
    """A range for a figure."""

    low: float
    high: float


class WeighedRows(ABC):
    """Predicted rows, whose figures can be computed for any weights."""

    n_rows: int

    @abstractmethod
    def figures(self, weight: np.ndarray) -> dict[str, float]:
        """Return figures by name, for weights ``(rows,)``; NaN where one is not defined."""


def intervals(
    rows: WeighedRows, seed: int, advance: Callable[[], None] = lambda: None
) -> Mapping[str, BootstrapInterval | None]:
    """Return where the middle 95 % of each figure lie, None where it is never defined."""
    random, found = np.random.default_rng(seed), []
    for _ in range(RESAMPLES):
        drawn = random.integers(rows.n_rows, size=rows.n_rows)
        found.append(rows.figures(np.bincount(drawn, minlength=rows.n_rows).astype(float)))
        advance()
    values = {name: np.array([figures[name] for figures in found]) for name in found[0]}
    return {name: _middle(each[~np.isnan(each)]) for name, each in values.items()}


def _middle(values: np.ndarray) -> BootstrapInterval | None:
    if not len(values):
        return None
    low, high = np.quantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return BootstrapInterval(float(low), float(high))


# Classes -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ranking:
    """Rows by falling score, for the area under the ROC curve and average precision."""

    order: np.ndarray  # (rows,)
    ends: np.ndarray  # places of the last row of each score
    hits: np.ndarray  # (rows,) whether a row is of the class, in that order

    @classmethod
    def of(cls, score: np.ndarray, hits: np.ndarray) -> "Ranking":
        """Rank rows by their scores ``(rows,)``."""
        order = np.argsort(-score, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
        return cls(order, ends, hits[order])

    def area_and_precision(self, weight: np.ndarray) -> tuple[float, float]:
        """Return both figures, NaN where all rows are of the class, or none."""
        own = weight[self.order]
        right = np.cumsum(own * self.hits)[self.ends]
        taken = np.cumsum(own)[self.ends]
        wrong = taken - right
        if not right[-1] or not wrong[-1]:
            return np.nan, np.nan
        steps = np.diff(right, prepend=0.0)
        area = np.sum(np.diff(wrong, prepend=0.0) * (right - steps / 2)) / (right[-1] * wrong[-1])
        precision = right / np.maximum(taken, 1e-300)
        return float(area), float(np.sum(steps * precision) / right[-1])


class WeighedClasses(WeighedRows):
    """Predicted classes, with probabilities ``(rows, classes)`` or without."""

    def __init__(
        self,
        y: np.ndarray,
        predicted: np.ndarray,
        classes: Sequence[Label],
        proba: np.ndarray | None,
    ) -> None:
        numbers = {label: number for number, label in enumerate(classes)}
        true = np.array([numbers[label] for label in y.tolist()])
        guess = np.array([numbers[label] for label in predicted.tolist()])
        self.n_rows, self.n_classes = len(y), len(classes)
        self._cells = true * self.n_classes + guess
        self._rankings: list[Ranking] | None = None
        if proba is None:
            return
        rows, proba = np.arange(len(y)), proba.astype(np.float64)
        hits = true[:, np.newaxis] == np.arange(self.n_classes)
        columns = [1] if self.n_classes == 2 else range(self.n_classes)
        self._rankings = [Ranking.of(proba[:, column], hits[:, column]) for column in columns]
        self._losses = -np.log(np.maximum(proba[rows, true], SMALLEST))
        squares = np.square(proba - hits).sum(axis=1)
        self._squares = squares / 2 if self.n_classes == 2 else squares
        sure, best = proba.max(axis=1), proba.argmax(axis=1)
        self._bins = np.minimum((sure * N_BINS).astype(np.int64), N_BINS - 1)
        self._off = sure - hits[rows, best]

    def figures(self, weight: np.ndarray) -> dict[str, float]:
        """Return the figures of ``ClassFigures`` by name."""
        size, total = self.n_classes, weight.sum()
        counts = np.bincount(self._cells, weight, size * size).reshape(size, size)
        right, rows, guesses = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
        both = rows + guesses
        f1 = 2 * right / np.where(both, both, 1.0)
        found = {
            "accuracy": right.sum() / total,
            "balanced_accuracy": np.mean(right[rows > 0] / rows[rows > 0]),
            "f1": f1[1] if size == 2 else np.mean(f1[both > 0]),
        }
        if self._rankings is not None:
            found |= self._of_probabilities(weight, total)
        return {name: float(value) for name, value in found.items()}

    def _of_probabilities(self, weight: np.ndarray, total: float) -> dict[str, float]:
        assert self._rankings is not None
        both = np.array([ranking.area_and_precision(weight) for ranking in self._rankings])
        defined = both[~np.isnan(both[:, 0])]
        area, precision = defined.mean(axis=0) if len(defined) else (np.nan, np.nan)
        off = np.bincount(self._bins, weight * self._off, minlength=N_BINS)
        return {
            "auc": area,
            "average_precision": precision,
            "log_loss": weight @ self._losses / total,
            "brier": weight @ self._squares / total,
            "calibration_error": np.abs(off).sum() / total,
        }


# Numbers -----------------------------------------------------------------------------------------


class WeighedNumbers(WeighedRows):
    """Predicted numbers."""

    def __init__(self, y: np.ndarray, predicted: np.ndarray) -> None:
        self.n_rows = len(y)
        self._y, self._errors = y, np.abs(predicted - y)

    def figures(self, weight: np.ndarray) -> dict[str, float]:
        """Return the figures of ``NumberFigures`` by name."""
        total = weight.sum()
        squares = weight @ np.square(self._errors)
        spread = weight @ np.square(self._y - weight @ self._y / total)
        return {
            "r2": float(1 - squares / spread) if spread else np.nan,
            "rmse": float(np.sqrt(squares / total)),
            "mae": float(weight @ self._errors / total),
        }
