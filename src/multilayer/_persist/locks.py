"""Locks on open files, which end with the process that took them, however it ends.

A lock belongs to what was opened: a child made by fork shares it, and would hold it after its
parent has died. So children close their copies as soon as they are made.
"""

import errno
import os
import sys
from collections.abc import Callable
from io import FileIO
from typing import BinaryIO
from weakref import WeakSet

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
