"""One step of training: a batch, its loss and gradient, the update."""

import jax
import jax.numpy as jnp
import optax
from jax import lax

from multilayer._core.types import Array
from multilayer._data.source import Rows
from multilayer._engine.config import FitConfig, Hyper
from multilayer._engine.state import TrainState
from multilayer._objectives.losses import OBJECTIVES
from multilayer._objectives.penalties import sum_of_squares
from multilayer._optim.solvers import SOLVERS
from multilayer.nn import network as nn
from multilayer.nn.network import Dense, Parameters


def prepare(config: FitConfig, hyper: Hyper, X: Array) -> Array:
    """Bring inputs to the computing type, scaled when the user asked for it."""
    x = X.astype(config.dtype)
    return x * hyper.input_scale if config.scaled else x


def batch_loss(
    params: Parameters, config: FitConfig, hyper: Hyper, batch: Rows, step: Array
) -> Array:
    """Weighted mean of the rows' losses, 0 for a batch without weight; no penalty."""
    x = prepare(config, hyper, batch.X)
    if config.network.dropout:
        key = jax.random.fold_in(jax.random.key(hyper.seed), step)
        logits = nn.apply_in_training(config.network, params, x, hyper.dropout, key)
    else:
        logits = nn.apply(config.network, params, x)
    losses = OBJECTIVES[config.loss].loss(logits, batch.y, hyper.label_smoothing)
    return jnp.sum(losses * batch.weight) * reciprocal(jnp.sum(batch.weight))


def reciprocal(weight: Array) -> Array:
    """Return 1/weight, and 0 where there is no weight."""
    present = weight > 0
    return jnp.where(present, 1.0 / jnp.where(present, weight, 1.0), 0.0)


def loss_and_gradient(
    params: Parameters, config: FitConfig, hyper: Hyper, batch: Rows, step: Array
) -> tuple[Array, Parameters]:
    """Loss of a batch with the L2 penalty ``0.5 * alpha * ||W||^2 / sum(weights)``, and gradient.

    The penalty's gradient is added by hand: it is one term of the update's own pass over the
    weights.
    """
    loss, gradient = jax.value_and_grad(batch_loss)(params, config, hyper, batch, step)
    if not config.penalty:
        return loss, gradient
    shrink = hyper.alpha * reciprocal(jnp.sum(batch.weight))
    squares = sum(sum_of_squares(layer.kernel) for layer in params)
    gradient = tuple(
        Dense(g.kernel + shrink * layer.kernel, g.bias)
        for g, layer in zip(gradient, params, strict=True)
    )
    return loss + 0.5 * shrink * squares, gradient


def gather(rows: Rows, line: Array) -> Rows:
    """Rows of one batch; places without a row (-1) get row 0 with weight 0."""
    real = line >= 0
    index = jnp.where(real, line, 0)
    weight = jnp.where(real, rows.weight[index], 0.0)
    return Rows(rows.X[index], rows.y[index], weight)


def learning_rate(config: FitConfig, rate: Array, state: TrainState) -> Array:
    """Rate of a step: the schedule's, less what the "adaptive" rule has taken off."""
    return rate / state.divisor if config.adaptive else rate


def train_step(
    config: FitConfig, hyper: Hyper, rows: Rows, line: Array, rate: Array, state: TrainState
) -> TrainState:
    """Do the step ``state.step`` on the batch that ``line`` names, at a learning rate."""
    batch = gather(rows, line)
    loss, gradient = loss_and_gradient(state.params, config, hyper, batch, state.step)
    weight = jnp.sum(batch.weight)

    def update(params: Parameters, opt_state: optax.OptState) -> tuple[Parameters, optax.OptState]:
        step_size = learning_rate(config, rate, state)
        rule = SOLVERS[config.solver](hyper.solver, step_size, config.nesterov)
        updates, opt_state = rule.update(gradient, opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    if config.weighted:  # without weights every batch has at least one row
        params, opt_state = lax.cond(
            weight > 0, update, lambda *unchanged: unchanged, state.params, state.opt_state
        )
    else:
        params, opt_state = update(state.params, state.opt_state)
    return state._replace(
        params=params,
        opt_state=opt_state,
        step=state.step + 1,
        loss_sum=state.loss_sum + loss * weight,
        weight_sum=state.weight_sum + weight,
    )
