"""The folder of one training run: locked by one process, cleared of files that a crash left."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multilayer._core.errors import ModelFileError
from multilayer._core.warning_level import level_of_caller
from multilayer._persist.atomic import sweep
from multilayer._persist.locks import UNSUPPORTED, lock

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
                    f"another process is training this very fit in {folder}. Wait for it, or "
                    "choose another folder."
                ) from error
            warnings.warn(
                f"the file system of {folder} has no locks: see that no other process trains the "
                "same fit there.",
                stacklevel=level_of_caller(),
            )
        sweep(folder)  # what a process left that died while it wrote
        yield
