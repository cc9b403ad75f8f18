"""Spaces of arguments in Optuna's form: a function that asks a trial for values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial
from sklearn.base import BaseEstimator

from multilayer._core.checks import refuse
from multilayer._search.candidates import Distributions, Parameters, check_names, spaces_of

Define: TypeAlias = Callable[[BaseTrial], Parameters]
"""Returns the arguments that a trial suggests, or has."""

StoredLabel: TypeAlias = bool | int | float | str | None

PLAIN = (bool, int, float, str, type(None))
LOGARITHMIC = ("loguniform", "reciprocal")
OUTSIDE = object()
MANY_DECADES = 100.0  # values that span so much are drawn by their logarithm


@dataclass(frozen=True)
class Suggestion:
    """A value as Optuna stores it: from a distribution, or by the label of a value."""

    distribution: BaseDistribution
    values: Mapping[StoredLabel, Any] | None = None  # by label

    def of(self, name: str, trial: BaseTrial) -> Any:
        """Return the value that a trial suggests."""
        match self.distribution:
            case FloatDistribution(low=low, high=high, log=log, step=step):
                return trial.suggest_float(name, low, high, log=log, step=step)
            case IntDistribution(low=low, high=high, log=log, step=step):
                return trial.suggest_int(name, low, high, log=log, step=step)
            case CategoricalDistribution(choices=choices):
                chosen = trial.suggest_categorical(name, choices)
                return chosen if self.values is None else self.values[chosen]
        raise AssertionError(self.distribution)

    def stored(self, value: object) -> object:
        """Return what a trial stores of a value; OUTSIDE where the value is not of the space."""
        if self.values is not None:
            label = label_of(value)
            return label if label in self.values else OUTSIDE
        if isinstance(self.distribution, CategoricalDistribution):
            return value if value in self.distribution.choices else OUTSIDE
        if not isinstance(value, int | float | np.number) or isinstance(value, bool):
            return OUTSIDE
        return label_of(value) if self.distribution._contains(float(value)) else OUTSIDE


def label_of(value: object) -> StoredLabel:
    """Return what stands for a value in a storage: plain values for themselves."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, PLAIN) else repr(value)


def suggestions_of(space: Mapping[str, Any]) -> dict[str, Suggestion]:
    """Return what is suggested for each argument of a space.

    Raises
    ------
    InvalidArgumentError
        A distribution is none that Optuna has (a ValueError).
    """
    return {name: _suggestion(name, values) for name, values in sorted(space.items())}


def _suggestion(name: str, values: Any) -> Suggestion:
    if isinstance(values, BaseDistribution):
        return Suggestion(values)
    if hasattr(values, "rvs"):
        return Suggestion(_distribution(name, values))
    by_label = {label_of(value): value for value in values}
    return Suggestion(CategoricalDistribution(list(by_label)), by_label)


def _distribution(name: str, frozen: Any) -> BaseDistribution:
    """Return Optuna's form of a frozen distribution of SciPy."""
    kind = getattr(getattr(frozen, "dist", None), "name", None)
    if kind in (*LOGARITHMIC, "uniform"):
        low, high = map(float, frozen.support())
        return FloatDistribution(low, high, log=kind in LOGARITHMIC)
    if kind == "randint":
        low, high = map(int, frozen.support())
        return IntDistribution(low, high)
    refuse(
        "param_distributions",
        f"a list, uniform, loguniform or randint for {name} with a model-based sampler",
        frozen,
        "A function of a trial can suggest all that Optuna has.",
    )


def drawn_suggestions(candidates: Sequence[Parameters]) -> dict[str, Suggestion]:
    """Return the ranges of values that were drawn, as a storage needs them."""
    names = sorted({name for params in candidates for name in params})
    return {
        name: _range([params[name] for params in candidates if name in params]) for name in names
    }


def _range(values: Sequence[Any]) -> Suggestion:
    kinds = {type(label_of(value)) for value in values}
    if kinds <= {int, float} and all(np.isfinite(values)):
        low, high = min(values), max(values)
        log = bool(low > 0 and high / low >= MANY_DECADES)
        if kinds == {int}:
            return Suggestion(IntDistribution(int(low), int(high), log=log))
        return Suggestion(FloatDistribution(float(low), float(high), log=log))
    by_label = {label_of(value): value for value in values}
    return Suggestion(CategoricalDistribution(list(by_label)), by_label)


def define_by_run(
    estimator: BaseEstimator, given: Distributions
) -> tuple[Define, dict[str, Suggestion]]:
    """Return the function that asks a trial for arguments, and what it asks for where known.

    Raises
    ------
    InvalidArgumentError
        `param_distributions` breaks its rule (a ValueError).
    """
    if callable(given):
        return _checked(estimator, given), {}
    spaces = spaces_of(estimator, given)
    if len(spaces) > 1:
        refuse(
            "param_distributions",
            "one dict with a model-based sampler, or a function of a trial",
            given,
            "The function may suggest different arguments by what it suggested before.",
        )
    suggestions = suggestions_of(spaces[0])
    check_names(estimator, suggestions)

    def define(trial: BaseTrial) -> Parameters:
        return {name: own.of(name, trial) for name, own in suggestions.items()}

    return define, suggestions


def _checked(estimator: BaseEstimator, given: Callable[[Any], Parameters]) -> Define:
    def define(trial: BaseTrial) -> Parameters:
        params = given(trial)
        if not isinstance(params, Mapping):
            refuse("param_distributions", "a function that returns a dict of arguments", params)
        check_names(estimator, params)
        return dict(params)

    return define


def stored_params(
    suggestions: Mapping[str, Suggestion], params: Parameters
) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """Return the arguments that are of a space as a trial stores them, and their distributions."""
    found = {
        name: suggestions[name].stored(value)
        for name, value in params.items()
        if name in suggestions
    }
    inside = [name for name, value in found.items() if value is not OUTSIDE]
    return {n: found[n] for n in inside}, {n: suggestions[n].distribution for n in inside}
