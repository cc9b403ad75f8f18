"""Columns that number the rows: in sorted data they give the answer away, elsewhere they are noise.

pandas writes such a column, without a name, unless it is asked not to.
"""

import warnings

import numpy as np

from multilayer._cli.tables import Table, drops, options
from multilayer._core.errors import DataError
from multilayer._core.wording import listed

FEWEST = 10  # rows in which a rising column is no accident


def refuse_index(table: Table, names: list[str], keep: list[str]) -> None:
    """Refuse features that are row numbers; warn of others that are different in every row."""
    asked_about = [name for name in names if name not in keep]
    unnamed = [name for name in asked_about if name in table.unnamed]
    if unnamed:
        raise DataError(
            f"{table.path} has columns without a name, {listed(unnamed)}: pandas writes row "
            f"numbers so. Leave them out ({drops(unnamed)}), or learn from them "
            f"({_keeps(unnamed)})."
        )
    found = {name: _numbering(table.frame[name].to_numpy()) for name in asked_about}
    counting = [name for name, what in found.items() if what == COUNTS]
    if counting:
        raise DataError(
            f"{table.path} has columns that count its rows: {listed(counting)}. Leave them out "
            f"({drops(counting)}), or learn from them ({_keeps(counting)})."
        )
    unique = [name for name, what in found.items() if what]
    if unique:
        warnings.warn(
            f"{table.path} has columns of whole numbers that seem to number its rows: "
            f"{listed(unique)}. Leave them out ({drops(unique)}) if they do; {_keeps(unique)} says "
            "that they do not.",
            UserWarning,
            stacklevel=2,
        )


def warn_of_index(X: np.ndarray, where: str) -> None:
    """Warn of columns of an array that seem to number its rows."""
    begin = X[:FEWEST]
    rising = np.flatnonzero((begin[1:] > begin[:-1]).all(axis=0))
    found = [column for column in rising.tolist() if _numbering(X[:, column])]
    if found:
        warnings.warn(
            f"{where} has columns of whole numbers that seem to number its rows: columns "
            f"{listed(found)}. Leave them out of the array if they do.",
            UserWarning,
            stacklevel=2,
        )


COUNTS, RISES, PERMUTES = "counts", "rises", "permutes"


def _numbering(values: np.ndarray) -> str | None:
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


def _keeps(names: list[str]) -> str:
    return options("--keep", names)
