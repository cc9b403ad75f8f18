"""The compiled loop: any number of steps, with validation and stopping at each epoch's end."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from multilayer._data.source import Rows
from multilayer._engine import cache
from multilayer._engine.config import FitConfig, Hyper
from multilayer._engine.state import RUNNING, TrainState
from multilayer._engine.step import learning_rate, prepare, reciprocal, train_step
from multilayer._engine.stopping import EpochEnd, close_epoch
from multilayer._objectives.losses import OBJECTIVES
from multilayer.nn import network as nn


class Arguments(NamedTuple):
    """What a training program is called with."""

    state: TrainState
    hyper: Hyper
    rows: Rows  # training rows of the window
    order: jax.Array  # (steps, batch) of the window
    validation: Rows | None  # (blocks, rows of a block, ...)
    first: jax.Array  # int32, global step of order[0]
    stop: jax.Array  # int32, global step to stop before


def validate(
    config: FitConfig, hyper: Hyper, params: nn.Parameters, blocks: Rows
) -> tuple[jax.Array, jax.Array]:
    """Weighted mean loss and accuracy over validation rows, block by block."""
    objective = OBJECTIVES[config.loss]
    no_smoothing = jnp.zeros((), config.dtype)

    def add(i: jax.Array, sums: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        X, y, weight = (part[i] for part in blocks)
        logits = nn.apply(config.network, params, prepare(config, hyper, X))
        loss = jnp.sum(objective.loss(logits, y, no_smoothing) * weight)
        right = jnp.sum(objective.correct(logits, y) * weight)
        return sums[0] + loss, sums[1] + right

    zero = jnp.zeros((), config.dtype)
    loss, right = lax.fori_loop(0, blocks.weight.shape[0], add, (zero, zero))
    share = reciprocal(jnp.sum(blocks.weight))
    return loss * share, right * share


def end_epoch(
    config: FitConfig, hyper: Hyper, validation: Rows | None, state: TrainState
) -> tuple[TrainState, EpochEnd]:
    """Figures of the epoch that the state has just finished, and the state after it."""
    nothing = jnp.full((), jnp.nan, config.dtype)
    figures = EpochEnd(
        loss=state.loss_sum * reciprocal(state.weight_sum),
        validation_loss=nothing,
        validation_score=nothing,
        learning_rate=learning_rate(config, hyper, state.divisor, state.step - 1),
    )
    if validation is not None:
        loss, score = validate(config, hyper, state.params, validation)
        figures = figures._replace(validation_loss=loss, validation_score=score)
    return close_epoch(config, hyper, state, figures), figures


def run(config: FitConfig, epochs: int, args: Arguments) -> tuple[TrainState, EpochEnd]:
    """Train from ``state.step`` up to ``stop``, or until the stopping rule ends it.

    Returns the state, and the figures of each epoch that ended on the way, shape ``(epochs,)``.
    Where a call begins and ends changes nothing in the result: mid-epoch sums are in the state.
    """
    hyper, per_epoch = args.hyper, args.hyper.steps_per_epoch
    before = args.state.step // per_epoch

    def step(k: jax.Array, state: TrainState) -> TrainState:
        line = lax.dynamic_index_in_dim(args.order, k - args.first, keepdims=False)
        return train_step(config, hyper, args.rows, line, state)

    def epoch(carry: tuple[TrainState, EpochEnd]) -> tuple[TrainState, EpochEnd]:
        state, report = carry
        number = state.step // per_epoch
        until = jnp.minimum((number + 1) * per_epoch, args.stop)
        state = lax.fori_loop(state.step, until, step, state)

        def finish(state: TrainState, report: EpochEnd) -> tuple[TrainState, EpochEnd]:
            state, figures = end_epoch(config, hyper, args.validation, state)
            place = number - before
            return state, EpochEnd(
                *(column.at[place].set(f) for column, f in zip(report, figures, strict=True))
            )

        ended = until == (number + 1) * per_epoch
        return lax.cond(ended, finish, lambda *same: same, state, report)

    def unfinished(carry: tuple[TrainState, EpochEnd]) -> jax.Array:
        state, _ = carry
        return (state.step < args.stop) & (state.status == RUNNING)

    blank = jnp.full((epochs,), jnp.nan, config.dtype)
    return lax.while_loop(unfinished, epoch, (args.state, EpochEnd(*[blank] * len(EpochEnd._fields))))


Program = Callable[[Arguments], tuple[TrainState, EpochEnd]]


def training_program(config: FitConfig, epochs: int, args: Arguments) -> Program:
    """Return the compiled loop for a configuration and the shapes of these arguments."""

    def build() -> Program:
        return jax.jit(lambda a: run(config, epochs, a)).lower(args).compile()

    return cache.get(("train", config, epochs, cache.signature(args)), build)
