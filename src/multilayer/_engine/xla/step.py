"""One step of training: a batch, its loss and gradient, the update.

Also the gradient of one batch for those who look on, and that of a block of rows for L-BFGS: the
same loss, without an update.
"""

from collections.abc import Callable
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from multilayer._core.types import Array
from multilayer._data.source import Rows, Window
from multilayer._engine.state import FitConfig, Hyper, Pending, TrainState
from multilayer._engine.xla import cache
from multilayer._nn.forward import keep_fixed, with_fixed
from multilayer._nn.members import without_fixed
from multilayer._nn.model import Factor, FactoredModel, Moments, Parameters, Rate
from multilayer._objectives.losses import penalty, penalty_gradient, row_losses
from multilayer._objectives.objective import reported_share
from multilayer._optim.rules import average, clip, limit_columns, make_rule


def prepare(config: FitConfig, hyper: Hyper, X: Array) -> Array:
    """Bring inputs to the computing type, scaled if requested."""
    x = X.astype(config.dtype)
    return x * hyper.input_scale if config.scaled else x


def batch_loss(
    params: Parameters, config: FitConfig, hyper: Hyper, batch: Rows, step: Array
) -> tuple[Array, Parameters]:
    """Weighted losses of the rows over the sum of their divisors, 0 where that is 0; no penalty.

    Returns also the parameters with the running moments moved by the batch.
    """
    x = prepare(config, hyper, batch.X)
    random = config.network.random
    # A function of seed and step: a run resumed from a checkpoint draws what it would have.
    key = jax.random.fold_in(jax.random.key(hyper.seed), step) if random else None
    used = params if not config.annealed else with_rates(params, strength(hyper, step))
    raw, moved = config.network.apply_in_training(used, x, batch.weight, hyper.disturbance, key)
    if config.annealed:
        moved = with_fixed(moved, params)  # the rates as they were
    losses = row_losses(config.objective, raw, batch.y, hyper.loss)
    return jnp.sum(losses * batch.weight) * reciprocal(jnp.sum(batch.divisors)), moved


def strength(hyper: Hyper, step: Array) -> Array:
    """Return what regularisation is multiplied by: 1 in the first half, half a cosine to 0 then.

    The schedule "flat_cos" of RealMLP (Holzmueller et al., 2024).
    """
    t = step / hyper.total_steps
    return jnp.where(t <= 0.5, 1.0, 0.5 * (1.0 + jnp.cos(np.pi * (2.0 * t - 1.0))))


def with_rates(params: Parameters, factor: Array) -> Parameters:
    """Return parameters whose rates are multiplied by a factor."""
    return jax.tree.map(
        lambda node: Rate(node.value * factor) if isinstance(node, Rate) else node,
        params,
        is_leaf=lambda node: isinstance(node, Rate),
    )


def reciprocal(total: Array) -> Array:
    """Return 1/total, and 0 where there is nothing."""
    present = total > 0
    return jnp.where(present, 1.0 / jnp.where(present, total, 1.0), 0.0)


def gather(rows: Rows, line: Array) -> Rows:
    """Rows of one batch; places without a row (-1) get row 0 with weight 0.

    So the last, short batch of an epoch has the shape of the others, and padding needs no mask:
    whatever is summed over rows is weighted already.
    """
    real = line >= 0
    index = jnp.where(real, line, 0)
    weight = jnp.where(real, rows.weight[index], 0.0)
    divisor = None if rows.divisor is None else jnp.where(real, rows.divisor[index], 0.0)
    return Rows(rows.X[index], rows.y[index], weight, divisor)


def learning_rate(config: FitConfig, rate: Array, state: TrainState) -> Array:
    """Rate of a step: the schedule's, less what the "adaptive" rule has taken off."""
    return rate / state.divisor if config.adaptive else rate


class Update(NamedTuple):
    """What an update changes in the state."""

    params: Parameters
    opt_state: optax.OptState
    average: Parameters | None
    loss_sum: Array


