"""Tables of columns with names: CSV, TSV and Parquet files, through pandas."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from multilayer._core.errors import DataError
from multilayer._core.wording import MOST_NAMED, counted, listed
from multilayer._data import columns

SUFFIXES = (".csv", ".tsv", ".parquet")
UNNAMED = re.compile(r"Unnamed: \d+")  # what pandas calls a column without a name
NAMES_OF_MISSING = (
    *("", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan"),
    *("NULL", "null", "None", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
"""What a missing value of a feature is written as: pandas's own list, which it keeps private."""
SMALL_TYPES = ("bool", "boolean", "uint8", "int8", "uint16", "int16", "float16", "float32")


@dataclass(frozen=True)
class Table:
    """The columns of a file."""

    path: Path
    frame: Any  # pandas.DataFrame
    unnamed: list[str]  # columns without a name in the file, as pandas calls them

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.frame.columns)

    @property
    def typed(self) -> bool:
        """Whether the file says what is text and what is a number."""
        return self.path.suffix.lower() == ".parquet"

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame)


def read_table(path: Path, label: str | None = None) -> Table:
    """Read a CSV, TSV or Parquet file; its columns must have different names.

    Where a file has no types, the column of the labels is read as the text that it is: "00" is not
    0 there, and "NA" is not missing.
    """
    try:
        import pandas as pd

        frame = _read(pd, path, label)
    except ImportError as error:
        needed = "pandas and pyarrow" if path.suffix.lower() == ".parquet" else "pandas"
        raise DataError(
            f"reading {path.suffix} files needs {needed}, not installed here. Install them: "
            "pip install pandas pyarrow."
        ) from error
    except DataError:
        raise
    # pandas and pyarrow raise ValueErrors of their own kinds for whatever they cannot parse.
    except (ValueError, OSError, EOFError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(f"cannot read {path}: {reason}.") from error
    frame.columns = [str(column) for column in frame.columns]
    _refuse_twice(path, frame.columns)
    if not len(frame):
        raise DataError(f"{path} has no rows: a header line and one line per row are needed.")
    return Table(path, frame, [name for name in frame.columns if UNNAMED.fullmatch(name)])


def _read(pd: Any, path: Path, label: str | None) -> Any:
    if path.suffix.lower() == ".parquet":
        return pd.read_parquet(path, engine="pyarrow")
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    # The header as it stands: pandas gives a name that comes twice another ending.
    header = pd.read_csv(
        path, sep=separator, header=None, nrows=1, dtype=str, keep_default_na=False
    )
    names = header.iloc[0].tolist()
    _refuse_twice(path, [name for name in names if name])
    frame = pd.read_csv(
        path,
        sep=separator,
        low_memory=False,
        dtype={label: object} if label in names else None,
        keep_default_na=False,
        # A column without a name goes by its place.
        na_values={
            name or place: NAMES_OF_MISSING for place, name in enumerate(names) if name != label
        },
    )
    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(
            f"{path} has rows of more values than its header has names, {len(names):,}: "
            f"{listed(names)}. Name each column."
        )
    return frame


def _refuse_twice(path: Path, names: Iterable[str]) -> None:
    """Refuse names that more than one column has."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(f"{path} has more than one column named {listed(twice)}. Rename them.")


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
        return " That is one column: does another sign stand between the values?"
    return ""


def features(table: Table, names: list[str]) -> np.ndarray:
    """Return columns as one matrix of numbers (rows, columns), float32 where that loses nothing."""
    if not names:
        raise DataError(f"{table.path} has no column left to learn from.")
    frame = table.frame[names]
    _require_numbers(table, names)
    gaps = columns.gaps(frame)
    if gaps.missing:
        raise DataError(
            f"{table.path} has missing values: {counted(gaps.missing)}. Fill them, delete these "
            f"rows, or leave the columns out: {drops(list(gaps.missing))}"
        )
    if gaps.infinite:
        raise DataError(
            f"{table.path} has infinite values: {counted(gaps.infinite)}. Replace them, delete "
            f"these rows, or leave the columns out: {drops(list(gaps.infinite))}"
        )
    small = all(str(dtype) in SMALL_TYPES for dtype in frame.dtypes)
    return frame.to_numpy(dtype=np.float32 if small else np.float64)


def _require_numbers(table: Table, names: list[str]) -> None:
    """Refuse columns that are neither numbers nor booleans."""
    found = columns.others(table.frame[names])
    if found:
        raise DataError(
            f"{table.path} has {columns.described(found)}. Encode "
            f"them as numbers, or leave them out: {drops([other.name for other in found])}"
        )


def drops(names: list[str]) -> str:
    """Return the options that leave columns out, as a shell takes them."""
    return options("--drop", names)


def options(option: str, names: list[str]) -> str:
    """Return an option for each name, as a shell takes them, the first ones of many."""
    shown = " ".join(f"{option} {shlex.quote(name)}" for name in names[:MOST_NAMED])
    return shown + (" ..." if len(names) > MOST_NAMED else "")
