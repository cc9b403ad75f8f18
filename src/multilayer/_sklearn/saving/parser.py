"""From a model file to typed values, checked. NumPy alone."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from multilayer._core.errors import InvalidArgumentError, ModelFileError
from multilayer._core.types import JSON
from multilayer._persist.manifest import Manifest, read_model
from multilayer._sklearn.saving.model_steps import (
    DROP,
    PLACEHOLDERS,
    ModelStep,
    PipelineValues,
    Shape,
    StepValues,
)
from multilayer._sklearn.saving.network_kinds import parse_classifier, parse_regressor
from multilayer._sklearn.saving.perceptron_kind import parse_perceptron
from multilayer._sklearn.saving.reader import StoredArrays, StoredValues, Values, brief
from multilayer._sklearn.saving.steps import (
    categories,
    column_transformer,
    compositions,
    ensemble_kinds,
    numbers,
    projections,
    tabular_encoder,
)
from multilayer._sklearn.saving.steps.argument_rules import prefixes_of
from multilayer._sklearn.saving.steps.compositions import CompositionKind, pipeline_shape
from multilayer._sklearn.saving.steps.transformer_kind import TransformerKind
from multilayer._sklearn.saving.tabular_kinds import PARSERS

# The kinds of preprocessing and composition in model files ---------------------------------------


TRANSFORMERS: dict[str, TransformerKind] = {
    kind.name: kind
    for kind in (
        *numbers.KINDS,
        *categories.KINDS,
        *projections.KINDS,
        *tabular_encoder.KINDS,
    )
}
COMPOSITIONS: dict[str, CompositionKind] = {
    kind.name: kind
    for kind in (*compositions.KINDS, *column_transformer.KINDS, *ensemble_kinds.KINDS)
}
"""Kinds with members."""
KINDS = (*TRANSFORMERS, *COMPOSITIONS)
ALONE = tuple(kind.name for kind in tabular_encoder.KINDS)
"""Steps that a file may have without a model behind them."""


# The one parser of model files: from the description and the arrays to typed values, checked -----
#
# Every reader has its values from here, so that all refuse the same files, before any object is
# built from them. It needs NumPy alone: no scikit-learn, no JAX. Each step is parsed by the record
# of its kind; then the steps must fit together: each must take as many columns as the one before
# returns.


ESTIMATORS: Mapping[
    str, Callable[[Values, StoredValues, StoredArrays], tuple[StepValues, Shape]]
] = {
    "MLPClassifier": parse_classifier,
    "MLPRegressor": parse_regressor,
    "Perceptron": parse_perceptron,
    **PARSERS,
}
EVERYTHING = Shape(None, None, inverts=True)
"""The shape of a placeholder that passes all columns on."""
NOTHING = Shape(None, 0)
"""The shape of a placeholder that passes none on."""


@dataclass(frozen=True)
class RawStep:
    """The description of one step, its members not parsed yet, and its own arrays."""

    name: str
    kind: str
    params: Values
    fitted: StoredValues
    members: JSON
    arrays: StoredArrays


def parse_model(
    pipeline: bool, steps: JSON, arrays: StoredArrays, *, features: Sequence[str] | None = None
) -> ModelStep:
    """Return the content of a file as typed values, or refuse it.

    Parameters
    ----------
    pipeline : bool
        Whether it is a pipeline.
    steps : list of dict
        Descriptions of its steps, as parsed from JSON.
    arrays : StoredArrays
        Its arrays; they are taken out.
    features : sequence of str or None
        Names of the columns of its training data, where they are known.

    Returns
    -------
    step : ModelStep
        The model: of a pipeline its steps are the members.

    Raises
    ------
    ModelFileError
        Something is missing, of a wrong kind or does not fit together (a ValueError).
    """
    members = _parse_all(steps, arrays)
    arrays.check_all_taken()
    if not pipeline and len(members) > 1:
        raise ModelFileError(f"it has steps that are no model: {[each.kind for each in members]}.")
    model = members[0]
    if pipeline:
        shape = pipeline_shape(members)
        model = ModelStep("", "Pipeline", PipelineValues(None), shape, tuple(members))
    if model.shape.predicts is None and model.kind not in ALONE:
        raise ModelFileError(f"it has steps that are no model: {[each.kind for each in members]}.")
    if features and model.shape.takes not in (None, len(features)):
        raise ModelFileError(
            f"its data have {len(features)} features, where it takes {model.shape.takes} columns."
        )
    return model


def _parse_all(steps: JSON, arrays: StoredArrays) -> list[ModelStep]:
    """Parse sibling steps, each with its own arrays."""
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise ModelFileError("it has no list of steps.")
    if not steps:
        raise ModelFileError("it has no steps.")
    kinds = [_kind_of(step) for step in steps]
    below = [arrays.below(prefix) for prefix in prefixes_of(kinds)]
    raw = [_raw_step(step, own) for step, own in zip(steps, below, strict=True)]
    return [_parse(each) for each in raw]


def _kind_of(step: Mapping[str, JSON]) -> str:
    """Return the kind of a step, if this version has such a kind."""
    kind = step.get("kind")
    if not isinstance(kind, str) or kind not in (*ESTIMATORS, *KINDS, *PLACEHOLDERS):
        raise ModelFileError(f"it has a step of a kind that this version lacks: {kind!r}.")
    return kind


def _raw_step(step: Mapping[str, JSON], arrays: StoredArrays) -> RawStep:
    """Check the fields of a step's description."""
    match step:
        case {"name": str(name), "kind": str(kind)} if kind in PLACEHOLDERS:
            if len(step) > 2:
                raise ModelFileError(f"its step {name!r} is {kind!r}, which has nothing in it.")
            return RawStep(name, kind, {}, StoredValues({}), None, arrays)
        case {"name": str(name), "kind": str(kind), "params": dict(params), "fitted": dict(fitted)}:
            known = {"name", "kind", "params", "fitted"}
            if kind in COMPOSITIONS:
                known.add("steps")
            if unknown := sorted(set(step) - known):
                raise ModelFileError(
                    f"its step {name!r} has {unknown}, which belong to nothing in it."
                )
            return RawStep(name, kind, params, StoredValues(fitted), step.get("steps"), arrays)
    raise ModelFileError(f"its step {step['kind']} lacks a name, params or fitted values.")


