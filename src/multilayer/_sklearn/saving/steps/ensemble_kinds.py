"""Weighted ensembles in files: their weights, and a step for each member."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._objectives.regression_losses import OutputKind
from multilayer._sklearn.saving.model_steps import (
    LABELS,
    NUMBERS,
    EnsembleValues,
    ModelStep,
    PipelineValues,
    Shape,
    StepValues,
)
from multilayer._sklearn.saving.network_kinds import ClassifierValues, RegressorValues
from multilayer._sklearn.saving.reader import take_list
from multilayer._sklearn.saving.steps.argument_rules import LIST, NOTHING, either, real
from multilayer._sklearn.saving.steps.compositions import (
    Built,
    CompositionKind,
    Parsed,
    Parts,
    unfitted,
)
from multilayer._sklearn.saving.steps.transformer_kind import constructed
from multilayer._sklearn.saving.tabular_kinds import (
    TabularClassifierValues,
    TabularRegressorValues,
)
from multilayer._sklearn.targets.class_outputs import MULTICLASS, Classes
from multilayer._sklearn.targets.weighted_means import alike_kind

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from multilayer._sklearn.ensemble_members import WeightedEnsemble

ClassTarget: TypeAlias = tuple[str, Classes]
NumberTarget: TypeAlias = tuple[int, bool]


def last_values(step: ModelStep) -> "StepValues | None":
    """Return the values of what is trained: of the last step of a pipeline, or of the step."""
    return last_values(step.members[-1]) if isinstance(step.values, PipelineValues) else step.values


def class_target(step: ModelStep) -> ClassTarget:
    """Return the kind and the classes of a member; two classes are as more of them here."""
    match last_values(step):
        case ClassifierValues(target=target):
            return alike_kind(target.kind), target.classes
        case TabularClassifierValues(classes=classes):
            return MULTICLASS, classes
    raise ModelFileError(f"its EnsembleClassifier has a member without probabilities: {step.kind}.")


def number_target(step: ModelStep) -> NumberTarget:
    """Return how many numbers a member predicts, and whether y has one axis."""
    match last_values(step):
        case RegressorValues(target=target, objective=objective) as values if (
            objective.regression_loss.output is OutputKind.POINT
        ):
            return len(values.target.mean), target.one_target
        case TabularRegressorValues(units=units):
            return len(units.mean), units.one_column
    raise ModelFileError(
        f"its EnsembleRegressor has a member that predicts no single numbers: {step.kind}."
    )


def same_classes(one: Classes, other: Classes) -> bool:
    """Whether labels are the same, of the same type."""
    if isinstance(one, list) or isinstance(other, list):
        return len(one) == len(other) and all(map(same_classes, one, other))
    return one.dtype.kind == other.dtype.kind and np.array_equal(one, other)


def _weights(parts: Parts, kind: str) -> tuple[float, ...]:
    """Return the weights of the members, checked; and check what all members have in common."""
    names = [each.name for each in parts.members]
    if len(set(names)) < len(names):
        raise ModelFileError(f"its {kind} has two members of one name.")
    if len({each.shape.takes for each in parts.members}) > 1:
        raise ModelFileError(f"its {kind} has members that take different numbers of columns.")
    found = take_list(parts.fitted, "weights", len(names))
    weights = tuple(each for each in found if type(each) is float and real(0.0, 1.0)(each))
    if len(weights) < len(names) or abs(sum(weights) - 1) > 1e-6:
        raise ModelFileError("its weights must be shares of 1.")
    return weights


def _parse_classifier(parts: Parts) -> Parsed:
    weights = _weights(parts, "EnsembleClassifier")
    targets = [class_target(each) for each in parts.members]
    for (kind, classes), (other, others) in pairwise(targets):
        if kind != other or not same_classes(classes, others):
            raise ModelFileError("its EnsembleClassifier has members of different classes.")
    kind, classes = targets[0]
    shape = Shape(parts.members[0].shape.takes, None, transforms=False, predicts=LABELS)
    return EnsembleValues(parts.arguments, weights, kind, classes), shape


def _parse_regressor(parts: Parts) -> Parsed:
    weights = _weights(parts, "EnsembleRegressor")
    targets = [number_target(each) for each in parts.members]
    if len(set(targets)) > 1:
        raise ModelFileError("its EnsembleRegressor has members of different targets.")
    takes, n_targets = parts.members[0].shape.takes, targets[0][0]
    shape = Shape(takes, None, transforms=False, predicts=NUMBERS, n_targets=n_targets)
    return EnsembleValues(parts.arguments, weights, targets=targets[0]), shape


def _members(ensemble: "WeightedEnsemble") -> Built:
    return list(ensemble.named_estimators_.items())


def _fitted(ensemble: "WeightedEnsemble") -> dict[str, JSON]:
    return {"weights": ensemble.weights_.tolist()}


def _build(cls: type, values: EnsembleValues, members: Built) -> "BaseEstimator":
    given = [(name, unfitted(member)) for name, member in members]
    ensemble = constructed(cls, {**values.arguments, "estimators": given})
    return ensemble._take_fitted(members, np.array(values.weights))


_kind = partial(
    CompositionKind,
    module="multilayer._sklearn.weighted_ensembles",
    arguments={"weights": either(NOTHING, LIST)},
    inner=("estimators",),
    members=_members,
    fitted_values=_fitted,
    build_of=_build,
)
KINDS: Sequence[CompositionKind] = (
    _kind("EnsembleClassifier", parse_parts=_parse_classifier),
    _kind("EnsembleRegressor", parse_parts=_parse_regressor),
)
