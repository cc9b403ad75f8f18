"""Raw tables as matrices of float32: which blocks of columns they have, and how they are filled."""

from dataclasses import dataclass, field

import numpy as np

from multilayer._core.checks import listed
from multilayer._core.errors import DataError
from multilayer._core.pytrees import aligned_zeros
from multilayer._data.column_encodings import Blocks, ColumnEncoding
from multilayer._data.raw_tables import RawTable, SparseTable, TableLike, open_table, refuse_huge

LARGEST_MATRIX = 2_000_000_000
"""Bytes of a dense matrix beyond which sparse input is refused."""

ROWS_AT_ONCE = 1 << 14
"""Rows whose numbers are clipped together, so that what is computed on the way stays small."""


@dataclass(frozen=True)
class TableLayout:
    """The columns of an encoded table: numbers, then flags, then integer codes.

    Flags are -1, 0 or 1. Codes stand for the levels of a category, one column for each: 0 is
    unknown or rare, 1 is missing, and the levels follow. Flags side by side that are the levels of
    one category are a group.
    """

    n_numeric: int
    n_flags: int
    cardinalities: tuple[int, ...]  # numbers of codes
    flag_groups: tuple[int, ...] = field(default=(), repr=False)  # sizes; () for single flags

    @property
    def n_columns(self) -> int:
        """Return the number of all columns."""
        return self.n_numeric + self.n_flags + len(self.cardinalities)


@dataclass(frozen=True)
class TableEncoding:
    """What the columns of a table become."""

    columns: tuple[ColumnEncoding, ...]
    names: tuple[str, ...] | None  # of all columns of the training table, None if they had none
    n_columns: int  # of the training table
    smooth_clip: bool  # whether numbers are brought into (-3, 3)

    @property
    def layout(self) -> TableLayout:
        """Return the columns of the encoded table."""
        cardinalities = (column.cardinality for column in self.columns)
        return TableLayout(
            sum(column.n_numeric for column in self.columns),
            sum(column.n_flags for column in self.columns),
            tuple(number for number in cardinalities if number is not None),
            tuple(size for column in self.columns for size in column.flag_groups),
        )


def encode(encoding: TableEncoding, X: TableLike) -> np.ndarray:
    """Return a table as a C-ordered float32 matrix ``(rows, encoding.layout.n_columns)``.

    A data frame's columns are found by their names if the training table had names; others by
    their places.
    """
    return encode_table(encoding, open_table(X, every_level=False))


def encode_table(encoding: TableEncoding, table: RawTable) -> np.ndarray:
    """Return what `encode` does for a table that is open."""
    layout, places = encoding.layout, column_places(encoding, table)
    if isinstance(table, SparseTable):
        refuse_huge(table.n_rows, layout.n_columns, LARGEST_MATRIX)
    matrix = aligned_zeros((table.n_rows, layout.n_columns), np.float32)
    numeric, flag = 0, layout.n_numeric
    code = flag + layout.n_flags
    for column in encoding.columns:
        n_codes = int(column.cardinality is not None)
        blocks = Blocks(
            matrix[:, numeric : numeric + column.n_numeric],
            matrix[:, flag : flag + column.n_flags],
            matrix[:, code : code + n_codes],
        )
        column.fill(table.column(places[column.name]), blocks)
        numeric, flag, code = (
            numeric + column.n_numeric,
            flag + column.n_flags,
            code + n_codes,
        )
    if encoding.smooth_clip:
        _clip_smoothly(matrix[:, : layout.n_numeric])
    return matrix


def _clip_smoothly(values: np.ndarray) -> None:
    """Replace z by ``z / sqrt(1 + (z / 3)**2)``, a smooth bound of 3, in place."""
    for start in range(0, len(values), ROWS_AT_ONCE):
        rows = values[start : start + ROWS_AT_ONCE]
        rows /= np.hypot(1, rows / 3)


def column_places(encoding: TableEncoding, table: RawTable) -> dict[str | int, int]:
    """Return where the columns of an encoding are in a table."""
    if encoding.names is None or table.names is None:
        if table.n_columns != encoding.n_columns:
            raise DataError(
                f"X must have as many columns as in training: X has {table.n_columns} features, "
                f"but {encoding.n_columns} are expected."
            )
        if encoding.names is None:
            return {column.name: int(column.name) for column in encoding.columns}
        return {name: place for place, name in enumerate(encoding.names)}
    used = [str(column.name) for column in encoding.columns]
    missing = [name for name in used if name not in table.places]
    known = frozenset(encoding.names)
    further = [name for name in table.names if name not in known]
    if missing or further:
        parts = [f"lacks {listed(missing)}"] * bool(missing)
        parts += [f"has {listed(further)}, which training did not have"] * bool(further)
        remedy = "Add the missing columns" if missing else "Leave out the further ones"
        raise DataError(
            f"X must have the columns of training: X {' and '.join(parts)}. {remedy}; their order "
            "does not matter."
        )
    return {name: table.places[name] for name in used}
