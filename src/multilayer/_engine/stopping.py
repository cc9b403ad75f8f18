"""What happens at the end of an epoch: the best network so far, and the rule of stopping.

Written once for every maker of programs: in the functions that NumPy and ``jax.numpy`` share.
"""

from collections.abc import Callable
from types import ModuleType
from typing import TypeAlias

import numpy as np

from multilayer._core.types import Array
from multilayer._engine.config import (
    LOSS,
    VALIDATION_LOSS,
    VALIDATION_SCORE,
    FitConfig,
    Hyper,
)
from multilayer._engine.program import EpochEnd
from multilayer._engine.state import CONVERGED, DIVERGED, RUNNING, TrainState
from multilayer._nn.model import Parameters

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

    Watched is the training loss, or what early stopping watches. The best network is that of
    the best validation score where there is validation and nothing else is watched, of the best
    watched figure elsewhere. A score that is met again is no gain, whatever ``tol``; but of epochs
    with the same score the one of the lower validation loss is the best: few rows have few scores,
    and the first epoch to reach one is the least trained.

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
