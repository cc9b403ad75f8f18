"""The work of a search: tasks that share the cores of this process."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event

from sklearn import config_context, get_config

from multilayer._engine.loop import Budget
from multilayer._engine.population import run_on_cores


class StoppedError(Exception):
    """The time is over, or Ctrl-C was pressed: what is under way ends between two calls."""


@dataclass
class Work:
    """Runs tasks on the cores, each network on one thread.

    Parameters
    ----------
    n_jobs : int
        Tasks at the same time.
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

    def within(self, pace: Budget) -> Budget:
        """Return the pace of a fit that ends when the work does."""

        def budget(step: int) -> int:
            if self.over:
                raise StoppedError
            return pace(step)

        return budget

    def run(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run tasks, the first ones first; when one fails, the others end and it is raised."""
        settings = get_config()  # of this thread; others would have the defaults

        def run(task: Callable[[], None]) -> None:
            if not self.over:
                with config_context(**settings):
                    task()

        run_on_cores([partial(run, task) for task in tasks], self.n_jobs, self._ended)
