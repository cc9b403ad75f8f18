"""Many networks trained at once: one on each core, or all of them in one program.

Small networks gain nothing from several threads each, so on a CPU the networks share the cores one
by one, each on one thread: shapes, rules and data may all be different. An accelerator takes them
all in one program, where they are of one shape. A run that diverges or stops early says so in its
own status; it never touches the others, and its bits are those it has when it trains alone.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from functools import partial
from threading import Event
from typing import Protocol, runtime_checkable

from multilayer._core.checks import check_choice, refuse
from multilayer._core.pytrees import leaves
from multilayer._engine.loop import Pace, Training, train
from multilayer._engine.native.threads import limited, most_threads

HOWS = ("auto", "threads", "vmap")


@runtime_checkable
class VmappingMaker(Protocol):
    """A maker of programs that can train many runs of one shape in one program."""

    def prefers_vmap(self) -> bool:
        """Whether that is quicker than one run on each core."""

    def train_together(self, members: Sequence[Training], stop: int) -> None:
        """Train all members in lockstep."""


def train_population(members: Sequence[Training], stop: int, *, how: str = "auto") -> None:
    """Train every member until step ``stop``, its own convergence or divergence.

    Parameters
    ----------
    members : sequence of Training
        Runs, each with a network, numbers, rows and orders of its own. For "vmap" of one maker,
        configuration and shape of data, all at the same step.
    stop : int
        Step of each run to stop before.
    how : {"auto", "threads", "vmap"}
        "threads" trains one run on each core that this process may use, each on one thread. "vmap"
        trains all in one program, which XLA's maker can. "auto" takes vmap where all members are of
        a maker that prefers it: XLA's on an accelerator.

    Raises
    ------
    InvalidArgumentError
        There is no such way, or the members cannot be trained in it (a ValueError).
    """
    check_choice("how", how, HOWS)
    if not members:
        return
    maker = members[0].maker
    alike = all(member.maker is maker for member in members)
    can = alike and isinstance(maker, VmappingMaker)
    if how == "vmap" and not can:
        refuse("members", "of one maker that can vmap, which is XLA's", members, "Use 'threads'.")
    if isinstance(maker, VmappingMaker) and can and (how == "vmap" or _prefers(how, maker)):
        maker.train_together(members, stop)
    else:
        train_on_threads(members, stop)


def _prefers(how: str, maker: VmappingMaker) -> bool:
    return how == "auto" and maker.prefers_vmap()


def train_on_threads(members: Sequence[Training], stop: int) -> None:
    """Train one member on each core; an exception ends all of them after their present calls."""
    ended = Event()

    def run(member: Training) -> None:
        pace = Pace(member)

        def budget(step: int) -> int:
            if ended.is_set():
                raise CancelledError
            return pace(step)

        train(member, stop, budget=budget)

    def work(member: Training) -> int:
        weights = sum(leaf.size for leaf in leaves(member.state.params))
        return weights * member.source.width * (stop - member.step)

    # What takes longest begins first, so that no core is left with it at the end.
    longest_first = sorted(members, key=work, reverse=True)
    run_on_cores([partial(run, member) for member in longest_first], most_threads(), ended)


def run_on_cores(tasks: Sequence[Callable[[], None]], most: int, ended: Event) -> None:
    """Run tasks, at most so many at a time, the first ones first; they share the cores.

    When one fails, or Ctrl-C is pressed, ``ended`` is set, for the others to end, and it is raised.
    """
    workers = min(most, len(tasks))
    threads = max(1, most_threads() // workers)

    def run(task: Callable[[], None]) -> None:
        with limited(threads):
            task()

    with ThreadPoolExecutor(workers) as pool:
        runs = [pool.submit(run, task) for task in tasks]
        try:
            for each in as_completed(runs):
                each.result()
        except BaseException:
            ended.set()
            raise
