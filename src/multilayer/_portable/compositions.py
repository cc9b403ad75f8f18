"""Steps that are made of others."""

from collections.abc import Iterable

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._persist.values import decode
from multilayer._portable.inverses import INVERSES
from multilayer._portable.predictor import Step, Transform, through
from multilayer._portable.transformers import TRANSFORMERS, read_inverse, read_step
from multilayer._sklearn.saving.parts import Part, only_member, parts_of
from multilayer._sklearn.saving.reader import take_count, take_names
from multilayer._sklearn.saving.steps.columns import decode_columns, places
from multilayer._sklearn.saving.steps.declared import MOST_COLUMNS


def transformers(part: Part) -> tuple[Step, ...]:
    """Return what a step does as steps one after the other, none where it passes all through."""
    match part.kind:
        case "passthrough" | "none":
            return ()
        case "Pipeline":
            return tuple(
                step for each in parts_of(part.members, part.arrays) for step in transformers(each)
            )
        case "FrozenEstimator":
            return transformers(only_member(part))
        case "FeatureUnion":
            return (_union(part),)
        case "ColumnTransformer":
            return (_of_columns(part),)
        case kind if kind in TRANSFORMERS:
            return (read_step(part),)
    raise ModelFileError(
        f"its step {part.kind!r} is not carried out by multilayer.portable. Load it with "
        "multilayer.load."
    )


def inverses(part: Part) -> tuple[Step, ...]:
    """Return what undoes a step, as steps one after the other."""
    match part.kind:
        case "passthrough" | "none":
            return ()
        case "Pipeline":
            undone = [inverses(each) for each in parts_of(part.members, part.arrays)]
            return tuple(step for steps in reversed(undone) for step in steps)
        case "FrozenEstimator":
            return inverses(only_member(part))
        case kind if kind in INVERSES:
            return (read_inverse(part),)
    raise ModelFileError(
        f"its transformer of targets {part.kind!r} is not undone by multilayer.portable. Load it "
        "with multilayer.load."
    )


def _beside(
    branches: Iterable[tuple[list[int] | None, tuple[Step, ...], float | None]],
) -> Transform:
    """Return what hands columns to branches, and puts what they return side by side."""

    def transform(X: np.ndarray) -> np.ndarray:
        parts = []
        for chosen, steps, weight in branches:
            part = through(steps, X if chosen is None else X[:, chosen])
            parts.append(part if weight is None else part * weight)
        return np.hstack(parts) if parts else np.zeros((len(X), 0))

    return transform


def _weights(part: Part) -> dict[str, float]:
    weights = decode(part.params.get("transformer_weights"))
    if weights is None:
        return {}
    if not isinstance(weights, dict) or not all(type(w) in (int, float) for w in weights.values()):
        raise ModelFileError(f"its {part.kind} has weights that are no numbers: {weights!r}.")
    return weights


def _union(part: Part) -> Step:
    weights = _weights(part)
    members = [each for each in parts_of(part.members, part.arrays) if each.kind != "drop"]
    branches = [(None, transformers(each), weights.get(each.name)) for each in members]
    firsts = [steps[0] for _, steps, _ in branches if steps]
    if not firsts or len({first.n_features_in for first in firsts}) > 1:
        raise ModelFileError("its FeatureUnion has no step that gives the number of columns.")
    names = next((f.feature_names_in for f in firsts if f.feature_names_in is not None), None)
    return Step(_beside(branches), firsts[0].n_features_in, names)


def _of_columns(part: Part) -> Step:
    n_features = take_count(part.fitted, "n_features")
    if n_features > MOST_COLUMNS:
        raise ModelFileError(f"its ColumnTransformer has {n_features} columns: too many.")
    names = take_names(part.fitted, n_features)
    numbers = {name: i for i, name in enumerate(() if names is None else names)}
    members, weights = parts_of(part.members, part.arrays), _weights(part)
    columns = part.fitted.get("columns")
    if not isinstance(columns, list) or len(columns) != len(members):
        raise ModelFileError("its ColumnTransformer has other columns than members.")
    branches = []
    for each, encoded in zip(members, columns, strict=True):
        if each.kind == "drop":
            continue
        chosen = places(decode_columns(encoded), n_features, numbers)
        steps = transformers(each)
        if steps and steps[0].n_features_in != len(chosen):
            raise ModelFileError(f"its step {each.name!r} was fitted to other columns.")
        branches.append((chosen, steps, weights.get(each.name)))
    return Step(_beside(branches), n_features, names)
