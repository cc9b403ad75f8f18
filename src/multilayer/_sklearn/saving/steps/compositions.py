"""Steps with members: pipelines, unions, transformed targets, frozen estimators.

Of each kind: how its parts are found and encoded, how a file's description is parsed, which checks
that the members fit together, and how scikit-learn's object is built.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._sklearn.saving.model_steps import (
    DROP,
    NONE,
    NUMBERS,
    CompositionValues,
    FrozenValues,
    ModelStep,
    PipelineValues,
    Shape,
    TargetValues,
    UnionValues,
)
from multilayer._sklearn.saving.reader import StoredArrays, StoredValues, Values, take
from multilayer._sklearn.saving.steps.argument_rules import FLAG, NOTHING, WEIGHTS, Rules
from multilayer._sklearn.saving.steps.transformer_kind import (
    constructed,
    encode_arguments,
    output_of,
    parse_arguments,
    take_output,
    with_output,
)

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

Built: TypeAlias = "Sequence[tuple[str, BaseEstimator]]"
"""Objects of scikit-learn with their names; among them placeholders."""
Parsed: TypeAlias = tuple[CompositionValues, Shape]


@dataclass(frozen=True)
class Parts:
    """What a file has of a composition, its arguments and its members parsed."""

    arguments: Mapping[str, object]
    fitted: StoredValues
    arrays: StoredArrays
    members: Sequence[ModelStep]

    @property
    def weights(self) -> Mapping[str, float]:
        """The weights of members by name."""
        weights = self.arguments.get("transformer_weights")
        return weights if isinstance(weights, dict) else {}


@dataclass(frozen=True)
class CompositionKind:
    """A kind of step with members.

    Attributes
    ----------
    name, module : str
        Its class, and where that is.
    arguments : dict of str to Rule
        Arguments of its constructor in files, and what they must be.
    inner : tuple of str
        Arguments that hold its members, and those of the machine it was fitted on, which files
        leave out.
    members : callable
        Returns its fitted members, each with its name.
    fitted_values : callable
        Returns its own fitted values as JSON.
    parse_parts : callable
        Returns its values and its shape from the parts of a description, or refuses them.
    build_of : callable
        Returns scikit-learn's object of a class, from values and built members.
    varying : tuple of str
        Arguments that not every release of scikit-learn has.
    """

    name: str
    module: str
    arguments: Rules
    inner: tuple[str, ...]
    members: "Callable[[BaseEstimator], Built]"
    fitted_values: "Callable[[BaseEstimator], dict[str, JSON]]"
    parse_parts: Callable[[Parts], Parsed]
    build_of: "Callable[[type[BaseEstimator], Any, Built], BaseEstimator]"  # of its own values
    varying: tuple[str, ...] = ()

    @cached_property
    def cls(self) -> "type[BaseEstimator]":
        """The class."""
        return getattr(import_module(self.module), self.name)

    def params(self, step: "BaseEstimator") -> dict[str, JSON]:
        """Return the constructor's arguments as JSON, without the members."""
        given = step.get_params(deep=False)
        own = {name: value for name, value in given.items() if name not in self.inner}
        return encode_arguments(self.cls, own, self.varying)

    def fitted(self, step: "BaseEstimator") -> tuple[dict[str, JSON], dict[str, np.ndarray]]:
        """Return its own fitted values, as JSON and as arrays."""
        return self.fitted_values(step), {}

    def parse(
        self,
        params: Values,
        fitted: StoredValues,
        arrays: StoredArrays,
        members: Sequence[ModelStep],
    ) -> Parsed:
        """Return its values and its shape, checked against its members."""
        arguments = parse_arguments(self.name, params, self.arguments, self.varying)
        return self.parse_parts(Parts(arguments, fitted, arrays, members))

    def build(self, values: CompositionValues, members: Built) -> "BaseEstimator":
        """Return scikit-learn's object of these values and members."""
        return self.build_of(self.cls, values, members)


def require_transformers(kind: str, members: Sequence[ModelStep]) -> None:
    """Refuse members that transform nothing, or are a placeholder without a meaning here."""
    names = [each.name for each in members]
    if len(set(names)) < len(names):
        raise ModelFileError(f"its {kind} has two steps of one name.")
    for each in members:
        if not each.shape.transforms or each.kind == NONE:
            raise ModelFileError(f"its {kind} has a step {each.name!r} that transforms nothing.")


def unfitted(step: "BaseEstimator") -> "BaseEstimator":
    """Return a copy of a step as it was before it was fitted."""
    from sklearn.base import clone  # late: files are parsed without it

    return clone(step)


# Pipelines --------------------------------------------------------------------------------------


def pipeline_shape(members: Sequence[ModelStep]) -> Shape:
    """Return what steps one after the other take and return."""
    if any(each.kind == DROP for each in members):
        raise ModelFileError("its Pipeline has a step 'drop', which drops all columns.")
    shapes = [each.shape for each in members]
    if not all(shape.transforms for shape in shapes[:-1]):
        raise ModelFileError("its Pipeline has a step that transforms nothing.")
    takes = width = None
    for shape in shapes:
        if shape.takes is not None:
            if width is not None and shape.takes != width:
                raise ModelFileError(
                    f"its steps do not fit together: one takes {shape.takes} columns, the one "
                    f"before returns {width}."
                )
            takes = shape.takes if takes is None else takes
        width = width if shape.gives is None else shape.gives
    inverts = all(shape.inverts for shape in shapes)
    return replace(shapes[-1], takes=takes, gives=width, inverts=inverts)


