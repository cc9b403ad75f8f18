"""``--tensorboard DIR``: what TensorBoard shows of a training run."""

from pathlib import Path

from multilayer._core.errors import InvalidArgumentError
from multilayer._persist.event_file import check_available, make_folder


def check_curves(folder: Path | None) -> None:
    """Refuse, before any work is done, what TensorBoard's files could not be written with."""
    if folder is None:
        return
    try:
        check_available()
    except ImportError as error:
        raise InvalidArgumentError(
            "--tensorboard needs tensorboardX, which cannot be imported. "
            "Install it: pip install tensorboardX."
        ) from error
    make_folder("--tensorboard", folder)
