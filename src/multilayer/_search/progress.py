"""How a search goes: what it reports while it trains, and what ``verbose`` prints of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Protocol, TypeAlias, TypeGuard

from multilayer._core.checks import count
from multilayer._search.candidates import Parameters

# Arguments and their values in words -------------------------------------------------------------


def short_names(names: Sequence[str]) -> list[str]:
    """Return names of arguments without the steps of a pipeline, where that is not ambiguous."""
    short = [name.rpartition("__")[2] for name in names]
    return [
        last if short.count(last) == 1 else name for name, last in zip(names, short, strict=True)
    ]


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def value_in_words(value: object) -> str:
    """Return a value: a number in three digits, layers as 64-32."""
    if is_number(value):
        return f"{value:.3g}"
    if isinstance(value, tuple | list) and value and all(map(is_number, value)):
        return "-".join(f"{number:.3g}" for number in value)
    return str(value)


def arguments_in_words(params: Mapping[str, object]) -> str:
    """Return arguments with their values, as in ``alpha=0.001, batch_size=32``."""
    pairs = zip(short_names(list(params)), params.values(), strict=True)
    return ", ".join(f"{name}={value_in_words(value)}" for name, value in pairs)


# Followers of a search ---------------------------------------------------------------------------


class SearchProgress(Protocol):
    """Follows a search; configurations are named by their numbers, the first one is 0."""

    def begin(self, n_rungs: int) -> None:
        """Training begins, with so many rungs at most."""

    def network(self, candidate: int, epochs: int, score: float) -> None:
        """A network of a configuration has come as far as the rung goes; called by any thread.

        The score that decides is that of one fold and seed, after so many epochs; NaN where the
        network failed.
        """

    def rung(
        self,
        number: int,
        active: Sequence[int],
        means: Sequence[float],
        epochs: int,
        left: Sequence[int],
    ) -> None:
        """All that compete in a rung have come to its end, with these means over their networks.

        Those that are left go on to the next rung; after the last one there are none.
        """

    def end(self, *, interrupted: bool) -> None:
        """Nothing more is trained but the final network, perhaps as Ctrl-C was pressed."""


Follow: TypeAlias = Callable[[Sequence[Parameters], int, int], SearchProgress]
"""Takes the configurations so far, their number at the end, and that of the networks of each; it
returns what follows the search."""


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

    def network(self, candidate: int, epochs: int, score: float) -> None:
        """Print nothing."""

    def rung(
        self,
        number: int,
        active: Sequence[int],
        means: Sequence[float],
        epochs: int,
        left: Sequence[int],
    ) -> None:
        """Print who leads after a rung."""
        best = max(range(len(active)), key=lambda i: (means[i] == means[i], means[i]))
        print(
            f"[{time.monotonic() - self._begun:7.1f} s] rung {number}: "
            f"{count(len(active), 'configuration')} at {count(epochs, 'epoch')}, "
            f"best {means[best]:.4f} {arguments_in_words(self.candidates[active[best]])}"
        )

    def end(self, *, interrupted: bool) -> None:
        """Print nothing."""
