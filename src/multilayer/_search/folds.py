"""The rows of a search: folds, shared by all configurations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params, _num_samples

from multilayer._core.checks import check_integer, check_real, refuse
from multilayer._search.lanes import Fold


@dataclass(frozen=True)
class Routed:
    """Arguments of ``fit``, by what takes them."""

    fit: Mapping[str, Any]
    score: Mapping[str, Any]
    split: Mapping[str, Any]


def searched_rows(
    estimator: BaseEstimator, X: Any, y: Any, search_rows: float | None, seed: int
) -> np.ndarray | None:
    """Return the numbers of the rows to search on, None for all of them."""
    n = _num_samples(X)
    if search_rows is None:
        return None
    if isinstance(search_rows, float):
        check_real("search_rows", search_rows, "(0, 1)")
    else:
        check_integer("search_rows", search_rows, 2)
        if search_rows >= n:
            return None
    strata = y if is_classifier(estimator) and np.ndim(y) == 1 else None
    rows, _ = train_test_split(
        np.arange(n), train_size=search_rows, random_state=seed, stratify=strata
    )
    return np.sort(rows)


@dataclass(frozen=True)
class SearchRows:
    """The rows of a search, and how they are split: what all lanes are made from.

    Attributes
    ----------
    X, y : data
        The rows that are searched on.
    fit, score : mapping
        Arguments of ``fit`` and of scorers for them.
    splits : sequence of tuple
        Numbers of the rows to train on and to score by, of each fold.
    rows : ndarray or None
        Their numbers in the data that were given; None for all.
    """

    X: Any
    y: Any
    fit: Mapping[str, Any]
    score: Mapping[str, Any]
    splits: Sequence[tuple[np.ndarray, np.ndarray]]
    rows: np.ndarray | None

    def folds(self) -> list[Fold]:
        """Return the rows of each fold."""
        return [
            Fold(
                number,
                (_some(self.X, train), _some(self.y, train)),
                (_some(self.X, test), _some(self.y, test)),
                _check_method_params(self.X, self.fit, train),
                _check_method_params(self.X, self.score, test),
                test if self.rows is None else self.rows[test],
            )
            for number, (train, test) in enumerate(self.splits)
        ]


def split_rows(
    splitter: Any, X: Any, y: Any, routed: Routed, rows: np.ndarray | None
) -> SearchRows:
    """Split some rows, or all."""
    fit, score, split = routed.fit, routed.score, dict(routed.split)
    if rows is not None:
        fit = _check_method_params(X, fit, rows)
        score = _check_method_params(X, score, rows)
        split = _check_method_params(X, split, rows)
        X, y = _some(X, rows), _some(y, rows)
    splits = list(splitter.split(X, y, **split))
    if not splits:
        refuse("cv", "a splitter that returns folds", splitter)
    return SearchRows(X, y, fit, score, splits, rows)


def _some(values: Any, rows: np.ndarray) -> Any:
    return None if values is None else _safe_indexing(values, rows)
