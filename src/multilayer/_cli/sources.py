"""DATA on the command line: ``mnist``, or the path of a file."""

import os
import stat
from difflib import get_close_matches
from pathlib import Path

from multilayer._cli.options import MNIST as MNIST
from multilayer._cli.tables import SUFFIXES
from multilayer._core.errors import DataError, InvalidArgumentError

MNIST_SCALE = 1 / 255  # the pixels stay uint8; the program scales them
KINDS = "mnist, or a .csv, .tsv, .parquet or .npz file"


def find_source(data: str) -> Path | None:
    """Return the path of a data file, None for the embedded digits."""
    if data == MNIST:
        return None
    path = Path(data)
    suffix = path.suffix.lower()
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        meant = f" Did you mean {MNIST}?" if get_close_matches(data.lower(), [MNIST]) else ""
        raise DataError(f"file not found: {data}.{meant} DATA must be {KINDS}.") from error
    except OSError as error:
        raise DataError(f"cannot read {data}: {error.strerror or error}.") from error
    except ValueError as error:  # a NUL in the name
        raise DataError(f"cannot read {data!r}: {error}.") from error
    if stat.S_ISDIR(mode):
        raise DataError(f"DATA must be {KINDS}, got the folder {data}.")
    if not stat.S_ISREG(mode):  # a pipe could be read once only, a device without end
        raise DataError(f"DATA must be {KINDS}, got {data}, which is no regular file.")
    if suffix not in (*SUFFIXES, ".npz"):
        raise DataError(f"DATA must be {KINDS}, got {data}.")
    return path


def refuse_options(why: str, **given: object) -> None:
    """Refuse options that have no meaning for this DATA."""
    for name, value in given.items():
        if value not in (None, [], False):
            option = "--" + name.replace("_", "-")
            raise InvalidArgumentError(f"{option} must be left out with this DATA: {why}.")
