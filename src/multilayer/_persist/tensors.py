"""Safetensors files of multilayer: arrays by name, and a JSON description in their metadata.

The metadata has one key, ``"multilayer"``; its value is a JSON object with ``format`` and
``protocol``, and whatever else its format has. Nothing in a file is ever executed.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO
from stat import S_ISREG
from typing import NamedTuple

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._persist.atomic import write_atomically
from multilayer._persist.description import padded, parse, room_beside, unquoted
from multilayer._persist.header import DTYPES, LARGEST_HEADER, NAME, Entry, Refused, scan
from multilayer._persist.memory import MemoryBudget

KEY = "multilayer"

Arrays = Mapping[str, np.ndarray]
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Kind:
    """A file format, and its name in messages."""

    format: str
    protocol: int  # the newest that this version reads
    name: str  # "model file"
    content: str  # "a model"
    writers: str  # what writes such files
    reader: str  # what reads them
    remedy: str  # what to do about a damaged one


MODEL = Kind(
    "multilayer-model",
    2,
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
CHECKPOINT = Kind(
    "multilayer-checkpoint",
    1,
    "checkpoint",
    "a checkpoint",
    "estimators write them",
    "multilayer.estimator",
    "Remove it to resume from the one before.",
)
KINDS = {kind.format: kind for kind in (MODEL, PARAMETERS, CHECKPOINT)}


class Content(NamedTuple):
    """What is in a file."""

    description: dict[str, JSON]
    arrays: dict[str, np.ndarray]
    room: MemoryBudget  # memory for what is built from it


class Header(NamedTuple):
    """The part of a file before the bytes of the arrays."""

    description: dict[str, JSON]
    entries: list[Entry]
    room: MemoryBudget


def write_tensors(
    path: PathLike,
    kind: Kind,
    description: Mapping[str, object],
    arrays: Arrays,
    *,
    reserve: int = 0,
) -> None:
    """Write a file atomically.

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
    reserve : int
        Bytes of memory that a reader needs beside the description and the arrays.

    Raises
    ------
    ModelFileError
        The file cannot be written, or could not be read again (a ValueError).
    """
    from safetensors.numpy import save  # late: reading, and prediction, do without

    for name, array in arrays.items():
        _check_array(path, name, array)
    full = {"format": kind.format, "protocol": kind.protocol, **description}
    n_bytes = sum(array.nbytes for array in arrays.values())
    text = padded(json.dumps(full, allow_nan=False), n_bytes, len(arrays), reserve)
    # safetensors writes transposed arrays in the wrong order, silently
    # (https://github.com/safetensors/safetensors/issues/825; write them as they are when that is
    # settled).
    tensors = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    data = save(tensors, metadata={KEY: text})
    try:
        _read_header(BytesIO(data), len(data), kind)
    except Refused as error:
        raise ModelFileError(
            f"cannot write {path}: no reader would accept it, as {error}."
        ) from error
    write_atomically(path, data)


def _check_array(path: PathLike, name: str, array: np.ndarray) -> None:
    """Refuse an array that no reader would accept."""
    if not NAME.fullmatch(name):
        raise ModelFileError(
            f"cannot write {path}: its array {name!r} must have a name of 1 to 256 printable ASCII "
            "characters without quotes and backslashes. Give it another name."
        )
    if array.dtype.newbyteorder("<").str not in DTYPES.values():
        raise ModelFileError(
            f"cannot write {path}: its array {name!r} must be of one of NumPy's own types of "
            f"numbers, got {array.dtype}. Convert it, to float32 for example."
        )


def read_description(path: PathLike, kind: Kind) -> dict[str, JSON]:
    """Read the description of a file, without its arrays.

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
    with _opened(path, kind) as (file, size):
        return _read_header(file, size, kind).description


