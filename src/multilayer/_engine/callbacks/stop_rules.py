"""Callbacks that end training or choose the network."""

import math
from collections.abc import Callable
from time import monotonic

from multilayer._core.checks import check_choice, check_integer, check_real, refuse
from multilayer._core.types import Report
from multilayer._engine.callbacks.protocol import Callback, CallbackState, Run, Stop
from multilayer._nn.model import Parameters

SIGNS = {"loss": 1.0, "validation_loss": 1.0, "validation_score": -1.0}
"""What can be watched, with the sign under which lower is better."""


def value_of(report: Report, monitor: str) -> float:
    """Return a monitored figure, lower is better."""
    value = report[monitor]
    if monitor != "loss" and math.isnan(value):
        refuse(
            "monitor",
            "'loss' where there is no validation data",
            monitor,
            "Give X_val and y_val to fit, or set early_stopping=True.",
        )
    return SIGNS[monitor] * value


class EarlyStopping(Callback):
    """Stop when a figure has not improved for some epochs.

    The estimators' own ``early_stopping`` does this inside the compiled program and restores the
    best network; this callback monitors any column of the history and leaves the last network (add
    :class:`KeepBest`).

    Parameters
    ----------
    monitor : {"loss", "validation_loss", "validation_score"}, default="validation_loss"
        What to watch; the first two should fall, the third rise.
    patience : int, default=10
        Epochs without improvement that end training.
    min_delta : float, default=0.0
        Gain that counts as an improvement must be greater than this.
    """

    def __init__(
        self, monitor: str = "validation_loss", *, patience: int = 10, min_delta: float = 0.0
    ) -> None:
        check_choice("monitor", monitor, SIGNS)
        check_integer("patience", patience, 1)
        check_real("min_delta", min_delta, "[0, inf)")
        self.monitor, self.patience, self.min_delta = monitor, patience, min_delta

    def on_train_begin(self, run: Run) -> None:
        """Forget the run before."""
        self._best = math.inf
        self._stale = 0

    def on_epoch_end(self, report: Report) -> Stop | None:
        """Count the epochs without improvement."""
        value = value_of(report, self.monitor)
        self._stale = 0 if value < self._best - self.min_delta else self._stale + 1
        self._best = min(value, self._best)
        return Stop("early_stopping") if self._stale >= self.patience else None

    def state(self) -> CallbackState:
        """Return the best figure and the epochs since."""
        return {"best": self._best, "stale": self._stale}

    def set_state(self, state: CallbackState) -> None:
        """Continue counting."""
        self._best, self._stale = state["best"], state["stale"]


class TimeBudget(Callback):
    """Stop after the epoch in which a time budget is used up.

    Parameters
    ----------
    seconds : float
        Time from the first step on, the compilation included.
    """

    def __init__(self, seconds: float) -> None:
        check_real("seconds", seconds, "(0, inf)")
        self.seconds = seconds

    def on_train_begin(self, run: Run) -> None:
        """Start the clock."""
        self._begun = monotonic()

    def on_epoch_end(self, report: Report) -> Stop | None:
        """Look at the clock."""
        return Stop("time_budget") if monotonic() - self._begun >= self.seconds else None

    def state(self) -> CallbackState:
        """Return the time that has passed."""
        return {"seconds": monotonic() - self._begun}

    def set_state(self, state: CallbackState) -> None:
        """Count the time before an interruption, not that of the interruption."""
        self._begun -= state["seconds"]


class KeepBest(Callback):
    """Restore at the end the network of the epoch in which a figure was best.

    Parameters
    ----------
    monitor : {"loss", "validation_loss", "validation_score"}, default="validation_loss"
        What to watch; the first two should be low, the third high. Among epochs with the same
        figure the one with the lowest validation loss is the best.

    Attributes
    ----------
    best_epoch : int or None
        Number of that epoch, from 0.
    """

    best_epoch: int | None = None

    def __init__(self, monitor: str = "validation_loss") -> None:
        check_choice("monitor", monitor, SIGNS)
        self.monitor = monitor

    def on_train_begin(self, run: Run) -> None:
        """Forget the run before."""
        self._best, self._loss = math.inf, -math.inf  # an infinite figure is no tie
        self._network: Parameters | None = None
        self._present: Callable[[], Parameters] = lambda: run.network
        self.best_epoch = None

    def on_epoch_end(self, report: Report) -> None:
        """Store the network when it is the best so far."""
        value, loss = value_of(report, self.monitor), report["validation_loss"]
        if value < self._best or (value == self._best and loss < self._loss):
            self._best, self._loss, self._network = value, loss, self._present()
            self.best_epoch = int(report["epoch"])

    def state(self) -> CallbackState:
        """Return the best network and its figures."""
        state = {"best": self._best, "loss": self._loss, "best_epoch": self.best_epoch}
        return state if self._network is None else {**state, "network": self._network}

    def set_state(self, state: CallbackState) -> None:
        """Continue with the best network so far."""
        self._best, self.best_epoch = state["best"], state["best_epoch"]
        # A state of an earlier release has no loss: as there, a tie leaves its network the best.
        self._loss = state.get("loss", -math.inf)
        self._network = state.get("network")

    def on_train_end(self, run: Run) -> None:
        """Put the best network in place."""
        if self._network is not None:
            run.restore(self._network)
        self._network, self._present = None, lambda: None

    def __getstate__(self) -> dict[str, object]:
        """Leave the run behind when the estimator is copied or pickled."""
        return {"monitor": self.monitor, "best_epoch": self.best_epoch}
