"""Steps that are made of others: pipelines, unions, targets transformed, estimators frozen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.base import clone

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.reader import Arrays, Values, take
from multilayer._sklearn.saving.steps.declared import (
    constructed,
    decode_arguments,
    encode_arguments,
    output_of,
    with_output,
)

Members = Sequence[tuple[str, Any]]
Encoded = tuple[dict[str, Any], dict[str, np.ndarray]]
WORDS = ("passthrough", "drop", None)
"""What may stand in place of a step."""


@dataclass(frozen=True)
class Composition:
    """A kind of step that is made of others.

    Attributes
    ----------
    name, module : str
        Its class, and where that is.
    inner : tuple of str
        Arguments that hold its members, and those of the machine it was fitted on, which are not
        kept; the others are encoded as they are.
    members : callable
        Returns its fitted members, each with its name.
    fitted : callable
        Returns what it has learnt beside, as JSON and as arrays.
    make : callable
        Makes it again of the kind, its arguments, what it has learnt, its members, and the arrays,
        which it asks for memory.
    varying : tuple of str
        Arguments that not every release of scikit-learn has.
    """

    name: str
    module: str
    inner: tuple[str, ...]
    members: Callable[[Any], Members]
    fitted: Callable[[Any], Encoded]
    make: Callable[[Any, dict[str, Any], Values, Members, Arrays], Any]
    varying: tuple[str, ...] = ()
    words: Any = ()  # no argument is code that has a name

    @cached_property
    def cls(self) -> Any:
        """The class."""
        return getattr(import_module(self.module), self.name)

    def params(self, step: Any) -> dict[str, Any]:
        """Return the constructor's arguments as JSON, without the members."""
        given = step.get_params(deep=False)
        return encode_arguments(self, {k: v for k, v in given.items() if k not in self.inner})

    def rebuild(self, params: Values, fitted: Values, arrays: Arrays, members: Members) -> Any:
        """Make the step again."""
        arguments = decode_arguments(self, params)
        if set(params) & set(self.inner) or not _are_weights(arguments.get("transformer_weights")):
            raise ModelFileError(f"its {self.name} has arguments that no file has.")
        return self.make(self, arguments, fitted, members, arrays)


def _are_weights(weights: Any) -> bool:
    """Whether these are numbers by name, or none."""
    return weights is None or (
        isinstance(weights, dict) and all(isinstance(w, int | float) for w in weights.values())
    )


def require_transformers(kind: Composition, members: Members) -> None:
    """Refuse members that are no transformers."""
    for name, member in members:
        if member not in WORDS and not hasattr(member, "transform"):
            raise ModelFileError(f"its {kind.name} has a step {name!r} that transforms nothing.")


# Pipelines and unions ---------------------------------------------------------------------------


def _output_alone(step: Any) -> Encoded:
    return {"output": output_of(step)}, {}


def _pipeline(
    kind: Composition, arguments: dict[str, Any], fitted: Values, members: Members, arrays: Arrays
) -> Any:
    if not members:
        raise ModelFileError("its Pipeline has no steps.")
    require_transformers(kind, members[:-1])
    return with_output(constructed(kind, {**arguments, "steps": list(members)}), fitted)


def _union(
    kind: Composition, arguments: dict[str, Any], fitted: Values, members: Members, arrays: Arrays
) -> Any:
    require_transformers(kind, members)
    union = constructed(kind, {**arguments, "transformer_list": list(members)})
    return with_output(union, fitted)


# Estimators around one --------------------------------------------------------------------------


def _frozen(
    kind: Composition, arguments: dict[str, Any], fitted: Values, members: Members, arrays: Arrays
) -> Any:
    match members:
        case [("estimator", estimator)] if estimator not in WORDS:
            return constructed(kind, {**arguments, "estimator": estimator})
    raise ModelFileError("its FrozenEstimator must have one member.")


def _target_fitted(step: Any) -> Encoded:
    if step.func is not None or step.inverse_func is not None:
        raise ModelFileError(
            "TransformedTargetRegressor must have no func to be saved, as a function is code; got "
            f"func={step.func!r}. Give a transformer, or transform y beforehand."
        )
    return {"training_dim": step._training_dim, "transformed": step.transformer is not None}, {}


def _target(
    kind: Composition, arguments: dict[str, Any], fitted: Values, members: Members, arrays: Arrays
) -> Any:
    match members:
        case [("regressor", regressor), ("transformer", transformer)] if hasattr(
            regressor, "predict"
        ) and hasattr(transformer, "inverse_transform"):
            template = clone(transformer) if take(fitted, "transformed", bool) else None
            inner = {"regressor": clone(regressor), "transformer": template}
        case _:
            raise ModelFileError("its TransformedTargetRegressor lacks a regressor or transformer.")
    step = constructed(kind, {**arguments, **inner})
    step.regressor_, step.transformer_ = regressor, transformer
    step._training_dim = take(fitted, "training_dim", int)
    if step._training_dim not in (1, 2):
        raise ModelFileError("its targets must have 1 or 2 axes.")
    if hasattr(regressor, "feature_names_in_"):
        step.feature_names_in_ = regressor.feature_names_in_
    return step


KINDS = (
    Composition(
        "Pipeline",
        "sklearn.pipeline",
        ("steps", "memory", "transform_input", "verbose"),
        lambda step: step.steps,
        _output_alone,
        _pipeline,
    ),
    Composition(
        "FeatureUnion",
        "sklearn.pipeline",
        ("transformer_list", "n_jobs"),
        lambda step: step.transformer_list,
        _output_alone,
        _union,
    ),
    Composition(
        "FrozenEstimator",
        "sklearn.frozen",
        ("estimator",),
        lambda step: [("estimator", step.estimator)],
        lambda step: ({}, {}),
        _frozen,
    ),
    Composition(
        "TransformedTargetRegressor",
        "sklearn.compose",
        ("regressor", "transformer"),
        lambda step: [("regressor", step.regressor_), ("transformer", step.transformer_)],
        _target_fitted,
        _target,
    ),
)
