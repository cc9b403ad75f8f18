"""The work of a search: lanes that share the cores of this process."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Protocol

from sklearn import config_context, get_config

from multilayer._engine.loop import Budget
from multilayer._engine.population import run_on_cores
from multilayer._search.lanes import Lane
from multilayer._search.together import accelerated, advance_together
from multilayer._search.visits import Rules, StoppedError, begin, visit

Checked = Callable[[Lane], None]
"""Called after each check of a lane, from any thread."""


class Workers(Protocol):
    """What trains lanes: the cores of this process, or those of others."""

    @property
    def n_jobs(self) -> int:
        """Lanes at the same time."""

    @property
    def over(self) -> bool:
        """Whether nothing more is to be begun."""

    @property
    def seconds_left(self) -> float:
        """Seconds until the work ends."""

    def visit(
        self,
        lanes: Sequence[Lane],
        points: Sequence[Sequence[float]],
        rules: Rules,
        checked: Checked,
    ) -> None:
        """Train lanes through points of theirs; they have changed when it returns."""


@dataclass
class Work:
    """Trains lanes on the cores of this process, each on one thread.

    Parameters
    ----------
    n_jobs : int
        Lanes at the same time.
    deadline : float
        When all of them end, by ``time.monotonic``.
    """

    n_jobs: int
    deadline: float
    _ended: Event = field(default_factory=Event)

    @property
    def over(self) -> bool:
        """Whether nothing more is to be begun."""
        return self._ended.is_set() or time.monotonic() >= self.deadline

    @property
    def seconds_left(self) -> float:
        """Seconds until the work ends."""
        return self.deadline - time.monotonic()

    def within(self, pace: Budget) -> Budget:
        """Return the pace of a fit that ends when the work does."""

        def budget(step: int) -> int:
            if self.over:
                raise StoppedError
            return pace(step)

        return budget

    def visit(
        self,
        lanes: Sequence[Lane],
        points: Sequence[Sequence[float]],
        rules: Rules,
        checked: Checked,
    ) -> None:
        """Train lanes, the first ones first; when one raises, the others end and it is raised."""
        if not accelerated():
            self.run(
                partial(visit, lane, own, rules, self.within, checked)
                for lane, own in zip(lanes, points, strict=True)
            )
            return
        self.run(partial(begin, lane, rules, checked) for lane in lanes)
        for i in range(max(map(len, points), default=0)):
            ahead = [
                (lane, own[i]) for lane, own in zip(lanes, points, strict=True) if i < len(own)
            ]
            for share in sorted({share for _, share in ahead}):
                advance_together([lane for lane, own in ahead if own == share], share)
            self.run(
                partial(visit, lane, [share], rules, self.within, checked) for lane, share in ahead
            )

    def run(self, tasks: Iterable[Callable[[], None]]) -> None:
        """Run tasks, the first ones first; when one fails, the others end and it is raised."""
        settings = get_config()  # of this thread; others would have the defaults

        def run(task: Callable[[], None]) -> None:
            if not self.over:
                with config_context(**settings):
                    task()

        run_on_cores([partial(run, task) for task in tasks], self.n_jobs, self._ended)
