"""How a search goes, on standard error: a table of leaders on a terminal, plain lines elsewhere.

Each kind is a context manager, and what a search reports to.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from types import TracebackType
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from multilayer._cli.console import clock, plain, say
from multilayer._core.checks import count
from multilayer._search.candidates import Parameters
from multilayer._search.progress import arguments_in_words

MOST_LEADERS = 8  # in the table that is live
REFRESHES = 4  # of it in a second

TRAINING, HALVED, FINISHED, FAILED = "training", "halved", "finished", "failed"


@dataclass(frozen=True)
class Leader:
    """How a configuration does."""

    candidate: int
    score: float  # mean over folds; NaN where a network failed
    epochs: int
    status: str

    @property
    def order(self) -> tuple[bool, bool, int, float]:
        """What the best ones have the most of: a score after few epochs says less.

        Those that trained to their end compare by score, whatever rule of their own ended them.
        """
        known, finished = self.score == self.score, self.status == FINISHED
        epochs = 0 if finished else self.epochs
        return known, finished, epochs, self.score if known else -math.inf


class Followed:
    """Follow a search silently; the subclasses print."""

    def __init__(self) -> None:
        self.interrupted = False
        self.candidates: Sequence[Parameters] = ()  # so far
        self.n_candidates = 0  # at the end
        self.n_networks = 0  # of a configuration
        self.n_rungs = self.number = 0  # all rungs, and those that are over
        self.leaders: dict[int, Leader] = {}
        # Epochs and scores of a configuration's networks in its rung.
        self._waiting: dict[int, list[tuple[int, float]]] = {}
        self._reported: set[int] = set()  # those whose networks all are in their rung
        self._trained: dict[int, int] = {}  # networks of a configuration
        self._lock = Lock()  # networks are reported by the threads that train them

    def __call__(
        self, candidates: Sequence[Parameters], n_candidates: int, n_networks: int
    ) -> Self:
        """Follow a search over these configurations, with so many networks each."""
        self.candidates, self.n_candidates = candidates, n_candidates
        self.n_networks = n_networks
        return self

    @property
    def n_trained(self) -> int:
        """Networks that were trained, to whatever epoch."""
        return sum(self._trained.values())

    @property
    def ranked(self) -> list[Leader]:
        """Configurations with a score, the best one first."""
        with self._lock:
            found = list(self.leaders.values())
        return sorted(found, key=lambda leader: leader.order, reverse=True)

    def begin(self, n_rungs: int) -> None:
        """Remember the number of rungs."""
        self.n_rungs, self.number = n_rungs, 0

    def network(self, candidate: int, epochs: int, score: float) -> None:
        """Take the score of a network; with the last one of a configuration it has a mean."""
        with self._lock:
            found = self._waiting.setdefault(candidate, [])
            found.append((epochs, score))
            self._trained[candidate] = max(self._trained.get(candidate, 0), len(found))
            if len(found) < self.n_networks:
                return
            mean = sum(each for _, each in found) / len(found)  # NaN if one of them is
            status = TRAINING if mean == mean else FAILED
            most = max(done for done, _ in found)
            found.clear()
            self._reported.add(candidate)
            self.leaders[candidate] = Leader(candidate, mean, most, status)

    def rung(
        self,
        number: int,
        active: Sequence[int],
        means: Sequence[float],
        epochs: int,
        left: Sequence[int],
    ) -> None:
        """Say of each configuration whether it goes on."""
        ended = HALVED if left else FINISHED
        with self._lock:
            self.number = max(self.number, number)
            for candidate, mean in zip(active, means, strict=True):
                leader = Leader(candidate, mean, epochs, TRAINING if mean == mean else FAILED)
                if candidate in self._reported:
                    leader = self.leaders[candidate]
                if leader.status == TRAINING and candidate not in left:
                    leader = replace(leader, status=ended)
                self.leaders[candidate] = leader
                self._waiting.pop(candidate, None)
                self._reported.discard(candidate)

    def end(self, *, interrupted: bool) -> None:
        """Remember whether Ctrl-C ended the search."""
        self.interrupted = interrupted

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End."""


