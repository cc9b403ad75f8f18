"""Keeping a training run in a folder while it trains, so that the same run can go on later."""

import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from multilayer._core.errors import ModelFileError
from multilayer._core.warning_level import level_of_caller
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.checkpoint_content import record, restore, restore_callbacks
from multilayer._engine.interrupts import Interrupts
from multilayer._persist.checkpoints import (
    Checkpoint,
    checkpoint_path,
    write_checkpoint,
)

if TYPE_CHECKING:
    from multilayer._engine.loop import Training


class Interval(NamedTuple):
    """How often a checkpoint is written: one of the two is set."""

    steps: int | None
    seconds: float | None


class Checkpointer:
    """Writes the checkpoints of one training run into its folder.

    Entered for as long as the run trains: SIGINT and SIGTERM wait for a checkpoint meanwhile. The
    disk is written to in a thread of its own, while the next steps are computed; a write that
    failed is reported at the next one.

    Parameters
    ----------
    folder : pathlib.Path
        Existing folder of this run alone, which no other process writes to.
    interval : Interval
        When checkpoints are due.
    keep : int
        Number of checkpoints to keep.
    identity : mapping
        What every checkpoint says of the run: JSON.
    found : Checkpoint or None
        The newest one in the folder, to go on from.
    """

    def __init__(
        self,
        folder: Path,
        interval: Interval,
        keep: int,
        identity: Mapping[str, Any],
        found: Checkpoint | None,
    ) -> None:
        self.interrupts = Interrupts()
        self._folder, self._interval, self._keep = folder, interval, keep
        self._identity, self._found = identity, found
        self._step = -1 if found is None else found.step  # of the newest checkpoint
        self._written_at = 0.0
        self._ends = ExitStack()
        self._pending: Future[Path] | None = None

    # For as long as the run trains ---------------------------------------------------------------

    def __enter__(self) -> Self:
        """Take note of signals from now on."""
        with ExitStack() as ends:
            ends.enter_context(self.interrupts)
            self._thread = ends.enter_context(ThreadPoolExecutor(1, "multilayer-checkpoint"))
            self._ends = ends.pop_all()
        self._written_at = monotonic()
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        """Wait for the disk, and let signals do again what they did."""
        with self._ends:
            try:
                self._wait()
            except Exception as failure:
                if error is None:
                    raise
                error.add_note(f"Moreover: {failure}")  # the first error is the one to see

    @property
    def name(self) -> str:
        """Name of the run."""
        return self._folder.name

    @property
    def resumes(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return self._found is not None

    def restore(self, training: "Training") -> None:
        """Bring a new run to where the checkpoint that was found left off."""
        if self._found is not None:
            restore(training, self._found)

    def restore_callbacks(self, training: "Training", callbacks: Sequence[Callback]) -> None:
        """Bring callbacks to where the checkpoint left off, once they have begun."""
        if self._found is not None:
            restore_callbacks(callbacks, training.network, self._found)

    # Between calls of the program ----------------------------------------------------------------

    def limit(self, step: int) -> float:
        """Return the step that the next call must not go beyond."""
        every = self._interval.steps
        return float("inf") if every is None else (step // every + 1) * every

    def write_if_due(self, training: "Training", callbacks: Sequence[Callback]) -> None:
        """Write a checkpoint if one is due."""
        steps, seconds = self._interval
        if steps is not None:
            due = training.step % steps == 0
        else:
            assert seconds is not None
            due = monotonic() - self._written_at >= seconds
        if due:
            self._write(training, callbacks)

    def finish(self, training: "Training", callbacks: Sequence[Callback]) -> None:
        """Write the last checkpoint of the run, and wait until it is on the disk."""
        if training.step != self._step:
            self._write(training, callbacks)
        self._wait()

    def yield_to_signal(self, training: "Training", callbacks: Sequence[Callback]) -> None:
        """Write a checkpoint, then do what the signal asks for; return if training may go on."""
        step, name = training.step, self.interrupts.name
        try:
            self.finish(training, callbacks)
        except ModelFileError as error:  # the signal goes before: what asks to stop must be heard
            outcome = f"could not be kept: {error}"
        else:
            path = checkpoint_path(self._folder, step)
            outcome = f"is kept in {path}. The same fit goes on from there."
        warnings.warn(
            f"{name} received: training stopped after step {step}, and {outcome}",
            stacklevel=level_of_caller(),
        )
        self.interrupts.hand_on()

    def _write(self, training: "Training", callbacks: Sequence[Callback]) -> None:
        """Begin to write a checkpoint; the one before must be on the disk by now."""
        self._wait()
        facts, arrays = record(training, callbacks)
        facts = {**self._identity, **facts}
        self._pending = self._thread.submit(
            write_checkpoint, self._folder, training.step, arrays, facts, keep=self._keep
        )
        self._step, self._written_at = training.step, monotonic()

    def _wait(self) -> None:
        """Wait for the write that is under way, and raise what went wrong in it."""
        pending, self._pending = self._pending, None
        if pending is not None and (error := pending.exception()) is not None:
            self._step = -1
            raise error