def _parse(raw: RawStep) -> ModelStep:
    """Return a step as typed values."""
    if raw.kind in PLACEHOLDERS:
        raw.arrays.check_all_taken()
        return ModelStep(raw.name, raw.kind, None, NOTHING if raw.kind == DROP else EVERYTHING)
    members: list[ModelStep] = []
    try:
        values: StepValues
        if raw.kind in ESTIMATORS:
            values, shape = ESTIMATORS[raw.kind](raw.params, raw.fitted, raw.arrays)
        elif raw.kind in COMPOSITIONS:
            members = _parse_all(raw.members, raw.arrays)
            kind = COMPOSITIONS[raw.kind]
            values, shape = kind.parse(raw.params, raw.fitted, raw.arrays, members)
        else:
            transformer = TRANSFORMERS[raw.kind]
            values = learnt = transformer.parse(raw.params, raw.fitted, raw.arrays)
            shape = transformer.shape(learnt)
    except InvalidArgumentError as error:
        raise ModelFileError(
            f"its step {raw.name!r} has an argument out of range: {brief(error)}"
        ) from error
    raw.arrays.check_all_taken()
    raw.fitted.check_all_taken()
    return ModelStep(raw.name, raw.kind, values, shape, tuple(members))


# Reading and parsing a model file, the start of every reader, with NumPy alone -------------------


class ParsedFile(NamedTuple):
    """What is in a model file."""

    model: ModelStep
    manifest: Manifest


def read_parsed(path: str | os.PathLike[str], *, allow_nonfinite: bool = False) -> ParsedFile:
    """Return what is in a model file, checked.

    Raises
    ------
    ModelFileError
        There is no such file, it is no model, is damaged, or was made by a newer version (a
        ValueError).
    """
    content = read_model(path)
    arrays = StoredArrays(content.arrays, content.room, allow_nonfinite=allow_nonfinite)
    manifest = content.manifest
    features = manifest["data"].get("features")
    with damage_of(path):
        model = parse_model(manifest["pipeline"], manifest["steps"], arrays, features=features)
    return ParsedFile(model, manifest)


@contextmanager
def damage_of(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the file into the message of an error about what is in it."""
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"{path} is damaged: {brief(error)}") from error
