"""Checks of arguments that all estimators have."""

from collections.abc import Mapping, Sequence
from numbers import Integral

import numpy as np

from multilayer._core.checks import check_integer, check_real, refuse


def check_random_state(value: object) -> None:
    """Check a seed; NumPy imports its generators when they are named, and a number needs none."""
    if value is None:
        return
    if isinstance(value, Integral) or not (
        value is np.random or isinstance(value, np.random.RandomState)
    ):
        check_integer("random_state", value, 0, 2**32 - 1)


def check_verbose(value: object) -> None:
    """Check that verbose is a flag or a level."""
    if not isinstance(value, np.bool_ | bool):
        check_integer("verbose", value, 0)


def check_class_weight(value: object) -> None:
    """Check what can be checked without data."""
    if value is None or (isinstance(value, str) and value == "balanced"):
        return
    for table in tables_of(value):
        if isinstance(table, str) and table == "balanced" and table is not value:
            continue
        if not isinstance(table, Mapping):
            refuse("class_weight", "None, 'balanced', a dict, or a list with one per output", value)
        for label, weight in table.items():
            check_real(f"class_weight[{label!r}]", weight, "[0, inf)")


def tables_of(value: object) -> Sequence[object]:
    """Return what is given for each output, one entry for a single output or for all."""
    return value if isinstance(value, list | tuple) else [value]
