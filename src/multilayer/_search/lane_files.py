"""Files of the lanes of a search that is stored: the state of a network, and what it predicted.

They are checkpoints whose number is that of the checks. The arrays of the state are below "state/",
those of the predictions below "outcome/": the number of the check, and for several outputs that of
the output. Classes are not in it: the rows of the fold have them.
"""

from pathlib import Path

import numpy as np
from sklearn.base import is_classifier

from multilayer._persist.checkpoints import StoredCheckpoint, read_newest, write_checkpoint
from multilayer._search.fold_outcomes import FoldOutcome, TargetForm
from multilayer._search.lanes import Lane

STATE, OUTCOME = "state/", "outcome/"


def write(folder: Path, lane: Lane) -> None:
    """Write what a lane goes on from, where it is not over, and what it predicted."""
    arrays: dict[str, np.ndarray] = {}
    facts: dict[str, object] = {"state": None, "several": False}
    snapshot = None if lane.over else lane.state()
    if snapshot is not None:
        arrays |= {f"{STATE}{name}": array for name, array in snapshot.arrays.items()}
        facts["state"] = {"step": snapshot.step, "facts": snapshot.facts}
    for i, outcome in enumerate(lane.outcomes):
        if isinstance(outcome.predicted, list):
            facts["several"] = True
            for j, part in enumerate(outcome.predicted):
                arrays[f"{OUTCOME}{i}/{j}"] = part
        else:
            arrays[f"{OUTCOME}{i}"] = outcome.predicted
    write_checkpoint(folder, len(lane.curve), arrays, facts, keep=1)


def read_state(folder: Path) -> StoredCheckpoint | None:
    """Return what a lane goes on from, None where nothing is stored."""
    found = read_newest(folder)
    state = None if found is None else found.facts["state"]
    if found is None or state is None:
        return None
    arrays = {
        name.removeprefix(STATE): array
        for name, array in found.arrays.items()
        if name.startswith(STATE)
    }
    return StoredCheckpoint(found.path, state["step"], arrays, state["facts"])


def read_outcomes(folder: Path, lane: Lane) -> list[FoldOutcome]:
    """Return what a lane predicted at each check of its curve, nothing where it is not stored."""
    found = read_newest(folder)
    if found is None:
        return []
    classes = None
    if is_classifier(lane.estimator):
        classes = TargetForm.of(lane.estimator, lane.make_fold().train[1]).classes
    outcomes = []
    for i in range(len(lane.curve)):  # a score may have been lost
        if found.facts["several"]:
            assert isinstance(classes, list)
            parts = [found.arrays[f"{OUTCOME}{i}/{j}"] for j in range(len(classes))]
            outcomes.append(FoldOutcome(parts, classes))
        else:
            outcomes.append(FoldOutcome(found.arrays[f"{OUTCOME}{i}"], classes))
    return outcomes
