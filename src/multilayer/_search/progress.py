"""What ``verbose`` of a search prints."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from multilayer._core.checks import count
from multilayer._search.candidates import Parameters


@dataclass
class PrintedProgress:
    """A line for each rung, with the leader."""

    candidates: Sequence[Parameters]  # so far
    n_candidates: int  # at the end
    n_lanes: int  # of a configuration
    _begun: float = field(default_factory=time.monotonic)

    def begin(self, n_rungs: int) -> None:
        """Print what is ahead."""
        print(
            f"{count(self.n_candidates, 'configuration')}, {count(self.n_lanes, 'network')} each, "
            f"{count(n_rungs, 'rung')}"
        )

    def rung(self, number: int, active: Sequence[int], means: Sequence[float], epochs: int) -> None:
        """Print who leads after a rung."""
        best = max(range(len(active)), key=lambda i: (means[i] == means[i], means[i]))
        print(
            f"[{time.monotonic() - self._begun:7.1f} s] rung {number}: "
            f"{count(len(active), 'configuration')} at {count(epochs, 'epoch')}, "
            f"best {means[best]:.4f} {self.candidates[active[best]]}"
        )
