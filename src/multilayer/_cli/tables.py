"""Which columns of a table are there, and which of them are features."""

import shlex
import warnings
from collections.abc import Hashable, Iterable
from difflib import get_close_matches

import numpy as np

from multilayer._cli.table_files import Table
from multilayer._core.checks import MOST_NAMED, counted, listed
from multilayer._core.errors import DataError, InvalidArgumentError
from multilayer._data import columns

AS_THEY_ARE = "The recipe tabular takes them as they are; for a single network"
TAB = "\t"
MNIST_SCALE = 1 / 255  # the pixels stay uint8; the program scales them
SMALL_TYPES = ("bool", "boolean", "uint8", "int8", "uint16", "int16", "float16", "float32")


def refuse_options(why: str, **given: object) -> None:
    """Refuse options that have no meaning for this DATA."""
    for name, value in given.items():
        if value not in (None, [], False):
            option = "--" + name.replace("_", "-")
            raise InvalidArgumentError(f"{option} must be left out with this DATA: {why}.")


def require_column(table: Table, name: str, option: str) -> None:
    """Refuse a column that the table lacks; say which one may be meant."""
    if name in table.columns:
        return
    close = get_close_matches(name, table.columns, n=3)
    meant = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
    raise DataError(
        f"{option} must be a column of {table.path}, got {option}={name!r}. {meant}"
        f"Its columns: {listed(table.columns, 30)}.{_header_hint(table)}"
    )


def require_target(table: Table, target: str | None) -> str:
    """Return the target column, which must be given and exist."""
    if target is None:
        raise DataError(
            f"--target must name the column to predict. The columns of {table.path}: "
            f"{listed(table.columns, 30)}.{_header_hint(table)}"
        )
    require_column(table, target, "--target")
    return target


def _header_hint(table: Table) -> str:
    """Say so when the header line looks like something else."""

    def is_number(name: str) -> bool:
        return name.replace(".", "", 2).removeprefix("-").isdigit()

    if all(is_number(name) for name in table.columns):
        return " They look like numbers: does the file lack its header line?"
    if len(table.columns) == 1:
        (name,) = table.columns
        sign = next((sign for sign in ";\t|," if sign in name), None)
        shown = "" if sign is None else f" Add --sep {'tab' if sign == TAB else shlex.quote(sign)}."
        return f" That is one column: does another sign stand between the values?{shown}"
    return ""


def features(table: Table, names: list[str]) -> np.ndarray:
    """Return columns as one matrix of numbers (rows, columns), float32 where that loses nothing."""
    if not names:
        raise DataError(f"{table.path} has no column left to learn from.")
    frame = table.frame[names]
    _require_numbers(table, names)
    small = all(str(dtype) in SMALL_TYPES for dtype in frame.dtypes)
    matrix = frame.to_numpy(dtype=np.float32 if small else np.float64, na_value=np.nan)
    if not np.isfinite(matrix).all():
        _refuse_gaps(table, columns.gaps(frame))
    return matrix


def _refuse_gaps(table: Table, gaps: columns.Gaps) -> None:
    """Refuse missing and infinite values of columns."""
    if gaps.missing:
        raise DataError(
            f"{table.path} has missing values: {counted(gaps.missing)}. {AS_THEY_ARE} fill them, "
            f"delete these rows, or leave the columns out: {drops(gaps.missing)}"
        )
    raise DataError(
        f"{table.path} has infinite values: {counted(gaps.infinite)}. Replace them, delete "
        f"these rows, or leave the columns out: {drops(gaps.infinite)}"
    )


def _require_numbers(table: Table, names: list[str]) -> None:
    """Refuse columns that are neither numbers nor booleans."""
    found = columns.others(table.frame[names])
    if found:
        raise DataError(
            f"{table.path} has {columns.described(found)}. {AS_THEY_ARE} encode "
            f"them as numbers, or leave them out: {drops([other.name for other in found])}"
        )


def drops(names: Iterable[Hashable]) -> str:
    """Return the options that leave columns out, as a shell takes them."""
    return options("--drop", [str(name) for name in names])


def options(option: str, names: list[str]) -> str:
    """Return an option for each name, as a shell takes them, the first ones of many."""
    shown = " ".join(f"{option} {shlex.quote(name)}" for name in names[:MOST_NAMED])
    return shown + (" ..." if len(names) > MOST_NAMED else "")


# Columns that number the rows: in sorted data they give the answer away, elsewhere they are noise
#
# pandas writes such a column, without a name, unless it is asked not to.


FEWEST = 10  # rows in which a rising column is no accident


def refuse_index(table: Table, names: list[str], keep: list[str]) -> None:
    """Refuse features that are row numbers; warn of others that are different in every row."""
    asked_about = [name for name in names if name not in keep]
    unnamed = [name for name in asked_about if name in table.unnamed]
    if unnamed:
        raise DataError(
            f"{table.path} has columns without a name, {listed(unnamed)}: pandas writes row "
            f"numbers so. Leave them out ({drops(unnamed)}), or learn from them "
            f"({keeps(unnamed)})."
        )
    found = {name: numbering(table.frame[name].to_numpy()) for name in asked_about}
    counting = [name for name, what in found.items() if what == COUNTS]
    if counting:
        raise DataError(
            f"{table.path} has columns that count its rows: {listed(counting)}. Leave them out "
            f"({drops(counting)}), or learn from them ({keeps(counting)})."
        )
    unique = [name for name, what in found.items() if what]
    if unique:
        warnings.warn(
            f"{table.path} has columns of whole numbers that seem to number its rows: "
            f"{listed(unique)}. Leave them out ({drops(unique)}) if they do; {keeps(unique)} says "
            "that they do not.",
            UserWarning,
            stacklevel=2,
        )


def warn_of_index(X: np.ndarray, where: str) -> None:
    """Warn of columns of an array that seem to number its rows."""
    begin = X[:FEWEST]
    rising = np.flatnonzero((begin[1:] > begin[:-1]).all(axis=0))
    found = [column for column in rising.tolist() if numbering(X[:, column])]
    if found:
        warnings.warn(
            f"{where} has columns of whole numbers that seem to number its rows: columns "
            f"{listed(found)}. Leave them out of the array if they do.",
            UserWarning,
            stacklevel=2,
        )


COUNTS, RISES, PERMUTES = "counts", "rises", "permutes"


def numbering(values: np.ndarray) -> str | None:
    """Return how a column numbers the rows: 0, 1, 2, ...; rising; or consecutive in any order."""
    values = _whole(values)
    n = len(values)
    if n < FEWEST:
        return None
    if (values[1:] > values[:-1]).all():
        return COUNTS if values[0] in (0, 1) and values[-1] - values[0] == n - 1 else RISES
    consecutive = values.max() - values.min() == n - 1 and len(np.unique(values)) == n
    return PERMUTES if consecutive else None


def _whole(values: np.ndarray) -> np.ndarray:
    """Return whole numbers as float64, nothing of any other column."""
    nothing = np.zeros(0)
    if values.dtype.kind not in "iuf":
        return nothing
    numbers = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return numbers if (numbers == np.floor(numbers)).all() else nothing


def keeps(names: list[str]) -> str:
    """Return the options that columns are learned from with, as a shell takes them."""
    return options("--keep", names)
