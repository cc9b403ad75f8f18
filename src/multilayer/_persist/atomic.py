"""Files written atomically, and folders that belong to one process."""

import errno
import os
import re
import stat
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO
from weakref import WeakSet

from multilayer._core.environment import level_of_caller
from multilayer._core.errors import ModelFileError

# Locks on open files, which end with the process that took them, however it ends -----------------
#
# A lock belongs to what was opened: a child made by fork shares it, and would retain it after its
# parent has died. So children close their copies as soon as they are made.


if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # by some network file systems
_LOCKED: "WeakSet[BinaryIO | FileIO]" = WeakSet()


def lock(file: BinaryIO | FileIO, *, wait: bool = False) -> None:
    """Lock a file, or raise OSError: at once where another has it, unless `wait` says otherwise."""
    _LOCKED.add(file)
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def _close_in_child() -> None:
    for file in list(_LOCKED):
        file.close()


_at_fork: Callable[..., None] | None = getattr(os, "register_at_fork", None)  # not on Windows
if _at_fork is not None:
    _at_fork(after_in_child=_close_in_child)


# Files that are written whole or not at all ------------------------------------------------------


TEMPORARY_NAME = ".multilayer-{}.tmp"
TEMPORARY = re.compile(r"\.multilayer-[0-9a-f]{16}\.tmp")
DESCRIPTOR = re.compile(r"/(?:dev|proc/(?:self|thread-self|\d+))/(?:fd/(\d+)|(stdout|stderr))")
STANDARD = {"stdout": 1, "stderr": 2}
MOST_LINKS = 40
UNSYNCED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EACCES, errno.EPERM, errno.EBADF)
"""What opening or syncing a folder ends with where that is not possible or not allowed."""


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that a reader sees either the previous one or all of the new one.

    The bytes go to a temporary file in the same folder, which then takes the place of ``path``.
    On any error nothing is left behind and the previous file survives; temporary files of saves
    that were killed are removed by the next one in their folder. A link is followed: the file it
    points to is replaced, the link stays. The new file has the permissions of the one before, and
    its owner where that is allowed; without one before, those of any new file (the umask).

    What is there and is no ordinary file is never replaced: the bytes go into a pipe, a terminal or
    another character device, ``/dev/stdout`` and ``/dev/fd/N`` are the open file that they name;
    block devices and sockets are refused.

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

    Warns
    -----
    UserWarning
        The file is written, but its file system cannot flush its name to the disk at once.
    """
    with refusing(path):
        if (number := _descriptor(path)) is not None:
            with open(os.dup(number), "wb") as opened:
                opened.write(data)
            return
        target, before = _target_of(path)
        if before is not None and not stat.S_ISREG(before.st_mode):
            with open(path, "wb") as special:
                special.write(data)
            return
        sweep(target.parent)
        with _temporary(target) as file:
            _write_through(file, data)
            if before is not None:
                _take_over(file, before)
            _put_in_place(file, target)
    _sync_folder(path, target.parent)


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
    with refusing(path):
        if (number := _descriptor(path)) is not None:
            os.close(os.dup(number))
            return
        target, before = _target_of(path)
        if before is not None and not stat.S_ISREG(before.st_mode):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return
        # Trying is the only sure check: permissions do not show a read-only disk.
        with _temporary(target) as file:
            _write_through(file, b"")


@contextmanager
def refusing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the system's error about a path into the documented one."""
    try:
        yield
    except ModelFileError:
        raise
    except OSError as error:
        raise ModelFileError(f"cannot write {path}: {error.strerror or error}.") from error
    except ValueError as error:  # of a name with a NUL or half a character in it
        raise ModelFileError(f"cannot write {os.fspath(path)!r}: {error}.") from error


# The file to write ------------------------------------------------------------------------------


def _descriptor(path: str | os.PathLike[str]) -> int | None:
    """Return the number of the open file that a path such as ``/dev/stdout`` names, or None.

    Following such a link would find a file, and replace it without the knowledge of the program
    that opened it.
    """
    name = os.path.abspath(os.fspath(path))
    for _ in range(MOST_LINKS):
        if found := DESCRIPTOR.fullmatch(name):
            own = name.startswith("/dev/") or name.split("/")[2] in (
                *("self", "thread-self"),
                str(os.getpid()),
            )
            return (STANDARD[found[2]] if found[2] else int(found[1])) if own else None
        if not os.path.islink(name):
            return None
        name = os.path.normpath(os.path.join(os.path.dirname(name), os.readlink(name)))
    return None


