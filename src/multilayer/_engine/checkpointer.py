"""Checkpoints of a training run: what is in them, and when they are written."""

import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from math import inf
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from multilayer._core.environment import level_of_caller
from multilayer._core.errors import ModelFileError
from multilayer._core.types import REPORT_COLUMNS
from multilayer._engine.callbacks.protocol import Callback, Stop
from multilayer._engine.history import History
from multilayer._engine.stopping import Interrupts
from multilayer._nn.model import Parameters
from multilayer._persist.checkpoints import StoredCheckpoint, checkpoint_path, write_checkpoint
from multilayer._persist.description import decode, encode
from multilayer._persist.parameters_file import named_leaves, restored_tree
from multilayer._persist.tensors import Arrays, PathLike

if TYPE_CHECKING:
    from multilayer._engine.loop import Training


# What a checkpoint stores of a training run, and how it is restored ------------------------------
#
# That is the state, the history and the states of callbacks. The order of rows and random numbers
# are functions of the seed and of the step, so a resumed run is bit-identical to one that was never
# interrupted.


PLAIN = (bool, int, float, str, type(None))
"""What of a callback's state goes into the facts; all else is a network."""


def record(
    training: "Training", callbacks: Sequence[Callback]
) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """Return facts (JSON) and arrays, from which :func:`restore` recreates the run."""
    stop = training.stopped_by
    arrays = named_leaves("state", training.state)
    arrays |= named_leaves("history", training.history.columns())
    encoded: list[dict[str, object]] = []
    for i, state in enumerate(callback.state() for callback in _stateful(callbacks)):
        plain = {key: value for key, value in state.items() if isinstance(value, PLAIN)}
        encoded.append({key: encode(key, value) for key, value in plain.items()})
        for key in state.keys() - plain.keys():
            named = named_leaves(f"callbacks/{i}/{key}", state[key])
            # Copies: a callback may change its arrays in place while they are written.
            arrays |= {name: array.copy() for name, array in named.items()}
    facts: dict[str, object] = {
        "epoch": len(training.history),
        "seconds": training.seconds,
        "compile_seconds": training.compile_seconds,
        "stopped_by": None if stop is None else stop.reason,
        "callbacks": encoded,
    }
    return facts, arrays


def restore(training: "Training", checkpoint: StoredCheckpoint) -> None:
    """Bring a new run to the step, the state and the history of a checkpoint."""
    arrays, facts = _completed(checkpoint.arrays), checkpoint.facts
    training.state = restored_tree("state", training.state, arrays, checkpoint.path)
    columns = _below("history/", arrays)
    shapes = {column.shape for column in columns.values()}
    if columns and (columns.keys() != set(REPORT_COLUMNS) or shapes != {(len(columns["loss"]),)}):
        raise _damaged(checkpoint)
    training.history = History.of_columns(columns)
    training.reported = len(training.history)
    match facts:
        case {
            "seconds": float(seconds),
            "compile_seconds": float(compiled),
            "stopped_by": str() | None as reason,
        } if 0 <= seconds < inf and 0 <= compiled < inf:
            training.seconds, training.compile_seconds = seconds, compiled
            training.stopped_by = None if reason is None else Stop(reason)
        case _:
            raise _damaged(checkpoint)


