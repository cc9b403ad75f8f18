"""Greedy selection of an ensemble from predictions out of fold (Caruana et al., 2004).

The ensemble is the mean of what its members predict, each as often as it was selected. It begins
with the best candidates; then the one is added, again and again, with which the mean scores best.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

N_FIRST = 3
"""Candidates that it begins with: the best ones, so that chance alone decides less."""
N_ROUNDS = 20
"""Members at most, counted as often as they are selected."""
PATIENCE = 5
"""Members in a row without which the ensemble was better, after which it ends."""

Score: TypeAlias = tuple[float, ...]
"""A score, and what decides between equals; higher is better."""


def select(
    predictions: np.ndarray,
    score: Callable[[np.ndarray], Score],
    *,
    n_first: int = N_FIRST,
    n_rounds: int = N_ROUNDS,
) -> np.ndarray:
    """Return the weights of an ensemble that scores best on given predictions.

    Parameters
    ----------
    predictions : ndarray of shape (n_candidates, n_rows, n_columns)
        What each candidate predicts for rows that it has not seen.
    score : callable
        Returns the score of a mean of predictions ``(n_rows, n_columns)``.
    n_first : int, default=3
        How many of the best candidates it begins with, one by one.
    n_rounds : int, default=20
        Members at most.

    Returns
    -------
    weights : ndarray of shape (n_candidates,), float64
        How often each candidate is in the ensemble, as shares of 1. It is the best one on the way,
        of equals the smallest, so that it scores at least as well as the best candidate by itself.
        Of candidates that score the same the first one is taken.
    """
    singles = [score(each) for each in predictions]
    by_score = sorted(range(len(predictions)), key=lambda i: _key(singles[i]), reverse=True)
    scored = [i for i in by_score if np.isfinite(singles[i]).all()]
    first = scored[:n_first] or by_score[:1]
    bag: list[int] = []
    total = np.zeros(predictions.shape[1:])
    on_the_way: list[Score] = []
    while len(bag) < n_rounds and len(bag) - _best_size(on_the_way) < PATIENCE:
        if len(bag) < len(first):
            chosen = first[len(bag)]
            found = score((total + predictions[chosen]) / (len(bag) + 1))
        else:
            tried = [score((total + each) / (len(bag) + 1)) for each in predictions]
            chosen = max(range(len(tried)), key=lambda i: _key(tried[i]))
            found = tried[chosen]
        bag.append(chosen)
        total += predictions[chosen]
        on_the_way.append(_key(found))
    size = _best_size(on_the_way)
    return np.bincount(bag[:size], minlength=len(predictions)) / size


def _best_size(scores: Sequence[Score]) -> int:
    """Return after how many members the score was best, the first of equals; 0 before any."""
    return 1 + max(range(len(scores)), key=lambda i: scores[i], default=-1)


def _key(score: Score) -> Score:
    """Return a score that sorts: NaN goes last."""
    return tuple(-np.inf if value != value else value for value in score)
