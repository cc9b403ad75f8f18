"""The folder with the checkpoints of a fit, and what is in it already."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer._core.environment import level_of_caller, releases
from multilayer._core.errors import ModelFileError
from multilayer._core.pytrees import leaves
from multilayer._engine.checkpointer import Checkpointer, Interval
from multilayer._engine.engines import OLDER, Engine
from multilayer._persist.atomic import claimed
from multilayer._persist.checkpoints import (
    StoredCheckpoint,
    newest_checkpoint,
    prepare_folder,
    read_newest,
    remove_checkpoints,
)
from multilayer._sklearn.arguments.checkpoint import Checkpoint, as_checkpoint
from multilayer._sklearn.fit import fingerprint
from multilayer._sklearn.fit.samples import Samples
from multilayer._sklearn.fit.start import Start

if TYPE_CHECKING:
    from multilayer._sklearn.base import BaseMLP
    from multilayer._sklearn.tabular.ensemble import EncodedRows
    from multilayer._sklearn.tabular.tabular_base import BaseTabular

NAME_DIGITS = 24  # of the fingerprint, in the name of a fit's folder


@dataclass(frozen=True)
class CheckpointedFit:
    """A fit as its folder knows it, before there is a training run."""

    asked: Checkpoint
    folder: Path
    identity: dict[str, Any]
    found: StoredCheckpoint | None

    @property
    def seed(self) -> int:
        """The seed of the run: that of the checkpoint where there is one."""
        return int(self.identity["seed"])

    def checkpointer(self, steps_per_epoch: int, engine: Engine) -> Checkpointer:
        """Return the checkpointer of the run, which this engine computes.

        A checkpoint that was written by something else is continued, with a warning.
        """
        identity = {
            **self.identity,
            "engine": engine.name,
            "releases": releases(engine.packages),
            "threads": engine.threads(),
            "device": engine.hardware(),
        }
        if self.found is not None:
            _warn_of_differences(self.found, identity)
        every = self.asked.every
        if every == "epoch":
            interval = Interval(steps=steps_per_epoch, seconds=None)
        elif isinstance(every, float):
            interval = Interval(steps=None, seconds=every)
        else:
            interval = Interval(steps=int(every), seconds=None)
        return Checkpointer(self.folder, interval, self.asked.keep, identity, self.found)


@contextmanager
def checkpointed_fit(
    estimator: "BaseMLP",
    start: Start,
    samples: Samples,
    validation: Samples | None,
    *,
    warm: bool,
) -> Iterator[CheckpointedFit]:
    """Own the folder of the fit that is about to begin.

    ``warm`` says that it continues an earlier fit.

    Raises
    ------
    ModelFileError
        The folder cannot be written to, is damaged, is another program's, or another process
        trains the same fit (a ValueError).
    """
    parameters = fingerprint.parameters_of(estimator)
    seeded = warm or estimator.random_state is not None
    facts = _facts_of(start, samples.dtype, seeded=seeded, warm=warm)
    digest = fingerprint.of_fit(parameters, facts, samples, validation)
    assert estimator.checkpoint is not None  # the caller asks for checkpoints
    with _claimed_fit(estimator.checkpoint, digest, parameters, start.seed) as checkpointed:
        yield checkpointed


@contextmanager
def checkpointed_ensemble(
    estimator: "BaseTabular", rows: "EncodedRows", seed: int
) -> Iterator[CheckpointedFit | None]:
    """Own the folder of the fit of an ensemble that is about to begin; None without one.

    Raises
    ------
    ModelFileError
        As for :func:`checkpointed_fit` (a ValueError).
    """
    if estimator.checkpoint is None:
        yield None
        return
    parameters = fingerprint.parameters_of(estimator)
    facts: dict[str, object] = {"layout": fingerprint.describe("X", rows.layout)}
    if estimator.random_state is not None:
        facts["seed"] = seed
    arrays = [rows.X, rows.y, rows.weight]
    if rows.groups is not None:
        arrays.append(np.asarray(rows.groups))
    digest = fingerprint.of_rows(parameters, facts, arrays)
    with _claimed_fit(estimator.checkpoint, digest, parameters, seed) as checkpointed:
        yield checkpointed


@contextmanager
def _claimed_fit(
    given: "str | os.PathLike[str] | Checkpoint",
    digest: str,
    parameters: dict[str, object],
    seed: int,
) -> Iterator[CheckpointedFit]:
    """Own the folder of the fit that has this fingerprint."""
    asked = as_checkpoint(given)
    _check_root(Path(asked.folder))
    folder = Path(asked.folder) / digest[:NAME_DIGITS]
    prepare_folder(folder)
    with claimed(folder):
        if not asked.resume:
            remove_checkpoints(folder)  # the numbers of old ones would be higher
        found = _newest(folder, digest)
        identity = {
            "fingerprint": digest,
            "parameters": parameters,
            "seed": seed if found is None else found.facts["seed"],
        }
        yield CheckpointedFit(asked, folder, identity, found)


def _facts_of(start: Start, dtype: str, *, seeded: bool, warm: bool) -> dict[str, object]:
    """Describe what training starts from; random weights by the seed that they are drawn with."""
    facts: dict[str, object] = {"dtype": dtype}
    if seeded:
        facts["seed"] = start.seed
    if warm:
        facts["epochs"] = len(start.history)
        facts["arrays"] = fingerprint.of_arrays(leaves([start.params, start.continuation]))
    elif start.n_reused_layers:
        reused = start.params[: start.n_reused_layers]
        facts["arrays"] = fingerprint.of_arrays(leaves(reused))
    return facts


def _check_root(root: Path) -> None:
    """Refuse a folder whose own files are checkpoints: those of one fit, or another program's."""
    if (inside := newest_checkpoint(root)) is not None:
        raise ModelFileError(
            f"checkpoint must be a folder for folders of fits, got {root}, which is that of one "
            f"training run ({inside.name}). Name the folder above it, or a new one."
        )


def _newest(folder: Path, digest: str) -> StoredCheckpoint | None:
    """Return the newest checkpoint of a fit."""
    found = read_newest(folder)
    if found is None:
        return None
    seed = found.facts.get("seed")
    if found.facts.get("fingerprint") != digest or type(seed) is not int or not 0 <= seed < 2**32:
        raise ModelFileError(
            f"{found.path} is the checkpoint of another fit. Remove it, or choose another folder."
        )
    return found


def _warn_of_differences(found: StoredCheckpoint, identity: dict[str, Any]) -> None:
    """Warn where the rest of the run is computed with something else than its beginning."""
    facts = found.facts
    now = {name: identity[name] for name in ("engine", "threads", "device")}
    before = {"engine": OLDER, "threads": None, "device": None} | {
        name: facts[name] for name in now if name in facts
    }
    same_engine = before["engine"] == now["engine"]
    if not same_engine:  # another engine has threads and a device of its own
        now, before = {"engine": now["engine"]}, {"engine": before["engine"]}
    releases_before = facts["releases"] if isinstance(facts.get("releases"), dict) else {}
    for name, release in identity["releases"].items():
        if same_engine or name in releases_before:  # each engine has packages of its own
            now[name], before[name] = release, releases_before.get(name)
    changed = [
        f"{name} {before[name]} (now {value})"
        for name, value in now.items()
        if before[name] != value
    ]
    if changed:
        differs = (
            "the last bits may differ"
            if same_engine
            else "rounding and the random numbers of dropout and noise differ"
        )
        warnings.warn(
            f"{found.path} was written with {', '.join(changed)}. Training resumes from it, but "
            f"{differs} from those of uninterrupted training.",
            stacklevel=level_of_caller(),
        )
