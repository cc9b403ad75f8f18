"""What a search has found, as its pictures need it: configurations, axes, importances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold

from multilayer._core.checks import refuse
from multilayer._search.progress import is_number, short_names, value_in_words
from multilayer._search.search_cv import MLPSearchCV
from multilayer._sklearn.network.importances import FeatureImportances
from multilayer.plots._axes import pyplot

# What a search has found, as pictures need it ----------------------------------------------------


@dataclass(frozen=True)
class SearchTable:
    """Configurations of a search, in the order of `cv_results_`.

    Attributes
    ----------
    names : list of str
        Arguments that differ, without the name of a pipeline's step where they are unique so.
    values : list of list
        Their values, a list for each argument.
    scores : ndarray of shape (n_configurations,)
        The mean score that decides; NaN where training failed.
    finished : ndarray of bool, shape (n_configurations,)
        Which trained to their end.
    curves : list of tuple of ndarray
        Epochs done, and the mean score, at each rung and check.
    best : int
        The configuration that was chosen, or that ranks first.
    default : int or None
        The one that is the estimator as it was given.
    """

    names: list[str]
    values: list[list[Any]]
    scores: np.ndarray
    finished: np.ndarray
    curves: list[tuple[np.ndarray, np.ndarray]]
    best: int
    default: int | None


def table_of(search: MLPSearchCV) -> SearchTable:
    """Return the configurations of a fitted search."""
    if not isinstance(search, MLPSearchCV) or not hasattr(search, "learning_curves_"):
        refuse("search", "a fitted MLPSearchCV", search, "Call fit first.")
    found = search.cv_results_
    metric = search.refit if search.multimetric_ else "score"
    if not isinstance(metric, str) or f"mean_test_{metric}" not in found:
        refuse("search", "one whose refit names a score, as there are several", search)
    every: list[dict[str, Any]] = found["params"]
    known = search.estimator.get_params()
    names = [name for name in every[0] if len({repr(one.get(name)) for one in every}) > 1]
    as_given = [all(repr(one[k]) == repr(known.get(k)) for k in one) for one in every]
    return SearchTable(
        short_names(names),
        [[one.get(name) for one in every] for name in names],
        np.asarray(found[f"mean_test_{metric}"], float),
        np.asarray(found["status"]) == "finished",
        [(np.array(c["epochs"]), np.array(c["score"])) for c in search.learning_curves_],
        getattr(search, "best_index_", int(np.argmin(found[f"rank_test_{metric}"]))),
        as_given.index(True) if True in as_given else None,
    )


def lowest_shown(scores: np.ndarray) -> float:
    """Return the lowest score to draw: what lies far below most would flatten all the others."""
    known = scores[np.isfinite(scores)]
    low, high = np.quantile(known, [0.25, 0.75])
    return float(max(known.min(), low - FAR * (high - low)))


FAR = 3.0  # distances of the quartiles


# An argument as an axis: numbers over their range, anything else evenly --------------------------


MOST_LEVELS = 8  # different numbers with a mark each, at even distances
DECADES = 10.0  # ratio of the largest to the smallest number from which an axis may be logarithmic
OTHERS_BELOW = 0.15  # room for values that are no numbers, or that a logarithm lacks


@dataclass(frozen=True)
class ArgumentAxis:
    """Values of an argument as places between 0 and 1.

    Attributes
    ----------
    places : ndarray of shape (n_configurations,)
        Where each configuration is.
    levels : dict of {str: float}
        Values with a mark of their own, and where they are.
    low, high : float
        The ends of the numbers that have a scale; equal where there are none.
    logarithmic : bool
        Whether their scale is logarithmic.
    bottom : float
        Where the scale begins; below it are values that are not on it.
    """

    places: np.ndarray
    levels: Mapping[str, float]
    low: float = 0.0
    high: float = 0.0
    logarithmic: bool = False
    bottom: float = 0.0

    def place(self, number: float) -> float:
        """Return where a number of the scale is."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, number = np.log([low, high, number])
        return self.bottom + (1 - self.bottom) * (number - low) / (high - low)

    def ticks(self) -> dict[str, float]:
        """Return all marks: round numbers of the scale, and values with a mark of their own."""
        if self.low == self.high:
            return dict(self.levels)
        plt = pyplot()
        decades = np.log10(self.high / self.low) if self.logarithmic else 0.0
        ones = (1.0,) if decades > 3 else (1.0, 3.0)
        locator = plt.LogLocator(subs=ones) if self.logarithmic else plt.MaxNLocator(5)
        found = [n for n in locator.tick_values(self.low, self.high) if self.low <= n <= self.high]
        if len(found) < 2:
            found = [self.low, self.high]
        return {**self.levels, **{f"{number:.3g}": self.place(number) for number in found}}


