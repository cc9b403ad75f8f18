"""What the commands print while they work."""

import errno
import io
import json
import math
import os
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from multilayer._engine.callbacks.protocol import Callback

if TYPE_CHECKING:
    from multilayer._core.types import Report
    from multilayer._engine.callbacks.protocol import Progress, Run


# What the command line writes: results to standard output, all else to standard error ------------


ESCAPED = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
"""Unicode's categories of what a terminal would obey, hide or turn around."""
STANDARD_OUTPUT = "standard output"


def results() -> Console:
    """Return the console for results."""
    _standard_output()
    return _console(stderr=False)


def remarks() -> Console:
    """Return the console for progress, remarks and errors."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    # Labels and column names come from users: nothing in them is markup or an emoji.
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def say(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print one line, never wrapped, of plain strings and (string, style) pairs."""
    shown = [plain(part) if isinstance(part, str) else (plain(part[0]), part[1]) for part in parts]
    console.print(Text.assemble(*shown), soft_wrap=True)


def plain(text: str) -> str:
    """Return text with its control and format characters escaped.

    Whatever comes from a file or a user goes through here on its way to a terminal, which would
    obey some of them; others would hide or reverse what stands beside them.
    """
    if text.isprintable():
        return text
    spelt = (repr(c)[1:-1] if unicodedata.category(c) in ESCAPED else c for c in text)
    return "".join(spelt)


def say_error(message: object) -> None:
    """Print an error as one line."""
    say(remarks(), ("error:", "bold red"), " ", " ".join(str(message).split()))


def say_json(values: Mapping[str, object]) -> None:
    """Print one JSON object; numbers that JSON lacks become null."""
    write(json.dumps(_finite(values), allow_nan=False) + "\n")


def write(text: str) -> None:
    """Write data to standard output as they are; see :func:`to_terminal`."""
    _standard_output().write(text)


def to_terminal() -> bool:
    """Whether standard output is a terminal: labels on it must be :func:`plain`."""
    return _standard_output().isatty()


def _standard_output() -> TextIO:
    if sys.stdout is None:  # closed by whoever started the process
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), STANDARD_OUTPUT)
    return sys.stdout


@contextmanager
def escaped_output() -> Iterator[None]:
    """Escape characters that the encoding of an output lacks."""
    streams = [s for s in (sys.stdout, sys.stderr) if isinstance(s, io.TextIOWrapper)]
    before = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in zip(streams, before, strict=True):
            stream.reconfigure(errors=errors)


def flush() -> None:
    """Bring what was written to its reader, as long as a failure can still be reported."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError as error:
            error.filename = STANDARD_OUTPUT
            raise


def give_up_output() -> None:
    """Redirect outputs that cannot be written to the null device: Python flushes them at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Show each warning as one dim line on standard error."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        say(remarks(), ("warning: " + " ".join(str(message).split()), "dim"))

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = show
        yield


# Progress of training on standard error: a bar on a terminal, plain lines elsewhere, or nothing
#
# Each kind is a context manager and a callback of the estimator.


MOST_LINES = 20  # plain lines of a training run
SMALLEST_BAR, LARGEST_BAR = 10, 40
FIGURES_WIDTH = 63  # what stands beside the bar, at its widest


