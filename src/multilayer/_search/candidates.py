"""Which configurations a search tries."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from sklearn.base import BaseEstimator
from sklearn.model_selection import ParameterGrid, ParameterSampler

from multilayer._core.checks import check_choice, check_integer, refuse
from multilayer._search.spaces import default_space

SAMPLERS = ("random", "grid")
DEFAULT_N_ITER = 60

Parameters: TypeAlias = dict[str, Any]
"""Arguments of an estimator, by name."""
Distributions: TypeAlias = str | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""What `param_distributions` may be."""


def candidates_of(
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
        `param_distributions`, `sampler` or `n_iter` breaks its rule (a ValueError).
    """
    check_choice("sampler", sampler, SAMPLERS)
    spaces = _spaces(estimator, distributions)
    names = sorted({name for space in spaces for name in space})
    known = estimator.get_params(deep=True)
    for name in names:
        if name not in known:
            refuse(
                "param_distributions",
                f"a space of arguments of {type(estimator).__name__}",
                name,
                "estimator.get_params() lists them.",
            )
    if sampler == "grid":
        if n_iter is not None:
            refuse("n_iter", "None with sampler='grid', which tries all", n_iter)
        drawn: Iterable[Parameters] = ParameterGrid(spaces)
    else:
        n = DEFAULT_N_ITER if n_iter is None else n_iter
        check_integer("n_iter", n, 1)
        most = min(n - 1, _most(spaces))
        drawn = ParameterSampler(spaces, most, random_state=seed) if most else ()
    first = {name: known[name] for name in names}
    return [first, *(params for params in drawn if params != first)]


def _spaces(estimator: BaseEstimator, given: Distributions) -> list[Mapping[str, Any]]:
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
