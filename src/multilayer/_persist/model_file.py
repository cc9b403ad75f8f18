"""The model file: arrays in one safetensors file, all else as JSON in its metadata.

The layout, protocol 1:

- the metadata has one key, ``"multilayer"``; its value is the manifest, a JSON object with
  ``format`` and ``protocol``, ``pipeline`` (whether the model is a scikit-learn pipeline),
  ``steps`` (for each a ``name``, ``kind``, constructor ``params`` and ``fitted`` values), ``data``
  (what is known of the data it was trained on) and ``versions``;
- a tensor is named after the kind of its step and the attribute: ``MLPClassifier.coefs.0``.

Nothing in a file is ever executed.
"""

import platform
from collections.abc import Mapping
from importlib.metadata import version as installed_version
from typing import Any

import numpy as np

from multilayer._core.version import version
from multilayer._persist.tensors import (
    MODEL,
    Arrays,
    PathLike,
    read_description,
    read_tensors,
    write_tensors,
)


def write_model(
    path: PathLike,
    *,
    pipeline: bool,
    steps: list[dict[str, Any]],
    arrays: Arrays,
    data: Mapping[str, Any],
) -> None:
    """Write a model file, whole or not at all.

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

    Raises
    ------
    ModelFileError
        The file cannot be written (a ValueError).
    """
    description = {
        "pipeline": pipeline,
        "steps": steps,
        "data": dict(data),
        "versions": _versions(),
    }
    write_tensors(path, MODEL, description, arrays)


def read_manifest(path: PathLike) -> dict[str, Any]:
    """Read what a model file says of itself, without its arrays.

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
    return read_description(path, MODEL)


def read_model(path: PathLike) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a model file.

    Parameters
    ----------
    path : str or path-like
        Model file.

    Returns
    -------
    manifest : dict
        The parsed manifest.
    arrays : dict of str to ndarray
        Its arrays by tensor name.

    Raises
    ------
    ModelFileError
        There is no such file, or it is no model that this version can read (a ValueError).
    """
    return read_tensors(path, MODEL)


def _versions() -> dict[str, str]:
    """Versions that a model was made with; nothing is imported to ask for them."""
    packages = {name: installed_version(name) for name in ("jax", "scikit-learn", "numpy")}
    return {"multilayer": version(), "python": platform.python_version(), **packages}
