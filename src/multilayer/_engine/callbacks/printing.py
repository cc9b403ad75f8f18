"""Callbacks that show how training goes."""

from typing import TYPE_CHECKING

from multilayer._core.types import Report
from multilayer._engine.callbacks.protocol import Callback, Progress, Run

if TYPE_CHECKING:
    from rich import progress as bars


class PrintLoss(Callback):
    """Print scikit-learn's lines, one per epoch: what ``verbose=True`` does.

    Parameters
    ----------
    first : str, default=""
        A line to print before them.
    """

    only_watches = True

    def __init__(self, first: str = "") -> None:
        self._first = first

    def on_train_begin(self, run: Run) -> None:
        """Print the line that comes first, where there is one."""
        if self._first:
            print(self._first)

    def on_epoch_end(self, report: Report) -> None:
        """Print the loss, and the validation score where there is one."""
        print(f"Iteration {report['epoch'] + 1:.0f}, loss = {report['loss']:.8f}")
        score = report["validation_score"]
        if score == score:  # not NaN
            print(f"Validation score: {score:f}")


class ProgressBar(Callback):
    """A bar with the epochs done, the latest figures and the time left, on standard error.

    Where standard error is no terminal, the last state alone is printed.

    Examples
    --------
    >>> from multilayer import MLPClassifier
    >>> from multilayer.callbacks import ProgressBar
    >>> clf = MLPClassifier(callbacks=[ProgressBar()])
    """

    only_watches = True

    def __init__(self) -> None:
        self._bar: bars.Progress | None = None
        self._task: bars.TaskID | None = None
        self._figures = ""

    def __getstate__(self) -> dict[str, object]:
        """Leave the bar of a run behind when the estimator is copied or pickled."""
        return {"_bar": None, "_task": None, "_figures": ""}

    def on_train_begin(self, run: Run) -> None:
        """Show an empty bar."""
        from rich import console, progress  # late: a fit without a bar does without

        self._bar = progress.Progress(
            progress.TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            progress.BarColumn(),
            progress.TextColumn("{task.fields[figures]}"),
            progress.TimeRemainingColumn(),
            console=console.Console(stderr=True),
        )
        self._figures = ""
        self._task = self._bar.add_task("", total=None, epoch=0, epochs="?", figures="")
        self._bar.start()

    def on_epoch_end(self, report: Report) -> None:
        """Take the figures of an epoch."""
        self._figures = f"loss {report['loss']:.4g}"
        score = report["validation_score"]
        if score == score:  # not NaN
            self._figures += f", validation {score:.4g}"

    def on_progress(self, progress: Progress) -> None:
        """Move the bar."""
        assert self._bar is not None
        assert self._task is not None
        per_epoch = progress.steps_per_epoch
        self._bar.update(
            self._task,
            completed=progress.step,
            total=progress.total_steps,
            epoch=progress.step // per_epoch,
            epochs=-(-progress.total_steps // per_epoch),
            figures=self._figures,
        )

    def on_train_end(self, run: Run) -> None:
        """Leave the bar as it stands."""
        assert self._bar is not None
        self._bar.stop()
