"""What ends training: the stopping rule, and signals."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Self, TypeAlias

import numpy as np

from multilayer._core.types import Array
from multilayer._engine.program import EpochEnd
from multilayer._engine.state import (
    CONVERGED,
    DIVERGED,
    LOSS,
    RUNNING,
    VALIDATION_LOSS,
    VALIDATION_SCORE,
    FitConfig,
    Hyper,
    TrainState,
)
from multilayer._nn.model import Parameters

# What happens at the end of an epoch: the best network so far, and the stopping rule -------------
#
# Written once for every maker of programs: in the functions that NumPy and ``jax.numpy`` share.


SMALLEST_RATE = 1e-6  # scikit-learn: "adaptive" stops once the rate is at or below this


Choose: TypeAlias = Callable[[Array, Parameters, Parameters], Parameters]
"""``choose(condition, one, other)``: one of two networks, whole, by a condition of one element."""


def choose_now(condition: Array, one: Parameters, other: Parameters) -> Parameters:
    """Return one of two networks where the condition is known: with NumPy."""
    return one if condition else other


def watched(config: FitConfig, figures: EpochEnd, monitor: str) -> Array:
    """Return the deciding of a monitor, turned so that lower is better."""
    if monitor == LOSS:
        return figures.loss
    if monitor == VALIDATION_LOSS:
        return figures.validation_loss
    return -figures.validation_score


def close_epoch(
    config: FitConfig,
    hyper: Hyper,
    state: TrainState,
    figures: EpochEnd,
    *,
    xp: ModuleType = np,
    choose: Choose = choose_now,
) -> TrainState:
    """Apply scikit-learn's rule: stop after ``n_iter_no_change`` epochs without gain of ``tol``.

    Monitored is the training loss, or the figure that early stopping monitors. The best network is
    that of the best validation score where there is validation and nothing else is watched, of the
    best watched figure elsewhere. An equal score is no gain, whatever ``tol``; but of epochs with
    the same score the one of the lower validation loss is the best: few rows have few scores, and
    the first epoch to reach one is the least trained.

    ``xp`` and ``choose`` are NumPy's, or those of a program that is being traced.
    """
    score_decides = config.validate and config.monitor != VALIDATION_LOSS
    value = watched(config, figures, config.monitor)
    deciding = -figures.validation_score if score_decides else value  # that best_params have
    gain = value <= state.best_value - hyper.tol  # NaN is none
    if config.monitor == VALIDATION_SCORE:
        gain = gain & (value < state.best_value)
    count = xp.where(gain, 0, state.no_improvement + 1)
    best = xp.fmin(value, state.best_value)

    # A network of NaN has an accuracy too: only finite losses count.
    improved = deciding < state.best_kept
    if score_decides:
        better_tie = figures.validation_loss < state.best_loss
        improved = improved | ((deciding == state.best_kept) & better_tie)
    improved = improved & xp.isfinite(figures.loss)
    if config.validate:
        improved = improved & xp.isfinite(figures.validation_loss)
    exhausted = count > hyper.n_iter_no_change
    divisor = state.divisor
    if config.adaptive:
        lower = exhausted & (hyper.learning_rate / divisor > SMALLEST_RATE)
        divisor = xp.where(lower, divisor * 5.0, divisor)
        count = xp.where(lower, 0, count)
        exhausted = exhausted & ~lower
    status = xp.where(exhausted, CONVERGED, RUNNING)
    status = xp.where(xp.isfinite(figures.loss), status, DIVERGED)
    return state._replace(
        best_params=choose(improved, state.model, state.best_params),
        best_kept=xp.where(improved, deciding, state.best_kept),
        best_loss=xp.where(improved, figures.validation_loss, state.best_loss),
        best_value=best,
        no_improvement=count.astype(np.int32),
        divisor=divisor,
        status=status.astype(np.int32),
        loss_sum=xp.zeros_like(state.loss_sum),
        weight_sum=xp.zeros_like(state.weight_sum),
    )


# SIGINT and SIGTERM as a flag that training reads between its calls ------------------------------


SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """Training is to stop where it is; raised between calls and caught by the loop."""


class Interrupts:
    """Records signals while it is entered, and passes them on once training has been saved.

    A signal handler runs anywhere, also in the middle of writing a file. So this one only sets a
    flag. Handlers can be set from the main thread alone: elsewhere signals do what they did.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Callable[[int, FrameType | None], object] | int] = {}

    def __enter__(self) -> Self:
        """Replace the present handlers; an ignored signal stays ignored."""
        self.received = None
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                before = signal.getsignal(number)
                if before is not None and before != signal.SIG_IGN:  # None: not set from Python
                    self._before[number] = before
                    signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        """Put the handlers back, and pass on a signal that came after the last check."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self.hand_on()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number

    @property
    def name(self) -> str:
        """Name of the signal that has come, such as "SIGTERM"."""
        return "" if self.received is None else signal.Signals(self.received).name

    def check(self) -> None:
        """Raise Interrupted where a signal has come."""
        if self.received is not None:
            raise Interrupted

    def hand_on(self) -> None:
        """Do what the signal would have done: call the earlier handler, or end the process.

        Without a handler SIGTERM ends it by SystemExit, so that open files are closed. A handler
        that returns lets training continue.
        """
        number, self.received = self.received, None
        if number is None:
            return
        before = self._before[number]
        if callable(before):
            before(number, None)
        else:
            raise SystemExit(128 + number)