def train_step(
    config: FitConfig, hyper: Hyper, rows: Rows, line: Array, rate: Array, state: TrainState
) -> TrainState:
    """Do the step ``state.step`` on the batch that ``line`` names, at a learning rate."""
    batch = gather(rows, line)
    divisor = jnp.sum(batch.divisors)
    (loss, moved), gradient = jax.value_and_grad(batch_loss, has_aux=True)(
        state.params, config, hyper, batch, state.step
    )
    state = state._replace(
        params=moved,
        loss_sum=state.loss_sum + loss * divisor * reported_share(config.objective),
        weight_sum=state.weight_sum + divisor,
    )
    gathered, due = Pending(gradient, loss, divisor), True
    if config.accumulated:
        state, gathered, due = accumulate(hyper, state, gathered)

    def update() -> Update:
        return make_update(config, hyper, state, gathered, learning_rate(config, rate, state))

    if config.weighted or config.accumulated:  # otherwise every batch has at least one row
        unchanged = Update(state.params, state.opt_state, state.average, state.loss_sum)
        made = lax.cond(due & (gathered.weight > 0), update, lambda: unchanged)
    else:
        made = update()
    return state._replace(**made._asdict(), step=state.step + 1)


def accumulate(
    hyper: Hyper, state: TrainState, batch: Pending
) -> tuple[TrainState, Pending, Array]:
    """Add a batch to those before it, and empty the store when an update is due.

    Returns the state, the mean gradient and loss of the batches gathered with their divisor, and
    whether it is time for an update: after every ``accumulate_steps`` batches, and at the end of
    an epoch.
    """
    total = jax.tree.map(jnp.add, state.pending, weighed(batch, batch.weight))
    within = lax.rem(state.step, hyper.steps_per_epoch) + 1
    due = (lax.rem(within, hyper.accumulate_steps) == 0) | (within == hyper.steps_per_epoch)
    rest = jax.tree.map(lambda leaf: jnp.where(due, jnp.zeros_like(leaf), leaf), total)
    return state._replace(pending=rest), weighed(total, reciprocal(total.weight)), due


def weighed(batch: Pending, factor: Array) -> Pending:
    """Multiply a gradient and its loss."""
    gradient = jax.tree.map(lambda leaf: factor * leaf, batch.gradient)
    return Pending(gradient, factor * batch.loss, batch.weight)


def updates_before(hyper: Hyper, step: Array) -> Array:
    """Return the number of updates made before that of a step."""
    epoch, within = lax.div(step, hyper.steps_per_epoch), lax.rem(step, hyper.steps_per_epoch)
    group = hyper.accumulate_steps
    return epoch * lax.div(hyper.steps_per_epoch + group - 1, group) + lax.div(within, group)


def make_update(
    config: FitConfig, hyper: Hyper, state: TrainState, batch: Pending, rate: Array
) -> Update:
    """Apply the update rule to a gradient, with the penalty and the constraints around it."""
    params, gradient, loss_sum = state.params, batch.gradient, state.loss_sum
    if config.penalty:
        total, gradient = add_penalty(config, hyper, gradient, batch.weight, params)
        # The loss of an epoch is the mean of its batches' by divisor, which cancels here.
        loss_sum = loss_sum + total
    if config.clipped:
        gradient = clip(gradient, hyper.clip_norm)
    options = dict(config.solver_options)
    rule = make_rule(config.solver, hyper.solver, rate, config.nesterov, options)
    learnt, gradient = without_fixed(params), without_fixed(gradient)
    steps, opt_state = rule.update(
        gradient, state.opt_state, learnt, value=batch.loss, grad=gradient
    )
    if config.layerwise:
        steps = tuple(
            jax.tree.map(lambda leaf, factor=factor: factor * leaf, layer)
            for layer, factor in zip(steps, hyper.layer_rates, strict=True)
        )
    if config.factored:
        steps = factored(config, hyper, state.step, learnt, steps, rate)
    new = with_fixed(optax.apply_updates(learnt, steps), params)
    new = constrained(config, hyper, params, new)
    mean = state.average
    if config.averaged:
        mean = average(mean, new, hyper.ema_decay, updates_before(hyper, state.step))
    return Update(new, opt_state, mean, loss_sum)


