"""Safetensors files of multilayer's: arrays by name, and a JSON description in their metadata.

The metadata has one key, ``"multilayer"``; its value is a JSON object with ``format`` and
``protocol``, and whatever else its format has. Nothing in a file is ever executed.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._persist.atomic import write_atomically

KEY = "multilayer"
LARGEST_HEADER = 100_000_000  # bytes; safetensors' own limit

Arrays = Mapping[str, np.ndarray]
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Kind:
    """A format of file, and what messages call it."""

    format: str
    protocol: int  # the newest that this version reads
    name: str  # "model file"
    content: str  # "a model"
    writers: str  # what writes such files
    reader: str  # what reads them
    remedy: str  # what to do about a damaged one


MODEL = Kind(
    "multilayer-model",
    1,
    "model file",
    "a model",
    "multilayer train and save() write them",
    "multilayer.load",
    "Train or copy it again.",
)
PARAMETERS = Kind(
    "multilayer-parameters",
    1,
    "file of parameters",
    "parameters",
    "multilayer.nn.save() writes them",
    "multilayer.nn.restore",
    "Save or copy it again.",
)
KINDS = {kind.format: kind for kind in (MODEL, PARAMETERS)}


def write_tensors(
    path: PathLike, kind: Kind, description: Mapping[str, Any], arrays: Arrays
) -> None:
    """Write a file, whole or not at all.

    Parameters
    ----------
    path : str or path-like
        File to write.
    kind : Kind
        Its format.
    description : mapping
        What the format has beside ``format`` and ``protocol``: JSON.
    arrays : mapping of str to ndarray
        Arrays by name.

    Raises
    ------
    ModelFileError
        The file cannot be written (a ValueError).
    """
    from safetensors.numpy import save

    full = {"format": kind.format, "protocol": kind.protocol, **description}
    text = json.dumps(full, allow_nan=False)
    # safetensors writes transposed arrays in the wrong order, silently
    # (https://github.com/safetensors/safetensors/issues/825; drop the copies when that is settled).
    tensors = {name: np.array(array, order="C", copy=True) for name, array in arrays.items()}
    write_atomically(path, save(tensors, metadata={KEY: text}))


def read_description(path: PathLike, kind: Kind) -> dict[str, Any]:
    """Read what a file says of itself, without its arrays.

    Parameters
    ----------
    path : str or path-like
        The file.
    kind : Kind
        The format it must have.

    Returns
    -------
    description : dict
        The parsed JSON object.

    Raises
    ------
    ModelFileError
        There is no such file, or it is none that this version can read (a ValueError).
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            return _checked(path, kind, _read_header(path, kind, file, size))
    except OSError as error:
        raise _cannot_read(path, kind, error) from error


def read_tensors(path: PathLike, kind: Kind) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a file: its description and its arrays by name.

    Parameters
    ----------
    path : str or path-like
        The file.
    kind : Kind
        The format it must have.

    Returns
    -------
    description : dict
        The parsed JSON object.
    arrays : dict of str to ndarray
        The arrays by name.

    Raises
    ------
    ModelFileError
        There is no such file, or it is none that this version can read (a ValueError).
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise _cannot_read(path, kind, error) from error
    header = _read_header(path, kind, BytesIO(content), len(content))
    description = _checked(path, kind, header)
    try:
        return description, load(content)
    except (SafetensorError, KeyError) as error:  # KeyError: a type that NumPy lacks
        raise ModelFileError(f"{path} is damaged: {error}. {kind.remedy}") from error


def _read_header(path: PathLike, kind: Kind, file: BinaryIO, size: int) -> dict[str, Any]:
    """Parse a safetensors header: its length in 8 bytes, then JSON."""
    if size == 0:
        raise ModelFileError(f"{path} is empty. {kind.remedy}")
    length = int.from_bytes(file.read(8), "little")
    raw = file.read(length) if length <= LARGEST_HEADER else b""
    if size < 8 or not raw.startswith(b"{"):
        raise ModelFileError(f"{path} is not a {kind.name}: {kind.writers}.")
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        # A header that ends with the file was cut off; one that does not is another kind of file.
        state = "truncated" if len(raw) < length else "damaged"
        raise ModelFileError(f"{path} is {state}. {kind.remedy}") from error
    if _end_of_tensors(header) > size - 8 - length:
        raise ModelFileError(f"{path} is truncated. {kind.remedy}")
    return header


def _end_of_tensors(header: dict[str, Any]) -> int:
    """Bytes that the tensors named in a header take."""
    tensors = [entry for name, entry in header.items() if name != "__metadata__"]
    ends = [entry.get("data_offsets", [0])[-1] for entry in tensors if isinstance(entry, dict)]
    return max((end for end in ends if isinstance(end, int)), default=0)


def _checked(path: PathLike, kind: Kind, header: dict[str, Any]) -> dict[str, Any]:
    """Return the description in a header, when this version can read it."""
    metadata = header.get("__metadata__")
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ModelFileError(f"{path} is a safetensors file, but not one that multilayer wrote.")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged: its description is not JSON.") from error
    given = found.get("format") if isinstance(found, dict) else None
    if given != kind.format:
        other = KINDS.get(given) if isinstance(given, str) else None
        if other is not None:
            raise ModelFileError(f"{path} holds {other.content}. Read it with {other.reader}.")
        raise ModelFileError(f"{path} is damaged: its description is not one of {kind.content}.")
    protocol = found.get("protocol")
    if not isinstance(protocol, int) or protocol < 1:
        raise ModelFileError(f"{path} is damaged: it has no protocol number.")
    if protocol > kind.protocol:
        raise ModelFileError(
            f"{path} was made by a newer multilayer (file protocol {protocol}; this version reads "
            f'up to {kind.protocol}). Upgrade: pip install --upgrade "multilayer".'
        )
    return found


def _cannot_read(path: PathLike, kind: Kind, error: OSError) -> ModelFileError:
    if isinstance(error, FileNotFoundError):
        return ModelFileError(f"{kind.name} not found: {path}. Check the name and the folder.")
    if isinstance(error, IsADirectoryError):
        return ModelFileError(f"{path} is a folder, not a {kind.name}. Name a file in it.")
    return ModelFileError(f"cannot read {path}: {error.strerror or error}.")