def read_tensors(path: PathLike, kind: Kind) -> tuple[dict[str, JSON], dict[str, np.ndarray]]:
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
        The arrays by name, writable, each of its own memory.

    Raises
    ------
    ModelFileError
        There is no such file, or it is none that this version can read (a ValueError).
    """
    description, arrays, _ = read_content(path, kind)
    return description, arrays


def read_content(path: PathLike, kind: Kind) -> Content:
    """Read a file as :func:`read_tensors` does, and say how much memory may be taken beside it."""
    with _opened(path, kind) as (file, size):
        header = _read_header(file, size, kind)
        arrays = {entry.name: _read_array(file, entry) for entry in header.entries}
        if file.read(1):
            raise Refused("damaged: it grew while it was read")
        return Content(header.description, arrays, header.room)


@contextmanager
def _opened(path: PathLike, kind: Kind) -> Iterator[tuple[BufferedIOBase, int]]:
    """Open an ordinary file to read; whatever is wrong with it is reported with its name."""
    if "\0" in str(os.fspath(path)):
        raise ModelFileError(f"cannot read {os.fspath(path)!r}: its name has a null byte.")
    try:
        with open(os.fspath(path), "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not S_ISREG(status.st_mode):
                raise ModelFileError(f"{path} is not a regular file, as a {kind.name} must be.")
            yield file, status.st_size
    except Refused as error:
        remedy = kind.remedy if error.remedy is None else error.remedy
        raise ModelFileError(f"{path} is {error}. {remedy}".rstrip()) from error
    except OSError as error:
        raise _cannot_read(path, kind, error) from error
    except UnicodeEncodeError as error:  # of a name with half a character in it
        raise ModelFileError(f"cannot read {os.fspath(path)!r}: {error.reason}.") from error
    except MemoryError as error:
        raise ModelFileError(f"cannot read {path}: there is not enough memory.") from error


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes into does not wait, a terminal is not taken over."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _read_header(file: BufferedIOBase, size: int, kind: Kind) -> Header:
    """Read and check the part before the bytes of the arrays."""
    if size == 0:
        raise Refused("empty")
    length = int.from_bytes(file.read(8), "little")
    raw = bytearray(min(length, size) if length <= LARGEST_HEADER else 0)
    n_read = file.readinto(raw)
    if size < 8 or not raw.startswith(b"{"):
        raise Refused(f"not a {kind.name}: {kind.writers}", "")
    if n_read < length:
        raise Refused("truncated")
    quoted, entries = scan(raw, size - 8 - length)
    del raw  # its memory is needed next
    text = unquoted(quoted, size)
    del quoted
    room = room_beside(text, size, len(entries))
    return Header(_checked(kind, parse(text)), entries, room)


def _read_array(file: BufferedIOBase, entry: Entry) -> np.ndarray:
    """Read the next array of a file into memory of its own."""
    array = np.empty(entry.shape, entry.dtype)
    place = memoryview(array.reshape(-1).view(np.uint8).data)
    while place.nbytes:
        count = file.readinto(place)
        if not count:
            raise Refused("truncated: it shrank while it was read")
        place = place[count:]
    if array.dtype == bool and (array.view(np.uint8) > 1).any():
        raise Refused(f"damaged: its tensor {entry.name!r} contains bytes that are no booleans")
    return array


def _checked(kind: Kind, found: JSON) -> dict[str, JSON]:
    """Return a description, when this version can read it."""
    given = found.get("format") if isinstance(found, dict) else None
    if not isinstance(found, dict) or given != kind.format:
        other = KINDS.get(given) if isinstance(given, str) else None
        if other is not None:
            raise Refused(f"a {other.name}, not a {kind.name}", f"Read it with {other.reader}.")
        raise Refused(f"damaged: its description is not one of {kind.content}")
    protocol = found.get("protocol")
    if type(protocol) is not int or protocol < 1:
        raise Refused("damaged: it has no protocol number")
    if protocol > kind.protocol:
        raise Refused(
            f"made by a newer multilayer (file protocol {protocol}; this version reads up to "
            f"{kind.protocol})",
            "Upgrade multilayer.",
        )
    return found


def _cannot_read(path: PathLike, kind: Kind, error: OSError) -> ModelFileError:
    if isinstance(error, FileNotFoundError):
        return ModelFileError(f"{kind.name} not found: {path}. Check the name and the folder.")
    if isinstance(error, IsADirectoryError):
        return ModelFileError(f"{path} is a folder, not a {kind.name}. Name a file in it.")
    return ModelFileError(f"cannot read {path}: {error.strerror or error}.")
