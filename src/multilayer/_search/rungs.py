"""How far each configuration trains: successive halving on epochs.

All configurations train for a few epochs; the best of them go on from there, for `factor` times as
many, until few are left, which train to their end (Jamieson and Talwalkar, 2016). Hyperband (Li et
al., 2018) runs several brackets of it, from many configurations that are judged early to few that
are judged late.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PRUNERS = ("halving", "hyperband")
MOST_RUNGS_OF_ONE = 3


@dataclass(frozen=True)
class Bracket:
    """Configurations that compete with each other.

    Attributes
    ----------
    candidates : tuple of int
        Their numbers.
    shares : tuple of float
        The shares of all epochs at which they are compared; the last one is 1.
    """

    candidates: tuple[int, ...]
    shares: tuple[float, ...]


def brackets_of(
    pruner: str | None, factor: int, numbers: Sequence[int], most_epochs: int
) -> list[Bracket]:
    """Return the brackets of some configurations that train for at most so many epochs."""
    n_candidates = len(numbers)
    if pruner is None:
        return [Bracket(tuple(numbers), (1.0,))]
    # At least two or three are left at the end, and the first epoch is the earliest rung.
    most = min(math.ceil(_log(n_candidates, factor)) - 1, int(_log(most_epochs, factor)))
    most = max(0, most)
    if pruner == "halving":
        return [Bracket(tuple(numbers), _shares(most, factor))]
    # Brackets of the same cost: those with an earlier first rung have more configurations.
    sizes = np.array([factor**rungs / (rungs + 1) for rungs in range(most, -1, -1)])
    ends = np.round(np.cumsum(sizes) / sizes.sum() * n_candidates).astype(int)
    starts = [0, *ends[:-1].tolist()]
    return [
        Bracket(tuple(numbers[start:end]), _shares(most - i, factor))
        for i, (start, end) in enumerate(zip(starts, ends.tolist(), strict=True))
        if end > start
    ]


def bracket_of_one(number: int, factor: int, most_epochs: int) -> Bracket:
    """Return the bracket of a configuration that competes with none, but is scored on the way."""
    rungs = min(MOST_RUNGS_OF_ONE, int(_log(most_epochs, factor)))
    return Bracket((number,), _shares(rungs, factor))


def cost_of(brackets: Sequence[Bracket], factor: int) -> float:
    """Return what brackets cost, in configurations that train to their end."""
    cost = 0.0
    for bracket in brackets:
        active, before = len(bracket.candidates), 0.0
        for share in bracket.shares:
            cost += active * (share - before)
            active, before = math.ceil(active / factor), share
    return cost


def _log(number: int, base: int) -> float:
    # Rounded, so that a power of the base is one: log(243, 3) is 4.999...
    return round(math.log(max(1, number), base), 9)


def _shares(rungs: int, factor: int) -> tuple[float, ...]:
    return tuple(float(factor) ** -rung for rung in range(rungs, -1, -1))


def survivors(means: Sequence[float], factor: int) -> list[int]:
    """Return the places of the best 1 / factor, in their order; NaN goes first."""
    scores = np.where(np.isfinite(means), means, -np.inf)
    n_best = max(1, math.ceil(len(scores) / factor))
    best = np.argsort(-scores, kind="stable")[:n_best]
    return sorted(best.tolist())
