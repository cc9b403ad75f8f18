"""Checks of arguments that all estimators have."""

from numbers import Integral
from typing import Any

import numpy as np

from multilayer._core.checks import check_integer


def check_random_state(value: Any) -> None:
    """Check a seed; NumPy imports its generators when they are named, and a number needs none."""
    if value is None:
        return
    if isinstance(value, Integral) or not (
        value is np.random or isinstance(value, np.random.RandomState)
    ):
        check_integer("random_state", value, 0, 2**32 - 1)


def check_verbose(value: Any) -> None:
    """Check that verbose is a flag or a level."""
    if not isinstance(value, np.bool_ | bool):
        check_integer("verbose", value, 0)
