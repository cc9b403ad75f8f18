"""Files that are written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from multilayer._core.errors import ModelFileError

TEMPORARY_NAME = ".multilayer-{}.tmp"


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that a reader sees either the previous one or all of the new one.

    The bytes go to a temporary file in the same folder, which then takes the place of ``path``.
    On any error nothing is left behind and the previous file survives. A link is followed: the
    file it points to is replaced. Permissions are those of any new file (the umask).

    Parameters
    ----------
    path : str or path-like
        File to write; its folder must exist.
    data : bytes
        Content.

    Raises
    ------
    ModelFileError
        The file cannot be written (a ValueError).
    """
    target = _resolve(path)
    temporary = _temporary(target)
    try:
        _write_through(temporary, data)
        os.replace(temporary, target)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        _remove(temporary)
    _sync_folder(target.parent)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Refuse a path where no file can be written, before any work is done for it.

    Parameters
    ----------
    path : str or path-like
        File that will be written later; an existing one is left alone.

    Raises
    ------
    ModelFileError
        The file could not be written (a ValueError).
    """
    target = _resolve(path)
    probe = _temporary(target)
    try:
        # Trying is the only sure answer: permissions alone say nothing of a read-only disk.
        _write_through(probe, b"")
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        _remove(probe)


def remove_temporary_files(folder: Path) -> None:
    """Remove what processes left that died while they wrote; none may be writing there now."""
    for orphan in folder.glob(TEMPORARY_NAME.format("*")):
        orphan.unlink(missing_ok=True)


def _temporary(target: Path) -> Path:
    """Return a new name in the folder of a file."""
    return target.with_name(TEMPORARY_NAME.format(os.urandom(8).hex()))


def _remove(path: Path) -> None:
    """Remove a temporary file where there is one."""
    # A read-only disk refuses this even where there is none, after it refused to make the file.
    with suppress(OSError):
        path.unlink()


def _resolve(path: str | os.PathLike[str]) -> Path:
    """Return the file that is really written; its folder must exist and it must be no folder."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise ModelFileError(f"cannot write {path}: it is a folder. Name a file in it.")
    if not target.parent.is_dir():
        raise ModelFileError(
            f"cannot write {path}: the folder {target.parent} does not exist. Make it first."
        )
    return target


def _write_through(path: Path, data: bytes) -> None:
    """Write a new file, down to the disk."""
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Bring a folder's entries down to the disk."""
    if os.name == "nt":  # Windows opens no folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cannot_write(path: str | os.PathLike[str], error: OSError) -> ModelFileError:
    return ModelFileError(f"cannot write {path}: {error.strerror or error}.")