def axis_of(values: Sequence[Any]) -> ArgumentAxis:
    """Return the axis of an argument."""
    numbers = {value for value in values if is_number(value)}
    if len(numbers) <= MOST_LEVELS:
        levels = ordered(values)
        step = 1 / max(1, len(levels) - 1)
        levels_at = {level: i * step for i, level in enumerate(levels)}
        places = np.array([levels_at[value_in_words(value)] for value in values])
        return ArgumentAxis(places if len(levels) > 1 else places + 0.5, levels_at)
    positive = [number for number in numbers if number > 0]
    logarithmic = min(numbers) >= 0 and are_logarithmic(positive)
    on_scale = positive if logarithmic else list(numbers)
    others = ordered([value for value in values if value not in on_scale])
    bottom = OTHERS_BELOW * bool(others)
    step = bottom / (len(others) + 1)
    of_levels = {text: i * step for i, text in enumerate(others)}
    scale = ArgumentAxis(
        np.empty(0),
        of_levels,
        float(min(on_scale)),
        float(max(on_scale)),
        logarithmic,
        bottom,
    )
    places = np.array(
        [scale.place(v) if v in on_scale else of_levels[value_in_words(v)] for v in values]
    )
    return replace(scale, places=places)


def are_logarithmic(numbers: Sequence[float]) -> bool:
    """Whether positive numbers are over decades, and more evenly so by their logarithms."""
    low, middle, high = np.quantile(np.asarray(numbers, float), [0, 0.5, 1])
    if high / low < DECADES:
        return False
    as_they_are = (middle - low) / (high - low)
    by_logarithm = np.log(middle / low) / np.log(high / low)
    return bool(abs(by_logarithm - 0.5) < abs(as_they_are - 0.5))


def ordered(values: Sequence[Any]) -> list[str]:
    """Return different values in words: numbers by size, tuples of numbers by length and size."""

    def key(value: Any) -> tuple[Any, ...]:
        if is_number(value):
            return 0, 0, (value,), ""
        if isinstance(value, tuple | list) and all(map(is_number, value)):
            return 1, len(value), tuple(value), ""
        return 2, 0, (), value_in_words(value)

    return list(dict.fromkeys(value_in_words(value) for value in sorted(values, key=key)))


# Which arguments matter --------------------------------------------------------------------------


FEWEST = 10  # configurations to learn from
N_FOLDS, N_REPEATS, N_TREES = 5, 5, 32


def comparable_scores(table: SearchTable) -> tuple[np.ndarray, np.ndarray]:
    """Return configurations that came equally far, and their scores there.

    Those are the ones that trained to their end, if they are at least half of all. Else the scores
    after the most epochs that half of them came to: later rungs have the best ones alone, which
    differ least in what matters most. One that trained to its end before has its last score.
    """
    known = np.flatnonzero(np.isfinite(table.scores))
    enough = -(-len(known) // 2)
    ended = known[table.finished[known]]
    if len(ended) >= enough:
        return ended, table.scores[ended]
    for epochs in sorted({e for i in known for e in table.curves[i][0].tolist()}, reverse=True):
        found = {}
        for i in known:
            done, scores = table.curves[i]
            there = np.flatnonzero(done == epochs)
            if len(there):
                found[int(i)] = scores[there[0]]
            elif table.finished[i] and done[-1] < epochs:
                found[int(i)] = scores[-1]
        if len(found) >= enough:
            break
    return np.array(list(found)), np.array(list(found.values()))


def parameter_importances(search: MLPSearchCV) -> FeatureImportances:
    """Return how much the score of a configuration depends on each argument.

    A random forest of 32 trees predicts scores from arguments: numbers (their logarithm where they
    were drawn over decades), and anything else by its place in the order of its values. Five times
    a fifth of the configurations is left out of it; on these the values of an argument are
    shuffled, five times each. The importance is by how much R2 falls: 1 means that as much of the
    scores' variance is lost as there is, 0 that the forest does not need the argument.

    Only configurations that came equally far are compared, see `comparable_scores`.
    """
    table = table_of(search)
    rows, scores = comparable_scores(table)
    if len(rows) < FEWEST or not table.names:
        rule = f"one with {FEWEST} configurations of different arguments that came equally far"
        refuse("search", rule, search, "Raise n_iter.")
    encoded = np.column_stack([axis_of(values).places for values in table.values])[rows]
    scores = np.maximum(scores, lowest_shown(scores))  # one that diverged is not all that matters
    shift, spread = scores.mean(), scores.std() or 1.0
    target = (scores - shift) / spread
    falls, predicted = [], np.empty(len(rows))
    for train, test in KFold(N_FOLDS, shuffle=True, random_state=0).split(encoded):
        forest = RandomForestRegressor(N_TREES, random_state=0).fit(encoded[train], target[train])
        predicted[test] = forest.predict(encoded[test])
        fall = permutation_importance(
            *(forest, encoded[test], target[test]),
            scoring="neg_mean_squared_error",
            n_repeats=N_REPEATS,
            random_state=0,
        )
        falls.append(fall.importances)
    r2 = 1 - float(np.mean((target - predicted) ** 2)) / (float(target.var()) or 1.0)
    return FeatureImportances(tuple(table.names), np.concatenate(falls, axis=1), r2, len(rows))
