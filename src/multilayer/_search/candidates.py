"""Which configurations a search tries."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from sklearn.base import BaseEstimator
from sklearn.model_selection import ParameterGrid, ParameterSampler

from multilayer._core.checks import check_choice, check_integer, refuse
from multilayer._search.spaces import default_space

SAMPLERS = ("random", "grid", "tpe")
DEFAULT_N_ITER = 60

Parameters: TypeAlias = dict[str, Any]
"""Arguments of an estimator, by name."""
Distributions: TypeAlias = (
    str | Mapping[str, Any] | Sequence[Mapping[str, Any]] | Callable[[Any], Parameters]
)
"""What `param_distributions` may be."""


class Candidates(Protocol):
    """The configurations of a search, in the order in which they are tried."""

    @property
    def left(self) -> int:
        """How many there are still."""

    @property
    def at_once(self) -> int:
        """How many compete with each other at a time, at most."""

    def next(self, most: int) -> list[Parameters]:
        """Return the next ones, at most so many."""


@dataclass
class DrawnCandidates:
    """Configurations that are known from the beginning."""

    drawn: list[Parameters]
    taken: int = 0

    @property
    def left(self) -> int:
        """How many there are still."""
        return len(self.drawn) - self.taken

    @property
    def at_once(self) -> int:
        """How many compete with each other at a time: all of them."""
        return len(self.drawn)

    def next(self, most: int) -> list[Parameters]:
        """Return the next ones, at most so many."""
        found = self.drawn[self.taken : self.taken + most]
        self.taken += len(found)
        return found


def draw(
    estimator: BaseEstimator,
    distributions: Distributions,
    *,
    sampler: str,
    n_iter: int | None,
    seed: int,
) -> list[Parameters]:
    """Return the configurations to try: first the estimator as it is, then those that are drawn.

    Raises
    ------
    InvalidArgumentError
        `param_distributions` or `n_iter` breaks its rule (a ValueError).
    """
    spaces = spaces_of(estimator, distributions)
    names = sorted({name for space in spaces for name in space})
    known = check_names(estimator, names)
    if sampler == "grid":
        if n_iter is not None:
            refuse("n_iter", "None with sampler='grid', which tries all", n_iter)
        drawn: Iterable[Parameters] = ParameterGrid(spaces)
    else:
        most = min(number_of(n_iter) - 1, _most(spaces))
        drawn = ParameterSampler(spaces, most, random_state=seed) if most else ()
    first = {name: known[name] for name in names}
    return [first, *(params for params in drawn if params != first)]


def number_of(n_iter: int | None) -> int:
    """Return how many configurations are tried, the estimator as it is among them."""
    if n_iter is None:
        return DEFAULT_N_ITER
    check_integer("n_iter", n_iter, 1)
    return n_iter


def check_names(estimator: BaseEstimator, names: Iterable[str]) -> Parameters:
    """Refuse names that are no arguments of an estimator; return its arguments."""
    known: Parameters = estimator.get_params(deep=True)
    for name in names:
        if name not in known:
            refuse(
                "param_distributions",
                f"a space of arguments of {type(estimator).__name__}",
                name,
                "estimator.get_params() lists them.",
            )
    return known


def spaces_of(estimator: BaseEstimator, given: Distributions) -> list[Mapping[str, Any]]:
    """Return the spaces that values are drawn from: one, or alternatives."""
    if isinstance(given, str):
        check_choice("param_distributions", given, ("default",))
        return [default_space(estimator)]
    spaces = [given] if isinstance(given, Mapping) else given
    if not (
        isinstance(spaces, Sequence) and spaces and all(isinstance(s, Mapping) for s in spaces)
    ):
        refuse("param_distributions", "'default', a dict, or a list of them", given)
    return list(spaces)


def _most(spaces: Sequence[Mapping[str, Any]]) -> int:
    """Return how many configurations there are, a large number where one argument is drawn."""
    if any(hasattr(values, "rvs") for space in spaces for values in space.values()):
        return 2**31 - 1
    return len(ParameterGrid(spaces))
