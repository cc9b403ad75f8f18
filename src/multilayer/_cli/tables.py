"""Tables of columns with names: CSV, TSV and Parquet files, through pandas."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from multilayer._core.errors import DataError
from multilayer._core.wording import counted, listed
from multilayer._data import columns

SUFFIXES = (".csv", ".tsv", ".parquet")
SMALL_TYPES = ("bool", "boolean", "uint8", "int8", "uint16", "int16", "float16", "float32")


@dataclass(frozen=True)
class Table:
    """The columns of a file."""

    path: Path
    frame: Any  # pandas.DataFrame

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.frame.columns)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame)


def read_table(path: Path) -> Table:
    """Read a CSV, TSV or Parquet file; its columns must have different names."""
    try:
        import pandas as pd

        frame = _read(pd, path)
    except ImportError as error:
        needed = "pandas and pyarrow" if path.suffix.lower() == ".parquet" else "pandas"
        raise DataError(
            f"reading {path.suffix} files needs {needed}, not installed here. Install them: "
            'pip install "multilayer[tables]".'
        ) from error
    # pandas and pyarrow raise ValueErrors of their own kinds for whatever they cannot parse.
    except (ValueError, OSError, EOFError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(f"cannot read {path}: {reason}.") from error
    frame.columns = [str(column) for column in frame.columns]
    twice = frame.columns[frame.columns.duplicated()].unique().tolist()
    if twice:
        raise DataError(f"{path} has more than one column named {listed(twice)}. Rename them.")
    if not len(frame):
        raise DataError(f"{path} has no rows: a header line and one line per row are needed.")
    return Table(path, frame)


def _read(pd: Any, path: Path) -> Any:
    if path.suffix.lower() == ".parquet":
        return pd.read_parquet(path, engine="pyarrow")
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    return pd.read_csv(path, sep=separator, low_memory=False)


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
    import shlex

    shown = " ".join(f"--drop {shlex.quote(name)}" for name in names[:8])
    return shown + (" ..." if len(names) > 8 else "")
