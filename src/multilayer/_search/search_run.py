"""A search from its first configuration to the last: batches, races and time."""

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state

from multilayer._core.checks import refuse
from multilayer._core.environment import level_of_caller
from multilayer._search import identity
from multilayer._search.candidates import Candidates, DrawnCandidates, Parameters, draw
from multilayer._search.ensemble_refit import ENSEMBLE, check_member
from multilayer._search.folds import Routed, SearchRows, searched_rows, split_rows
from multilayer._search.lanes import Fold, Lane
from multilayer._search.pausable import most_epochs
from multilayer._search.pipelines import Preparation, lanes_of, network_of
from multilayer._search.progress import PrintedProgress, SearchProgress
from multilayer._search.race import LaneRecord, NoRecord, run_races
from multilayer._search.remote import workers_for
from multilayer._search.rungs import Bracket, bracket_of_one, brackets_of, cost_of
from multilayer._search.search_checks import needs_optuna, seeds_for_networks, workers_of
from multilayer._search.standings import standing_of
from multilayer._search.visits import Rules
from multilayer._search.work import Workers

if TYPE_CHECKING:
    from multilayer._search.search_cv import MLPSearchCV

SHARE_PLANNED = 0.8  # of the time that is left: configurations differ in how long they take


@dataclass(frozen=True)
class SearchParts:
    """What a search is made of before anything is trained."""

    rows: SearchRows
    folds: Sequence[Fold]
    seeds: Sequence[Any]  # of the networks
    candidates: Candidates
    record: LaneRecord


@contextmanager
def prepared(search: "MLPSearchCV", X: Any, y: Any, arguments: Routed) -> Iterator[SearchParts]:
    """Draw the configurations and split the rows; a storage is open meanwhile."""
    stored = search.storage is not None
    splitter = check_cv(search.cv, y, classifier=is_classifier(search.estimator))
    digest = identity.of_search(search, X, y, arguments) if stored else "in memory"
    unseeded = stored and search.random_state is None
    if stored:
        check_repeatable(splitter)
    rng = check_random_state(identity.seed_of(digest) if unseeded else search.random_state)
    seeds = rng.randint(np.iinfo(np.int32).max, size=2 + search.n_seeds).tolist()
    numbers = searched_rows(search.estimator, X, y, search.search_rows, seeds[1])
    rows = split_rows(splitter, X, y, arguments, numbers)
    folds, own = rows.folds(), seeds_for_networks(search, seeds[2:])
    if not needs_optuna(search):
        drawn = draw(
            search.estimator,
            search.param_distributions,
            sampler=search.sampler,
            n_iter=search.n_iter,
            seed=seeds[0],
        )
        yield SearchParts(rows, folds, own, DrawnCandidates(drawn), NoRecord())
        return
    # Late: Optuna is an extra.
    from multilayer._search.optuna_search import studied

    if stored:
        digest = identity.of_split_search(digest, seeds, rows)
    with studied(search, digest, seeds[0]) as (candidates, record):
        yield SearchParts(rows, folds, own, candidates, record)


def check_repeatable(splitter: Any) -> None:
    """Refuse a splitter that splits otherwise the next time: such a search cannot resume."""
    shuffles = getattr(splitter, "shuffle", hasattr(splitter, "random_state"))
    if shuffles and getattr(splitter, "random_state", 0) is None:
        refuse(
            "cv",
            "a splitter with a random_state where storage is given",
            splitter,
            "A search that resumes needs the same folds.",
        )


