"""Training from the first step to the last: calls of a program, one after another.

The stages of a fit, on this side of the seam (``program.py``; before it, see the estimators):

1. The front assembles a :class:`Training` from its arguments: configuration, numbers and first
   state (``state.py``), rows and their order (``_data/source.py``) and the maker of programs.
2. ``checkpointer.py`` handles signals from here on; if its folder contains a checkpoint, it
   restores the run to that point.
3. :func:`train` begins: ``on_train_begin`` of the callbacks (``callbacks/``).
4. :func:`make_calls`, again and again: the source gives the window of rows that contains the next
   step; :class:`Pace`, the end of the epoch and the next checkpoint say how far the call may go.
5. :func:`advance` calls the program, made at the first call; it trains, validates and applies the
   rule of ``stopping.py``.
6. :func:`close` completes figures that need Python: a scorer, or rows that are streamed.
7. The figures go to ``history.py``; :func:`report` shows them to the callbacks, which may end
   training; the checkpointer writes what is due.
8. A signal (``stopping.py``) ends training between two calls, with a checkpoint.
9. ``on_train_end``; the front reads the state and the history.

L-BFGS runs stages 1, 3 and 9 and has its own loop: ``lbfgs.py``.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from multilayer._core.pytrees import leaves
from multilayer._core.types import Report
from multilayer._data.source import Rows, Source, Window, pad_rows
from multilayer._engine.callbacks.protocol import Callback, Progress, Run, Stop
from multilayer._engine.history import History
from multilayer._engine.program import Arguments, EpochEnd, Maker, Program, Validation
from multilayer._engine.state import DIVERGED, RUNNING, FitConfig, Hyper, TrainState
from multilayer._engine.stopping import Interrupted, close_epoch
from multilayer._nn.model import Parameters
from multilayer._objectives.objective import n_sums, reported_share, score
from multilayer._optim.schedules import Rates

if TYPE_CHECKING:
    from multilayer._engine.checkpointer import Checkpointer

# Loss and score on validation rows that are streamed, too many for the device --------------------


@dataclass(frozen=True)
class StreamedValidation:
    """Rows that stay where they are; blocks of them are made dense in turn."""

    take: Callable[[slice], np.ndarray]
    y: np.ndarray
    weight: np.ndarray
    scale: np.ndarray
    block: int  # rows of a block

    def judge(self, training: "Training", network: Parameters) -> tuple[float, float]:
        """Return the weighted mean loss and the score, summed up block by block in float64."""
        config, hyper, maker = training.config, training.hyper, training.maker
        loss, total = 0.0, np.zeros(n_sums(config.objective))
        for start in range(0, len(self.y), self.block):
            training.check_interrupts()  # a pass over many rows takes long
            some = slice(start, min(start + self.block, len(self.y)))
            parts = self.take(some), self.y[some], self.weight[some]
            # The last block is padded to the shape of the others, so that all share a program.
            rows = Rows(*(pad_rows(part, self.block) for part in parts))
            part, sums = maker.sums_program(config, hyper, network, rows)(network, hyper, rows)
            loss += float(part)
            total += np.asarray(sums, np.float64)
        mean = loss / self.weight.sum(dtype=np.float64) * reported_share(config.objective)
        return mean, float(score(config.objective, total.astype(self.scale.dtype), self.scale))


class HostValidation(Protocol):
    """Validation between the calls of a program, by whatever Python computes."""

    def judge(self, training: "Training", network: Parameters) -> tuple[float, float]:
        """Return the loss and the score of a network."""


# Training from the first step to the last: calls of a program, one after another -----------------


CALL_SECONDS = 0.25  # a call of the program aims at this, so that Ctrl-C and progress stay prompt
FIRST_CALL_OPERATIONS = 2e9  # and the first call, of unknown speed, at this much arithmetic

Budget = Callable[[int], int]
"""Steps that the next call may take, given the step it starts from."""

Scorer = Callable[[Parameters], float]
"""The score of a network, higher is better, from a function of Python's."""


