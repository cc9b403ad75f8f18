"""A run of the engine, and its result: what the estimator sets its attributes from."""

import multiprocessing
import sys
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np

from multilayer._core.environment import level_of_caller
from multilayer._core.errors import DivergenceError
from multilayer._core.pytrees import map_leaves
from multilayer._engine import lbfgs, loop
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.history import History
from multilayer._engine.loop import Training
from multilayer._engine.state import CONVERGED, LOSS
from multilayer._nn.model import Parameters
from multilayer._sklearn.fit.assembly import Plan
from multilayer._sklearn.fit.start import Continuation, Resumable

# Ctrl-C ---------------------------------------------------------------------------------------

SECOND_PRESS = 3.0  # seconds within which another Ctrl-C is meant for the loop around fit
DIRECT = ("base", "callback", "compose", "pipeline", "utils")
"""Parts of scikit-learn through which a fit is still the user's own call."""
MANY = (("joblib", "parallel"), ("multilayer", "_search"))
"""What calls fit many times; the final fit of a search is the last of them."""

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
        if package == "optuna" or (package, part) in MANY:
            return True
    return False


# The run --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FitResult:
    """What a run has made: a network that can be used, however the run ended."""

    plan: Plan
    params: Parameters  # to predict with
    history: History
    continuation: Continuation | None  # for training that continues from here
    stop_reason: str
    n_iter: int  # epochs, or iterations, of this run
    loss: float
    validated: bool  # whether there was validation data
    stopped_by_score: bool  # whether validation decided over the end
    n_rows: int  # trained on in each epoch
    fit_seconds: float
    compile_seconds: float
    error: BaseException | None = None  # to be raised once the network is in place
    warning: str = ""  # of training that has not converged


def run(
    plan: Plan,
    training: Training,
    epochs: int,
    callbacks: Sequence[Callback],
    *,
    keep_best: bool = True,
) -> FitResult:
    """Train for so many epochs, or until training ends for another reason.

    ``keep_best`` is false where the latest network is wanted even under early stopping.
    """
    if plan.resolved.solver.full_batch:
        return minimise(plan, training, callbacks)
    reason = "max_iter"
    error: BaseException | None = None
    try:
        stop = (training.begun + epochs) * training.source.steps_per_epoch
        loop.train(training, stop, callbacks=callbacks)
    except KeyboardInterrupt as interrupt:
        reason, error = "interrupted", None if take_interrupt() else interrupt
    except Exception as failure:  # a callback's: the network so far is the result
        reason, error = "failed", failure
    else:
        if training.diverged:
            reason = "diverged"
            error = DivergenceError(
                f"training diverged in epoch {len(training.history)}: the loss is not finite "
                "(the solver produced non-finite parameter weights). The estimator has the best "
                "finite network so far. Scale the input columns, lower learning_rate_init "
                f"(got learning_rate_init={plan.resolved.arguments.learning_rate_init!r}), or both."
            )
        elif training.stopped_by is not None:
            reason = training.stopped_by.reason
        elif training.status == CONVERGED:
            reason = "converged"
    return result_of(plan, training, reason, error, keep_best=keep_best)


def result_of(
    plan: Plan, training: Training, reason: str, error: BaseException | None, *, keep_best: bool
) -> FitResult:
    """Return what a run has made, however it ended."""
    state = map_leaves(np.asarray, training.state)
    arguments, history = plan.resolved.arguments, training.history
    validated = training.validation is not None
    by_validation = training.config.monitor != LOSS
    wants_best = (
        (by_validation and keep_best)
        or reason == "diverged"
        or (reason in ("interrupted", "failed") and validated)
    )
    has_best = np.isfinite(state.best_kept) or reason == "diverged"
    params = state.best_params if wants_best and has_best else state.model
    n_iter = len(history) - training.begun
    warning = ""
    planned = plan.resolved.solver.schedule.ends_by_design
    if reason == "max_iter" and not planned and n_iter >= arguments.max_iter > 0:
        warning = (
            f"Stochastic Optimizer: Maximum iterations ({arguments.max_iter}) reached and the "
            "optimization hasn't converged yet."
        )
    return FitResult(
        plan=plan,
        params=params,
        history=history,
        continuation=Resumable.of(state, params),
        stop_reason=reason,
        n_iter=n_iter,
        loss=history.reports(len(history) - 1)[0]["loss"] if len(history) else np.nan,
        validated=validated,
        stopped_by_score=by_validation,
        n_rows=training.source.n_rows,
        fit_seconds=training.seconds,
        compile_seconds=training.compile_seconds,
        error=error,
        warning=warning,
    )


def minimise(plan: Plan, training: Training, callbacks: Sequence[Callback]) -> FitResult:
    """Minimise over all rows at once with SciPy."""
    arguments = plan.resolved.arguments
    found = lbfgs.minimise(
        training.maker,
        training.config,
        training.hyper,
        training.source,
        training.state.params,
        max_iter=arguments.max_iter,
        max_fun=arguments.max_fun,
        callbacks=callbacks,
        arguments=training.arguments,
    )
    reason = "converged" if found.converged else "max_iter"
    error: BaseException | None = None
    warning = ""
    if found.interrupted:
        reason, error = "interrupted", None if take_interrupt() else KeyboardInterrupt()
    elif found.stopped_by is not None:
        reason = found.stopped_by.reason
    elif not np.isfinite(found.loss):
        error = DivergenceError(
            "training diverged: the loss is not finite. Scale the input columns first."
        )
    elif not found.converged:
        warning = (
            f"lbfgs failed to converge after {len(found.history)} iteration(s): {found.message}. "
            "Increase max_iter or scale the columns."
        )
    return FitResult(
        plan=plan,
        params=found.params,
        history=found.history,
        continuation=plan.start.continuation,
        stop_reason=reason,
        n_iter=len(found.history),
        loss=found.loss,
        validated=False,
        stopped_by_score=False,
        n_rows=training.source.n_rows,
        fit_seconds=found.seconds,
        compile_seconds=found.compile_seconds,
        error=error,
        warning=warning,
    )
