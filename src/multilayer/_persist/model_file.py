"""The model file: arrays in one safetensors file, all else as JSON in its metadata.

The layout, protocol 1:

- the metadata has one key, ``"multilayer"``; its value is the manifest, a JSON object with
  ``format`` and ``protocol``, ``pipeline`` (whether the model is a scikit-learn pipeline),
  ``steps`` (for each a ``name``, ``kind``, constructor ``params`` and ``fitted`` values), ``data``
  (what is known of the data it was trained on) and ``versions``;
- a tensor is named after the kind of its step and the attribute: ``MLPClassifier.coefs.0``.

Nothing in a file is ever executed.
"""

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version as installed_version
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.version import version
from multilayer._persist.atomic import write_atomically

FORMAT = "multilayer-model"
PROTOCOL = 1
KEY = "multilayer"
LARGEST_HEADER = 100_000_000  # bytes; safetensors' own limit

Arrays = Mapping[str, np.ndarray]
PathLike = str | os.PathLike[str]


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
    from safetensors.numpy import save

    manifest = {
        "format": FORMAT,
        "protocol": PROTOCOL,
        "pipeline": pipeline,
        "steps": steps,
        "data": dict(data),
        "versions": _versions(),
    }
    text = json.dumps(manifest, allow_nan=False)
    # safetensors writes transposed arrays in the wrong order, silently
    # (https://github.com/safetensors/safetensors/issues/825; drop the copies when that is settled).
    tensors = {name: np.array(array, order="C", copy=True) for name, array in arrays.items()}
    write_atomically(path, save(tensors, metadata={KEY: text}))


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
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            return _checked(path, _read_header(path, file, size))
    except OSError as error:
        raise _cannot_read(path, error) from error


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
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise _cannot_read(path, error) from error
    manifest = _checked(path, _read_header(path, BytesIO(content), len(content)))
    try:
        return manifest, load(content)
    except (SafetensorError, KeyError) as error:  # KeyError: a type that NumPy lacks
        raise ModelFileError(f"{path} is damaged: {error}. Train or copy it again.") from error


def _versions() -> dict[str, str]:
    """Versions that a model was made with; nothing is imported to ask for them."""
    packages = {name: installed_version(name) for name in ("jax", "scikit-learn", "numpy")}
    return {"multilayer": version(), "python": platform.python_version(), **packages}


def _read_header(path: PathLike, file: BinaryIO, size: int) -> dict[str, Any]:
    """Parse a safetensors header: its length in 8 bytes, then JSON."""
    if size == 0:
        raise ModelFileError(f"{path} is empty. Train or copy it again.")
    length = int.from_bytes(file.read(8), "little")
    raw = file.read(length) if length <= LARGEST_HEADER else b""
    if size < 8 or not raw.startswith(b"{"):
        raise ModelFileError(f"{path} is not a model file: multilayer train and save() write them.")
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        # A header that ends with the file was cut off; one that does not is another kind of file.
        state = "truncated" if len(raw) < length else "damaged"
        raise ModelFileError(f"{path} is {state}. Train or copy it again.") from error
    if _end_of_tensors(header) > size - 8 - length:
        raise ModelFileError(f"{path} is truncated. Train or copy it again.")
    return header


def _end_of_tensors(header: dict[str, Any]) -> int:
    """Bytes that the tensors named in a header take."""
    tensors = [entry for name, entry in header.items() if name != "__metadata__"]
    ends = [entry.get("data_offsets", [0])[-1] for entry in tensors if isinstance(entry, dict)]
    return max((end for end in ends if isinstance(end, int)), default=0)


def _checked(path: PathLike, header: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest in a header, when this version can read it."""
    metadata = header.get("__metadata__")
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ModelFileError(f"{path} is a safetensors file, but not one that multilayer wrote.")
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged: its description is not JSON.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelFileError(f"{path} is damaged: its description is not one of a model.")
    protocol = manifest.get("protocol")
    if not isinstance(protocol, int) or protocol < 1:
        raise ModelFileError(f"{path} is damaged: it has no protocol number.")
    if protocol > PROTOCOL:
        raise ModelFileError(
            f"{path} was made by a newer multilayer (file protocol {protocol}; this version reads "
            f'up to {PROTOCOL}). Upgrade: pip install --upgrade "multilayer".'
        )
    return manifest


def _cannot_read(path: PathLike, error: OSError) -> ModelFileError:
    if isinstance(error, FileNotFoundError):
        return ModelFileError(f"model file not found: {path}. Check the name and the folder.")
    if isinstance(error, IsADirectoryError):
        return ModelFileError(f"{path} is a folder, not a model file. Name a file in it.")
    return ModelFileError(f"cannot read {path}: {error.strerror or error}.")
