"""Where a warning points: at the user's line, not at one of ours."""

import sys

BETWEEN = ("contextlib", "multilayer", "sklearn")
"""Whose frames lie between a warning and the user's call."""


def level_of_caller() -> int:
    """Return the stacklevel at which a warning of the calling function names the user's line.

    How many frames there are depends on the release of scikit-learn, which wraps ``fit`` from 1.9
    on, and on the method that was called.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] in BETWEEN:
        frame, level = frame.f_back, level + 1
    return level
