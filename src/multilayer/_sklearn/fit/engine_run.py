"""A run of the engine, and what it leaves behind as attributes of the estimator."""

import multiprocessing
import sys
import threading
import warnings
from collections.abc import Sequence
from time import monotonic
from typing import Any

import jax
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from multilayer._core.errors import DivergenceError
from multilayer._core.warning_level import level_of_caller
from multilayer._engine import lbfgs, loop
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.config import LOSS
from multilayer._engine.loop import Training
from multilayer._engine.state import CONVERGED
from multilayer._sklearn.arguments import solver_arguments
from multilayer._sklearn.fit.warm_start import Resumable
from multilayer._sklearn.network.parameters import parameter_attributes

# Ctrl-C ---------------------------------------------------------------------------------------

SECOND_PRESS = 3.0  # seconds within which another Ctrl-C is meant for the loop around fit
DIRECT = ("base", "callback", "compose", "pipeline", "utils")
"""Parts of scikit-learn through which a fit is still the user's own call."""

_last_interrupt = -SECOND_PRESS  # when a fit was last ended by Ctrl-C, in this process


def take_interrupt() -> bool:
    """Return whether Ctrl-C was for this fit alone; warn in that case.

    Otherwise it is to be raised once the network is in place: in a search, an ensemble or a
    worker, where the next fit would follow, and where it is pressed again shortly after.
    """
    global _last_interrupt
    now = monotonic()
    again, _last_interrupt = now - _last_interrupt < SECOND_PRESS, now
    in_worker = (
        multiprocessing.parent_process() is not None
        or threading.current_thread() is not threading.main_thread()
    )
    if again or in_worker or one_of_many():
        return False
    warnings.warn(
        "Training interrupted by user. The network so far is in place; press Ctrl-C again within "
        f"{SECOND_PRESS:g} s to stop what called fit.",
        stacklevel=level_of_caller(),
    )
    return True


def one_of_many() -> bool:
    """Whether the calls under way include a search or an ensemble: fit is one of many then."""
    frame = sys._getframe(1)
    while frame.f_back:
        frame = frame.f_back
        package, _, rest = frame.f_globals.get("__name__", "").partition(".")
        part = rest.partition(".")[0]
        if package == "sklearn" and part not in DIRECT:
            return True
        if package == "optuna" or (package, part) == ("joblib", "parallel"):
            return True
    return False


# Mini-batches ---------------------------------------------------------------------------------


def train(
    estimator: Any,
    training: Training,
    epochs: int,
    callbacks: Sequence[Callback],
    *,
    keep_best: bool,
) -> None:
    """Train and set the fitted attributes; whatever ends it, they describe a usable network.

    ``keep_best`` is false where the latest network is wanted even under early stopping.
    """
    begun = training.begun
    estimator.stop_reason_ = "max_iter"
    try:
        loop.train(
            training, (begun + epochs) * training.source.steps_per_epoch, callbacks=callbacks
        )
    except KeyboardInterrupt:
        estimator.stop_reason_ = "interrupted"
        if not take_interrupt():
            keep(estimator, training, begun, keep_best=keep_best)
            raise
    except Exception:  # a callback's: what was trained is kept
        estimator.stop_reason_ = "failed"
        keep(estimator, training, begun, keep_best=keep_best)
        raise
    if training.diverged:
        estimator.stop_reason_ = "diverged"
    elif training.stopped_by is not None:
        estimator.stop_reason_ = training.stopped_by.reason
    elif training.status == CONVERGED:
        estimator.stop_reason_ = "converged"
    keep(estimator, training, begun, keep_best=keep_best)
    if training.diverged:
        raise DivergenceError(
            f"training diverged in epoch {len(training.history)}: the loss is not finite "
            "(the solver produced non-finite parameter weights). The best finite network so "
            "far is kept. Scale the input columns, lower learning_rate_init "
            f"(got learning_rate_init={estimator.learning_rate_init!r}), or both."
        )
    if estimator.stop_reason_ == "max_iter" and should_converge(estimator):
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the "
            "optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=level_of_caller(),
        )


def should_converge(estimator: Any) -> bool:
    """Whether reaching max_iter is worth a warning."""
    planned = solver_arguments.schedule_in_force(estimator).ends_by_design
    return not planned and estimator.n_iter_ >= estimator.max_iter > 0


def keep(estimator: Any, training: Training, begun: int, *, keep_best: bool) -> None:
    """Set the fitted attributes from a training run, however it ended."""
    state = jax.tree.map(np.asarray, training.state)
    validated = training.validation is not None
    by_validation = training.config.monitor != LOSS
    wants_best = (
        (by_validation and keep_best)
        or estimator.stop_reason_ == "diverged"
        or (estimator.stop_reason_ in ("interrupted", "failed") and validated)
    )
    has_best = np.isfinite(state.best_kept) or estimator.stop_reason_ == "diverged"
    shown = state.best_params if wants_best and has_best else state.model
    vars(estimator).update(parameter_attributes(estimator, shown))
    estimator._resumable = Resumable.of(state, shown)
    estimator._history = history = training.history
    estimator._validated, estimator._stopped_by_score = validated, by_validation
    last = history.reports(len(history) - 1) if len(history) else []
    estimator.loss_ = last[0]["loss"] if last else np.nan
    estimator.n_iter_ = len(history) - begun
    estimator.t_ += estimator.n_iter_ * training.source.n_rows
    estimator.fit_seconds_ = training.seconds
    estimator.compile_seconds_ = training.compile_seconds


# Full batch -----------------------------------------------------------------------------------


def minimise(estimator: Any, training: Training, callbacks: Sequence[Callback]) -> None:
    """Minimise with SciPy and set the fitted attributes."""
    found = lbfgs.minimise(
        training.maker,
        training.config,
        training.hyper,
        training.source,
        training.state.params,
        max_iter=estimator.max_iter,
        max_fun=estimator.max_fun,
        callbacks=callbacks,
        arguments=training.arguments,
    )
    vars(estimator).update(parameter_attributes(estimator, found.params))
    estimator._history = found.history
    estimator._validated, estimator._stopped_by_score = False, False
    estimator.loss_ = found.loss
    estimator.n_iter_ = len(found.history)
    estimator.t_ += estimator.n_iter_ * training.source.n_rows
    estimator.fit_seconds_, estimator.compile_seconds_ = found.seconds, found.compile_seconds
    estimator.stop_reason_ = "converged" if found.converged else "max_iter"
    if found.interrupted:
        estimator.stop_reason_ = "interrupted"
        if not take_interrupt():
            raise KeyboardInterrupt
    elif found.stopped_by is not None:
        estimator.stop_reason_ = found.stopped_by.reason
    elif not np.isfinite(found.loss):
        raise DivergenceError(
            "training diverged: the loss is not finite. Scale the input columns first."
        )
    elif not found.converged:
        warnings.warn(
            f"lbfgs failed to converge after {estimator.n_iter_} iteration(s): {found.message}. "
            "Increase max_iter or scale the columns.",
            ConvergenceWarning,
            stacklevel=level_of_caller(),
        )
