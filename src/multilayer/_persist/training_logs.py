"""Files that training logs to: rows of CSV, and events of TensorBoard."""

import csv
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from multilayer._core.checks import refuse
from multilayer._persist.atomic import refusing

if TYPE_CHECKING:
    import numpy.typing as npt


# Rows appended to a CSV file, each on the disk before the next is made ---------------------------


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
        """Write a row, and pass it to the operating system at once."""
        with refusing(self._path):
            self._writer.writerow(row)
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with refusing(self._path):
            self._file.close()


# Event files: what TensorBoard reads, written record by record -----------------------------------
#
# tensorboardX makes the records. Its own writer passes them to a thread, and its ``flush`` does not
# wait for that; so they are written here one by one, and are in the file when ``flush`` returns.


N_BINS = 50  # of a histogram


def check_available() -> ModuleType:
    """Import tensorboardX, an extra, and return it, or say how it is installed."""
    try:
        import tensorboardX
    except ImportError as error:
        raise ImportError(
            "multilayer.callbacks.TensorBoard writes with tensorboardX, which cannot be imported. "
            "Install it: pip install tensorboardX"
        ) from error
    return tensorboardX


def make_folder(name: str, folder: Path) -> None:
    """Make a folder for event files, with its parents, and check that it can be written to.

    Raises
    ------
    InvalidArgumentError
        It does not; ``name`` is the argument that named it.
    """
    probe = folder / f".multilayer-{os.getpid()}-{time.time_ns()}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except (OSError, ValueError) as error:  # the latter of a name with a NUL in it
        reason = str(getattr(error, "strerror", None) or error).rstrip(".")
        refuse(name, "a folder in which files can be written", str(folder), f"{reason}.")


class EventFile:
    """A new event file.

    Parameters
    ----------
    folder : Path
        The folder of the training run, made where there is none. It may contain the files of
        earlier parts of the run; this one's name comes after theirs, which is the order they are
        read in.
    first_step : int
        TensorBoard discards the records of earlier files from this step on.

    Raises
    ------
    ModelFileError
        It cannot be written to, now or later (a ValueError).
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        self._tensorboardx = check_available()
        self._folder, self._records = folder, self._tensorboardx.proto.event_pb2
        with refusing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = self._tensorboardx.event_file_writer.EventsWriter(
                str(folder.absolute() / "events"), f".{time.time_ns()}.{os.getpid()}"
            )
        session = self._records.SessionLog
        self._write(first_step, session_log=session(status=session.START))

    def _write(self, step: int, **content: object) -> None:
        event = self._records.Event(wall_time=time.time(), step=step, **content)
        with refusing(self._folder):
            self._writer.write_event(event)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write a point of each curve."""
        summary = self._tensorboardx.proto.summary_pb2.Summary
        points = [summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._write(step, summary=summary(value=points))

    def histogram(self, tag: str, values: "npt.ArrayLike", step: int) -> None:
        """Write a histogram of the finite values, if there are any."""
        import numpy as np  # late: the command line's help imports this module

        flat = np.asarray(values, np.float64).ravel()
        finite = flat[np.isfinite(flat)]
        if finite.size:
            low, high = finite.min(), finite.max()
            margin = 0.5 if low == high else 0.0
            # numpy itself refuses to cut a range of neighbouring numbers into bins.
            edges = np.linspace(low - margin, high + margin, N_BINS + 1)
            made = self._tensorboardx.summary.histogram(tag, finite, edges)
            self._write(step, summary=made)

    def hyperparameters(self, values: Mapping[str, bool | float | str]) -> None:
        """Write the settings of the run."""
        # The first part would describe all runs together, from what this one knows; without it
        # TensorBoard gathers the settings of all. The last marks the run as finished.
        _, settings, _ = self._tensorboardx.summary.hparams(dict(values), {})
        self._write(0, summary=settings)

    def flush(self) -> None:
        """Flush to the disk."""
        with refusing(self._folder):
            self._writer.flush()

    def close(self) -> None:
        """Flush, and close the file."""
        with refusing(self._folder):
            self._writer.close()
