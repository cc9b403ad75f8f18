"""How a search goes: what it reports while it trains, and what ``verbose`` prints of it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from multilayer._core.checks import count
from multilayer._search.candidates import Parameters


class SearchProgress(Protocol):
    """Follows a search; configurations are named by their numbers, the first one is 0."""

    def begin(self, n_rungs: int) -> None:
        """Training begins, with so many rungs at most."""

    def network(self, candidate: int, epochs: int, score: float) -> None:
        """A network of a configuration has come as far as the rung goes; called by any thread.

        The score that decides is that of one fold and seed, after so many epochs; NaN where the
        network failed.
        """

    def rung(self, number: int, active: Sequence[int], means: Sequence[float], epochs: int) -> None:
        """All that compete in a rung have come to its end, with these means over their networks."""

    def end(self) -> None:
        """Nothing more is trained but the final network."""


Follow: TypeAlias = Callable[[Sequence[Parameters], int], SearchProgress]
"""Takes the configurations and the number of networks of each; returns what follows the search."""


@dataclass
class PrintedProgress:
    """A line for each rung, with the leader."""

    candidates: Sequence[Parameters]
    n_lanes: int  # of a configuration
    _begun: float = field(default_factory=time.monotonic)

    def begin(self, n_rungs: int) -> None:
        """Print what is ahead."""
        n = len(self.candidates)
        print(
            f"{count(n, 'configuration')}, {count(self.n_lanes, 'network')} each, "
            f"{count(n_rungs, 'rung')}"
        )

    def network(self, candidate: int, epochs: int, score: float) -> None:
        """Print nothing."""

    def rung(self, number: int, active: Sequence[int], means: Sequence[float], epochs: int) -> None:
        """Print who leads after a rung."""
        best = max(range(len(active)), key=lambda i: (means[i] == means[i], means[i]))
        print(
            f"[{time.monotonic() - self._begun:7.1f} s] rung {number}: "
            f"{count(len(active), 'configuration')} at {count(epochs, 'epoch')}, "
            f"best {means[best]:.4f} {self.candidates[active[best]]}"
        )

    def end(self) -> None:
        """Print nothing."""
