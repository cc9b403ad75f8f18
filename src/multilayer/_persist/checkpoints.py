"""Checkpoints: numbered files in a folder, each written atomically.

``model.ckpt-<step>.safetensors`` is a file of :mod:`multilayer._persist.tensors` whose description
has ``step``, ``facts`` (whatever else a resume needs to know) and the ``crc32`` of all of it.
"""

import json
import os
import re
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._persist.atomic import check_writable, refusing
from multilayer._persist.tensors import (
    CHECKPOINT,
    Arrays,
    PathLike,
    read_tensors,
    write_tensors,
)

FILE_NAME = re.compile(r"model\.ckpt-(0|[1-9]\d*)\.safetensors")
TENSORFLOW = re.compile(r"model\.ckpt(-\d+)?(\.(index|meta|data-\d+-of-\d+))?")
"""Names that TensorFlow gives to its checkpoints; others that begin so are copies of somebody's."""


@dataclass(frozen=True)
class StoredCheckpoint:
    """The content of a checkpoint."""

    path: Path
    step: int
    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]


def checkpoint_path(folder: PathLike, step: int) -> Path:
    """Return the path of the checkpoint of a step."""
    return Path(folder) / f"model.ckpt-{step}.safetensors"


def temporary_folder() -> str:
    """Make a new folder in the system's folder for temporary files.

    Raises
    ------
    ModelFileError
        It cannot be made (a ValueError).
    """
    try:
        return tempfile.mkdtemp(prefix="multilayer-")
    except OSError as error:
        raise ModelFileError(
            f"cannot make a temporary folder: {error.strerror or error}. Name a folder."
        ) from error


def prepare_folder(folder: PathLike) -> None:
    """Make a folder where there is none, and see that files can be written in it.

    Raises
    ------
    ModelFileError
        They cannot (a ValueError).
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelFileError(
            f"cannot make the folder {folder}: {error.strerror or error}."
        ) from error
    except ValueError as error:  # of a name with a NUL or half a character in it
        raise ModelFileError(f"cannot make the folder {os.fspath(folder)!r}: {error}.") from error
    check_writable(checkpoint_path(folder, 0))


def write_checkpoint(
    folder: PathLike,
    step: int,
    arrays: Arrays,
    facts: Mapping[str, object],
    *,
    keep: int | None,
) -> Path:
    """Write the checkpoint of a step, then remove the oldest ones.

    Parameters
    ----------
    folder : str or path-like
        An existing folder.
    step : int
        Steps done.
    arrays : mapping of str to ndarray
        Arrays by name.
    facts : mapping of str
        A JSON object.
    keep : int or None
        Number of newest checkpoints that are retained; None for all.

    Returns
    -------
    path : pathlib.Path
        The file.

    Raises
    ------
    ModelFileError
        The file cannot be written (a ValueError); the existing ones stay.
    """
    path = checkpoint_path(folder, step)
    description = {"step": step, "facts": dict(facts), "crc32": _checksum(step, facts, arrays)}
    write_tensors(path, CHECKPOINT, description, arrays)
    numbered = _numbered(folder)
    _remove(folder, numbered[: max(0, len(numbered) - keep) if keep else 0])
    return path


def newest_checkpoint(folder: PathLike) -> Path | None:
    """Return the checkpoint of the most steps in a folder, None where there is none.

    Raises
    ------
    ModelFileError
        The path is not a folder, or contains checkpoints of another program (a ValueError).
    """
    if not _is_there(folder):
        return None
    numbered = _numbered(folder)
    return numbered[-1] if numbered else None


def read_newest(folder: PathLike) -> StoredCheckpoint | None:
    """Read the checkpoint of the most steps in a folder, None where there is none.

    Raises
    ------
    ModelFileError
        As of :func:`newest_checkpoint` and :func:`read_checkpoint` (a ValueError).
    """
    newest = newest_checkpoint(folder)
    return None if newest is None else read_checkpoint(newest)


def remove_checkpoints(folder: PathLike) -> None:
    """Remove all checkpoints of a folder.

    Raises
    ------
    ModelFileError
        They cannot be removed, or are another program's (a ValueError).
    """
    _remove(folder, _numbered(folder))


def remove_folder(folder: PathLike) -> None:
    """Remove a folder of checkpoints, which may not be there.

    Raises
    ------
    ModelFileError
        It cannot be removed, or there is something else in it (a ValueError).
    """
    if not _is_there(folder):
        return
    remove_checkpoints(folder)
    try:
        os.rmdir(folder)
    except OSError as error:
        raise ModelFileError(
            f"cannot remove the folder {folder}: {error.strerror or error}."
        ) from error


def complete_lines(path: PathLike) -> None:
    """Cut off what is behind the last end of line of a file: half of a line, of a killed process.

    Raises
    ------
    ModelFileError
        It cannot be read or written (a ValueError).
    """
    with refusing(path), open(path, "r+b") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)


def _remove(folder: PathLike, paths: Iterable[Path]) -> None:
    try:
        for path in paths:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ModelFileError(
            f"cannot remove old checkpoints of {folder}: {error.strerror or error}. The newest one "
            "is there."
        ) from error


def read_checkpoint(path: PathLike) -> StoredCheckpoint:
    """Read a checkpoint.

    Raises
    ------
    ModelFileError
        There is no such file, it is no checkpoint, is damaged, or of a newer version (a
        ValueError).
    """
    description, arrays = read_tensors(path, CHECKPOINT)
    match description:
        case {"step": int(step), "facts": dict(facts), "crc32": int(checksum)} if step >= 0:
            if checksum == _checksum(step, facts, arrays):
                return StoredCheckpoint(Path(path), step, arrays, facts)
            raise ModelFileError(f"{path} is damaged: its checksum is wrong. {CHECKPOINT.remedy}")
    raise ModelFileError(f"{path} is damaged: it lacks its step. {CHECKPOINT.remedy}")


def _is_there(folder: PathLike) -> bool:
    """Whether there is something of this name; what is behind a closed folder cannot be known."""
    try:
        os.lstat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise ModelFileError(f"cannot look for checkpoints in {folder}: {error}.") from error
    return True


def _numbered(folder: PathLike) -> list[Path]:
    """Checkpoints of a folder, oldest first."""
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise ModelFileError(
            f"cannot look for checkpoints in {folder}: {error.strerror or error}. Name a folder."
        ) from error
    foreign = [name for name in names if TENSORFLOW.fullmatch(name)]
    if foreign:
        raise ModelFileError(
            f"{folder} contains checkpoints of another program ({min(foreign)}), such as "
            "TensorFlow, which cannot be read. Choose another folder."
        )
    steps = sorted(int(match[1]) for match in map(FILE_NAME.fullmatch, names) if match)
    return [checkpoint_path(folder, step) for step in steps]


def _checksum(step: int, facts: Mapping[str, object], arrays: Arrays) -> int:
    """Checksum of everything in a checkpoint."""
    value = zlib.crc32(json.dumps([step, facts], sort_keys=True).encode())
    for name in sorted(arrays):
        value = zlib.crc32(name.encode(), value)
        value = zlib.crc32(np.ascontiguousarray(arrays[name]).data, value)
    return value
