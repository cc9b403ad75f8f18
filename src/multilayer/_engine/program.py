"""The seam between the training loop and what computes: a program, and a maker of programs.

On this side of it is everything that orchestrates a run (loop, callbacks, checkpoints, signals,
history); it imports no JAX. On the other side is the arithmetic: :mod:`multilayer._engine.xla`
today. All that goes across is a tree of NumPy-compatible arrays: whatever ``np.asarray`` and
``int`` take. So another maker, of native code for instance, is plugged in as ``Training.maker`` and
nothing here changes.

The seam lies where it does because of what crosses it how often. A step takes microseconds on small
data, so a call must do many of them: a program trains up to any step, through the ends of epochs,
validation and the stopping rule inside. And a call must be able to end anywhere, for a checkpoint
or a signal: so all that a resume needs is in the state, and nothing stays in the program.

What a maker promises, and the loop relies on:

Bounds
    ``first <= state.step <= stop <= first + len(order)``. A program does the steps from
    ``state.step`` up to ``stop``, which it does not do, or ends earlier, at the end of an epoch,
    with a status other than RUNNING. They are numbers in its arguments: no bound makes another
    program. An epoch ends where the step is a multiple of ``hyper.steps_per_epoch``.
Chunk invariance
    Where calls begin and end changes no bit of the result. What an unfinished epoch has summed up
    is in the state.
Padding
    Shapes are rounded up so that data of nearly the same size share a program. Places in ``order``
    without a row hold -1, and rows that are not there have weight 0: neither may change any number,
    not the moments of batch normalisation either. Weights are all that a program knows of rows that
    do not count. A batch whose divisor is 0 makes no update.
Random numbers
    The order of rows is made on the host and comes with the arguments. What is drawn in the program
    (dropout, noise) is a function of ``hyper.seed`` and the number of the step alone, so that a
    resume needs no state of a generator. Two makers need not draw the same numbers; one maker must.
Buffers
    The loop never writes to what it passes or gets back, and a program never writes to its
    arguments: none is donated, because the loop goes back to the last state where a call ends with
    an exception, and a checkpoint is written from it while the next call runs. A result is complete
    when the call returns. Rows that ``put`` took may still be those of the caller.
Threads and signals
    A call may come from any thread, several at once with arguments of their own, and lets other
    threads run. It takes about a quarter of a second, see ``loop.Pace``: signals wait for its end.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from multilayer._core.types import Array
from multilayer._data.source import Rows, Window
from multilayer._engine.state import FitConfig, Hyper, TrainState
from multilayer._nn.model import Parameters


class EpochEnd(NamedTuple):
    """Figures of a finished epoch; NaN where there is no validation."""

    loss: Array
    validation_loss: Array
    validation_score: Array
    learning_rate: Array  # of the last step


class Validation(NamedTuple):
    """Rows that each epoch is judged by, and what their score is measured against."""

    blocks: Rows  # (blocks, rows of a block, ...); sparse inputs are those of one block
    scale: Array  # of score_scale()


class Arguments(NamedTuple):
    """What a training program is called with."""

    state: TrainState
    hyper: Hyper
    rows: Rows  # training rows of the window
    order: Array  # (steps, batch) of the window
    rates: Array  # (steps,) learning rates of the window
    validation: Validation | None
    first: Array  # int32, global step of order[0]
    stop: Array  # int32, global step to stop before


Program: TypeAlias = Callable[[Arguments], tuple[TrainState, Array]]
"""Trains and returns the next state, with the figures of the epochs that ended on the way: one line
for each, ``(epochs, len(EpochEnd._fields))``, the lines after the last one unused."""

Sums: TypeAlias = tuple[Array, Array]
"""Over validation rows: of the weighted losses, and those that the score is computed from."""


Result = TypeVar("Result", covariant=True)


class BlockProgram(Protocol[Result]):
    """A function of a network and a block of rows."""

    def __call__(self, params: Parameters, hyper: Hyper, rows: Rows, /) -> Result:
        """Compute it."""


class Maker(Protocol):
    """What makes programs, and does the rest of the arithmetic that the orchestration needs.

    Prediction is not part of it: nothing in training needs outputs.
    """

    pads: bool
    """Whether its programs are made for shapes, which sets of about the same size then share."""

    def put(self, rows: Rows) -> Rows:
        """Take rows of NumPy to where the programs read them; they may share their memory."""

    def initial_state(self, config: FitConfig, hyper: Hyper, params: Parameters) -> TrainState:
        """Return the state before the first step; that of the update rule is the maker's own."""

    def training_program(self, config: FitConfig, epochs: int, args: Arguments) -> Program:
        """Return the program for a configuration and the shapes of these arguments.

        ``epochs`` is the most that can end within a call. The values do not matter; equal
        configurations and shapes should cost nothing the second time.
        """

    def sums_program(
        self, config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows
    ) -> BlockProgram[Sums]:
        """Return what sums up a block of validation rows of this shape, labels not smoothed."""

    def loss_program(
        self, config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows
    ) -> BlockProgram[tuple[Array, Parameters]]:
        """Return what computes the weighted mean loss of a block and its gradient, for L-BFGS."""

    def batch_gradient(
        self, config: FitConfig, hyper: Hyper, params: Parameters, window: Window, step: int
    ) -> Parameters:
        """Return the gradient of what a step lowers, for callbacks; without running moments."""
