"""A lane: one configuration on one fold with one seed, trained from rung to rung."""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple, Protocol

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from multilayer._engine.loop import Budget
from multilayer._persist.checkpoints import StoredCheckpoint
from multilayer._search.fold_outcomes import FoldOutcome, outcome_of
from multilayer._search.pausable import (
    Pausable,
    Prepared,
    begin_fit,
    is_pausable,
    n_parameters_of,
    preparation_key,
    prepare_rows,
)
from multilayer._sklearn.inputs import outputs_remembered

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
    _prepared: dict[Hashable, Prepared] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def prepared(self, estimator: Pausable) -> Prepared:
        """Return the rows to train on, checked and encoded once for all estimators like one."""
        key = preparation_key(estimator)
        with self._lock:
            if key not in self._prepared:
                self._prepared[key] = prepare_rows(estimator, *self.train, **self.fit_parameters)
            return self._prepared[key]


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

    def snapshot(self) -> StoredCheckpoint | None:
        """Return what a fit newly begun goes on from, None where there is nothing to go on with."""

    def restore(self, snapshot: StoredCheckpoint) -> None:
        """Go on from a snapshot of the same fit."""


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

    def snapshot(self) -> None:
        """Return nothing: it is done or not begun."""

    def restore(self, snapshot: StoredCheckpoint) -> None:
        """There is no snapshot of it."""
        raise AssertionError(snapshot.path)


class Check(NamedTuple):
    """The scores of a lane at a point of its training."""

    share: float  # of all epochs: what the rungs said
    epochs: int  # done
    scores: Scores


@dataclass
class Lane:
    """A configuration on a fold with a seed.

    Attributes
    ----------
    number : tuple of int
        Of the configuration, and among its lanes.
    fold : int
        Number of the fold.
    before : dict
        Arguments of the steps before the network.
    estimator : estimator
        The network with its arguments, not fitted.
    make_fold : callable
        Returns the rows as the network gets them.
    resume : callable or None
        Returns the snapshot that training goes on from, where it was not in this process.
    curve : list of Check
        The checks so far.
    ended : bool
        Whether there is nothing more to train.
    n_parameters : int
        Of the network, once it is scored.
    outcomes : list of FoldOutcome
        What it predicted at each check of the curve.
    """

    number: tuple[int, int]
    fold: int
    before: Mapping[str, Any]
    estimator: BaseEstimator
    make_fold: Callable[[], Fold]
    fit: RunningFit | None = None
    resume: Callable[[], StoredCheckpoint | None] | None = None
    curve: list[Check] = field(default_factory=list)
    train_scores: Scores | None = None
    fit_seconds: float = 0.0
    score_seconds: float = 0.0
    error: Exception | None = None
    ended: bool = False
    n_parameters: int = 0
    outcomes: list[FoldOutcome] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether it is not trained any further."""
        return self.error is not None or self.ended

    def has_passed(self, share: float) -> bool:
        """Whether it was scored at a share of all epochs, or later."""
        return bool(self.curve) and self.curve[-1].share >= share

    def state(self) -> StoredCheckpoint | None:
        """Return the snapshot that another process would go on from, None without one."""
        if self.fit is not None:
            return self.fit.snapshot()
        return None if self.resume is None else self.resume()

    def begin(self) -> None:
        """Make the fit that is trained, where there is none yet."""
        if self.fit is None:
            begun = time.perf_counter()
            try:
                self.fit = self._begin()
            finally:
                self.fit_seconds += time.perf_counter() - begun

    def epochs_at(self, share: float) -> int:
        """Return the epochs that are a share of all."""
        assert self.fit is not None
        return max(1, round(share * self.fit.most_epochs))

    def train(self, share: float, within: Within) -> None:
        """Train until a share of all epochs is done."""
        assert self.fit is not None
        begun = time.perf_counter()
        try:
            self.fit.advance(self.epochs_at(share), within)
        finally:
            self.fit_seconds += time.perf_counter() - begun

    def _begin(self) -> RunningFit:
        fold = self.make_fold()
        if not is_pausable(self.estimator):
            return WholeFit(self.estimator, fold)
        fit = begin_fit(self.estimator, fold.prepared(self.estimator))
        snapshot = None if self.resume is None else self.resume()
        if snapshot is not None:
            fit.restore(snapshot)
        return fit

    def score(self, scorer: Scorer, share: float, *, on_train: bool, copied: bool = False) -> None:
        """Score the network as it is now, at a share of all epochs, by rows it has not seen."""
        begun = time.perf_counter()
        assert self.fit is not None
        fitted, fold = self.fit.finish(), self.make_fold()
        with outputs_remembered():
            scores = scorer(fitted, *fold.test, **fold.score_parameters)
            outcome = outcome_of(fitted, fold, copied=copied)
        self.n_parameters = n_parameters_of(fitted)
        if on_train:
            self.train_scores = scorer(fitted, *fold.train)
        self.score_seconds += time.perf_counter() - begun
        self.curve.append(Check(share, self.fit.epochs, scores))
        self.ended = self.fit.ended
        self.outcomes.append(outcome)