@dataclass
class Training:
    """A training run: its parts, and how far it has come.

    ``state`` and ``history`` always belong together: both change only when a call has returned.
    """

    maker: Maker
    config: FitConfig
    hyper: Hyper
    source: Source
    schedule: Rates
    validation: Validation | HostValidation | None
    state: TrainState
    scorer: Scorer | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)  # the estimator's, for callbacks
    begun: int = 0  # epochs done before this run, by the same network
    checkpointer: "Checkpointer | None" = None  # writes checkpoints, if requested
    history: History = field(default_factory=History)
    seconds: float = 0.0  # in calls of the program
    compile_seconds: float = 0.0
    reported: int = 0  # epochs that callbacks have seen
    stopped_by: Stop | None = None
    _program: tuple[tuple, Program] | None = None  # with the shapes it is for

    @property
    def name(self) -> str | None:
        """The folder of the checkpoints is named after what makes this run the same as another."""
        return None if self.checkpointer is None else self.checkpointer.name

    @property
    def step(self) -> int:
        """Steps done."""
        return int(self.state.step)

    @property
    def status(self) -> int:
        """RUNNING, CONVERGED or DIVERGED."""
        return int(self.state.status)

    @property
    def diverged(self) -> bool:
        """Whether the loss became infinite or NaN."""
        return self.status == DIVERGED

    @property
    def network(self) -> Parameters:
        """The parameters to predict with, as they are now."""
        return self.state.model

    def program_for(self, window: Window, args: Arguments) -> Program:
        """Return the program of a window; one after another has the same shapes."""
        shapes = (window.epochs, window.order.shape, window.rows.X.shape)
        if self._program is None or self._program[0] != shapes:
            self._program = shapes, self.maker.training_program(self.config, window.epochs, args)
        return self._program[1]

    def check_interrupts(self) -> None:
        """Raise Interrupted where a signal waits for a checkpoint."""
        if self.checkpointer is not None:
            self.checkpointer.interrupts.check()

    def restore(self, network: Parameters) -> None:
        """Put parameters in place that :attr:`network` once gave."""
        average = None if self.state.average is None else network
        self.state = self.state._replace(params=network, average=average)

    def gradient(self) -> Parameters:
        """Gradient of the latest batch, penalty included, at the parameters in training."""
        step = max(self.step - 1, 0)
        window = self.source.window(step)
        return self.maker.batch_gradient(self.config, self.hyper, self.state.params, window, step)


def train(
    training: Training,
    stop: int,
    *,
    callbacks: Sequence[Callback] = (),
    budget: Budget | None = None,
) -> None:
    """Train until step ``stop``, convergence, divergence or a callback's request.

    An exception (a callback's, Ctrl-C) leaves ``training`` as it was after the last call.
    """
    pace = budget or Pace(training)
    with attended(training, callbacks):
        if training.checkpointer is not None and training.checkpointer.resumes:
            training.checkpointer.restore_callbacks(training, callbacks)
            report(training, stop, callbacks)
        while under_way(training, stop):
            try:
                make_calls(training, stop, pace, callbacks)
            except Interrupted:
                assert training.checkpointer is not None
                training.checkpointer.yield_to_signal(training, callbacks)
        if training.checkpointer is not None:
            training.checkpointer.finish(training, callbacks)


def under_way(training: Training, stop: int) -> bool:
    """Whether there is more to train."""
    return training.step < stop and training.status == RUNNING and not training.stopped_by


def make_calls(training: Training, stop: int, pace: Budget, callbacks: Sequence[Callback]) -> None:
    """Call the program until training is over; raise Interrupted when a signal came."""
    one_epoch = training.config.closed_outside or not all(c.only_watches for c in callbacks)
    checkpointer = training.checkpointer
    window = training.source.window(training.step)
    while under_way(training, stop):
        training.check_interrupts()
        if not window.first <= training.step < window.stop:
            window = training.source.window(training.step)
        until = min(stop, window.stop, training.step + pace(training.step))
        if one_epoch:
            until = min(until, end_of_epoch(training))
        if checkpointer is not None:
            until = int(min(until, checkpointer.limit(training.step)))
        advance(training, window, until)
        report(training, stop, callbacks)
        if checkpointer is not None:
            checkpointer.write_if_due(training, callbacks)


