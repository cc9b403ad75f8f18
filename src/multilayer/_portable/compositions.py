"""Steps with members."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._portable.inverses import INVERSES
from multilayer._portable.predictor import Step, Transform, through
from multilayer._portable.transformers import forward_step, inverse_step
from multilayer._sklearn.saving.model_steps import (
    DROP,
    ColumnValues,
    FrozenValues,
    ModelStep,
    PipelineValues,
    TransformerValues,
    UnionValues,
)


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
        f"its step {step.kind!r} is not carried out by multilayer.portable. Load it with "
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
        f"its transformer of targets {step.kind!r} is not undone by multilayer.portable. Load it "
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
