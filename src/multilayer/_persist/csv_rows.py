"""Rows appended to a CSV file, each on the disk before the next is made."""

import csv
import os
from collections.abc import Iterable

from multilayer._persist.atomic import refusing


class CSVRows:
    """A CSV file that grows by a row at a time.

    Parameters
    ----------
    path : str or path-like
        File to write.
    append : bool
        Whether rows go behind those of a file that exists; it is replaced otherwise.

    Raises
    ------
    ModelFileError
        It cannot be written to, now or later (a ValueError).
    """

    def __init__(self, path: str | os.PathLike[str], *, append: bool) -> None:
        mode, self._path = "a" if append else "w", path
        with refusing(path):
            # Open until close: rows come one at a time, from a callback.
            self._file = open(path, mode, newline="", encoding="utf-8")  # noqa: SIM115
            self.empty = os.fstat(self._file.fileno()).st_size == 0  # of a pipe too
        self._writer = csv.writer(self._file)

    def write(self, row: Iterable[object]) -> None:
        """Write a row, and hand it to the operating system at once."""
        with refusing(self._path):
            self._writer.writerow(row)
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with refusing(self._path):
            self._file.close()
