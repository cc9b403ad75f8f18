"""Ranks, pairwise comparisons and tests over tables and seeds; lower scores are better."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np
from scipy.stats import rankdata, wilcoxon

from .results import Key

Scores = Mapping[Key, float]  # of one contender, by table and seed


def common_keys(scores: Mapping[str, Scores]) -> list[Key]:
    """The splits that every contender has a score of."""
    return sorted(set.intersection(*(set(found) for found in scores.values())))


def mean_ranks(scores: Mapping[str, Scores]) -> dict[str, float]:
    """The mean over their common splits of each contender's rank; equal scores share a rank."""
    keys, names = common_keys(scores), list(scores)
    if not keys:
        raise ValueError("the contenders have no split in common")
    ranks = [rankdata([scores[name][key] for name in names]) for key in keys]
    return dict(zip(names, np.mean(ranks, axis=0).tolist(), strict=True))


def relative_difference(ours: float, theirs: float) -> float:
    """The difference over the mean of both, in [-2, 2] for positive scores; 0 where both are 0."""
    return 0.0 if ours == theirs else 2 * (ours - theirs) / (abs(ours) + abs(theirs))


def table_means(scores: Scores, keys: Sequence[Key]) -> dict[str, float]:
    """The mean over its seeds of each table's score."""
    found: dict[str, list[float]] = defaultdict(list)
    for key in keys:
        found[key[0]].append(scores[key])
    return {table: mean(values) for table, values in found.items()}


@dataclass(frozen=True)
class Comparison:
    """One contender against another, over the splits that both have."""

    wins: int
    ties: int
    losses: int
    n_tables: int
    difference: float  # median over tables of the relative difference; negative: ours is lower
    p_value: float  # Wilcoxon's signed-rank test over tables, two-sided


def compare(ours: Scores, theirs: Scores) -> Comparison:
    """Count splits won, tied and lost; test the relative differences of the tables' means."""
    keys = common_keys({"ours": ours, "theirs": theirs})
    if not keys:
        raise ValueError("the two contenders have no split in common")
    signs = [np.sign(ours[key] - theirs[key]) for key in keys]
    own, other = table_means(ours, keys), table_means(theirs, keys)
    differences = [relative_difference(own[table], other[table]) for table in own]
    return Comparison(
        wins=signs.count(-1),
        ties=signs.count(0),
        losses=signs.count(1),
        n_tables=len(differences),
        difference=float(np.median(differences)),
        p_value=float(wilcoxon(differences).pvalue) if any(differences) else 1.0,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values: each may be compared with the level for the whole family."""
    order = np.argsort(p_values)
    adjusted = np.empty(len(p_values))
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, (len(p_values) - place) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted.tolist()
