"""A search in a study of Optuna: what it suggests, and what is stored so that it can resume.

A configuration is a trial. Its lanes are attributes of the trial, written after each check; means
over the folds are its intermediate values. Networks under way are checkpoints in a folder, written
before the check that they belong to is: where a process dies between the two, the network is scored
again, not trained again.
"""

import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import (
    JournalFileBackend,
    JournalFileOpenLock,
    JournalFileSymlinkLock,
)
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from multilayer._persist.checkpoints import prepare_folder, remove_folder
from multilayer._search import lane_files
from multilayer._search.candidates import Parameters
from multilayer._search.lanes import Check, Lane
from multilayer._search.optuna_spaces import Define, Suggestion, stored_params
from multilayer._search.standings import Standing

FEWEST_AT_ONCE = 9
BATCHES = 4  # of a search whose sampler learns from what was tried


class RestoredError(Exception):
    """A fit that failed in an earlier process."""


@contextmanager
def opened(storage: object) -> Iterator[BaseStorage | None]:
    """Open a storage of Optuna: a journal in a file, a database, or the one given, or none."""
    if storage is None or isinstance(storage, BaseStorage):
        yield storage
    elif "://" in str(storage):
        database = RDBStorage(str(storage))
        try:
            yield database
        finally:
            database.engine.dispose()  # closes the connections
    else:
        path = str(storage)
        # A lock that a killed process left is taken over after so many seconds.
        kind = JournalFileOpenLock if os.name == "nt" else JournalFileSymlinkLock
        yield JournalStorage(JournalFileBackend(path, kind(path, grace_period=3)))


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what Optuna logs of new studies."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def open_study(storage: BaseStorage | None, name: str) -> Study:
    """Return the study of a search: in memory without a storage."""
    with quiet():
        return optuna.create_study(
            storage=storage,
            study_name=name,
            direction=StudyDirection.MAXIMIZE,
            load_if_exists=True,
        )


