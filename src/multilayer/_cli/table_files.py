"""Files that hold a table, and how each kind is read: by pandas, imported when there is one."""

import gzip
import io
import json
import os
import re
import stat
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from multilayer._cli.settings import MNIST, STDIN, STDIN_NAME, TableFormat
from multilayer._core.checks import listed, refuse
from multilayer._core.errors import DataError, MultilayerError

if TYPE_CHECKING:
    from pandas import DataFrame


# DATA on the command line: ``mnist``, ``-``, or the path of a file ------------------------------


Source: TypeAlias = "Path | io.BytesIO"


@dataclass(frozen=True)
class FileKind:
    """A kind of file that a table is read from."""

    read: "Callable[[TextTable], DataFrame]"
    sep: str | None = None  # between the values of a line, where they are text
    needs: str = "pandas"  # packages

    @property
    def typed(self) -> bool:
        """Whether the file says what is text and what is a number."""
        return self.sep is None


@dataclass(frozen=True)
class TextTable:
    """What a reader needs to know."""

    pandas: ModuleType
    open: Callable[[], Source]  # as often as the file is read
    path: Path
    kind: FileKind
    form: TableFormat
    label: str | None  # column whose cells are read as the text that they are
    as_text: Collection[str]  # columns that are text to a model, whatever stands in them

    @property
    def compression(self) -> str | None:
        """How the file is compressed."""
        return "gzip" if self.path.name.lower().endswith(".gz") else None


def kind_of(path: Path) -> FileKind | None:
    """Return the kind of a file by the end of its name, None for what holds no table."""
    name = path.name.lower()
    return next((kind for ending, kind in KINDS.items() if name.endswith(ending)), None)


def ending_of(path: Path) -> str:
    """Return the end of a file's name that says its kind, as in ".csv.gz"."""
    name = path.name.lower()
    return next((ending for ending in KINDS if name.endswith(ending)), path.suffix)


def find_source(data: str) -> Path | None:
    """Return the path of a data file, None for the embedded digits."""
    if data == MNIST:
        return None
    if data == STDIN:
        return Path(STDIN_NAME)
    path, known = Path(data), data_kinds()
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        meant = f" Did you mean {MNIST}?" if get_close_matches(data.lower(), [MNIST]) else ""
        raise DataError(f"file not found: {data}.{meant} DATA must be {known}.") from error
    except OSError as error:
        raise DataError(f"cannot read {data}: {error.strerror or error}.") from error
    except ValueError as error:  # a NUL in the name
        raise DataError(f"cannot read {data!r}: {error}.") from error
    if stat.S_ISDIR(mode):
        raise DataError(f"DATA must be {known}, got the folder {data}.")
    if not stat.S_ISREG(mode):  # a pipe could be read once only, a device without end
        raise DataError(
            f"DATA must be {known}, got {data}, which is not a regular file. Standard input is -."
        )
    if kind_of(path) is None and path.suffix.lower() != ".npz":
        raise DataError(f"DATA must be {known}, got {data}.")
    return path


def data_kinds() -> str:
    """Return what DATA may be, in words."""
    return f"mnist, a {', '.join(KINDS)} or .npz file, or - for CSV from standard input"


# Tables of columns with names ----------------------------------------------------------------


UNNAMED = re.compile(r"Unnamed: \d+")  # what pandas calls a column without a name
CODE = re.compile(r"0[0-9]+")  # digits that a number would not begin with
SAMPLE = 1000  # rows in which such codes are looked for


@dataclass(frozen=True)
class Table:
    """The columns of a file."""

    path: Path
    frame: "DataFrame"
    unnamed: list[str]  # columns without a name in the file, as pandas calls them
    decimal: str = "."

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.frame.columns)

    @property
    def typed(self) -> bool:
        """Whether the file says what is text and what is a number."""
        kind = kind_of(self.path)
        return kind is not None and kind.typed

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame)

    def frame_of(self, X: np.ndarray, names: list[str]) -> "DataFrame":
        """Return a data frame of other columns, which shares their memory."""
        return type(self.frame)(X, columns=names, copy=False)