class SearchRun:
    """The training of a search.

    Parameters
    ----------
    search : MLPSearchCV
        With its arguments.
    parts : SearchParts
        What it is made of.
    rules : Rules
        What all lanes are subject to.

    Attributes
    ----------
    candidates : list of dict
        The configurations so far.
    lanes : list of list of Lane
        Those of each.
    """

    def __init__(self, search: "MLPSearchCV", parts: SearchParts, rules: Rules) -> None:
        self._search, self._parts, self._rules = search, parts, rules
        self.candidates: list[Parameters] = []
        self.lanes: list[list[Lane]] = []
        self._preparation = Preparation(search.estimator)
        self._most_epochs = most_epochs(network_of(search.estimator))
        self._progress: SearchProgress | None = None
        self._seconds = math.nan  # of a configuration that trains to its end

    def train(self) -> bool:
        """Train batch after batch; return whether it ended before all were."""
        search = self._search
        deadline = time.monotonic() + (search.time_budget or math.inf)
        rows, threads = self._parts.rows, workers_of(search)
        with workers_for(search.estimator, rows, search.n_jobs, threads, deadline) as workers:
            try:
                stopped = self._train(workers)
            except KeyboardInterrupt:
                if not any(standing_of(own, self._rules, stopped=True) for own in self.lanes):
                    raise
                if self._progress is not None:
                    self._progress.end(interrupted=True)
                warnings.warn(
                    "The search was interrupted: what it has found so far is its result.",
                    stacklevel=level_of_caller(),
                )
                return True
        if self._progress is not None:
            self._progress.end(interrupted=False)
        return stopped

    def _train(self, workers: Workers) -> bool:
        search, left = self._search, self._parts.candidates
        follow = search._follow or (PrintedProgress if search.verbose else None)
        while left.left and not workers.over:
            most = self._affordable(workers.seconds_left)
            if most == 0:
                return True
            numbers = self._add(most)
            if self._progress is None and follow is not None:
                n = len(self.candidates) + left.left
                self._progress = follow(self.candidates, n, len(self.lanes[0]))
            self._race(numbers, workers, self._progress)
        return workers.over

    def _add(self, most: int) -> list[int]:
        """Take the next configurations; return their numbers."""
        search, parts, first = self._search, self._parts, len(self.candidates)
        for params in parts.candidates.next(most):
            number = len(self.candidates)
            lanes = lanes_of(self._preparation, params, number, parts.folds, parts.seeds)
            for lane in lanes:
                parts.record.restore(lane)
            if search.refit == ENSEMBLE:
                check_member(search.estimator, lanes[0].estimator)
            self.candidates.append(params)
            self.lanes.append(lanes)
        return list(range(first, len(self.candidates)))

    def _race(self, numbers: list[int], workers: Workers, progress: SearchProgress | None) -> None:
        """Let configurations compete, and note how long they took."""
        begun, record = time.monotonic(), self._parts.record
        brackets = self._brackets(numbers)
        lanes = {number: self.lanes[number] for number in numbers}
        run_races(brackets, lanes, self._rules, workers, record, progress)
        # Of what an earlier process trained, the seconds are stored.
        trained = sum(
            lane.fit_seconds + lane.score_seconds for own in lanes.values() for lane in own
        )
        seconds = max(time.monotonic() - begun, trained / workers.n_jobs)
        self._seconds = seconds / cost_of(brackets, self._search.factor)
        for number in numbers:
            standing = standing_of(self.lanes[number], self._rules, stopped=workers.over)
            if standing is not None:
                record.tell(number, standing)

    def _brackets(self, numbers: Sequence[int]) -> list[Bracket]:
        search = self._search
        if search.time_budget is not None and len(numbers) == 1 and search.pruner is not None:
            # All of its folds are scored before the time is over, not the first ones alone.
            return [bracket_of_one(numbers[0], search.factor, self._most_epochs)]
        return brackets_of(search.pruner, search.factor, numbers, self._most_epochs)

    def _affordable(self, seconds: float) -> int:
        """Return how many configurations can compete in some time.

        With a time budget the estimator as it is trains to its end first: whatever the search
        finds is compared with it. How long it takes says how many others there is time for.
        """
        candidates = self._parts.candidates
        most = min(candidates.at_once, candidates.left)
        if not math.isfinite(seconds):
            return most
        if not self.candidates:
            return 1
        planned = SHARE_PLANNED * seconds
        while most and self._seconds * self._cost(most) > planned:
            most -= 1
        return most

    def _cost(self, n: int) -> float:
        return cost_of(self._brackets(range(n)), self._search.factor)