class LeaderLines(Followed):
    """Print a plain line for each rung, and for each new leader where there is one rung alone."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console, self._begun = console, time.monotonic()
        self._best: Leader | None = None
        self._printing = Lock()

    def begin(self, n_rungs: int) -> None:
        """Print what is ahead."""
        first = not self.n_rungs
        super().begin(n_rungs)
        if first:
            say(self._console, plan_in_words(self))

    def network(self, candidate: int, epochs: int, score: float) -> None:
        """Print a new leader."""
        super().network(candidate, epochs, score)
        if self.n_rungs > 1:
            return
        with self._printing:
            if next(iter(self.ranked), None) not in (None, self._best):
                n = count(self.n_candidates, "configuration")
                self._print(f"{len(self.leaders)} of {n}")

    def rung(
        self,
        number: int,
        active: Sequence[int],
        means: Sequence[float],
        epochs: int,
        left: Sequence[int],
    ) -> None:
        """Print the leader after a rung."""
        super().rung(number, active, means, epochs, left)
        if self.n_rungs > 1:
            n = count(len(active), "configuration")
            self._print(f"rung {number}: {n} at {count(epochs, 'epoch')}")

    def end(self, *, interrupted: bool) -> None:
        """Print what comes next."""
        super().end(interrupted=interrupted)
        say_final(self._console, interrupted=interrupted)

    def _print(self, what: str) -> None:
        self._best = best = self.ranked[0]
        spent = clock(time.monotonic() - self._begun)
        shown = arguments_in_words(self.candidates[best.candidate])
        say(self._console, f"{spent}  {what}, best {best.score:.4f}  {shown}")


class LeaderTable(Followed):
    """Show a table of the leaders on a terminal, while the search goes on."""

    def __init__(self, console: Console, budget: float | None) -> None:
        super().__init__()
        self._budget, self._begun = budget, time.monotonic()
        self._live = Live(
            console=console,
            get_renderable=self.shown,
            refresh_per_second=REFRESHES,
            transient=True,
        )

    def __enter__(self) -> Self:
        """Show it."""
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove it: the result has a table of its own."""
        self._live.stop()

    def end(self, *, interrupted: bool) -> None:
        """Remove it before the final training."""
        super().end(interrupted=interrupted)
        self._live.stop()
        say_final(self._live.console, interrupted=interrupted)

    def shown(self) -> Group:
        """Return what is on the screen now."""
        spent = time.monotonic() - self._begun
        times = clock(spent)
        if self._budget is not None:
            times = f"{times}, {clock(max(0.0, self._budget - spent))} left"
        total = self.n_candidates * self.n_networks
        parts = [
            f"rung {min(self.number + 1, self.n_rungs)} of {self.n_rungs}",
            f"{self.n_trained:,} of {count(total, 'network')}",
            times,
        ]
        heading = Text("searching: " + "  ".join(parts), style="cyan")
        return Group(heading, leaders_table(self.ranked[:MOST_LEADERS], self.candidates))


def leaders_table(
    leaders: Sequence[Leader], candidates: Sequence[Parameters], default: int | None = 0
) -> Table:
    """Return a table of configurations in their order; one of them is the default."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False, header_style="dim")
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("epochs", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("arguments", overflow="fold")
    for rank, leader in enumerate(leaders, 1):
        mark = "default: " if leader.candidate == default else ""
        table.add_row(
            str(rank),
            "" if leader.score != leader.score else f"{leader.score:.4f}",
            f"{leader.epochs:,}",
            leader.status,
            plain(mark + arguments_in_words(candidates[leader.candidate])),
            style="bold" if rank == 1 else None,
        )
    return table


def say_final(console: Console, *, interrupted: bool) -> None:
    """Print that the final network is trained now."""
    which = "the best configuration so far" if interrupted else "the best configuration"
    again = "; Ctrl-C again ends without a model" if interrupted else ""
    say(console, f"training {which} on all rows{again}")


def plan_in_words(search: Followed) -> str:
    """Return what is ahead."""
    numbers = {
        "configuration": search.n_candidates,
        "network": search.n_networks,
        "rung": search.n_rungs,
    }
    configurations, networks, rungs = (count(n, noun) for noun, n in numbers.items())
    return f"{configurations}, {networks} each, {rungs}"


def leaders_follower(console: Console, budget: float | None, *, silent: bool) -> Followed:
    """Return what suits the console."""
    if silent:
        return Followed()
    return LeaderTable(console, budget) if console.is_terminal else LeaderLines(console)
