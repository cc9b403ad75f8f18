"""What happens at the end of an epoch: the best network is kept, and the rule of stopping."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax

from multilayer._core.types import Array
from multilayer._engine.config import FitConfig, Hyper
from multilayer._engine.state import CONVERGED, DIVERGED, RUNNING, TrainState

SMALLEST_RATE = 1e-6  # scikit-learn: "adaptive" stops once the rate is at or below this


class EpochEnd(NamedTuple):
    """Figures of a finished epoch; NaN where there is no validation."""

    loss: Array
    validation_loss: Array
    validation_score: Array
    learning_rate: Array  # of the last step


def close_epoch(
    config: FitConfig, hyper: Hyper, state: TrainState, figures: EpochEnd
) -> TrainState:
    """Apply scikit-learn's rule: stop after ``n_iter_no_change`` epochs without gain of ``tol``.

    Monitored is the training loss, or the validation score under early stopping. The best network
    is that of the best validation score where there is validation, of the best loss elsewhere.
    """
    watched = -figures.validation_score if config.monitor_score else figures.loss
    kept_by = -figures.validation_score if config.validate else figures.loss
    stale = watched > state.best_value - hyper.tol
    count = jnp.where(stale, state.no_improvement + 1, 0)
    best = jnp.minimum(watched, state.best_value)

    # A network of NaN has an accuracy too: only finite losses count.
    improved = (kept_by < state.best_kept) & jnp.isfinite(figures.loss)
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
        best_params=lax.cond(improved, lambda: state.params, lambda: state.best_params),
        best_kept=jnp.where(improved, kept_by, state.best_kept),
        best_value=best,
        no_improvement=count.astype(jnp.int32),
        divisor=divisor,
        status=status.astype(jnp.int32),
        loss_sum=jnp.zeros_like(state.loss_sum),
        weight_sum=jnp.zeros_like(state.weight_sum),
    )
