"""A lane: one configuration on one fold with one seed, trained from rung to rung."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol, TypeGuard

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from multilayer._engine.loop import Budget
from multilayer._search.fold_outcomes import Outcome, outcome_of
from multilayer._sklearn.base import BaseMLP
from multilayer._sklearn.fit.paused import CheckedRows, begin, check_rows, rows_key

Scores = dict[str, float]
Scorer = Callable[..., Scores]
Within = Callable[[Budget], Budget]


@dataclass(frozen=True)
class Fold:
    """Rows to train on, and rows that the network is scored by.

    ``steps`` are the fitted ones before the network, if the rows have come through them.
    """

    number: int
    train: tuple[Any, Any]
    test: tuple[Any, Any]
    fit_parameters: Mapping[str, Any]
    score_parameters: Mapping[str, Any]
    test_rows: np.ndarray  # the numbers of those that score
    steps: Pipeline | None = None
    _checked: dict[tuple[object, ...], CheckedRows] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def checked(self, estimator: BaseMLP) -> CheckedRows:
        """Return the rows to train on, checked and encoded once for all estimators like one."""
        key = rows_key(estimator)
        with self._lock:
            if key not in self._checked:
                self._checked[key] = check_rows(estimator, *self.train, **self.fit_parameters)
            return self._checked[key]


class RunningFit(Protocol):
    """A fit that may stop between two epochs."""

    @property
    def epochs(self) -> int:
        """Epochs done."""

    @property
    def most_epochs(self) -> int:
        """Epochs after which it ends."""

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to train."""

    @property
    def diverged(self) -> bool:
        """Whether the loss became infinite or NaN."""

    def advance(self, epochs: int, within: Within) -> None:
        """Train until so many epochs are done."""

    def finish(self) -> BaseEstimator:
        """Return the fitted estimator as it is now."""


@dataclass
class WholeFit:
    """A fit that is done at once, as if it were one epoch."""

    estimator: BaseEstimator
    fold: Fold
    epochs: int = 0
    most_epochs: int = 1
    diverged: bool = False

    @property
    def ended(self) -> bool:
        """Whether it is done."""
        return self.epochs > 0

    def advance(self, epochs: int, within: Within) -> None:
        """Fit."""
        self.estimator.fit(*self.fold.train, **self.fold.fit_parameters)
        self.epochs = 1

    def finish(self) -> BaseEstimator:
        """Return the fitted estimator."""
        return self.estimator


def is_pausable(estimator: BaseEstimator) -> TypeGuard[BaseMLP]:
    """Whether fits of an estimator can stop between two epochs."""
    return isinstance(estimator, BaseMLP) and not estimator._full_batch


@dataclass
class Lane:
    """A configuration on a fold with a seed."""

    make_fold: Callable[[], Fold]
    estimator: BaseEstimator  # with its arguments, not fitted
    fit: RunningFit | None = None
    curve: list[tuple[int, Scores]] = field(default_factory=list)  # epochs done, scores then
    train_scores: Scores | None = None
    fit_seconds: float = 0.0
    score_seconds: float = 0.0
    error: Exception | None = None
    ended: bool = False  # whether there is nothing more to train
    n_parameters: int = 0  # of the network, once it is scored
    outcomes: list[Outcome] = field(default_factory=list)  # at each point of the curve

    def train(self, share: float, within: Within) -> None:
        """Train until a share of all epochs is done."""
        begun = time.perf_counter()
        try:
            if self.fit is None:
                self.fit = self._begin()
            self.fit.advance(max(1, round(share * self.fit.most_epochs)), within)
        finally:
            self.fit_seconds += time.perf_counter() - begun

    def _begin(self) -> RunningFit:
        fold = self.make_fold()
        if is_pausable(self.estimator):
            return begin(self.estimator, fold.checked(self.estimator))
        return WholeFit(self.estimator, fold)

    def score(self, scorer: Scorer, *, on_train: bool, copied: bool = False) -> None:
        """Score the network as it is now by the rows that it has not seen."""
        begun = time.perf_counter()
        assert self.fit is not None
        fitted, fold = self.fit.finish(), self.make_fold()
        scores = scorer(fitted, *fold.test, **fold.score_parameters)
        self.score_seconds += time.perf_counter() - begun
        self.curve.append((self.fit.epochs, scores))
        self.ended = self.fit.ended
        self.n_parameters = getattr(fitted, "n_parameters_", 0)
        if on_train:
            self.train_scores = scorer(fitted, *fold.train)
        self.outcomes.append(outcome_of(fitted, fold, copied=copied))
