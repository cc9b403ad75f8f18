"""Files that a command writes."""

import os
from pathlib import Path

from multilayer._core.errors import InvalidArgumentError


def keep_inputs(option: str, output: Path, *inputs: Path) -> None:
    """Refuse to write over a file that is read."""
    for path in inputs:
        if path.exists() and output.exists() and os.path.samefile(path, output):
            raise InvalidArgumentError(
                f"{option} must be another file than {path}, which it would replace."
            )
