"""Rows appended to a CSV file, each on the disk before the next is made."""

import csv
import os
from collections.abc import Iterable
from typing import Any


class CSVRows:
    """A CSV file that grows by a row at a time.

    Parameters
    ----------
    path : str or path-like
        File to write.
    append : bool
        Whether rows go behind those of a file that exists; it is replaced otherwise.
    """

    def __init__(self, path: str | os.PathLike[str], *, append: bool) -> None:
        mode = "a" if append else "w"
        # Open for as long as rows come: no block of code could hold it.
        self._file = open(path, mode, newline="", encoding="utf-8")  # noqa: SIM115
        self._writer = csv.writer(self._file)
        self.empty = self._file.tell() == 0

    def write(self, row: Iterable[Any]) -> None:
        """Write a row, and hand it to the operating system at once."""
        self._writer.writerow(row)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
