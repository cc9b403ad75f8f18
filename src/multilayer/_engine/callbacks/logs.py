"""Callbacks that write logs: rows of a CSV file, and events for TensorBoard."""

import math
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from multilayer._core.checks import check_bool, check_integer, refuse
from multilayer._core.pytrees import Tree, named_leaves
from multilayer._core.types import Report
from multilayer._engine.callbacks.protocol import Callback, Progress, Run
from multilayer._persist.training_logs import CSVRows, EventFile, check_available, make_folder

# A callback that writes the history to a file during training ------------------------------------


class CSVLog(Callback):
    """Write one line per epoch to a CSV file, the columns of ``history_``.

    Parameters
    ----------
    path : str or path-like
        File to write; its folder must exist. Each line is in the file as soon as its epoch has
        been reported.
    append : bool, default=False
        Whether to append to the lines of an existing file, for training that is resumed; the file
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


# A callback that writes what TensorBoard shows during training -----------------------------------


CURVES = {
    "loss": "loss/training",
    "validation_loss": "loss/validation",
    "validation_score": "score/validation",
    "learning_rate": "learning_rate",
}
"""Columns of the history, with the names of their curves."""
SPEED = "steps_per_second"

LEFT_OUT = ("callbacks", "verbose", "warm_start", "checkpoint")
"""Arguments that say nothing of what is learnt."""
LONGEST = 200  # characters of an argument's text
ENDING = 8  # characters that distinguish runs of the same second


class TensorBoard(Callback):
    """Write curves, histograms and hyper-parameters for TensorBoard.

    Each fit has its own folder in `log_dir`, named after the time and a unique suffix, such as
    ``2026-03-14_15-09-26_f4d1c86b``: copies of an estimator that a search trains side by side do
    not mix. Resumed training (``warm_start``, ``partial_fit``, or from a checkpoint) continues in
    its folder. The figures of an epoch are on the disk before the next one begins.

    The curves, over the number of steps done (updates of the weights, with "lbfgs" iterations),
    are "loss/training", "loss/validation", "score/validation", "learning_rate" and
    "steps_per_second", a point per epoch; the last one has a point per call of the compiled
    program, which may do several short epochs. The estimator's arguments are in the HPARAMS tab.

    Writing needs tensorboardX: ``pip install tensorboardX``. Viewing needs TensorBoard itself:
    ``pip install tensorboard``, then ``tensorboard --logdir runs``.

    Parameters
    ----------
    log_dir : str or path-like
        Folder of all the runs to compare; it is made where it is missing.
    histograms : int, default=0
        Epochs from one histogram of each array of weights to the next, 0 for none. With them epochs
        are no longer done in groups, which slows training on small data.
    gradients : bool, default=False
        Whether the same epochs have histograms of the gradients too: those of the epoch's last
        batch (with "lbfgs" of all rows), the penalty included, at the weights after the epoch.
        They are computed for the histograms, at the cost of one step each.

    Attributes
    ----------
    folder : Path or None
        Folder of the latest run.

    Raises
    ------
    ImportError
        tensorboardX is not installed.
    InvalidArgumentError
        An argument breaks its rule, or, when training begins, `log_dir` takes no files.
    ModelFileError
        What was written so far stays, and no more can be written (a ValueError).

    Notes ----- A training run that is resumed has a further event file in its folder, with a marker
    that the earlier points after its first step are void: no epoch that was lost in a crash is
    shown twice. With ``partial_fit`` that is a file per call.

    Examples
    --------
    >>> from multilayer import MLPClassifier
    >>> from multilayer.callbacks import TensorBoard
    >>> clf = MLPClassifier(callbacks=[TensorBoard("runs", histograms=5)])
    """

    def __init__(
        self, log_dir: str | os.PathLike[str], *, histograms: int = 0, gradients: bool = False
    ) -> None:
        if not isinstance(log_dir, str | os.PathLike) or not os.fspath(log_dir):
            refuse("log_dir", "the name of a folder", log_dir)
        check_integer("histograms", histograms, 0)
        check_bool("gradients", gradients)
        if gradients and not histograms:
            refuse("gradients", "False without histograms", gradients, "Set histograms=1, for one.")
        check_available()
        self.log_dir = os.fspath(log_dir)
        self.histograms, self.gradients = histograms, gradients
        self.only_watches = not histograms
        self._leave()

    @property
    def acts(self) -> bool:
        """It does not influence training, although it reads the network."""
        return False

    def _leave(self) -> None:
        """Belong to no run."""
        self.folder: Path | None = None
        self._run: Run | None = None
        self._file: EventFile | None = None

    def __getstate__(self) -> dict[str, object]:
        """Leave the run behind when the estimator is copied or pickled: a copy has another."""
        return {**vars(self), "folder": None, "_run": None, "_file": None}

    def on_train_begin(self, run: Run) -> None:
        """Choose the folder of the run: a new one for a network's first step."""
        log_dir = Path(self.log_dir)
        make_folder("log_dir", log_dir)
        if run.step == 0:
            self.folder = None
        elif run.name is not None:  # from a checkpoint, in this process or another
            self.folder = max(log_dir.glob(f"*_{run.name[:ENDING]}"), default=None)
        if self.folder is None:
            ending = run.name or secrets.token_hex(ENDING)
            self.folder = log_dir / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{ending[:ENDING]}"
        self._run, self._file = run, None
        self._told = run.step, run.seconds
        self._new_points = False

    def on_epoch_end(self, report: Report) -> None:
        """Write the points of an epoch."""
        assert self._run is not None
        step = int(report["steps"])
        file = self._opened(step)
        # A loss that is not a number is news; another figure that is none is not there.
        file.scalars(
            {
                curve: report[column]
                for column, curve in CURVES.items()
                if column == "loss" or not math.isnan(report[column])
            },
            step,
        )
        self._new_points = True
        if self.histograms and (int(report["epoch"]) + 1) % self.histograms == 0:
            write_histograms(file, "weights", self._run.network, step)
            if self.gradients:
                write_histograms(file, "gradients", self._run.gradient(), step)

    def _opened(self, first_step: int) -> EventFile:
        """Return the event file, a new one for the first point of the run or of its next part."""
        if self._file is None:
            assert self._run is not None
            assert self.folder is not None
            self._file = EventFile(self.folder, first_step)
            self._file.hyperparameters(shown(self._run.arguments))
        return self._file

    def on_progress(self, progress: Progress) -> None:
        """Write the speed of the epochs just reported, and bring all down to the disk."""
        if not self._new_points:
            return
        step, seconds = self._told
        if progress.seconds > seconds:
            speed = (progress.step - step) / (progress.seconds - seconds)
            self._opened(progress.step).scalars({SPEED: speed}, progress.step)
        self._told = progress.step, progress.seconds
        self._new_points = False
        self._opened(progress.step).flush()

    def on_train_end(self, run: Run) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        self._run, self._file = None, None


def shown(arguments: Mapping[str, object]) -> dict[str, bool | float | str]:
    """Return an estimator's arguments as TensorBoard takes them; None is not there."""
    return {
        name: as_shown(value)
        for name, value in arguments.items()
        if value is not None and name not in LEFT_OUT
    }


def as_shown(value: object) -> bool | float | str:
    """Return a flag or a finite number as it is, NumPy's too, anything else as text."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        value = item()
    if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    text = getattr(value, "__name__", None) or repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def write_histograms(file: EventFile, group: str, tree: Tree, step: int) -> None:
    """Write a histogram of each array of a network's parameters, or of what is shaped like them."""
    for place, values in named_leaves(tree):
        file.histogram(f"{group}/{place}", values, step)
