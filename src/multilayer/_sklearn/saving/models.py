"""Fitted models as plain data and back: what a file holds, whatever writes the file.

A model is an estimator of multilayer's, by itself, at the end of a scikit-learn pipeline or within
another composition. Each step has a JSON description (name, kind, constructor arguments,
fitted values, and the steps within it) and by arrays. The names of these begin with the kinds of
the steps down to theirs: ``"StandardScaler.mean"``, ``"ColumnTransformer.StandardScaler2.mean"``
for the second scaler there.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from multilayer._core.errors import InvalidArgumentError, ModelFileError
from multilayer._persist.memory_budget import MemoryBudget
from multilayer._persist.model_file import read_model, write_model
from multilayer._sklearn.saving.parts import Part, parts_of
from multilayer._sklearn.saving.reader import StoredArrays, Values, brief
from multilayer._sklearn.saving.steps.naming import prefixes_of
from multilayer._sklearn.saving.steps.table import COMPOSED, find
from multilayer._sklearn.saving.steps.table import KINDS as STEPS
from multilayer._sklearn.saving.validation import check_model

ANY_ROOM = 2**62
"""Bytes, more than anything takes."""


class Description(NamedTuple):
    """A fitted model as plain data."""

    pipeline: bool
    steps: list[dict[str, Any]]
    arrays: dict[str, np.ndarray]


@dataclass(frozen=True)
class EstimatorKind:
    """A kind of estimator; its class, and what encodes it, are imported when one comes.

    Attributes
    ----------
    name, module : str
        Its class, and where that is.
    state : str
        Name of the module in this folder that encodes and rebuilds it.
    """

    name: str
    module: str
    state: str

    @cached_property
    def cls(self) -> Any:
        """The class."""
        return getattr(import_module(self.module), self.name)

    @cached_property
    def _state(self) -> Any:
        return import_module(f"multilayer._sklearn.saving.{self.state}")

    def params(self, step: Any) -> dict[str, Any]:
        """Return the constructor's arguments as JSON."""
        return self._state.params(step)

    def fitted(self, step: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the fitted values, as JSON and as arrays."""
        return self._state.fitted(step)

    def rebuild(self, params: Values, fitted: Values, arrays: StoredArrays) -> Any:
        """Make the estimator again."""
        return self._state.rebuild(params, fitted, arrays)


ESTIMATORS = {
    kind.name: kind
    for kind in (
        EstimatorKind("MLPClassifier", "multilayer._sklearn.classifier", "classifier_state"),
        EstimatorKind("MLPRegressor", "multilayer._sklearn.regressor", "regressor_state"),
        EstimatorKind("Perceptron", "multilayer._sklearn.perceptron.estimator", "perceptron_state"),
    )
}
KINDS = {*ESTIMATORS, *STEPS}
WORDS = {"passthrough": "passthrough", "drop": "drop", "none": None}
"""What may stand in place of a step, by what it is called in a file."""


def describe(model: Any) -> Description:
    """Return a fitted model as plain data.

    Parameters
    ----------
    model : MLPClassifier, MLPRegressor, Perceptron, or a composition that ends in one
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
    if not hasattr(model, "predict"):
        raise ModelFileError(
            f"model must end in one of {list(ESTIMATORS)} to be saved, got {model!r}."
        )
    return Description(pipeline, steps, arrays)


def write(model: Any, path: str | os.PathLike[str], facts: Mapping[str, Any]) -> None:
    """Write a fitted model to a file, with facts about the data it was trained on."""
    described = describe(model)
    # Made again at once: what a reader would refuse is not written, and the memory is known.
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
) -> tuple[Any, dict[str, Any]]:
    """Return the model of a file, and the facts that stand beside it."""
    manifest, arrays, room = read_model(path)
    stored = StoredArrays(arrays, room, allow_nonfinite=allow_nonfinite)
    try:
        features = manifest["data"].get("features")
        model = rebuild(manifest["pipeline"], manifest["steps"], stored, features=features)
    except ModelFileError as error:
        raise ModelFileError(f"{path} is damaged: {brief(error)}") from error
    return model, manifest["data"]


def rebuild(
    pipeline: bool,
    steps: list[dict[str, Any]],
    arrays: StoredArrays,
    *,
    features: Sequence[str] | None = None,
) -> Any:
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
    left = check_model(pipeline, steps, arrays, features=features)
    try:
        made = _rebuilt(parts_of(steps, arrays))
        if pipeline:
            made = [("", find("Pipeline").rebuild({}, {}, StoredArrays({}, arrays.room), made))]
    except InvalidArgumentError as error:
        raise ModelFileError(f"it has an argument out of range: {brief(error)}") from error
    arrays.room.left = min(arrays.room.left, left)
    return made[0][1]


def _named(kind: str) -> Any:
    """Return the kind of estimator or step of this name."""
    return ESTIMATORS[kind] if kind in ESTIMATORS else find(kind)


# To plain data --------------------------------------------------------------------------------


def _encode_all(
    members: Iterable[tuple[str, Any]], prefix: str, arrays: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Describe steps beside one another; their arrays are added to `arrays`."""
    named = [(name, step, _kind_of(name, step)) for name, step in members]
    prefixes = prefixes_of([kind for *_, kind in named])
    return [
        {"name": name, "kind": kind}
        | ({} if kind in WORDS else _encode(step, kind, prefix + own, arrays))
        for (name, step, kind), own in zip(named, prefixes, strict=True)
    ]


def _encode(step: Any, kind: str, prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    check_is_fitted(step)
    known = _named(kind)
    fitted, own = known.fitted(step)
    arrays.update({prefix + key: array for key, array in own.items()})
    encoded = {"params": known.params(step), "fitted": fitted}
    if kind in COMPOSED:
        encoded["steps"] = _encode_all(known.members(step), prefix, arrays)
    return encoded


def _kind_of(name: str, step: Any) -> str:
    for word, known in WORDS.items():
        if step is known or (isinstance(step, str) and step == known):
            return word
    kind = type(step).__name__
    if kind in KINDS and type(step) is _named(kind).cls:
        return kind
    searched = hasattr(step, "best_estimator_")
    raise ModelFileError(
        f"model must be made of steps that a file can hold without code to be saved; step {name!r} "
        f"is {step!r}, of no such kind. "
        + ("Save its best_estimator_." if searched else "Apply it to the data beforehand.")
    )


# And back -------------------------------------------------------------------------------------


def _rebuilt(parts: Iterable[Part]) -> list[tuple[str, Any]]:
    """Return names and steps of descriptions that were checked."""
    return [(part.name, _rebuilt_one(part)) for part in parts]


def _rebuilt_one(part: Part) -> Any:
    if part.kind in WORDS:
        return WORDS[part.kind]
    known = _named(part.kind)
    if part.kind in COMPOSED:
        members = _rebuilt(parts_of(part.members, part.arrays))
        return known.rebuild(part.params, part.fitted, part.arrays, members)
    return known.rebuild(part.params, part.fitted, part.arrays)
