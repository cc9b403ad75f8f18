"""A callback that writes the history to a file while training goes on."""

import os

from multilayer._core.types import Report
from multilayer._engine.callbacks.protocol import Callback, Run
from multilayer._persist.csv_rows import CSVRows


class CSVLog(Callback):
    """Write one line per epoch to a CSV file, the columns of ``history_``.

    Parameters
    ----------
    path : str or path-like
        File to write; its folder must exist. Each line is in the file as soon as its epoch has
        been reported.
    append : bool, default=False
        Whether to write behind the lines of an existing file, for training that goes on; the file
        is replaced otherwise.

    Raises
    ------
    ModelFileError
        The file cannot be written (a ValueError): raised before the first step, or when a line can
        no longer be written, which ends training as any error of a callback does.
    """

    only_watches = True

    def __init__(self, path: str | os.PathLike[str], *, append: bool = False) -> None:
        self.path, self.append = path, append
        self._rows: CSVRows | None = None

    def on_train_begin(self, run: Run) -> None:
        """Open the file."""
        self._rows = CSVRows(self.path, append=self.append)

    def on_epoch_end(self, report: Report) -> None:
        """Write a line."""
        assert self._rows is not None
        if self._rows.empty:
            self._rows.write(report)
            self._rows.empty = False
        self._rows.write(report.values())

    def on_train_end(self, run: Run) -> None:
        """Close the file."""
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    def __getstate__(self) -> dict[str, object]:
        """Leave the open file behind when the estimator is copied or pickled."""
        return {"path": self.path, "append": self.append, "_rows": None}