def _target_of(path: str | os.PathLike[str]) -> tuple[Path, os.stat_result | None]:
    """Return the file that is really written, and its status if it exists."""
    try:
        before = os.stat(path)
    except FileNotFoundError:
        before = None
    target = Path(os.path.realpath(path))
    if before is None:
        if not os.path.isdir(target.parent):
            raise ModelFileError(
                f"cannot write {path}: the folder {target.parent} does not exist. Make it first."
            )
    elif stat.S_ISDIR(before.st_mode):
        raise ModelFileError(f"cannot write {path}: it is a folder. Name a file in it.")
    elif stat.S_ISBLK(before.st_mode) or stat.S_ISSOCK(before.st_mode):
        kind = "block device" if stat.S_ISBLK(before.st_mode) else "socket"
        raise ModelFileError(f"cannot write {path}: it is a {kind}. Name a file.")
    return target, before


# Temporary files --------------------------------------------------------------------------------


@contextmanager
def _temporary(target: Path) -> Iterator[FileIO]:
    """Open a new file in the folder of another, locked for as long as it is open."""
    while True:
        path = target.with_name(TEMPORARY_NAME.format(os.urandom(8).hex()))
        # Closed below; without a buffer, whose rest closing would write once more to a full disk.
        file = open(path, "xb", buffering=0)  # noqa: SIM115
        try:
            _lock_own(file)
            # Between the two lines above another process may have taken it for a dead one's.
            if os.fstat(file.fileno()).st_nlink:
                yield file
                return
        finally:
            file.close()
            # A read-only disk refuses this even where there is none, after it refused to make it;
            # after it was put in place there is none.
            with suppress(OSError):
                path.unlink()


def _lock_own(file: FileIO) -> None:
    if os.name == "nt":  # where what is open cannot be removed
        return
    try:
        lock(file, wait=True)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def sweep(folder: Path) -> None:
    """Remove the temporary files of processes that died while they wrote in a folder."""
    with suppress(OSError), os.scandir(folder) as entries:  # one that cannot be looked into
        for entry in entries:
            if TEMPORARY.fullmatch(entry.name):
                # In use, another user's, or gone by now.
                with suppress(OSError):
                    _remove_if_dead(entry.path)


def _remove_if_dead(path: str) -> None:
    if os.name == "nt":
        os.unlink(path)
        return
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(path, flags), "rb+", buffering=0) as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            lock(file)
            os.unlink(path)


# Flushing to the disk ---------------------------------------------------------------------------


def _write_through(file: FileIO, data: bytes) -> None:
    """Write a new file, flushed to the disk."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())


def _take_over(file: FileIO, before: os.stat_result) -> None:
    """Give a new file the owner, as far as allowed, and the permissions of the one before."""
    if os.name == "nt":
        return
    now = os.fstat(file.fileno())
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        with suppress(PermissionError):
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
    os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))


def _put_in_place(file: FileIO, target: Path) -> None:
    if os.name == "nt":  # which moves no file that is open
        file.close()
    os.replace(file.name, target)


def _sync_folder(path: str | os.PathLike[str], folder: Path) -> None:
    """Flush a folder's entries to the disk, after a file was put there."""
    if os.name == "nt":  # Windows opens no folders
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        said = (
            f"{path} is written, but its folder cannot be flushed to the disk: "
            f"{error.strerror or error}."
        )
        if error.errno not in UNSYNCED:
            raise ModelFileError(f"{said} A loss of power now may lose it.") from error
        warnings.warn(f"{said} A loss of power may lose it.", stacklevel=level_of_caller())


# The folder of one training run: locked by one process, cleared of files that a crash left -------


LOCK = "lock"


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Lock a folder for this process alone; the lock ends with the process, however it ends.

    Forked children do not share the lock.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.

    Raises
    ------
    ModelFileError
        Another process has locked it, or it cannot be written to (a ValueError).
    """
    try:
        file = open(folder / LOCK, "ab")  # noqa: SIM115  # closed below, with a block of its own
    except OSError as error:
        raise ModelFileError(f"cannot write to {folder}: {error.strerror or error}.") from error
    with file:
        try:
            lock(file)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise ModelFileError(
                    f"another process is training this fit in {folder}. Wait for it, or "
                    "choose another folder."
                ) from error
            warnings.warn(
                f"the file system of {folder} has no locks: see that no other process trains the "
                "same fit there.",
                stacklevel=level_of_caller(),
            )
        sweep(folder)  # what a process left that died while it wrote
        yield
