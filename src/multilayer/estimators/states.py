"""Fitted models as plain data and back: what a file holds, whatever writes the file.

A model is a network estimator, or a pipeline of a StandardScaler and one. Each step is told
by a JSON description (name, kind, constructor arguments, fitted values) and by arrays, whose names
begin with its kind.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from multilayer._core.errors import InvalidArgumentError, ModelFileError
from multilayer._persist.model_file import read_model, write_model
from multilayer.estimators import classifier_state, regressor_state, scaler_state
from multilayer.estimators.classifier import MLPClassifier
from multilayer.estimators.regressor import MLPRegressor

Arrays = Mapping[str, np.ndarray]


class Description(NamedTuple):
    """A fitted model as plain data."""

    pipeline: bool
    steps: list[dict[str, Any]]
    arrays: dict[str, np.ndarray]


class Kind(NamedTuple):
    """How steps of one class are told and made again."""

    cls: type
    params: Callable[[Any], dict[str, Any]]
    fitted: Callable[[Any], tuple[dict[str, Any], dict[str, np.ndarray]]]
    rebuild: Callable[[Mapping[str, Any], Mapping[str, Any], Arrays], Any]


KINDS = {
    "StandardScaler": Kind(
        StandardScaler, scaler_state.params, scaler_state.fitted, scaler_state.rebuild
    ),
    "MLPClassifier": Kind(
        MLPClassifier, classifier_state.params, classifier_state.fitted, classifier_state.rebuild
    ),
    "MLPRegressor": Kind(
        MLPRegressor, regressor_state.params, regressor_state.fitted, regressor_state.rebuild
    ),
}
NETWORKS = ("MLPClassifier", "MLPRegressor")
SHAPES = [[*before, network] for before in ([], ["StandardScaler"]) for network in NETWORKS]
"""Kinds of the steps that a model may have, in order."""
SAVED = "an MLPClassifier or MLPRegressor, or a Pipeline of a StandardScaler and one of them"


def describe(model: Any) -> Description:
    """Return a fitted model as plain data.

    Parameters
    ----------
    model : MLPClassifier, MLPRegressor or Pipeline
        Fitted model; a pipeline may have a StandardScaler before its network.

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
    kinds = [_kind_of(name, step) for name, step in members]
    if kinds not in SHAPES:
        raise ModelFileError(f"model must be {SAVED}, to be saved; got a Pipeline of {kinds}.")
    steps = []
    arrays: dict[str, np.ndarray] = {}
    for kind, (name, step) in zip(kinds, members, strict=True):
        check_is_fitted(step)
        fitted, own = KINDS[kind].fitted(step)
        params = KINDS[kind].params(step)
        steps.append({"name": name, "kind": kind, "params": params, "fitted": fitted})
        arrays |= {f"{kind}.{key}": array for key, array in own.items()}
    return Description(pipeline, steps, arrays)


def write(model: Any, path: str | os.PathLike[str], facts: Mapping[str, Any]) -> None:
    """Write a fitted model to a file, with facts about the data it was trained on."""
    described = describe(model)
    write_model(
        path,
        pipeline=described.pipeline,
        steps=described.steps,
        arrays=described.arrays,
        data=facts,
    )


def read(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Any]]:
    """Return the model of a file, and the facts that stand beside it."""
    manifest, arrays = read_model(path)
    facts = manifest.get("data")
    try:
        model = rebuild(manifest.get("pipeline"), manifest.get("steps"), arrays)
    except ModelFileError as error:
        raise ModelFileError(f"{path} is damaged: {error}") from error
    return model, facts if isinstance(facts, dict) else {}


def _kind_of(name: str, step: Any) -> str:
    for kind, known in KINDS.items():
        if type(step) is known.cls:
            return kind
    raise ModelFileError(
        f"model must be {SAVED}, to be saved; step {name!r} is {step!r}. Apply it to the data "
        "beforehand."
    )


def rebuild(pipeline: Any, steps: Any, arrays: Arrays) -> Any:
    """Make a model again from what :func:`describe` returned.

    Parameters
    ----------
    pipeline : bool
        Whether it is a pipeline.
    steps : list of dict
        Descriptions of its steps, as parsed from JSON.
    arrays : mapping of str to ndarray
        Its arrays.

    Returns
    -------
    model : MLPClassifier, MLPRegressor or Pipeline

    Raises
    ------
    ModelFileError
        Something is missing, of a wrong kind or does not fit together (a ValueError).
    """
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise ModelFileError("it has no list of steps.")
    kinds = [step.get("kind") for step in steps]
    if kinds not in SHAPES or (len(kinds) > 1 and pipeline is not True):
        raise ModelFileError(f"it has steps that are no model: {kinds}.")
    made = [_rebuild_step(step, arrays) for step in steps]
    return Pipeline(made) if pipeline is True else made[-1][1]


def _rebuild_step(step: dict[str, Any], arrays: Arrays) -> tuple[str, Any]:
    kind, name = step["kind"], step.get("name")
    params, fitted = step.get("params"), step.get("fitted")
    if not (isinstance(name, str) and isinstance(params, dict) and isinstance(fitted, dict)):
        raise ModelFileError(f"its step {kind} lacks a name, params or fitted values.")
    own = {
        key.removeprefix(f"{kind}."): array
        for key, array in arrays.items()
        if key.startswith(f"{kind}.")
    }
    try:
        return name, KINDS[kind].rebuild(params, fitted, own)
    except InvalidArgumentError as error:
        raise ModelFileError(f"its step {name!r} has an argument out of range: {error}") from error
