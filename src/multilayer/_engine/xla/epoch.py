"""The compiled loop: any number of steps, with validation and stopping at each epoch's end."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import lax

from multilayer._core.types import Array
from multilayer._engine.config import FitConfig, Hyper
from multilayer._engine.program import Arguments, EpochEnd, Program, Validation
from multilayer._engine.state import RUNNING, TrainState
from multilayer._engine.stopping import close_epoch
from multilayer._engine.xla import cache
from multilayer._engine.xla.step import learning_rate, reciprocal, train_step
from multilayer._engine.xla.validation import validate
from multilayer._nn.model import Parameters


def end_epoch(
    config: FitConfig, hyper: Hyper, validation: Validation | None, rate: Array, state: TrainState
) -> tuple[TrainState, EpochEnd]:
    """Figures of the epoch that the state has just finished, and the state after it.

    Where its figures are completed outside the epoch stays open: :func:`closing_program` closes it.
    """
    nothing = jnp.full((), jnp.nan, config.dtype)
    loss, score = nothing, nothing
    if validation is not None:
        loss, score = validate(config, hyper, state.model, validation)
    figures = EpochEnd(
        loss=state.loss_sum * reciprocal(state.weight_sum),
        validation_loss=loss,
        validation_score=score,
        learning_rate=learning_rate(config, rate, state),
    )
    if config.closed_outside:
        return state, figures
    return traced_close(config, hyper, state, figures), figures


def traced_close(
    config: FitConfig, hyper: Hyper, state: TrainState, figures: EpochEnd
) -> TrainState:
    """Apply the rule of stopping while a program is traced."""
    return close_epoch(config, hyper, state, figures, xp=jnp, choose=choose)


def choose(condition: Array, one: Parameters, other: Parameters) -> Parameters:
    """Return one of two networks; only that one is copied when the program runs."""
    return lax.cond(condition, lambda: one, lambda: other)


def run(config: FitConfig, epochs: int, args: Arguments) -> tuple[TrainState, Array]:
    """Train from ``state.step`` up to ``stop``, or until the stopping rule ends it.

    Returns the state, and the figures of each epoch that ended on the way, one line per epoch:
    ``(epochs, len(EpochEnd._fields))``. Where a call begins and ends changes nothing in the
    result: sums of an unfinished epoch are in the state.
    """
    hyper, per_epoch = args.hyper, args.hyper.steps_per_epoch
    before = lax.div(args.state.step, per_epoch)

    def step(k: Array, state: TrainState) -> TrainState:
        line = lax.dynamic_index_in_dim(args.order, k - args.first, keepdims=False)
        return train_step(config, hyper, args.rows, line, args.rates[k - args.first], state)

    def epoch(carry: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
        state, report = carry
        number = lax.div(state.step, per_epoch)
        end = (number + 1) * per_epoch
        state = lax.fori_loop(state.step, jnp.minimum(end, args.stop), step, state)

        def finish(state: TrainState, report: Array) -> tuple[TrainState, Array]:
            rate = args.rates[end - 1 - args.first]
            state, figures = end_epoch(config, hyper, args.validation, rate, state)
            return state, report.at[number - before].set(jnp.stack(figures))

        return lax.cond(end <= args.stop, finish, lambda *same: same, state, report)

    def unfinished(carry: tuple[TrainState, Array]) -> Array:
        state, _ = carry
        return (state.step < args.stop) & (state.status == RUNNING)

    blank = jnp.full((epochs, len(EpochEnd._fields)), jnp.nan, config.dtype)
    return lax.while_loop(unfinished, epoch, (args.state, blank))


def training_program(config: FitConfig, epochs: int, args: Arguments) -> Program:
    """Return the compiled loop for a configuration and the shapes of these arguments."""

    def build() -> Program:
        return cache.compiled(lambda a: run(config, epochs, a), args)

    return cache.get(("train", config, epochs, cache.signature(args)), build)


def closing_program(config: FitConfig, state: TrainState, hyper: Hyper) -> Callable:
    """Return the compiled end of an epoch, for figures that were completed outside."""
    figures = EpochEnd(*[np.zeros((), config.dtype)] * len(EpochEnd._fields))

    def build() -> Callable:
        return cache.compiled(
            lambda state, hyper, figures: traced_close(config, hyper, state, figures),
            state,
            hyper,
            figures,
        )

    return cache.get(("close", config, cache.signature((state, hyper))), build)
