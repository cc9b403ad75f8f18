"""The history in a file."""

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import REPORT_COLUMNS, WHOLE_NUMBERS
from multilayer._engine.history import History
from multilayer._sklearn.saving.reader import StoredArrays, Values, take, take_array

NEEDED = ("epoch", "loss", "validation_score")
"""Columns from which attributes are read."""


def take_history(fitted: Values, arrays: StoredArrays) -> History:
    """Take the columns of a history out of what was read."""
    names = take(fitted, "history", list)
    if not all(isinstance(name, str) and name in REPORT_COLUMNS for name in names):
        raise ModelFileError(f"the columns of its history must be among {REPORT_COLUMNS}.")
    if len(set(names)) < len(names) or (names and not set(NEEDED) <= set(names)):
        raise ModelFileError(f"its history must have {NEEDED}, and each column once, got {names}.")
    columns = {name: take_array(arrays, f"history.{name}", (-1,), finite=False) for name in names}
    if len({len(column) for column in columns.values()}) > 1:
        raise ModelFileError("the columns of its history differ in length.")
    for name in WHOLE_NUMBERS:
        if name in columns:
            _check_whole(name, columns[name])
    return History.of_columns(columns)


def _check_whole(name: str, column: np.ndarray) -> None:
    """Refuse what cannot be a count; as floats, integers are exact up to 2**53."""
    with np.errstate(invalid="ignore"):
        whole = (column >= 0) & (column < 2.0**53) & (column == np.floor(column))
    if not whole.all():
        raise ModelFileError(f"the column {name!r} of its history must hold counts.")
