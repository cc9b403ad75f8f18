"""NumPy archives: NPZ files with X and y, or with parts that are set apart already."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multilayer._cli.labels import check_labels
from multilayer._cli.table_files import unreadable
from multilayer._core.checks import listed
from multilayer._core.errors import DataError

PARTS = ("train", "valid", "test")

Part = tuple[np.ndarray, np.ndarray | None]
"""Rows, and their labels where there are any."""


@dataclass(frozen=True)
class Archive:
    """The content of an NPZ file."""

    path: Path
    keys: list[str]  # names of all its arrays
    parts: dict[str, Part]  # "train", "valid", "test"; "all" for plain X and y

    def lacks(self, needed: str) -> DataError:
        """Return the error for an archive without the part that a command needs."""
        return DataError(f"{self.path} must contain {needed}, got the arrays {listed(self.keys)}.")


def read_archive(path: Path) -> Archive:
    """Read an NPZ file and check the parts it has."""
    keys, arrays = _read(path)
    parts = {}
    for name in ("all", *PARTS):
        suffix = "" if name == "all" else f"_{name}"
        if f"X{suffix}" in arrays:
            parts[name] = _part(path, arrays, suffix)
    return Archive(path, keys, parts)


def _read(path: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    """Return the names of all arrays, and the arrays of known name."""
    wanted = {f"{letter}{part}" for letter in "Xy" for part in ("", *(f"_{p}" for p in PARTS))}
    try:
        # Opened here: NumPy leaves a file open that turns out to be no archive.
        with open(path, "rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise DataError(f"{path} is a single array, not an archive with X and y.")
            with archive:
                keys = list(archive.files)
                return keys, {key: archive[key] for key in keys if key in wanted}
    except DataError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{path} is no archive of plain arrays: it holds Python objects, or is another "
                "kind of file. Save numbers and text with numpy.savez(file, X=X, y=y)."
            ) from error
        raise unreadable(path, error) from error


def _part(path: Path, arrays: dict[str, np.ndarray], suffix: str) -> Part:
    """Check one part: a matrix of finite numbers, one label per row where there are labels."""
    X, y = arrays[f"X{suffix}"], arrays.get(f"y{suffix}")
    where = f"X{suffix} in {path}"
    if X.ndim != 2 or not X.size:
        raise DataError(f"{where} must have rows and columns, got an array of shape {X.shape}.")
    if X.dtype.kind not in "biuf":
        raise DataError(f"{where} must contain numbers, got values of type {X.dtype}.")
    if X.dtype.kind == "f":
        missing, infinite = int(np.isnan(X).sum()), int(np.isinf(X).sum())
        if missing or infinite:
            raise DataError(
                f"{where} has {missing:,} missing and {infinite:,} infinite values. Fill them, or "
                "delete these rows."
            )
    if y is None:
        return X, None
    check_labels(y, f"y{suffix} in {path}")
    if len(y) != len(X):
        raise DataError(f"{where} has {len(X):,} rows, but y{suffix} has {len(y):,} labels.")
    return X, y
