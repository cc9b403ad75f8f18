"""The folder of one training run: held by one process at a time, and swept of what a crash left."""

import errno
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from multilayer._core.errors import ModelFileError
from multilayer._core.warning_level import level_of_caller
from multilayer._persist.atomic import remove_temporary_files

LOCK = "lock"
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # by some network file systems


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone; the claim ends with the process, however it ends.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.

    Raises
    ------
    ModelFileError
        Another process holds it, or it cannot be written to (a ValueError).
    """
    try:
        file = open(folder / LOCK, "ab")  # noqa: SIM115  # closed below, with a block of its own
    except OSError as error:
        raise ModelFileError(f"cannot write to {folder}: {error.strerror or error}.") from error
    with file:
        try:
            _lock(file)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise ModelFileError(
                    f"another process is training this very fit in {folder}. Wait for it, or "
                    "choose another folder."
                ) from error
            warnings.warn(
                f"the file system of {folder} has no locks: see that no other process trains the "
                "same fit there.",
                stacklevel=level_of_caller(),
            )
        remove_temporary_files(folder)  # of a process that died while it wrote
        yield


def _lock(file: IO[bytes]) -> None:
    """Lock a file, or raise OSError at once."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
