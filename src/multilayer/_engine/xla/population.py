"""Many networks of one shape at once: on threads (CPU), or as one vmapped program.

The program of one member is the definition. XLA does not split the small products of one network
over cores, so on a CPU the members share the cores one by one; an accelerator takes them all in
one program. A member that diverges or stops early says so in its own status; it never touches
the others.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np

from multilayer._core.checks import check_choice, refuse
from multilayer._core.environment import usable_cores
from multilayer._core.process import check_process
from multilayer._core.types import Array
from multilayer._data.source import Rows, Window
from multilayer._engine.loop import Training, train, window_rates
from multilayer._engine.program import Arguments, Program, Validation
from multilayer._engine.validation import StreamedValidation
from multilayer._engine.xla import cache
from multilayer._engine.xla.epoch import run


def train_population(members: Sequence[Training], stop: int, *, how: str = "auto") -> None:
    """Train every member until step ``stop``, its own convergence or divergence.

    Parameters
    ----------
    members : sequence of Training
        One shape of network and of data for all; hyper-parameters, initial weights, seeds, orders
        of rows and weights are each member's own.
    how : {"auto", "threads", "vmap"}
        "auto" takes threads on a CPU and vmap on an accelerator.
    """
    check_choice("how", how, ("auto", "threads", "vmap"))
    check_process()
    if how == "auto":
        how = "threads" if jax.default_backend() == "cpu" else "vmap"
    if how == "threads":
        with ThreadPoolExecutor(usable_cores()) as pool:
            list(pool.map(lambda member: train(member, stop), members))
    else:
        train_together(members, stop)


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
    if isinstance(member.validation, StreamedValidation):
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
