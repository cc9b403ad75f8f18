"""The training program: any number of steps of one network, or of a population."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from multilayer._core.checks import refuse
from multilayer._core.types import Array
from multilayer._data.source import Rows, Window
from multilayer._engine.loop import Training, window_rates
from multilayer._engine.program import Arguments, EpochEnd, Program, Sums, Validation
from multilayer._engine.state import RUNNING, FitConfig, Hyper, TrainState
from multilayer._engine.stopping import close_epoch
from multilayer._engine.xla import cache
from multilayer._engine.xla.step import learning_rate, prepare, reciprocal, train_step
from multilayer._nn.model import Parameters
from multilayer._objectives.losses import row_losses, score_sums
from multilayer._objectives.objective import n_sums, reported_share, score

# The compiled loop: any number of steps, with validation and stopping at each epoch's end --------
#
# Bounds are numbers in the arguments and the loops are XLA's own, so that one program serves
# calls of any length: as fast as a scan over a fixed number of steps, and compiled once.


def block_sums(config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows) -> Sums:
    """Return the weighted sums over a block of rows."""
    network = config.network.at_prediction()
    plain = hyper.loss._replace(label_smoothing=jnp.zeros((), config.dtype), class_weights=None)
    raw = network.apply(params, prepare(config, hyper, rows.X))
    losses = row_losses(config.objective, raw, rows.y, plain)
    sums = score_sums(config.objective, raw, rows.y, rows.weight)
    return jnp.sum(losses * rows.weight), sums


def validate(
    config: FitConfig, hyper: Hyper, params: Parameters, validation: Validation
) -> tuple[Array, Array]:
    """Weighted mean loss and score over validation rows, block by block."""

    def add(i: Array, sums: Sums) -> Sums:
        more = block_sums(config, hyper, params, jax.tree.map(lambda p: p[i], validation.blocks))
        return sums[0] + more[0], sums[1] + more[1]

    weights = validation.blocks.weight
    zeros = jnp.zeros((), config.dtype), jnp.zeros(n_sums(config.objective), config.dtype)
    loss, sums = lax.fori_loop(0, weights.shape[0], add, zeros)
    mean = loss * reciprocal(jnp.sum(weights)) * reported_share(config.objective)
    return mean, score(config.objective, sums, validation.scale, jnp)


def end_epoch(
    config: FitConfig, hyper: Hyper, validation: Validation | None, rate: Array, state: TrainState
) -> tuple[TrainState, EpochEnd]:
    """Figures of the epoch that the state has just finished, and the state after it.

    Where its figures are completed outside the epoch stays open: the loop closes it.
    """
    nothing = jnp.full((), jnp.nan, config.dtype)
    loss, reached = nothing, nothing
    if validation is not None:
        loss, reached = validate(config, hyper, state.model, validation)
    figures = EpochEnd(
        loss=state.loss_sum * reciprocal(state.weight_sum),
        validation_loss=loss,
        validation_score=reached,
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


def sums_program(config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows) -> Callable:
    """Return the compiled sums of a block."""

    def build() -> Callable:
        return cache.compiled(
            lambda params, hyper, rows: block_sums(config, hyper, params, rows),
            params,
            hyper,
            rows,
        )

    return cache.get(("validate", config, cache.signature((params, hyper, rows))), build)


# Many networks of one shape in one vmapped program -----------------------------------------------
#
# The program of one member is the definition.


def train_together(members: Sequence[Training], stop: int) -> None:
    """Train all members in lockstep, window by window, in one vmapped program."""
    first = members[0]
    for member in members:
        if member.config != first.config or member.step != first.step:
            refuse("members", "alike in configuration and step", member.config)
    step, running = first.step, True
    while running and step < stop:
        windows = [member.source.window(step) for member in members]
        until = min(stop, windows[0].stop)
        before = [member.step for member in members]
        args = stacked(members, windows, until)
        program = population_program(first, windows[0].epochs, args)
        states, reports = jax.block_until_ready(program(args))
        for i, member in enumerate(members):
            member.state = jax.tree.map(lambda leaf, i=i: leaf[i], jax.device_get(states))
            per_epoch = member.source.steps_per_epoch
            finished = member.step // per_epoch - before[i] // per_epoch
            member.history.add(np.asarray(reports)[i, :finished], per_epoch, member.seconds)
        step, running = until, any(member.status == 0 for member in members)


def on_device(member: Training) -> Validation | None:
    """Return a member's validation rows; those that are streamed are not for a program."""
    if not isinstance(member.validation, Validation | None):
        refuse("members", "without streamed validation rows", member.validation)
    return member.validation


def stacked(members: Sequence[Training], windows: Sequence[Window], until: int) -> Arguments:
    """Lay the members' arguments side by side; X and y of the first serve all."""

    def stack(*leaves: Array) -> np.ndarray:
        return np.stack([np.asarray(leaf) for leaf in leaves])

    def over(field: str) -> Array:
        return jax.tree.map(stack, *(getattr(member, field) for member in members))

    weights, divisors = (
        jax.tree.map(stack, *(getattr(window.rows, name) for window in windows))
        for name in ("weight", "divisor")
    )
    return Arguments(
        state=over("state"),
        hyper=over("hyper"),
        rows=windows[0].rows._replace(weight=weights, divisor=divisors),
        order=stack(*(window.order for window in windows)),
        rates=stack(*map(window_rates, members, windows)),
        validation=on_device(members[0]),
        first=np.int32(windows[0].first),
        stop=np.int32(until),
    )


def population_program(member: Training, epochs: int, args: Arguments) -> Program:
    """Return the compiled loop of one member, vmapped over all."""
    each: Array = 0  # the axis of the members
    shared = None
    axes: Array = Arguments(
        each, each, Rows(shared, shared, each, each), each, each, None, shared, shared
    )

    def build() -> Program:
        one = jax.vmap(lambda a: run(member.config, epochs, a), in_axes=(axes,))
        return cache.compiled(one, args)

    key = ("population", member.config, epochs, cache.signature(args))
    return cache.get(key, build)
