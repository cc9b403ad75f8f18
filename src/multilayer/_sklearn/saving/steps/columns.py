"""Choices of columns, as a ColumnTransformer takes them, as plain data and back."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._persist.values import decode, encode

Choice: TypeAlias = str | int | slice | Sequence[bool | int | str]
"""Columns by name or number, alone or several, a slice of them, or a mask."""


def encode_columns(name: str, columns: object) -> JSON:
    """Return a choice of columns as JSON: a name, a number, a slice, or a list of such or of bools.

    Arrays, series and the like become lists.
    """
    if isinstance(columns, slice):
        return {"slice": encode(name, [columns.start, columns.stop, columns.step])}
    if isinstance(columns, str | int | np.generic):
        return encode(name, columns)
    return encode(name, np.asarray(columns, dtype=object).tolist())


def decode_columns(encoded: JSON) -> Choice:
    """Return the choice of columns that :func:`encode_columns` was given."""
    match encoded:
        case {"slice": [start, stop, step], **rest} if not rest:
            bounds = all(part is None or type(part) in (int, str) for part in (start, stop))
            if bounds and (step is None or type(step) is int):
                return slice(start, stop, step)
        case list(columns) if len({type(column) for column in columns} - {bool, int, str}) == 0:
            return columns
        case str() | int():
            return encoded
    raise ModelFileError(f"its ColumnTransformer has no such columns: {decode(encoded)!r}.")


def places(columns: Choice, n_features: int, numbers: Mapping[str, int]) -> list[int]:
    """Return the numbers of the columns chosen.

    Parameters
    ----------
    columns : str, int, slice or list
        The choice.
    n_features : int
        Number of columns.
    numbers : dict of str to int
        Their numbers by name; empty where they have none.

    Raises
    ------
    ModelFileError
        There are no such columns (a ValueError).
    """
    try:
        if isinstance(columns, slice):
            return list(range(n_features))[_by_number(columns, numbers)]
        if isinstance(columns, str | int):
            columns = [columns]
        if columns and all(isinstance(column, bool) for column in columns):
            if len(columns) != n_features:
                raise IndexError(f"a mask of {len(columns)} for {n_features} columns")
            return [range(n_features)[i] for i, chosen in enumerate(columns) if chosen]
        return [range(n_features)[_number(column, numbers)] for column in columns]
    except (LookupError, ValueError) as error:
        raise ModelFileError(
            f"its ColumnTransformer takes unknown columns: {columns!r}."
        ) from error


def _by_number(columns: slice, numbers: Mapping[str, int]) -> slice:
    """Return a slice of numbers; a slice of names includes its end."""
    start, stop = columns.start, columns.stop
    if isinstance(stop, str):
        stop = numbers[stop] + 1
    return slice(_number(start, numbers), stop, columns.step)


def _number(column: "int | str", numbers: Mapping[str, int]) -> int:
    return numbers[column] if isinstance(column, str) else column
