"""What training and evaluation report: lines of Python's logging, silent by default.

The logger is named ``multilayer``. Its lines are those of 2019 with that name in place of
``tensorflow``: ``INFO:multilayer:loss = 122.5, step = 1``.
"""

import logging
from logging import DEBUG, ERROR, FATAL, INFO, WARN

from multilayer._core.checks import check_integer

__all__ = ["DEBUG", "ERROR", "FATAL", "INFO", "WARN", "get_verbosity", "set_verbosity"]

LOGGER = logging.getLogger("multilayer")


class Lines(logging.StreamHandler):
    """The handler of :func:`set_verbosity`: lines on the standard error stream."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(logging.BASIC_FORMAT))


def set_verbosity(level: int) -> None:
    """Show what training and evaluation report, from a level up.

    Parameters
    ----------
    level : int
        A level of :mod:`logging`, such as ``INFO``: losses and speed every 100 steps, checkpoints,
        results. Until this is called nothing is shown, as at ``WARN``.

    Raises
    ------
    InvalidArgumentError
        It is no level (a ValueError).

    Notes
    -----
    The logger named "multilayer" gets a handler for the standard error stream, one however often
    this is called. Other loggers stay as they are; where the root logger has a handler too, a line
    appears through both, unless ``logging.getLogger("multilayer").propagate = False``.

    Examples
    --------
    >>> from multilayer import estimator
    >>> estimator.set_verbosity(estimator.INFO)
    >>> estimator.set_verbosity(estimator.WARN)  # silent again
    """
    check_integer("level", level, 0)
    for handler in [h for h in LOGGER.handlers if isinstance(h, Lines)]:
        LOGGER.removeHandler(handler)
    LOGGER.addHandler(Lines())
    LOGGER.setLevel(int(level))


def get_verbosity() -> int:
    """Return the level from which lines are shown.

    Returns
    -------
    level : int
        A level of :mod:`logging`.

    Examples
    --------
    >>> from multilayer import estimator
    >>> estimator.set_verbosity(estimator.WARN)
    >>> estimator.get_verbosity() == estimator.WARN
    True
    """
    return LOGGER.getEffectiveLevel()
