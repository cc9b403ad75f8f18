"""The history in a file: its columns stay arrays, as rows take ten times the memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import REPORT_COLUMNS, WHOLE_NUMBERS
from multilayer.estimators.stored import Arrays, Values, take, take_array

NEEDED = ("epoch", "loss", "validation_score")
"""Columns from which attributes are read."""

Row = dict[str, float]


class StoredRows(Sequence[Row]):
    """Rows of a history, each made when it is looked at.

    Parameters
    ----------
    columns : mapping of str to ndarray of shape (n_epochs,)
        Figures by name.
    """

    def __init__(self, columns: Mapping[str, np.ndarray]) -> None:
        self._columns = dict(columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        return {
            name: int(values[place]) if name in WHOLE_NUMBERS else float(values[place])
            for name, values in self._columns.items()
        }

    def __iter__(self) -> Iterator[Row]:
        return (self[i] for i in range(len(self)))


def take_history(fitted: Values, arrays: Arrays) -> StoredRows:
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
    return StoredRows(columns)


def _check_whole(name: str, column: np.ndarray) -> None:
    """Refuse what cannot be a count; as floats, integers are exact up to 2**53."""
    with np.errstate(invalid="ignore"):
        whole = (column >= 0) & (column < 2.0**53) & (column == np.floor(column))
    if not whole.all():
        raise ModelFileError(f"the column {name!r} of its history must hold counts.")
