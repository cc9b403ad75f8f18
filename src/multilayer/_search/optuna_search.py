"""What of a search needs Optuna: samplers that learn, functions of a trial, storages."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage

from multilayer._core.checks import refuse
from multilayer._persist.atomic import claimed
from multilayer._persist.checkpoints import complete_lines, prepare_folder
from multilayer._search.candidates import Candidates, DrawnCandidates, Parameters, draw, number_of
from multilayer._search.optuna_spaces import Suggestion, define_by_run, drawn_suggestions
from multilayer._search.optuna_study import (
    StudyRecord,
    SuggestedCandidates,
    open_study,
    opened,
)

if TYPE_CHECKING:
    from multilayer._search.search_cv import MLPSearchCV


@dataclass
class RecordedCandidates(DrawnCandidates):
    """Configurations that are known from the beginning, and stored in a study.

    Attributes
    ----------
    record : StudyRecord
        The study.
    suggestions : dict
        The ranges of their values.
    """

    record: StudyRecord = field(kw_only=True)
    suggestions: Mapping[str, Suggestion] = field(kw_only=True)

    def next(self, most: int) -> list[Parameters]:
        """Return the next ones: those that an earlier process took, or at most so many."""
        found = super().next(self.record.planned or most)
        self.record.add(found, self.suggestions)
        return found


@contextmanager
def studied(
    search: "MLPSearchCV", digest: str, seed: int
) -> Iterator[tuple[Candidates, StudyRecord]]:
    """Open the study of a search; no other process may have it meanwhile.

    Parameters
    ----------
    search : MLPSearchCV
        With a storage, a sampler of Optuna, or a function of a trial.
    digest : str
        Fingerprint of the search.
    seed : int
        Of the configurations.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).
    ModelFileError
        A file cannot be written, or another process has it (a ValueError).
    """
    with ExitStack() as claims:
        states = folder_of_networks(search.storage, search.checkpoint)
        journal = journal_of(search.storage)
        if states is not None:
            prepare_folder(states)
            claims.enter_context(claimed(states))
            states = states / digest[:24]
        if journal is not None and journal.exists():
            complete_lines(journal)  # a process that was killed may have left half of one
        storage = claims.enter_context(opened(search.storage))
        study = open_study(storage, f"multilayer-{digest[:12]}")
        record = StudyRecord(study, states)
        yield candidates_in(search, record, seed), record


def candidates_in(search: "MLPSearchCV", record: StudyRecord, seed: int) -> Candidates:
    """Return the configurations of a search that has a study."""
    sampler, space = search.sampler, search.param_distributions
    if isinstance(sampler, str) and sampler != "tpe" and not callable(space):
        drawn = draw(search.estimator, space, sampler=sampler, n_iter=search.n_iter, seed=seed)
        return RecordedCandidates(drawn, record=record, suggestions=drawn_suggestions(drawn))
    define, suggestions = define_by_run(search.estimator, space)
    known = search.estimator.get_params(deep=True)

    def sampler_of(taken: int) -> BaseSampler:
        """Begin anew for each batch, so that a search that resumes is suggested the same."""
        if isinstance(sampler, BaseSampler):
            return sampler
        kind: Any = TPESampler if sampler == "tpe" else RandomSampler
        return kind(seed=(seed + taken) % 2**32)

    return SuggestedCandidates(
        record,
        define,
        suggestions,
        {name: known[name] for name in suggestions},
        number_of(search.n_iter),
        sampler_of,
        learns=sampler != "random",
    )


def check(search: "MLPSearchCV") -> None:
    """Check the arguments that Optuna has a part in."""
    if not isinstance(search.sampler, str | BaseSampler):
        refuse("sampler", "'random', 'grid', 'tpe' or a sampler of Optuna", search.sampler)
    if not isinstance(search.storage, str | os.PathLike | BaseStorage | None):
        refuse("storage", "a file, a URL, a storage of Optuna or None", search.storage)
    if search.sampler == "grid" and callable(search.param_distributions):
        refuse("sampler", "'random' or one that learns with a function of a trial", search.sampler)
    forgets = search.storage and folder_of_networks(search.storage, search.checkpoint) is None
    if forgets and search.refit == "ensemble":
        refuse(
            "checkpoint",
            "a folder with refit='ensemble' and a database",
            search.checkpoint,
            "What networks predict is stored there.",
        )


def journal_of(storage: object) -> Path | None:
    """Return the journal that a storage is, None for others."""
    if isinstance(storage, str | os.PathLike) and "://" not in str(storage):
        return Path(storage)
    return None


def folder_of_networks(storage: object, checkpoint: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder for networks under way; None where they are not stored."""
    if storage is None:
        return None
    journal = journal_of(storage)
    if checkpoint is not None:
        return Path(checkpoint)
    return None if journal is None else journal.with_name(f"{journal.name}.networks")
