"""How the configurations of a search stand: the means over their lanes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multilayer._search.lanes import Lane, Scores
from multilayer._search.visits import Rules


class MeanCheck(NamedTuple):
    """A check of all lanes of a configuration."""

    epochs: int
    mean: float  # of the score that decides
    scores: list[Scores]  # of each lane


def mean_curve(lanes: Sequence[Lane], rules: Rules, share: float = 1.0) -> list[MeanCheck]:
    """Return the means over lanes at all checks up to a share of the epochs.

    A lane that its own stopping rule ended earlier stays as it was.
    """
    curves = [[check for check in lane.curve if check.share <= share] for lane in lanes]
    if not all(curves):
        return []
    found = []
    for i in range(max(map(len, curves))):
        checks = [curve[min(i, len(curve) - 1)] for curve in curves]
        mean = float(np.mean([rules.decided(check.scores) for check in checks]))
        epochs = max(check.epochs for check in checks)
        found.append(MeanCheck(epochs, mean, [check.scores for check in checks]))
    return found


@dataclass(frozen=True)
class Standing:
    """What a search knows of a configuration at its end.

    Attributes
    ----------
    scores : list of dict
        Of each lane, at the check with the best mean, or the last one.
    best_epochs : int
        Epochs done by then: what is trained on all rows ends there.
    n_epochs : int
        Epochs done at the last check.
    curve : list of tuple
        Epochs done, and the mean score, at each check.
    status : {"finished", "halved", "stopped", "failed"}
        Whether it trained to its end, and if not, what ended it.
    """

    scores: list[Scores]
    best_epochs: int
    n_epochs: int
    curve: list[tuple[int, float]]
    status: str

    def columns(self) -> dict[str, list[float]]:
        """Return the curve by columns."""
        epochs, means = zip(*self.curve, strict=True) if self.curve else ((), ())
        return {"epochs": list(epochs), "score": list(means)}


def standing_of(lanes: Sequence[Lane], rules: Rules, *, stopped: bool) -> Standing | None:
    """Return how a configuration did; None where it was not scored on each fold."""
    if any(lane.error is not None for lane in lanes):
        value = np.nan if rules.error_score == "raise" else float(rules.error_score)
        return Standing([{rules.decides or "score": value} for _ in lanes], 0, 0, [], "failed")
    if not all(lane.curve for lane in lanes):
        return None
    checks = mean_curve(lanes, rules)
    last = len(checks) - 1
    best = last if rules.last_counts else int(np.argmax([check.mean for check in checks]))
    ended = all(lane.ended for lane in lanes)
    status = "finished" if ended else "stopped" if stopped else "halved"
    curve = [(check.epochs, check.mean) for check in checks]
    return Standing(checks[best].scores, curve[best][0], curve[-1][0], curve, status)


def standings_of(
    lanes: Sequence[Sequence[Lane]], rules: Rules, *, stopped: bool
) -> dict[int, Standing]:
    """Return how each configuration did, by its number; without those that were not scored."""
    every = ((i, standing_of(own, rules, stopped=stopped)) for i, own in enumerate(lanes))
    return {i: standing for i, standing in every if standing is not None}