def read_table(
    path: Path,
    label: str | None = None,
    form: TableFormat | None = None,
    as_text: Collection[str] = (),
) -> Table:
    """Read a file; its columns must have different names.

    Where a file has no types, the column of the labels is read as the text that it is: "00" is not
    0 there, and "NA" is not missing. So are other columns of digits that begin with 0, and those
    that are to be text; "NA" is missing in these.
    """
    form = form or TableFormat()
    kind = kind_of(path) or KINDS[".csv"]
    if kind.typed:
        form.refuse_for_typed(but="encoding" if kind.read is _read_json else "")
    try:
        frame = kind.read(TextTable(_pandas(), _opener(path), path, kind, form, label, as_text))
    except ImportError as error:
        raise DataError(
            f"reading {ending_of(path)} files needs {kind.needs}, not installed here. Install: "
            f"pip install {kind.needs.replace(' and ', ' ')}."
        ) from error
    except MultilayerError:
        raise
    except UnicodeDecodeError as error:
        remedy = "Give its encoding, such as --encoding latin-1 or --encoding utf-16."
        if error.object[:2] == GZIP:
            remedy = "It is compressed by gzip: add .gz to its name."
        raise DataError(
            f"cannot read {path}: it is no text in {form.encoding}. {remedy}"
        ) from error
    # pandas and pyarrow raise ValueErrors of their own kinds for whatever they cannot parse.
    except (ValueError, OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise unreadable(path, error) from error
    frame.columns = [str(column) for column in frame.columns]
    _refuse_twice(path, frame.columns)
    if not len(frame):
        raise DataError(f"{path} has no rows: a header line and one line per row are needed.")
    unnamed = [name for name in frame.columns if UNNAMED.fullmatch(name)]
    return Table(path, frame, unnamed, form.decimal)


def _pandas() -> ModuleType:
    import pandas  # late: an extra, which models of arrays do without

    return pandas


GZIP = b"\x1f\x8b"
"""The first bytes of what gzip has compressed."""


def _opener(path: Path) -> Callable[[], Source]:
    """Return what gives a file to read, from its beginning each time."""
    if path.name != STDIN_NAME:
        return lambda: path
    if sys.stdin is None:
        raise DataError("DATA is -, but there is no standard input.")
    content = sys.stdin.buffer.read()
    return lambda: io.BytesIO(content)


def unreadable(path: Path, error: Exception) -> DataError:
    """Return the error for a file that cannot be read, with the reason in one line."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return DataError(f"cannot read {path}: {' '.join(reason.split()).rstrip('.')}.")


def _refuse_twice(path: Path, names: Iterable[str]) -> None:
    """Refuse names that more than one column has."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(f"{path} has more than one column named {listed(twice)}. Rename them.")


def parquet_of(ids: "DataFrame | None", columns: Mapping[str, object]) -> bytes:
    """Return columns as a Parquet file, behind those that name the rows."""
    frame = _pandas().DataFrame(columns, index=None if ids is None else ids.index)
    if ids is not None:
        frame = _pandas().concat([ids, frame], axis=1)
    content = io.BytesIO()
    frame.to_parquet(content, engine="pyarrow", index=False)
    return content.getvalue()


# How each kind is read -----------------------------------------------------------------------


def _read_lines(table: TextTable) -> "DataFrame":
    """Read lines of values with a sign between them."""
    pd, form = table.pandas, table.form
    how = {
        "sep": form.sep or table.kind.sep,
        "encoding": form.encoding,
        "compression": table.compression,
    }
    if form.decimal == how["sep"]:
        refuse("--decimal", "another sign than stands between the values", form.decimal)
    as_it_stands = {"dtype": str, "keep_default_na": False}
    # The header as it stands: pandas gives a name that comes twice another ending.
    header = pd.read_csv(table.open(), header=None, nrows=1, **as_it_stands, **how)
    names = header.iloc[0].tolist()
    _refuse_twice(table.path, [name for name in names if name])
    text = {name: str for name in names if name in table.as_text}
    frame = pd.read_csv(
        table.open(), low_memory=False, decimal=form.decimal, dtype=text or None, **how
    )
    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(
            f"{table.path} has rows of more values than its header has names, {len(names):,}: "
            f"{listed(names)}. Name each column."
        )
    numbers = [name for name in frame.columns if frame[name].dtype.kind in "iu" and name in names]
    if numbers:
        cells = pd.read_csv(table.open(), usecols=numbers, nrows=SAMPLE, **as_it_stands, **how)
        codes = [name for name in numbers if any(map(CODE.fullmatch, cells[name]))]
        if codes:
            read = pd.read_csv(table.open(), usecols=codes, dtype=str, **how)
            frame[codes] = read[codes]
    if table.label in names:
        as_text = {"usecols": [table.label], "dtype": object, "keep_default_na": False}
        frame[table.label] = pd.read_csv(table.open(), **as_text, **how)[table.label]
    return frame


def _read_json(table: TextTable) -> "DataFrame":
    """Read an object for each line; text stays text, where pandas would convert some."""
    opened = gzip.open if table.compression else open
    with opened(table.path, "rt", encoding=table.form.encoding) as file:
        rows = [json.loads(line) for line in file if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{table.path} must have an object in each line: {{column: value}}.")
    return table.pandas.DataFrame(rows)


def _read_excel(table: TextTable) -> "DataFrame":
    header = table.pandas.read_excel(table.open(), engine="openpyxl", header=None, nrows=1)
    names = [str(name) for name in header.to_numpy().ravel().tolist() if name == name]
    _refuse_twice(table.path, names)
    # As objects first: text of digits would become numbers.
    frame = table.pandas.read_excel(table.open(), engine="openpyxl", dtype=object)
    return frame.infer_objects()


def _read_parquet(table: TextTable) -> "DataFrame":
    return table.pandas.read_parquet(table.open(), engine="pyarrow")


def _read_feather(table: TextTable) -> "DataFrame":
    return table.pandas.read_feather(table.open())


KINDS = {
    ".csv": FileKind(_read_lines, sep=","),
    ".csv.gz": FileKind(_read_lines, sep=","),
    ".tsv": FileKind(_read_lines, sep="\t"),
    ".tsv.gz": FileKind(_read_lines, sep="\t"),
    ".jsonl": FileKind(_read_json),
    ".jsonl.gz": FileKind(_read_json),
    ".xlsx": FileKind(_read_excel, needs="pandas and openpyxl"),
    ".parquet": FileKind(_read_parquet, needs="pandas and pyarrow"),
    ".feather": FileKind(_read_feather, needs="pandas and pyarrow"),
}
"""Kinds of files by the end of their names."""
