"""Steps that choose, cut, multiply or project columns of numbers."""

from itertools import combinations, combinations_with_replacement

import numpy as np

from multilayer._portable.predictor import Transform, Transforms
from multilayer._portable.rows import numbers, real
from multilayer._sklearn.saving.model_steps import TransformerValues


def above_variance(step: TransformerValues) -> Transform:
    """Columns of a variance above the threshold."""
    varying = step.variances_ > step.threshold
    return lambda X: numbers(X, missing=True)[:, varying]


def best(step: TransformerValues) -> Transform:
    """The k columns of the highest scores."""
    k, scores = step.k, step.scores_
    if k == "all":
        return numbers
    clean = np.where(np.isnan(scores), np.finfo(scores.dtype).min, scores)
    chosen = np.sort(np.argsort(clean, kind="mergesort")[len(scores) - min(k, len(scores)) :])
    return lambda X: numbers(X)[:, chosen]


def polynomials(step: TransformerValues) -> Transform:
    """Products of columns up to a degree."""
    degree, n_features = step.degree, step.n_features_in_
    low, high = degree if isinstance(degree, tuple | list) else (0, degree)
    pick = combinations if step.interaction_only else combinations_with_replacement
    constant = bool(step.include_bias)

    def transform(X: np.ndarray) -> np.ndarray:
        X = real(X)
        columns = [np.ones(len(X), X.dtype)] if constant else []
        for n_factors in range(max(1, low), high + 1):
            chosen = pick(range(n_features), n_factors)
            columns += [X[:, list(each)].prod(axis=1) for each in chosen]
        return np.column_stack(columns)

    return transform


def bins(step: TransformerValues) -> Transform:
    """The bin of each number, as its number or as a column of its own."""
    edges, counts = step.bin_edges_, step.n_bins_
    ordinal = step.encode == "ordinal"
    dtype = step.dtype

    def transform(X: np.ndarray) -> np.ndarray:
        X = real(X)
        found = [np.searchsorted(own[1:-1], X[:, i], side="right") for i, own in enumerate(edges)]
        if ordinal:
            return np.column_stack(found).astype(X.dtype if dtype is None else dtype)
        hot = [place[:, None] == np.arange(n) for place, n in zip(found, counts, strict=True)]
        return np.hstack(hot).astype(np.float64 if dtype is None else dtype)

    return transform


def principal(step: TransformerValues) -> Transform:
    """Coordinates along the principal components."""
    components, mean = step.components_, step.mean_
    shift = mean @ components.T
    # A component without variance is left as it is.
    floor = np.finfo(step.explained_variance_.dtype).eps
    deviation = np.maximum(np.sqrt(step.explained_variance_), floor) if step.whiten else None

    def transform(X: np.ndarray) -> np.ndarray:
        projected = real(X) @ components.T
        projected = projected - shift.astype(projected.dtype)
        return projected if deviation is None else projected / deviation.astype(projected.dtype)

    return transform


def singular(step: TransformerValues) -> Transform:
    """Coordinates along the singular vectors."""
    components = step.components_
    return lambda X: real(X) @ components.T


TRANSFORMS: Transforms = {
    "KBinsDiscretizer": bins,
    "PCA": principal,
    "PolynomialFeatures": polynomials,
    "SelectKBest": best,
    "TruncatedSVD": singular,
    "VarianceThreshold": above_variance,
}
