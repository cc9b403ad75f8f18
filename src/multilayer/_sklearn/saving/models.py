"""Fitted models as plain data and back: the content of a model file.

A model is an estimator of multilayer, by itself, at the end of a scikit-learn pipeline or within
another composition. Each step has a JSON description (name, kind, constructor arguments,
fitted values, and the steps within it) and arrays. The names of these begin with the kinds of
the steps down to theirs: ``"StandardScaler.mean"``, ``"ColumnTransformer.StandardScaler2.mean"``
for the second scaler there.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._persist.manifest import Facts, write_model
from multilayer._persist.memory import ANY_ROOM, MemoryBudget
from multilayer._sklearn.saving import network_kinds, perceptron_kind, tabular_kinds
from multilayer._sklearn.saving.model_steps import (
    PLACEHOLDERS,
    ModelStep,
    TransformerValues,
    placeholder_of,
)
from multilayer._sklearn.saving.parser import (
    ALONE,
    COMPOSITIONS,
    TRANSFORMERS,
    damage_of,
    parse_model,
    read_parsed,
)
from multilayer._sklearn.saving.reader import StoredArrays
from multilayer._sklearn.saving.steps.argument_rules import prefixes_of
from multilayer._sklearn.saving.steps.compositions import CompositionKind
from multilayer._sklearn.saving.steps.transformer_kind import TransformerKind
from multilayer._sklearn.saving.tabular_arguments import TABLE_KINDS

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


class Description(NamedTuple):
    """A fitted model as plain data."""

    pipeline: bool
    steps: list[dict[str, JSON]]
    arrays: dict[str, np.ndarray]


@dataclass(frozen=True)
class EstimatorKind:
    """A kind of estimator of multilayer; its class is imported on first use.

    Attributes
    ----------
    name, module : str
        Its class, and where that is.
    params : callable
        Returns the constructor's arguments of an estimator as JSON.
    fitted : callable
        Returns its fitted values, as JSON and as arrays.
    """

    name: str
    module: str
    params: "Callable[[Any], dict[str, JSON]]"  # of its own class
    fitted: "Callable[[Any], tuple[dict[str, JSON], dict[str, np.ndarray]]]"

    @cached_property
    def cls(self) -> "type[BaseEstimator]":
        """The class."""
        return getattr(import_module(self.module), self.name)


ESTIMATORS = {
    kind.name: kind
    for kind in (
        EstimatorKind(
            "MLPClassifier",
            "multilayer._sklearn.classifier",
            network_kinds.params,
            network_kinds.classifier_fitted,
        ),
        EstimatorKind(
            "MLPRegressor",
            "multilayer._sklearn.regressor",
            network_kinds.params,
            network_kinds.regressor_fitted,
        ),
        EstimatorKind(
            "Perceptron",
            "multilayer._sklearn.perceptron.estimator",
            perceptron_kind.params,
            perceptron_kind.fitted,
        ),
        *(
            EstimatorKind(
                kind.name,
                kind.module,
                tabular_kinds.params,
                tabular_kinds.classifier_fitted
                if kind.classification
                else tabular_kinds.regressor_fitted,
            )
            for kind in TABLE_KINDS.values()
        ),
    )
}
KINDS: Mapping[str, EstimatorKind | TransformerKind | CompositionKind] = {
    **ESTIMATORS,
    **TRANSFORMERS,
    **COMPOSITIONS,
}


def describe(model: "BaseEstimator") -> Description:
    """Return a fitted model as plain data.

    Parameters
    ----------
    model : estimator of multilayer, or a composition that ends in one that predicts
        Fitted model.

    Returns
    -------
    description : Description

    Raises
    ------
    ModelFileError
        The model, or something in it, is of a kind that cannot be saved (a ValueError).
    NotFittedError
        The model is not fitted.
    """
    pipeline = type(model) is Pipeline
    members = list(model.steps) if pipeline else [(type(model).__name__.lower(), model)]
    arrays: dict[str, np.ndarray] = {}
    steps = _encode_all(members, "", arrays)
    if not hasattr(model, "predict") and steps[0]["kind"] not in ALONE:
        raise ModelFileError(
            f"model must end in one of {list(ESTIMATORS)} to be saved, got {model!r}."
        )
    return Description(pipeline, steps, arrays)


def write(model: "BaseEstimator", path: str | os.PathLike[str], facts: Facts) -> None:
    """Write a fitted model to a file, with facts about the data it was trained on."""
    described = describe(model)
    # Rebuilt at once: what a reader would refuse is not written, and the memory it needs is known.
    arrays = StoredArrays(described.arrays, MemoryBudget(ANY_ROOM))
    rebuild(described.pipeline, described.steps, arrays)
    write_model(
        path,
        pipeline=described.pipeline,
        steps=described.steps,
        arrays=described.arrays,
        data=facts,
        reserve=ANY_ROOM - arrays.room.left,
    )


def read(
    path: str | os.PathLike[str], *, allow_nonfinite: bool = False
) -> "tuple[BaseEstimator, Facts]":
    """Return the model of a file, and what the file knows of its training data."""
    parsed = read_parsed(path, allow_nonfinite=allow_nonfinite)
    with damage_of(path):
        return build(parsed.model), parsed.manifest["data"]


def rebuild(
    pipeline: bool,
    steps: JSON,
    arrays: StoredArrays,
    *,
    features: Sequence[str] | None = None,
) -> "BaseEstimator":
    """Make a model again from what :func:`describe` returned.

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
    model : estimator or Pipeline

    Raises
    ------
    ModelFileError
        Something is missing, of a wrong kind or does not fit together (a ValueError).
    """
    return build(parse_model(pipeline, steps, arrays, features=features))


# To plain data --------------------------------------------------------------------------------


def _encode_all(
    members: "Iterable[tuple[str, BaseEstimator | str | None]]",
    prefix: str,
    arrays: dict[str, np.ndarray],
) -> list[dict[str, JSON]]:
    """Describe steps beside one another; their arrays are added to `arrays`."""
    named = [(name, step, _kind_of(name, step)) for name, step in members]
    prefixes = prefixes_of([kind for *_, kind in named])
    return [
        {"name": name, "kind": kind}
        | ({} if kind in PLACEHOLDERS else _encode(step, KINDS[kind], prefix + own, arrays))
        for (name, step, kind), own in zip(named, prefixes, strict=True)
    ]


def _encode(
    step: "BaseEstimator",
    kind: EstimatorKind | TransformerKind | CompositionKind,
    prefix: str,
    arrays: dict[str, np.ndarray],
) -> dict[str, JSON]:
    check_is_fitted(step)
    if isinstance(kind, TransformerKind) and not hasattr(step, "n_features_in_"):
        # check_is_fitted passes transformers without fitted attributes.
        raise NotFittedError(f"{step!r} is not fitted yet. Call fit before saving.")
    fitted, own = kind.fitted(step)
    arrays.update({prefix + key: array for key, array in own.items()})
    encoded: dict[str, JSON] = {"params": kind.params(step), "fitted": fitted}
    if isinstance(kind, CompositionKind):
        encoded["steps"] = _encode_all(kind.members(step), prefix, arrays)
    return encoded


def _kind_of(name: str, step: object) -> str:
    placeholder = placeholder_of(step)
    if placeholder is not None:
        return placeholder
    kind = type(step).__name__
    if kind in KINDS and type(step) is KINDS[kind].cls:
        return kind
    searched = hasattr(step, "best_estimator_")
    raise ModelFileError(
        f"model must consist of steps that can be saved without code; step {name!r} is {step!r}, "
        "which cannot. "
        + ("Save its best_estimator_." if searched else "Apply it to the data beforehand.")
    )


# And back -------------------------------------------------------------------------------------


def build(step: ModelStep) -> "BaseEstimator | str | None":
    """Return the object of scikit-learn, or of multilayer, for a step that was parsed."""
    match step.values:
        case None:
            return PLACEHOLDERS[step.kind]
        case TransformerValues() as values:
            return TRANSFORMERS[step.kind].build(values)
        case network_kinds.NetworkValues() as values:
            return network_kinds.build(ESTIMATORS[step.kind].cls, values)
        case perceptron_kind.PerceptronValues() as values:
            return perceptron_kind.build(ESTIMATORS[step.kind].cls, values)
        case tabular_kinds.TabularValues() as values:
            return tabular_kinds.build(ESTIMATORS[step.kind].cls, values)
        case values:
            members = [(each.name, build(each)) for each in step.members]
            return COMPOSITIONS[step.kind].build(values, members)
