"""Tables in files, and which of their columns are features."""

import os
import re
import shlex
import stat
import warnings
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multilayer._cli.settings import MNIST as MNIST
from multilayer._core.checks import MOST_NAMED, counted, listed
from multilayer._core.errors import DataError, InvalidArgumentError
from multilayer._data import columns

if TYPE_CHECKING:
    from pandas import DataFrame


# DATA on the command line: ``mnist``, or the path of a file --------------------------------------


MNIST_SCALE = 1 / 255  # the pixels stay uint8; the program scales them
KINDS = "mnist, or a .csv, .tsv, .parquet or .npz file"


def find_source(data: str) -> Path | None:
    """Return the path of a data file, None for the embedded digits."""
    if data == MNIST:
        return None
    path = Path(data)
    suffix = path.suffix.lower()
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        meant = f" Did you mean {MNIST}?" if get_close_matches(data.lower(), [MNIST]) else ""
        raise DataError(f"file not found: {data}.{meant} DATA must be {KINDS}.") from error
    except OSError as error:
        raise DataError(f"cannot read {data}: {error.strerror or error}.") from error
    except ValueError as error:  # a NUL in the name
        raise DataError(f"cannot read {data!r}: {error}.") from error
    if stat.S_ISDIR(mode):
        raise DataError(f"DATA must be {KINDS}, got the folder {data}.")
    if not stat.S_ISREG(mode):  # a pipe could be read once only, a device without end
        raise DataError(f"DATA must be {KINDS}, got {data}, which is not a regular file.")
    if suffix not in (*SUFFIXES, ".npz"):
        raise DataError(f"DATA must be {KINDS}, got {data}.")
    return path


def refuse_options(why: str, **given: object) -> None:
    """Refuse options that have no meaning for this DATA."""
    for name, value in given.items():
        if value not in (None, [], False):
            option = "--" + name.replace("_", "-")
            raise InvalidArgumentError(f"{option} must be left out with this DATA: {why}.")


# Tables of columns with names: CSV, TSV and Parquet files, through pandas ------------------------


SUFFIXES = (".csv", ".tsv", ".parquet")
UNNAMED = re.compile(r"Unnamed: \d+")  # what pandas calls a column without a name
SMALL_TYPES = ("bool", "boolean", "uint8", "int8", "uint16", "int16", "float16", "float32")


@dataclass(frozen=True)
class Table:
    """The columns of a file."""

    path: Path
    frame: "DataFrame"
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

    def frame_of(self, X: np.ndarray, names: list[str]) -> "DataFrame":
        """Return a data frame of other columns, which shares their memory."""
        return type(self.frame)(X, columns=names, copy=False)


def read_table(path: Path, label: str | None = None) -> Table:
    """Read a CSV, TSV or Parquet file; its columns must have different names.

    Where a file has no types, the column of the labels is read as the text that it is: "00" is not
    0 there, and "NA" is not missing.
    """
    try:
        frame = _read(path, label)
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
        raise unreadable(path, error) from error
    frame.columns = [str(column) for column in frame.columns]
    _refuse_twice(path, frame.columns)
    if not len(frame):
        raise DataError(f"{path} has no rows: a header line and one line per row are needed.")
    return Table(path, frame, [name for name in frame.columns if UNNAMED.fullmatch(name)])


def unreadable(path: Path, error: Exception) -> DataError:
    """Return the error for a file that cannot be read, with the reason in one line."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return DataError(f"cannot read {path}: {' '.join(reason.split()).rstrip('.')}.")


def _read(path: Path, label: str | None) -> "DataFrame":
    import pandas as pd  # late: an extra, which models of arrays do without

    if path.suffix.lower() == ".parquet":
        return pd.read_parquet(path, engine="pyarrow")
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    # The header as it stands: pandas gives a name that comes twice another ending.
    header = pd.read_csv(
        path, sep=separator, header=None, nrows=1, dtype=str, keep_default_na=False
    )
    names = header.iloc[0].tolist()
    _refuse_twice(path, [name for name in names if name])
    frame = pd.read_csv(path, sep=separator, low_memory=False)
    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(
            f"{path} has rows of more values than its header has names, {len(names):,}: "
            f"{listed(names)}. Name each column."
        )
    if label in names:
        as_text = {"usecols": [label], "dtype": object, "keep_default_na": False}
        frame[label] = pd.read_csv(path, sep=separator, **as_text)[label]
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
    small = all(str(dtype) in SMALL_TYPES for dtype in frame.dtypes)
    matrix = frame.to_numpy(dtype=np.float32 if small else np.float64, na_value=np.nan)
    if not np.isfinite(matrix).all():
        _refuse_gaps(table, columns.gaps(frame))
    return matrix


def _refuse_gaps(table: Table, gaps: columns.Gaps) -> None:
    """Refuse missing and infinite values of columns."""
    if gaps.missing:
        raise DataError(
            f"{table.path} has missing values: {counted(gaps.missing)}. Fill them, delete these "
            f"rows, or leave the columns out: {drops(gaps.missing)}"
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
            f"{table.path} has {columns.described(found)}. Encode "
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
