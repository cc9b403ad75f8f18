"""What a search has found, in scikit-learn's form."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection._search import BaseSearchCV

from multilayer._core.checks import count
from multilayer._core.environment import level_of_caller
from multilayer._core.errors import DataError
from multilayer._search.candidates import Parameters
from multilayer._search.lanes import Lane, Scores
from multilayer._search.standings import Standing

Results = dict[str, Any]
Fits = list[dict[str, Any]]
"""One for each configuration and fold, as scikit-learn's own function returns them."""


def formatted(
    search: BaseSearchCV,
    candidates: list[Parameters],
    standings: Sequence[Standing],
    lanes: Sequence[Sequence[Lane]],
    n_folds: int,
) -> Results:
    """Return `cv_results_`: scikit-learn's columns, and ours."""
    more = {
        "n_epochs": [standing.n_epochs for standing in standings],
        "best_epochs": [standing.best_epochs for standing in standings],
        "status": [standing.status for standing in standings],
    }
    fits = fits_of(standings, lanes, n_folds, train=search.return_train_score)
    with warnings.catch_warnings():  # of failed fits there was a warning that says why
        warnings.filterwarnings("ignore", "One or more of the .* scores are non-finite")
        found: Results = search._format_results(candidates, n_folds, fits, more)
    rank(found, list(fits[0]["test_scores"]))
    return found


def fits_of(
    standings: Sequence[Standing], lanes: Sequence[Sequence[Lane]], n_folds: int, *, train: bool
) -> Fits:
    """Return scores and times of each configuration on each fold; seeds are averaged."""
    names = next((list(s.scores[0]) for s in standings if s.status != "failed"), [])
    fits = []
    for standing, own in zip(standings, lanes, strict=True):
        of_fold = len(own) // n_folds
        for i in range(n_folds):
            some = slice(i * of_fold, (i + 1) * of_fold)
            fit = {
                "test_scores": averaged(standing.scores[some], names),
                "fit_time": sum(lane.fit_seconds for lane in own[some]),
                "score_time": sum(lane.score_seconds for lane in own[some]),
            }
            if train:
                fit["train_scores"] = averaged(
                    [lane.train_scores or {} for lane in own[some]], names
                )
            fits.append(fit)
    return fits


def averaged(scores: Sequence[Scores], names: Sequence[str]) -> Scores:
    """Return the mean of scores by name; a failed fit has one value for all of them."""

    def value(own: Scores, name: str) -> float:
        return own[name] if name in own else next(iter(own.values()), np.nan)

    return {name: float(np.mean([value(own, name) for own in scores])) for name in names}


def reached(results: Mapping[str, Any]) -> np.ndarray:
    """Return how far configurations came: epochs, infinity for those that trained to their end."""
    ended = np.asarray(results["status"]) == "finished"
    return np.where(ended, np.inf, np.asarray(results["n_epochs"], float))


def rank(results: Results, names: Sequence[str]) -> None:
    """Rank configurations: those that trained further first, then by score.

    A score after few epochs does not compare with one after many.
    """
    for name in names:
        means = results[f"mean_test_{name}"]
        known = np.isfinite(means)
        keys = list(zip(~known, -reached(results), np.where(known, -means, 0.0), strict=True))
        places = {key: i for i, key in enumerate(sorted(set(keys)))}
        ranks = rankdata([places[key] for key in keys], method="min")
        results[f"rank_test_{name}"] = ranks.astype(np.int32)


def warn_of_failures(lanes: Sequence[Sequence[Lane]], error_score: object) -> None:
    """Warn of fits that failed, by what they raised; refuse a search in which all did."""
    every = [lane for own in lanes for lane in own]
    failed = [lane for lane in every if lane.error is not None]
    if not failed:
        return
    kinds: dict[str, int] = {}
    for lane in failed:
        text = f"{type(lane.error).__name__}: {lane.error}"
        kinds[text] = kinds.get(text, 0) + 1
    listing = "\n".join(f"{count(n, 'fit')}: {text}" for text, n in kinds.items())
    if len(failed) == len(every) and len(kinds) == 1 and failed[0].error is not None:
        raise failed[0].error  # such as an error in the data, which says what to do
    if len(failed) == len(every):
        raise DataError(f"All {count(len(every), 'fit')} of the search failed.\n{listing}")
    warnings.warn(
        f"{len(failed)} of {count(len(every), 'fit')} failed; their score is {error_score!r}. "
        f"With error_score='raise' the first failure is raised.\n{listing}",
        FitFailedWarning,
        stacklevel=level_of_caller(),
    )


def simplest_within_one_error(
    results: Mapping[str, Any], name: str, n_parameters: Sequence[int]
) -> int:
    """Return the configuration with the fewest parameters within one standard error of the best.

    The standard error is that of the best configuration's mean over the folds (Breiman et al.,
    1984). Of configurations of the same size the best one is returned.
    """
    means, come = results[f"mean_test_{name}"], reached(results)
    finished = np.flatnonzero((come == come.max()) & np.isfinite(means)).tolist()
    best = max(finished, key=lambda i: means[i])
    n = sum(key.startswith("split") and key.endswith(f"_test_{name}") for key in results)
    bound = means[best] - results[f"std_test_{name}"][best] / np.sqrt(max(1, n - 1))
    within = [i for i in finished if means[i] >= bound]
    return min(within, key=lambda i: (n_parameters[i], -means[i]))