class Follower(Callback):
    """Follow training silently; the subclasses print."""

    only_watches = True

    def __init__(self) -> None:
        self.progress: Progress | None = None  # the latest
        self.report: Report | None = None  # of the latest finished epoch
        self.resumed_at = 0  # steps done before

    @property
    def steps(self) -> int:
        """Steps done."""
        return self.progress.step if self.progress else 0

    @property
    def seconds(self) -> float:
        """Seconds of the steps done."""
        return self.progress.seconds if self.progress else 0.0

    @property
    def speed(self) -> float:
        """Steps per second."""
        return self.steps / self.seconds if self.seconds else 0.0

    def on_train_begin(self, run: "Run") -> None:
        """Remember the step at which training resumes."""
        self.resumed_at = run.step

    def on_progress(self, progress: "Progress") -> None:
        """Remember the steps done."""
        self.progress = progress

    def on_epoch_end(self, report: "Report") -> None:
        """Remember the report of an epoch."""
        self.report = report

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End."""


class Lines(Follower):
    """Print plain lines, at most one per epoch."""

    def __init__(self, console: Console, epochs: int) -> None:
        super().__init__()
        self._console = console
        self._epochs = epochs
        self._interval = -(-epochs // MOST_LINES)
        self._due: Report | None = None

    def on_epoch_end(self, report: "Report") -> None:
        """Mark the epoch for printing, once its speed is known."""
        super().on_epoch_end(report)
        number = int(report["epoch"]) + 1
        if number % self._interval == 0 or number == self._epochs:
            self._due = report

    def on_progress(self, progress: "Progress") -> None:
        """Print the line that is due."""
        super().on_progress(progress)
        if progress.step == self.resumed_at:
            total = f"{progress.total_steps:,}"
            self._console.print(f"resuming after step {progress.step:,} of {total}")
        if self._due is not None:
            number = int(self._due["epoch"]) + 1
            self._console.print(
                f"epoch {number}/{self._epochs}  {figures(self._due)}  {self.speed:,.0f} steps/s",
                soft_wrap=True,
            )
            self._due = None


class Bar(Follower):
    """Show a bar that grows on a terminal."""

    def __init__(self, console: Console, epochs: int) -> None:
        super().__init__()
        width = min(max(console.width - FIGURES_WIDTH, SMALLEST_BAR), LARGEST_BAR)
        self._epochs = epochs
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=width),
            TextColumn("{task.fields[figures]}", style="dim"),
            TextColumn("{task.fields[clock]}", style="cyan"),
            console=console,
        )
        self._task = self._bars.add_task("compiling", total=None, figures="", clock="")

    def __enter__(self) -> Self:
        """Show the bar, which moves on its own while the program compiles."""
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the bar as it is; what never began stops moving."""
        if self.progress is None:
            self._bars.update(self._task, visible=False)
        self._bars.stop()

    def on_progress(self, progress: "Progress") -> None:
        """Bring the bar up to date."""
        super().on_progress(progress)
        per_epoch, left = progress.steps_per_epoch, progress.total_steps - progress.step
        number = min(progress.step // per_epoch + 1, self._epochs)
        shown = f"{self.speed:,.0f} steps/s"
        if self.report is not None:
            shown = f"{shown}  {figures(self.report)}"
        self._bars.update(
            self._task,
            description=f"epoch {number}/{self._epochs}",
            total=progress.total_steps,
            completed=progress.step,
            figures=shown,
            clock=f"{clock(left / self.speed)} left" if left else clock(progress.seconds),
        )


# The same for ensembles, which end where there is nothing more to gain


class EnsembleLines(Follower):
    """Print a plain line at the end of each cycle of the learning rate: 1, 3, 7, 15, ... epochs."""

    def __init__(self, console: Console, figures: "Callable[[Report], str]") -> None:
        super().__init__()
        self._console, self._figures = console, figures

    def on_epoch_end(self, report: "Report") -> None:
        """Print the line of an epoch that ends a cycle."""
        super().on_epoch_end(report)
        number = int(report["epoch"]) + 1
        if (number + 1).bit_count() == 1:
            self._console.print(f"epoch {number}  {self._figures(report)}", soft_wrap=True)


class EnsembleBar(Bar):
    """Show a bar of the steps planned, or of the time that there is."""

    def __init__(
        self, console: Console, budget: float | None, figures: "Callable[[Report], str]"
    ) -> None:
        super().__init__(console, 0)
        self._budget, self._figures = budget, figures

    def on_progress(self, progress: "Progress") -> None:
        """Bring the bar up to date."""
        self.progress = progress
        spent = progress.seconds + progress.compile_seconds
        budget, done = self._budget, float(progress.step)
        total = float(progress.total_steps)
        if budget is not None:
            done, total = min(spent, budget), budget
        self._bars.update(
            self._task,
            description=f"epoch {-(-progress.step // progress.steps_per_epoch)}",
            total=total,
            completed=done,
            figures="" if self.report is None else self._figures(self.report),
            clock=clock(spent),
        )


def ensemble_follower(
    console: Console, budget: float | None, *, classes: bool, silent: bool
) -> Follower:
    """Return what suits the console, for an ensemble of classes or of numbers."""
    if silent:
        return Follower()

    def shown(report: "Report") -> str:
        loss, score = report["validation_loss"], report["validation_score"]
        second = f"accuracy {score:.2%}" if classes else f"R2 {score:.4f}"
        return f"loss out of fold {loss:.4f}  {second}"

    lines = not console.is_terminal
    return EnsembleLines(console, shown) if lines else EnsembleBar(console, budget, shown)


def follower(console: Console, epochs: int, *, silent: bool) -> Follower:
    """Return what suits the console."""
    if silent:
        return Follower()
    return Bar(console, epochs) if console.is_terminal else Lines(console, epochs)


def figures(report: "Report") -> str:
    """Return an epoch's figures."""
    score = report["validation_score"]
    shown = f"loss {report['loss']:.4f}"
    return shown if score != score else f"{shown}  val {score:.2%}"  # NaN: not validated


def clock(seconds: float) -> str:
    """Return minutes and seconds, as in 1:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
