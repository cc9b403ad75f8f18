"""The rows of a search: folds, shared by all configurations."""

from collections.abc import Mapping
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


def make_folds(
    splitter: Any, X: Any, y: Any, routed: Routed, rows: np.ndarray | None
) -> list[Fold]:
    """Return the folds of a splitter over some rows, or all."""
    split = dict(routed.split)
    if rows is not None:
        X, y, split = _some(X, rows), _some(y, rows), _check_method_params(X, split, rows)
    fit, score = routed.fit, routed.score
    if rows is not None:
        fit = _check_method_params(X, fit, rows)
        score = _check_method_params(X, score, rows)
    folds = []
    for number, (train, test) in enumerate(splitter.split(X, y, **split)):
        folds.append(
            Fold(
                number,
                (_some(X, train), _some(y, train)),
                (_some(X, test), _some(y, test)),
                _check_method_params(X, fit, train),
                _check_method_params(X, score, test),
                test if rows is None else rows[test],
            )
        )
    if not folds:
        refuse("cv", "a splitter that returns folds", splitter)
    return folds


def _some(values: Any, rows: np.ndarray) -> Any:
    return None if values is None else _safe_indexing(values, rows)
