"""Pipelines, column transformers and transformed targets with NumPy alone."""

from collections.abc import Sequence
from itertools import combinations, combinations_with_replacement
from typing import NamedTuple

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._portable import categories, ensembles, scaling, splines
from multilayer._portable.inverses import INVERSES
from multilayer._portable.predictor import (
    Predictor,
    Step,
    Table,
    Transform,
    Transforms,
    numbers,
    real,
    through,
)
from multilayer._sklearn.saving.model_steps import (
    DROP,
    ColumnValues,
    FrozenValues,
    ModelStep,
    PipelineValues,
    TransformerValues,
    UnionValues,
)
from multilayer._sklearn.saving.parser import TRANSFORMERS as KINDS

# Steps that choose, cut, multiply or project columns of numbers ----------------------------------


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


# scikit-learn's transformers in NumPy, and their inverses for transformed targets ----------------


TRANSFORMERS: Transforms = {
    **scaling.TRANSFORMS,
    **TRANSFORMS,
    **categories.TRANSFORMS,
    **splines.TRANSFORMS,
    **ensembles.TRANSFORMS,
}


def forward_step(values: TransformerValues) -> Step:
    """Return a transformer of these values."""
    transform = TRANSFORMERS[values.kind](values)
    reads_tables = values.kind in ensembles.TRANSFORMS
    return Step(transform, values.n_features_in_, values.feature_names, reads_tables)


def inverse_step(values: TransformerValues) -> Step:
    """Return what undoes a transformer of these values."""
    return Step(INVERSES[values.kind](values), KINDS[values.kind].n_out(values), None)


# Steps with members ------------------------------------------------------------------------------


def transformers(step: ModelStep) -> tuple[Step, ...]:
    """Return what a step does as steps one after the other, none where it passes all through."""
    match step.values:
        case None:
            return ()
        case TransformerValues() as values:
            return (forward_step(values),)
        case PipelineValues() | FrozenValues():
            return tuple(part for each in step.members for part in transformers(each))
        case UnionValues() as values:
            return (_union(values, step.members),)
        case ColumnValues() as values:
            return (_of_columns(values, step.members),)
    raise ModelFileError(
        f"its step {step.kind!r} is not supported by multilayer.portable. Load it with "
        "multilayer.load."
    )


def inverses(step: ModelStep) -> tuple[Step, ...]:
    """Return what undoes a step, as steps one after the other."""
    match step.values:
        case None:
            return ()
        case TransformerValues() as values if values.kind in INVERSES:
            return (inverse_step(values),)
        case PipelineValues() | FrozenValues():
            return tuple(part for each in reversed(step.members) for part in inverses(each))
    raise ModelFileError(
        f"its transformer of targets {step.kind!r} has no inverse in multilayer.portable. Load it "
        "with multilayer.load."
    )


class Branch(NamedTuple):
    """What is done with some columns, beside others."""

    columns: Sequence[int] | None  # None for all
    steps: tuple[Step, ...]
    weight: float | None


def _beside(branches: Sequence[Branch]) -> Transform:
    """Return a transform that runs the branches and concatenates their columns."""

    def transform(X: np.ndarray) -> np.ndarray:
        parts = []
        for columns, steps, weight in branches:
            part = through(steps, X if columns is None else X[:, columns])
            parts.append(part if weight is None else part * weight)
        return np.hstack(parts) if parts else np.zeros((len(X), 0))

    return transform


def _union(values: UnionValues, members: Sequence[ModelStep]) -> Step:
    branches = [
        Branch(None, transformers(each), values.weights.get(each.name))
        for each in members
        if each.kind != DROP
    ]
    firsts = [branch.steps[0] for branch in branches if branch.steps]
    if not firsts:
        raise ModelFileError("its FeatureUnion has no step that gives the number of columns.")
    names = next((f.feature_names_in for f in firsts if f.feature_names_in is not None), None)
    return Step(_beside(branches), firsts[0].n_features_in, names)


def _of_columns(values: ColumnValues, members: Sequence[ModelStep]) -> Step:
    branches = [
        Branch(columns, transformers(each), values.weights.get(each.name))
        for each, columns in zip(members, values.places, strict=True)
        if each.kind != DROP
    ]
    return Step(_beside(branches), values.n_features, values.feature_names)


# Regression of targets that were transformed before training, and are transformed back -----------


class TransformedRegressor(Predictor):
    """A fitted regressor of transformed targets that predicts with NumPy alone.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    def __init__(self, regressor: Predictor, back: Sequence[Step], n_axes: int) -> None:
        super().__init__(regressor._before, regressor._own)
        self._regressor = regressor
        self._back = tuple(back)
        self._n_axes = n_axes

    def predict(self, X: Table) -> np.ndarray:
        """Predict targets, in the units in which they were given.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets), float32 or float64 as X

        Raises
        ------
        DataError
            X is no table of the model's columns (a ValueError).
        """
        predicted = self._regressor.predict(X)
        values = through(self._back, predicted.reshape(len(predicted), -1))
        return values[:, 0] if self._n_axes == 1 and values.shape[1] == 1 else values
