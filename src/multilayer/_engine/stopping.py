"""What happens at the end of an epoch: the best network is kept, and the rule of stopping."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax

from multilayer._core.types import Array
from multilayer._engine.config import (
    LOSS,
    VALIDATION_LOSS,
    VALIDATION_SCORE,
    FitConfig,
    Hyper,
)
from multilayer._engine.state import CONVERGED, DIVERGED, RUNNING, TrainState

SMALLEST_RATE = 1e-6  # scikit-learn: "adaptive" stops once the rate is at or below this


class EpochEnd(NamedTuple):
    """Figures of a finished epoch; NaN where there is no validation."""

    loss: Array
    validation_loss: Array
    validation_score: Array
    learning_rate: Array  # of the last step


def watched(config: FitConfig, figures: EpochEnd, monitor: str) -> Array:
    """Return the figure of a monitor, turned so that lower is better."""
    if monitor == LOSS:
        return figures.loss
    if monitor == VALIDATION_LOSS:
        return figures.validation_loss
    return -figures.validation_score


def close_epoch(
    config: FitConfig, hyper: Hyper, state: TrainState, figures: EpochEnd
) -> TrainState:
    """Apply scikit-learn's rule: stop after ``n_iter_no_change`` epochs without gain of ``tol``.

    Watched is the training loss, or what early stopping watches. The best network is that of
    the best validation score where there is validation and nothing else is watched, of the best
    watched figure elsewhere. A score that is met again is no gain, whatever ``tol``; but of epochs
    with the same score the one of the lower validation loss is the best: few rows have few scores,
    and the first epoch to reach one is the least trained.
    """
    score_decides = config.validate and config.monitor != VALIDATION_LOSS
    value = watched(config, figures, config.monitor)
    kept_by = -figures.validation_score if score_decides else value
    gain = value <= state.best_value - hyper.tol  # NaN is none
    if config.monitor == VALIDATION_SCORE:
        gain = gain & (value < state.best_value)
    count = jnp.where(gain, 0, state.no_improvement + 1)
    best = jnp.fmin(value, state.best_value)

    # A network of NaN has an accuracy too: only finite losses count.
    improved = kept_by < state.best_kept
    if score_decides:
        better_tie = figures.validation_loss < state.best_loss
        improved = improved | ((kept_by == state.best_kept) & better_tie)
    improved = improved & jnp.isfinite(figures.loss)
    if config.validate:
        improved = improved & jnp.isfinite(figures.validation_loss)
    exhausted = count > hyper.n_iter_no_change
    divisor = state.divisor
    if config.adaptive:
        lower = exhausted & (hyper.learning_rate / divisor > SMALLEST_RATE)
        divisor = jnp.where(lower, divisor * 5.0, divisor)
        count = jnp.where(lower, 0, count)
        exhausted = exhausted & ~lower
    status = jnp.where(exhausted, CONVERGED, RUNNING)
    status = jnp.where(jnp.isfinite(figures.loss), status, DIVERGED)
    return state._replace(
        best_params=lax.cond(improved, lambda: state.model, lambda: state.best_params),
        best_kept=jnp.where(improved, kept_by, state.best_kept),
        best_loss=jnp.where(improved, figures.validation_loss, state.best_loss),
        best_value=best,
        no_improvement=count.astype(jnp.int32),
        divisor=divisor,
        status=status.astype(jnp.int32),
        loss_sum=jnp.zeros_like(state.loss_sum),
        weight_sum=jnp.zeros_like(state.weight_sum),
    )
