"""Files that a command writes."""

import os
from pathlib import Path

from multilayer._core.errors import InvalidArgumentError


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file that is there."""
    try:
        return os.path.samefile(one, other)
    # One is not there, or cannot be reached: reading or writing it says why.
    except (OSError, ValueError):
        return False


def refuse_overwriting_inputs(option: str, output: Path, *inputs: Path) -> None:
    """Refuse to write over a file that is read."""
    for path in inputs:
        if same_file(path, output):
            raise InvalidArgumentError(
                f"{option} must be another file than {path}, which it would replace."
            )
