"""The manifest of a model file, and the file."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypedDict, cast

import numpy as np

from multilayer._core.environment import releases
from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._persist.memory import MemoryBudget
from multilayer._persist.tensors import (
    MODEL,
    Arrays,
    PathLike,
    read_content,
    read_description,
    write_tensors,
)


class Facts(TypedDict, total=False):
    """Facts about the data that a model was trained on; all optional."""

    source: str  # the name of the file
    target: str
    features: list[str]  # names of columns
    dropped: list[str]
    ids: list[str]  # columns that name the rows


class Manifest(TypedDict):
    """The description in a model file."""

    format: str
    protocol: int
    pipeline: bool
    steps: list[dict[str, JSON]]
    data: Facts
    versions: dict[str, str]


class ModelContent(NamedTuple):
    """What is in a model file."""

    manifest: Manifest
    arrays: dict[str, np.ndarray]
    room: MemoryBudget  # memory for building the model


FIELDS = {
    "format": str,
    "protocol": int,
    "pipeline": bool,
    "steps": list,
    "data": dict,
    "versions": dict,
}
"""Fields of a manifest."""
FACTS = {"source": str, "target": str, "features": list, "dropped": list, "ids": list}
"""Fields of the description of the data; lists are of names."""


def write_model(
    path: PathLike,
    *,
    pipeline: bool,
    steps: Sequence[Mapping[str, JSON]],
    arrays: Arrays,
    data: Facts,
    reserve: int,
) -> None:
    """Write a model file atomically.

    Parameters
    ----------
    path : str or path-like
        File to write.
    pipeline : bool
        Whether the model is a pipeline.
    steps : list of dict
        JSON descriptions of its steps.
    arrays : mapping of str to ndarray
        Arrays by tensor name.
    data : mapping
        JSON description of the training data; may be empty.
    reserve : int
        Bytes of memory that a reader needs beside these.

    Raises
    ------
    ModelFileError
        The file cannot be written (a ValueError).
    """
    description = {
        "pipeline": pipeline,
        "steps": steps,
        "data": data,
        "versions": _versions(),
    }
    write_tensors(path, MODEL, description, arrays, reserve=reserve)


def read_manifest(path: PathLike) -> Manifest:
    """Read the description of a model file, without its arrays.

    Parameters
    ----------
    path : str or path-like
        Model file.

    Returns
    -------
    manifest : dict
        The parsed manifest.

    Raises
    ------
    ModelFileError
        There is no such file, or it is no model that this version can read (a ValueError).
    """
    return _checked(path, read_description(path, MODEL))


def read_model(path: PathLike) -> ModelContent:
    """Read a model file.

    Parameters
    ----------
    path : str or path-like
        Model file.

    Returns
    -------
    content : ModelContent
        The ``manifest``, ``arrays`` by tensor name, and ``room``, the memory that may be taken for
        the model beside them.

    Raises
    ------
    ModelFileError
        There is no such file, or it is no model that this version can read (a ValueError).
    """
    description, arrays, room = read_content(path, MODEL)
    return ModelContent(_checked(path, description), arrays, room)


def _checked(path: PathLike, description: dict[str, JSON]) -> Manifest:
    """Return a manifest, when it has all fields and no other."""
    fault = _fault(description)
    if fault:
        raise ModelFileError(f"{path} is damaged: its {fault}.")
    return cast(Manifest, description)  # as _fault has checked


def _fault(manifest: Mapping[str, Any]) -> str:
    """Return the first fault of a manifest, its steps apart; an empty string if there is none."""
    for name, kind in FIELDS.items():
        if not isinstance(manifest.get(name), kind):
            return f"{name!r} is missing or no {kind.__name__}"
    data, versions = manifest["data"], manifest["versions"]
    for values, known in ((manifest, FIELDS), (data, FACTS)):
        if unknown := sorted(set(values) - set(known)):
            return f"description has {unknown}, which no model file has"
    for name, value in data.items():
        words = value if isinstance(value, list) else [value]
        if not isinstance(value, FACTS[name]) or not all(isinstance(word, str) for word in words):
            return f"{name!r} of the data is no text"
    if not all(isinstance(number, str) for number in versions.values()):
        return "versions are no text"
    if not all(isinstance(step, dict) for step in manifest["steps"]):
        return "steps are no list of objects"
    return ""


@cache
def _versions() -> dict[str, str]:
    """The releases of the libraries that wrote a model; finding them takes milliseconds."""
    return releases(("jax", "scikit-learn", "numpy"))