@contextmanager
def attended(run: Run, callbacks: Sequence[Callback]) -> Iterator[None]:
    """Call callbacks at the beginning and, however training ends, at the end."""
    with ExitStack() as ends:
        for callback in callbacks:
            callback.on_train_begin(run)
            ends.callback(callback.on_train_end, run)
        yield


def end_of_epoch(training: Training) -> int:
    """Return the step that the present epoch ends before."""
    per_epoch = training.source.steps_per_epoch
    return (training.step // per_epoch + 1) * per_epoch


def prepare(training: Training) -> None:
    """Make the program of a run ahead of its first step."""
    window = training.source.window(training.step)
    args = arguments(training, window, 0)
    training.maker.training_program(training.config, window.epochs, args)


def arguments(training: Training, window: Window, until: int) -> Arguments:
    """What a call of the program gets."""
    validation = training.validation
    return Arguments(
        state=training.state,
        hyper=training.hyper,
        rows=window.rows,
        order=window.order,
        rates=window_rates(training, window),
        validation=validation if isinstance(validation, Validation) else None,
        first=np.int32(window.first),
        stop=np.int32(until),
    )


def advance(training: Training, window: Window, until: int) -> None:
    """Call the program once."""
    args = arguments(training, window, until)
    start = time.perf_counter()
    program = training.program_for(window, args)
    compiled = time.perf_counter()
    state, report = program(args)
    training.compile_seconds += compiled - start
    training.seconds += time.perf_counter() - compiled

    per_epoch = training.source.steps_per_epoch
    finished = int(state.step) // per_epoch - training.step // per_epoch
    lines = np.asarray(report)[:finished]
    if training.config.closed_outside and finished:
        state, lines = close(training, state, lines)
    training.history.add(lines, per_epoch, training.seconds)
    training.state = state


def close(
    training: Training, state: TrainState, lines: np.ndarray
) -> tuple[TrainState, np.ndarray]:
    """Complete the figures of the one epoch that has ended, and apply the stopping rule."""
    figures, real = EpochEnd(*lines[0]), lines.dtype.type
    network, validation = state.model, training.validation
    if validation is not None and not isinstance(validation, Validation):
        loss, score = map(real, validation.judge(training, network))
        figures = figures._replace(validation_loss=loss, validation_score=score)
    if training.scorer is not None and np.isfinite(figures.loss):  # NaN is not for a scorer
        figures = figures._replace(validation_score=real(training.scorer(network)))
    known = state.on_host()
    return close_epoch(training.config, training.hyper, known, figures), np.array([figures])


def report(training: Training, stop: int, callbacks: Sequence[Callback]) -> None:
    """Report to the callbacks the epochs they have not seen, and the progress."""
    if not callbacks:
        return
    progress = Progress(
        training.step,
        stop,
        training.source.steps_per_epoch,
        training.seconds,
        training.compile_seconds,
    )
    unseen = training.history.reports(training.reported)
    training.stopped_by = report_each(callbacks, unseen, progress) or training.stopped_by
    training.reported = len(training.history)


def report_each(
    callbacks: Sequence[Callback], reports: Sequence[Report], progress: Progress
) -> Stop | None:
    """Report finished epochs and the progress to callbacks; return the last word to stop."""
    said: Stop | None = None
    for callback in callbacks:
        for report in reports:
            said = callback.on_epoch_end(report) or said
        callback.on_progress(progress)
    return said


def window_rates(training: Training, window: Window) -> np.ndarray:
    """Learning rates of the steps of a window."""
    steps = window.first + np.arange(window.order.shape[0])
    return training.schedule(steps).astype(training.config.dtype)


class Pace:
    """Choose the steps of each call so that it takes about `CALL_SECONDS`."""

    def __init__(self, training: Training) -> None:
        weights = sum(leaf.size for leaf in leaves(training.state.params))
        # Forward and backward pass are six operations per weight and row.
        self._first = int(FIRST_CALL_OPERATIONS / (6 * weights * training.source.width)) + 1
        self._training = training
        self._begun, self._before = training.step, training.seconds

    def __call__(self, step: int) -> int:
        """Return the number of steps of the next call."""
        done = step - self._begun
        if done == 0:
            return self._first
        return max(1, int(done * CALL_SECONDS / (self._training.seconds - self._before)))