def factored(
    config: FitConfig, hyper: Hyper, t: Array, learnt: Parameters, steps: Parameters, rate: Array
) -> Parameters:
    """Return steps by the factors of the network's layers, with decoupled weight decay.

    An array with the factors r and d moves by ``r * step - rate * r * d * weight_decay * array``.
    Members have a decay of their own each; what they share has the mean of them.
    """
    factors = cast(FactoredModel, config.network).factors(learnt)
    steps = by_rates(factors, steps)
    if hyper.weight_decay is None:
        return steps
    decay = jnp.ravel(rate * hyper.weight_decay)
    if config.annealed:
        decay = decay * strength(hyper, t)

    def less_decay(factor: Factor, step: Array, array: Array) -> Array:
        share = factor.rate * factor.decay
        each = decay if len(array) >= len(decay) else jnp.mean(decay, keepdims=True)
        own = each.reshape(-1, *(1,) * (array.ndim - 1))
        return step - share * own * array if share else step

    return jax.tree.map(less_decay, factors, steps, learnt)


def by_rates(factors: Parameters, steps: Parameters) -> Parameters:
    """Return steps, each multiplied by the rate of its array."""
    return jax.tree.map(lambda f, step: step if f.rate == 1 else f.rate * step, factors, steps)


def constrained(config: FitConfig, hyper: Hyper, old: Parameters, new: Parameters) -> Parameters:
    """Apply to updated parameters what the network demands: moments, norms, frozen layers."""
    new = keep_fixed(new, old)
    if config.max_norm:
        limited = (n._replace(kernel=limit_columns(n.kernel, hyper.max_norm)) for n in new[:-1])
        new = (*limited, new[-1])
    frozen = config.network.n_frozen
    return (*old[:frozen], *new[frozen:]) if frozen else new


def add_penalty(
    config: FitConfig, hyper: Hyper, gradient: Parameters, divisor: Array, params: Parameters
) -> tuple[Array, Parameters]:
    """Return ``alpha * penalty(W)``, and the gradient with that of it over the divisor.

    Every array of two axes or more is a ``W``, but for what no rule changes; frozen layers get no
    gradient. Added by hand: it is one term of the update's own pass over the weights.
    """
    ratio = hyper.l1_ratio if config.l1 else None
    shrink = hyper.alpha * reciprocal(divisor)

    def add(g: Array, w: Array) -> Array:
        return g + shrink * penalty_gradient(w, ratio) if w.ndim > 1 else g

    weights = without_fixed(params)
    total = sum(penalty(leaf, ratio) for leaf in jax.tree.leaves(weights) if leaf.ndim > 1)
    learnt = jax.tree.map(add, without_fixed(gradient), weights)
    frozen, penalised = config.network.n_frozen, with_fixed(learnt, gradient)
    if frozen:
        penalised = (*gradient[:frozen], *penalised[frozen:])
    return hyper.alpha * total, penalised


# Gradients without an update --------------------------------------------------------------------


def batch_gradient(
    config: FitConfig, hyper: Hyper, params: Parameters, window: Window, step: int
) -> Parameters:
    """Gradient of what a step of a window lowers, at any parameters, before it is clipped.

    Returns a tree like the parameters, without their running moments, which have no gradient.
    """
    args = params, hyper, window.rows, window.order[step - window.first], np.int32(step)

    def gradient(
        params: Parameters, hyper: Hyper, rows: Rows, line: Array, step: Array
    ) -> Parameters:
        batch = gather(rows, line)
        slopes, _ = jax.grad(batch_loss, has_aux=True)(params, config, hyper, batch, step)
        if config.penalty:
            _, slopes = add_penalty(config, hyper, slopes, jnp.sum(batch.divisors), params)
        return without_moments(slopes)

    program = cache.get(
        ("gradient", config, cache.signature(args)), lambda: cache.compiled(gradient, *args)
    )
    return program(*args)


def without_moments(tree: Parameters) -> Parameters:
    """Return a tree with nothing in place of running moments."""
    return jax.tree.map(
        lambda node: None if isinstance(node, Moments) else node,
        tree,
        is_leaf=lambda node: isinstance(node, Moments),
    )


def loss_program(config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows) -> Callable:
    """Return the compiled loss and gradient of a block of rows."""

    def build() -> Callable:
        def function(params: Parameters, hyper: Hyper, rows: Rows) -> tuple:
            step = np.int32(0)  # for dropout, which is refused with this solver
            (loss, _), gradient = jax.value_and_grad(batch_loss, has_aux=True)(
                params, config, hyper, rows, step
            )
            return loss, gradient

        return cache.compiled(function, params, hyper, rows)

    return cache.get(("lbfgs", config, cache.signature((params, hyper, rows))), build)