def _parse_pipeline(parts: Parts) -> Parsed:
    return PipelineValues(take_output(parts.fitted)), pipeline_shape(parts.members)


def _build_pipeline(
    cls: "type[BaseEstimator]", values: PipelineValues, members: Built
) -> "BaseEstimator":
    return with_output(constructed(cls, {"steps": list(members)}), values.output)


# Unions -----------------------------------------------------------------------------------------


def _parse_union(parts: Parts) -> Parsed:
    values = UnionValues(parts.arguments, parts.weights, take_output(parts.fitted))
    require_transformers("FeatureUnion", parts.members)
    shapes = [each.shape for each in parts.members]
    widths = {shape.takes for shape in shapes if shape.takes is not None}
    if len(widths) > 1:
        raise ModelFileError(f"its FeatureUnion has steps that take {sorted(widths)} columns.")
    takes = min(widths, default=None)
    gives = [takes if shape.gives is None else shape.gives for shape in shapes]
    return values, Shape(takes, None if None in gives else sum(n for n in gives if n is not None))


def _build_union(
    cls: "type[BaseEstimator]", values: UnionValues, members: Built
) -> "BaseEstimator":
    union = constructed(cls, {**values.arguments, "transformer_list": list(members)})
    return with_output(union, values.output)


# Estimators around one --------------------------------------------------------------------------


def _parse_frozen(parts: Parts) -> Parsed:
    match parts.members:
        case [ModelStep(name="estimator") as member] if not member.is_placeholder:
            return FrozenValues(), member.shape
    raise ModelFileError("its FrozenEstimator must have one member.")


def _build_frozen(
    cls: "type[BaseEstimator]", values: FrozenValues, members: Built
) -> "BaseEstimator":
    return constructed(cls, dict(members))


def _target_values(step: "BaseEstimator") -> dict[str, JSON]:
    if step.func is not None or step.inverse_func is not None:
        raise ModelFileError(
            "TransformedTargetRegressor must have no func to be saved, as a function is code; got "
            f"func={step.func!r}. Give a transformer, or transform y beforehand."
        )
    return {"training_dim": step._training_dim, "transformed": step.transformer is not None}


def _parse_target(parts: Parts) -> Parsed:
    names = [each.name for each in parts.members]
    if names != ["regressor", "transformer"] or parts.members[1].is_placeholder:
        raise ModelFileError("its TransformedTargetRegressor lacks a regressor or transformer.")
    regressor, transformer = (each.shape for each in parts.members)
    if regressor.predicts != NUMBERS or not transformer.inverts:
        raise ModelFileError("its TransformedTargetRegressor lacks a regressor or transformer.")
    given, n_axes = take(parts.fitted, "transformed", bool), take(parts.fitted, "training_dim", int)
    if n_axes not in (1, 2):
        raise ModelFileError("its targets must have 1 or 2 axes.")
    n_targets = transformer.takes
    if n_axes == 1 and n_targets not in (1, None):
        raise ModelFileError(f"its targets of 1 axis are transformed as {n_targets}.")
    if None not in (transformer.gives, regressor.n_targets) and (
        transformer.gives != regressor.n_targets
    ):
        raise ModelFileError(
            f"its regressor predicts {regressor.n_targets} targets, its transformer takes "
            f"{transformer.gives}."
        )
    shape = Shape(regressor.takes, None, False, predicts=NUMBERS, n_targets=n_targets)
    return TargetValues(parts.arguments, given, n_axes), shape


def _build_target(
    cls: "type[BaseEstimator]", values: TargetValues, members: Built
) -> "BaseEstimator":
    regressor, transformer = (member for _, member in members)
    given = unfitted(transformer) if values.given else None
    inner = {"regressor": unfitted(regressor), "transformer": given}
    step = constructed(cls, {**values.arguments, **inner})
    step.regressor_, step.transformer_ = regressor, transformer
    step._training_dim = values.n_axes
    if hasattr(regressor, "feature_names_in_"):
        step.feature_names_in_ = regressor.feature_names_in_
    return step


KINDS = (
    CompositionKind(
        "Pipeline",
        "sklearn.pipeline",
        {},
        ("steps", "memory", "transform_input", "verbose"),
        lambda step: step.steps,
        lambda step: {"output": output_of(step)},
        _parse_pipeline,
        _build_pipeline,
    ),
    CompositionKind(
        "FeatureUnion",
        "sklearn.pipeline",
        {"transformer_weights": WEIGHTS, "verbose": FLAG, "verbose_feature_names_out": FLAG},
        ("transformer_list", "n_jobs"),
        lambda step: step.transformer_list,
        lambda step: {"output": output_of(step)},
        _parse_union,
        _build_union,
    ),
    CompositionKind(
        "FrozenEstimator",
        "sklearn.frozen",
        {},
        ("estimator",),
        lambda step: [("estimator", step.estimator)],
        lambda step: {},
        _parse_frozen,
        _build_frozen,
    ),
    CompositionKind(
        "TransformedTargetRegressor",
        "sklearn.compose",
        {"func": NOTHING, "inverse_func": NOTHING, "check_inverse": FLAG},
        ("regressor", "transformer"),
        lambda step: [("regressor", step.regressor_), ("transformer", step.transformer_)],
        _target_values,
        _parse_target,
        _build_target,
    ),
)