def _completed(arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Add what checkpoints of earlier releases lack: the validation loss of the best network.

    Those returned to the first epoch of the best score; the history says what its loss was.
    """
    best = arrays.get("state/best_kept")
    if best is None or "state/best_loss" in arrays:
        return arrays
    scores, losses = (arrays.get(f"history/validation_{name}", ()) for name in ("score", "loss"))
    reached = np.flatnonzero(np.asarray(scores, best.dtype) == -best)
    loss = losses[reached[0]] if len(reached) and len(losses) == len(scores) else np.inf
    return {**arrays, "state/best_loss": np.asarray(loss, best.dtype)}


def restore_callbacks(
    callbacks: Sequence[Callback], network: Parameters, checkpoint: StoredCheckpoint
) -> None:
    """Give callbacks the states that they had; networks in them are like the one given."""
    encoded, stateful = checkpoint.facts.get("callbacks"), _stateful(callbacks)
    if not isinstance(encoded, list) or not all(isinstance(plain, dict) for plain in encoded):
        raise _damaged(checkpoint)
    if len(encoded) != len(stateful):
        raise _damaged(checkpoint)
    for i, (callback, plain) in enumerate(zip(stateful, encoded, strict=True)):
        state = {key: decode(value) for key, value in plain.items()}
        prefix = f"callbacks/{i}/"
        for key in {name.split("/")[0] for name in _below(prefix, checkpoint.arrays)}:
            state[key] = restored_tree(prefix + key, network, checkpoint.arrays, checkpoint.path)
        callback.set_state(state)


def _stateful(callbacks: Sequence[Callback]) -> list[Callback]:
    """Return the callbacks that act on training and have a state.

    Those that only watch may differ between the parts of a run.
    """
    return [c for c in callbacks if c.acts and type(c).state is not Callback.state]


def _below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin so, by the rest of their names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _damaged(checkpoint: StoredCheckpoint) -> ModelFileError:
    return ModelFileError(
        f"{checkpoint.path} is no checkpoint of this run. Remove its folder to start anew."
    )


# Checkpoints of a training run, written while it trains so that it can resume later --------------


class Interval(NamedTuple):
    """How often a checkpoint is written: at multiples of steps, by the clock, or neither."""

    steps: int | None
    seconds: float | None

    def limit(self, step: int) -> float:
        """Return the step that the next call must not go beyond."""
        return float("inf") if self.steps is None else (step // self.steps + 1) * self.steps

    def due(self, step: int, seconds: float) -> bool:
        """Whether to write one after a step, so many seconds after the last one."""
        if self.steps is not None and step % self.steps == 0:
            return True
        return self.seconds is not None and seconds >= self.seconds


class CheckpointWriter:
    """Writes the checkpoints of one training run into its folder: of every front's.

    Entered for as long as the run trains. The disk is written to in a thread of its own, while the
    next steps are computed; a write that failed is reported at the next one.

    Parameters
    ----------
    folder : str or path-like
        Existing folder of this run alone, which no other process writes to.
    interval : Interval
        When checkpoints are due.
    keep : int or None
        Number of newest checkpoints that are retained; None for all.
    """

    def __init__(self, folder: PathLike, interval: Interval, keep: int | None) -> None:
        self.folder, self.interval = folder, interval
        self.step = -1  # of the newest checkpoint, -1 where there is none
        self._keep = keep
        self._written_at = 0.0
        self._ends = ExitStack()
        self._pending: Future[Path] | None = None

    def __enter__(self) -> Self:
        """Start the thread, and the clock."""
        with ExitStack() as ends:
            self._thread = ends.enter_context(ThreadPoolExecutor(1, "multilayer-checkpoint"))
            self._ends = ends.pop_all()
        self._written_at = monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait for the disk."""
        with self._ends:
            try:
                self.wait()
            except Exception as failure:
                if error is None:
                    raise
                error.add_note(f"Moreover: {failure}")  # the first error is the one to see

    def is_due(self, step: int) -> bool:
        """Whether to write a checkpoint after a step."""
        return self.interval.due(step, monotonic() - self._written_at)

    def write(self, step: int, arrays: Arrays, facts: Mapping[str, object]) -> None:
        """Begin to write a checkpoint; the one before must be on the disk by now."""
        self.wait()
        self._pending = self._thread.submit(
            write_checkpoint, self.folder, step, arrays, facts, keep=self._keep
        )
        self.step, self._written_at = step, monotonic()

    def wait(self) -> None:
        """Wait for the write that is under way, and raise what went wrong in it."""
        pending, self._pending = self._pending, None
        if pending is not None and (error := pending.exception()) is not None:
            self.step = -1
            raise error


class Checkpointer:
    """Takes a training run of the loop into its folder, and back from there.

    Entered for as long as the run trains: SIGINT and SIGTERM wait for a checkpoint meanwhile.

    Parameters
    ----------
    folder : pathlib.Path
        Existing folder of this run alone, which no other process writes to.
    interval : Interval
        When checkpoints are due.
    keep : int
        Number of checkpoints that are retained.
    identity : mapping
        What every checkpoint says of the run: JSON.
    found : StoredCheckpoint or None
        The newest one in the folder, to resume from.
    """

    def __init__(
        self,
        folder: Path,
        interval: Interval,
        keep: int,
        identity: Mapping[str, object],
        found: StoredCheckpoint | None,
    ) -> None:
        self.interrupts = Interrupts()
        self._writer = CheckpointWriter(folder, interval, keep)
        self._folder, self._identity, self._found = folder, identity, found
        if found is not None:
            self._writer.step = found.step
        self._ends = ExitStack()

    # For as long as the run trains ---------------------------------------------------------------

    def __enter__(self) -> Self:
        """Handle signals from now on."""
        with ExitStack() as ends:
            ends.enter_context(self.interrupts)
            ends.enter_context(self._writer)
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait for the disk, and restore the earlier handling of signals."""
        self._ends.__exit__(kind, error, traceback)

    @property
    def name(self) -> str:
        """Name of the run."""
        return self._folder.name

    @property
    def resumes(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return self._found is not None

    def restore(self, training: "Training") -> None:
        """Bring a new run to where the checkpoint that was found left off.

        All of it is in the files: what is random, and the order of rows, are functions of the seed
        and the step. So the rest of the run has the bits that it would have had without an end.
        """
        if self._found is not None:
            restore(training, self._found)

    def restore_callbacks(self, training: "Training", callbacks: Sequence[Callback]) -> None:
        """Bring callbacks to where the checkpoint left off, once they have begun."""
        if self._found is not None:
            restore_callbacks(callbacks, training.network, self._found)

    # Between calls of the program ----------------------------------------------------------------

    def limit(self, step: int) -> float:
        """Return the step that the next call must not go beyond."""
        return self._writer.interval.limit(step)

    def write_if_due(self, training: "Training", callbacks: Sequence[Callback]) -> None:
        """Write a checkpoint if one is due."""
        if self._writer.is_due(training.step):
            self._write(training, callbacks)

    def finish(self, training: "Training", callbacks: Sequence[Callback]) -> None:
        """Write the last checkpoint of the run, and wait until it is on the disk."""
        if training.step != self._writer.step:
            self._write(training, callbacks)
        self._writer.wait()

    def yield_to_signal(self, training: "Training", callbacks: Sequence[Callback]) -> None:
        """Write a checkpoint, then do what the signal requests; return if training may continue."""
        step, name = training.step, self.interrupts.name
        try:
            self.finish(training, callbacks)
        except ModelFileError as error:  # the signal goes before: what asks to stop must be heard
            outcome = f"could not be saved: {error}"
        else:
            path = checkpoint_path(self._folder, step)
            outcome = f"is saved in {path}. The same fit resumes from there."
        warnings.warn(
            f"{name} received: training stopped after step {step}, and {outcome}",
            stacklevel=level_of_caller(),
        )
        self.interrupts.hand_on()

    def _write(self, training: "Training", callbacks: Sequence[Callback]) -> None:
        facts, arrays = record(training, callbacks)
        self._writer.write(training.step, arrays, {**self._identity, **facts})
