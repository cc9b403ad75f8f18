"""A fit that stops between two epochs and goes on from there: what a search trains."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy.typing as npt

from multilayer._core.checks import refuse
from multilayer._data.rows import MatrixLike
from multilayer._engine import checkpointer, loop
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.loop import Budget, Pace, Training
from multilayer._engine.state import CONVERGED, RUNNING
from multilayer._objectives.objective import Objective
from multilayer._persist.checkpoints import StoredCheckpoint
from multilayer._sklearn.fit import assembly, engine_run, start
from multilayer._sklearn.fit.assembly import Plan
from multilayer._sklearn.fit.calibration import set_calibration_rows_aside
from multilayer._sklearn.fit.samples import Samples

if TYPE_CHECKING:
    from multilayer._sklearn.base import BaseMLP

OF_ONE_FIT = ("callbacks", "checkpoint")
"""Arguments that follow a single fit from its beginning to its end."""
OF_THE_NETWORK = frozenset(
    (
        *("hidden_layer_sizes", "activation", "norm", "residual", "weight_init", "bias_init"),
        *("solver", "learning_rate", "learning_rate_init", "power_t", "momentum", "beta_1"),
        *("beta_2", "epsilon", "alpha", "l1_ratio", "max_norm", "clip_norm", "ema_decay"),
        *("dropout", "input_dropout", "input_noise", "batch_size", "max_iter", "tol"),
        *("n_iter_no_change", "random_state", "label_smoothing", "shuffle"),
    )
)
"""Arguments that do not change what is made of the rows."""


@dataclass
class PausedFit:
    """A fit of an estimator, epoch by epoch; the estimator is changed by `finish` alone."""

    estimator: "BaseMLP"
    plan: Plan
    training: Training
    aside: Samples | None  # rows for calibration

    @property
    def callbacks(self) -> tuple[Callback, ...]:
        """What acts on the training run, and has a state of its own: nothing."""
        return ()

    @property
    def epochs(self) -> int:
        """Epochs done."""
        return len(self.training.history)

    @property
    def most_epochs(self) -> int:
        """Epochs after which the fit ends; fewer where its stopping rule ends it."""
        return int(self.plan.resolved.arguments.max_iter)

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to train."""
        return self.training.status != RUNNING or self.epochs >= self.most_epochs

    @property
    def diverged(self) -> bool:
        """Whether the loss became infinite or NaN."""
        return self.training.diverged

    def advance(self, epochs: int, within: Callable[[Budget], Budget]) -> None:
        """Train until so many epochs are done, counted from the first.

        ``within`` may shorten the calls of the program, or end them by an exception.
        """
        stop = min(epochs, self.most_epochs) * self.training.source.steps_per_epoch
        loop.train(self.training, stop, budget=within(Pace(self.training)))

    def finish(self) -> "BaseMLP":
        """Give the estimator the network as it is now; training may go on after it."""
        estimator, training = self.estimator, self.training
        reason = "converged" if training.status == CONVERGED else "max_iter"
        estimator._take(
            self.plan,
            engine_run.result_of(self.plan, training, reason, None, keep_best=True),
        )
        estimator._calibrate_after_fit(self.aside)
        return estimator

    def snapshot(self) -> StoredCheckpoint:
        """Return what a fit newly begun with the same arguments and rows goes on from."""
        return snapshot_of(self.training, self.callbacks)

    def restore(self, snapshot: StoredCheckpoint) -> None:
        """Go on from a snapshot, to the bits of a fit that was never interrupted.

        Raises
        ------
        ModelFileError
            It is one of another fit (a ValueError).
        """
        go_on_from(snapshot, self.training, self.callbacks)


def snapshot_of(training: Training, callbacks: Sequence[Callback]) -> StoredCheckpoint:
    """Return what a training run newly assembled goes on from."""
    facts, arrays = checkpointer.record(training, callbacks)
    return StoredCheckpoint(Path("memory"), training.step, arrays, facts)


def go_on_from(
    snapshot: StoredCheckpoint, training: Training, callbacks: Sequence[Callback]
) -> None:
    """Bring a training run that was newly assembled to where a snapshot of it was taken.

    Raises
    ------
    ModelFileError
        It is one of another run (a ValueError).
    """
    checkpointer.restore(training, snapshot)
    checkpointer.restore_callbacks(callbacks, training.network, snapshot)


@dataclass(frozen=True)
class CheckedRows:
    """Rows that were checked and encoded, and what an estimator learnt of them by that."""

    samples: Samples
    objective: Objective
    attributes: Mapping[str, object]


def check_rows(
    estimator: "BaseMLP",
    X: MatrixLike,
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
) -> CheckedRows:
    """Check and encode rows to train on, as the estimator's ``fit`` would.

    Raises
    ------
    DataError
        The data cannot be used.
    """
    before = set(vars(estimator))
    samples, objective = estimator._samples(X, y, sample_weight, first=True)
    learnt = {name: value for name, value in vars(estimator).items() if name not in before}
    return CheckedRows(samples, objective, learnt)


def rows_key(estimator: "BaseMLP") -> tuple[object, ...]:
    """Return what :func:`check_rows` depends on besides the rows: equal keys, equal results."""
    given = estimator.get_params(deep=False)
    others = ((name, repr(given[name])) for name in sorted(given.keys() - OF_THE_NETWORK))
    return type(estimator), *others


def begin(estimator: "BaseMLP", rows: CheckedRows) -> PausedFit:
    """Check the arguments, and return a fit before its first epoch.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule, or belongs to a fit that is not interrupted.
    DataError
        The data cannot be used.
    """
    for name in OF_ONE_FIT:
        if (value := getattr(estimator, name)) is not None:
            refuse(name, "None in a search, whose fits stop and go on", value)
    resolved = estimator._check_parameters()
    estimator.__dict__.update(rows.attributes)
    begun = start.start_of(estimator, resolved, rows.samples, rows.objective, again=False)
    samples, _, aside = set_calibration_rows_aside(
        estimator, rows.samples, None, seed=begun.seed, again=False
    )
    plan, training = assembly.prepare(estimator, resolved, begun, rows.objective, samples, None)
    return PausedFit(estimator, plan, training, aside)