class StudyRecord:
    """What a study knows of a search.

    Parameters
    ----------
    study : Study
        Of this search alone.
    states : Path or None
        Folder for networks under way; None for none.
    """

    def __init__(self, study: Study, states: Path | None) -> None:
        self._study, self._states = study, states
        self._lock = Lock()
        attrs = study.user_attrs
        self._earlier: list[list[int]] = []
        while (name := f"batch {len(self._earlier)}") in attrs:
            self._earlier.append(list(attrs[name]))
        self._batch = 0
        self._trials: list[Trial] = []  # of each configuration
        self._found: dict[int, FrozenTrial] = {}  # of earlier processes, by configuration
        self._reported: defaultdict[int, set[int]] = defaultdict(set)  # epochs

    # Configurations ------------------------------------------------------------------------------

    @property
    def planned(self) -> int | None:
        """How many configurations an earlier process took next; None where it did not come here."""
        if self._batch < len(self._earlier):
            return len(self._earlier[self._batch])
        return None

    def add(self, drawn: Sequence[Parameters], suggestions: Mapping[str, Suggestion]) -> None:
        """Add the next configurations, which were drawn; nothing where they are there already."""
        if self.planned is not None:
            self._resume_batch()
            return
        self._fail_leftovers()
        for params in drawn:
            self._study.add_trial(_running(params, suggestions))
        new = self._all()[-len(drawn) :]
        self._commit([Trial(self._study, trial._trial_id) for trial in new])

    def ask(self, define: Define, sampler: BaseSampler, n: int) -> list[Parameters]:
        """Return the next configurations, as the sampler suggests or had suggested."""
        if self.planned is not None:
            return [define(trial) for trial in self._resume_batch()]
        self._fail_leftovers()
        self._study.sampler = sampler
        trials = [self._study.ask() for _ in range(n)]
        params = [define(trial) for trial in trials]
        self._commit(trials)
        return params

    def _all(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _resume_batch(self) -> list[FrozenTrial]:
        trials = self._all()
        found = [trials[number] for number in self._earlier[self._batch]]
        for trial in found:
            self._found[len(self._trials)] = trial
            self._reported[len(self._trials)] = set(trial.intermediate_values)
            self._trials.append(Trial(self._study, trial._trial_id))
        self._batch += 1
        return found

    def _commit(self, trials: Sequence[Trial]) -> None:
        """Say that a batch is complete: what is there of one that is not is never trained."""
        numbers = [trial.number for trial in trials]
        self._study.set_user_attr(f"batch {self._batch}", numbers)
        self._batch += 1
        self._trials += trials

    def _fail_leftovers(self) -> None:
        """End the trials of a batch that an earlier process did not complete."""
        ours = {trial.number for trial in self._trials}
        for trial in self._all():
            if trial.number not in ours and not trial.state.is_finished():
                self._study.tell(trial.number, state=TrialState.FAIL)

    # Lanes ---------------------------------------------------------------------------------------

    def restore(self, lane: Lane) -> None:
        """Give a lane the checks that it had in an earlier process."""
        trial = self._found.get(lane.number[0])
        if trial is None:
            return
        stored = trial.user_attrs.get(_key(lane))
        if stored is not None:
            _take(lane, stored)
        if self._states is not None:
            folder = self._folder(lane)
            lane.resume = lambda: lane_files.read_state(folder)
            if lane.curve:
                lane.outcomes = lane_files.read_outcomes(folder, lane)

    def checked(self, lane: Lane) -> None:
        """Store a network under way and what it predicted, then its scores."""
        if self._states is not None and lane.error is None:
            folder = self._folder(lane)
            prepare_folder(folder)
            lane_files.write(folder, lane)
        with self._lock:
            self._trials[lane.number[0]].set_user_attr(_key(lane), _stored(lane))

    def rung(self, lanes: Sequence[Lane], curve: Sequence[tuple[int, float]]) -> None:
        """Report means that are new."""
        number = lanes[0].number[0]
        for epochs, mean in curve:
            if epochs not in self._reported[number] and not self._is_finished(number):
                self._trials[number].report(mean, epochs)
                self._reported[number].add(epochs)

    def _is_finished(self, number: int) -> bool:
        return number in self._found and self._found[number].state.is_finished()

    def dropped(self, lanes: Sequence[Lane]) -> None:
        """Remove the networks of a configuration that is not trained any further.

        What those predict that trained to their end is part of the result.
        """
        for lane in lanes:
            if self._states is not None and not lane.ended:
                remove_folder(self._folder(lane))

    def tell(self, number: int, standing: Standing) -> None:
        """End the trial of a configuration; one that was stopped stays open for a later process."""
        if standing.status == "stopped" or self._is_finished(number):
            return
        states = {"finished": TrialState.COMPLETE, "halved": TrialState.PRUNED}
        state = states.get(standing.status, TrialState.FAIL)
        best = max((mean for _, mean in standing.curve), default=math.nan)
        value = best if state == TrialState.COMPLETE else None
        self._study.tell(self._trials[number], value, state=state)

    def _folder(self, lane: Lane) -> Path:
        assert self._states is not None
        return self._states / "-".join(map(str, lane.number))


def _running(params: Parameters, suggestions: Mapping[str, Suggestion]) -> FrozenTrial:
    """Return a trial of a configuration that was drawn."""
    values, distributions = stored_params(suggestions, params)
    return create_trial(
        state=TrialState.RUNNING,
        params=values,
        distributions=distributions,
        user_attrs={"params": {name: repr(value) for name, value in params.items()}},
    )


def _key(lane: Lane) -> str:
    return f"lane {lane.number[1]}"


def _stored(lane: Lane) -> dict[str, Any]:
    """Return what is stored of a lane: JSON."""
    error = lane.error
    return {
        "checks": [list(check) for check in lane.curve],
        "ended": lane.ended,
        "error": None if error is None else [type(error).__name__, str(error)],
        "fit_seconds": lane.fit_seconds,
        "n_parameters": lane.n_parameters,
        "score_seconds": lane.score_seconds,
        "train_scores": lane.train_scores,
    }


def _take(lane: Lane, stored: Mapping[str, Any]) -> None:
    lane.curve = [Check(*check) for check in stored["checks"]]
    if stored["error"] is not None:
        lane.error = RestoredError(": ".join(stored["error"]))
    for name in ("ended", "fit_seconds", "n_parameters", "score_seconds", "train_scores"):
        setattr(lane, name, stored[name])


@dataclass
class SuggestedCandidates:
    """Configurations that a sampler of Optuna suggests, batch by batch.

    A batch is asked for when the one before has been trained, so that what is suggested does not
    depend on which network is done first.

    Attributes
    ----------
    record : StudyRecord
        The study.
    define : callable
        Returns the arguments that a trial suggests.
    suggestions : dict
        What is suggested, where that is known.
    first : dict
        The arguments of the estimator as it is, the first configuration.
    n : int
        How many configurations there are.
    sampler : callable
        Returns the sampler of a batch, by the number of configurations before it.
    learns : bool
        Whether the sampler learns from what was tried.
    """

    record: StudyRecord
    define: Define
    suggestions: Mapping[str, Suggestion]
    first: Parameters
    n: int
    sampler: Callable[[int], BaseSampler]
    learns: bool
    taken: int = 0

    @property
    def left(self) -> int:
        """How many there are still."""
        return self.n - self.taken

    @property
    def at_once(self) -> int:
        """How many compete with each other at a time, at most."""
        return max(FEWEST_AT_ONCE, math.ceil(self.n / BATCHES)) if self.learns else self.n

    def next(self, most: int) -> list[Parameters]:
        """Return the next ones, at most so many; the estimator as it is comes alone."""
        if self.taken == 0:
            self.record.add([self.first], self.suggestions)
            found = [self.first]
        else:
            found = self.record.ask(self.define, self.sampler(self.taken), min(most, self.left))
        self.taken += len(found)
        return found
