"""Learning-rate schedules: the rate of each step, computed on the host and passed to the program.

A schedule is therefore never compiled, and changing it compiles nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from multilayer._core.checks import check_bool, check_choice, check_real, refuse

Numbers = Mapping[str, float]
Rates: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Learning rates (float64) of global steps (int64)."""

WARMUP = {"warmup_fraction": 0.0, "start_factor": 0.0}
"""Numbers that every schedule has."""


@dataclass(frozen=True)
class Schedule:
    """A learning-rate schedule: the factor of the base rate in the course of a fit.

    Pass one as ``learning_rate`` to an estimator. The numbers of `defaults` are then set by its
    ``schedule_params``; changing them compiles nothing.

    Parameters
    ----------
    name : str
        Name in messages.
    factor : callable
        ``factor(t, **numbers)`` returns the factor of ``learning_rate_init`` at each entry of the
        float64 array `t`: an array of its shape, without negative values. It is called with all
        numbers of `defaults` but the two of the warm-up.
    defaults : mapping of str to float, default={}
        Numbers of `factor` with their defaults. Of the warm-up, which every schedule has, they may
        replace ``warmup_fraction=0`` (of all steps) and ``start_factor=0`` (of the base rate).
    ends_by_design : bool, default=True
        Whether it is meant to end at ``max_iter``: then there is no ConvergenceWarning.
    over : {"progress", "rows"}, default="progress"
        What `t` is: the fraction of the steps after the warm-up that are done, from 0 to 1; or the
        number of training rows seen in whole epochs.
    warmup : {"linear", "cosine"}, default="linear"
        Whether the rate rises in a straight line or in half a cosine.
    divides_on_plateau : bool, default=False
        Whether scikit-learn's "adaptive" rule applies as well: the rate is divided by 5 where the
        loss has stopped improving.
    arguments : tuple of str, default=()
        Arguments of the estimator that are numbers of `factor` too, such as "power_t".
    scikit_learn : bool, default=False
        Whether it follows scikit-learn's rule for its own schedules: with another solver than
        "sgd" the rate is constant.

    Raises
    ------
    InvalidArgumentError
        An argument breaks its rule (a ValueError).

    Examples
    --------
    >>> from multilayer import MLPClassifier
    >>> from multilayer.schedules import Schedule
    >>> polynomial = Schedule("polynomial", lambda t, power: (1 - t) ** power, {"power": 2.0})
    >>> clf = MLPClassifier((8,), learning_rate=polynomial, schedule_params={"power": 1.5})
    """

    name: str
    factor: Callable[..., np.ndarray]
    defaults: Numbers = field(default_factory=dict, hash=False)
    ends_by_design: bool = True
    over: Literal["progress", "rows"] = "progress"
    warmup: Literal["linear", "cosine"] = "linear"
    divides_on_plateau: bool = False
    arguments: tuple[str, ...] = ()
    scikit_learn: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            refuse("name", "text", self.name)
        if not callable(self.factor):
            refuse("factor", "a function of t and the numbers of defaults", self.factor)
        if not isinstance(self.defaults, Mapping):
            refuse("defaults", "a dictionary of numbers", self.defaults)
        for name, value in self.defaults.items():
            check_real(f"defaults[{name!r}]", value, "[0, inf)")
        texts = isinstance(self.arguments, tuple)
        if not (texts and all(isinstance(name, str) for name in self.arguments)):
            refuse("arguments", "a tuple of names", self.arguments)
        check_choice("over", self.over, ("progress", "rows"))
        check_choice("warmup", self.warmup, ("linear", "cosine"))
        for flag in ("ends_by_design", "divides_on_plateau", "scikit_learn"):
            check_bool(flag, getattr(self, flag))

    @property
    def numbers(self) -> dict[str, float]:
        """Return every number that ``schedule_params`` may set, with its default."""
        return {**WARMUP, **self.defaults}

    def factors(self, t: np.ndarray, numbers: Numbers) -> np.ndarray:
        """Return `factor` at each entry of `t`, given all numbers of the schedule."""
        own = (*self.defaults, *self.arguments)
        given = {name: numbers[name] for name in own if name not in WARMUP}
        return np.asarray(self.factor(t, **given), np.float64)


def _constant(t: np.ndarray) -> np.ndarray:
    return np.ones_like(t)


def _inverse_power(t: np.ndarray, power_t: float) -> np.ndarray:
    return (t + 1.0) ** -power_t


def _step(t: np.ndarray, drop_factor: float, n_drops: float) -> np.ndarray:
    return drop_factor ** np.floor(t * (n_drops + 1.0))


def _exponential(t: np.ndarray, end_factor: float) -> np.ndarray:
    return end_factor**t


def _linear(t: np.ndarray, end_factor: float) -> np.ndarray:
    return 1.0 + (end_factor - 1.0) * t


def _half_cosine(t: np.ndarray, end_factor: float, start_factor: float = 1.0) -> np.ndarray:
    return end_factor + (start_factor - end_factor) * 0.5 * (1.0 + np.cos(np.pi * t))


CONSTANT = Schedule("constant", _constant, ends_by_design=False, scikit_learn=True)

SCHEDULES = {
    schedule.name: schedule
    for schedule in (
        CONSTANT,
        # scikit-learn's, which looks at the rows seen in whole epochs.
        Schedule(
            "invscaling",
            _inverse_power,
            ends_by_design=False,
            over="rows",
            arguments=("power_t",),
            scikit_learn=True,
        ),
        # The division is a matter of the stopping rule, inside the program.
        Schedule(
            "adaptive",
            _constant,
            ends_by_design=False,
            divides_on_plateau=True,
            scikit_learn=True,
        ),
        Schedule("step", _step, {"drop_factor": 0.1, "n_drops": 2.0}),
        Schedule("exponential", _exponential, {"end_factor": 0.01}),
        Schedule("linear", _linear, {"end_factor": 0.0}),
        Schedule("cosine", _half_cosine, {"end_factor": 0.0}),
        # Smith and Topin (2019).
        Schedule(
            "one_cycle",
            _half_cosine,
            {"warmup_fraction": 0.2, "start_factor": 0.1, "end_factor": 0.001},
            warmup="cosine",
        ),
    )
}
"""Every schedule by its name: all lists of them are derived from this table."""


def problem_of(schedule: Schedule, numbers: Numbers) -> str:
    """Return what is wrong with the factors of a schedule with these numbers; "" if nothing is."""
    t = np.linspace(0.0, 1.0 if schedule.over == "progress" else 1e6, 101)
    try:
        factors = schedule.factors(t, numbers)
    except Exception as error:  # whatever the user's function raises is the answer
        return f"with t from 0 to {t[-1]:g} it raises {type(error).__name__}: {error}"
    if factors.shape != t.shape:
        return f"it returns shape {factors.shape} for {t.shape}"
    wrong = ~(np.isfinite(factors) & (factors >= 0))
    if wrong.any():
        return f"at t={t[wrong][0]:g} it returns {factors[wrong][0]:g}"
    return ""


def make_rates(
    schedule: Schedule,
    numbers: Numbers,
    *,
    base_rate: float,
    total_steps: int,
    steps_per_epoch: int,
    n_rows: int,
) -> Rates:
    """Return the function that gives each step its learning rate.

    A warm-up over the first ``warmup_fraction`` of the steps leads from ``start_factor`` of the
    base rate to all of it; the schedule's own factors follow.
    """
    warmup, start = numbers["warmup_fraction"], numbers["start_factor"]

    def rates(steps: np.ndarray) -> np.ndarray:
        progress = np.minimum(steps / max(1, total_steps), 1.0)
        if schedule.over == "rows":
            t = (steps // steps_per_epoch) * float(n_rows)
        else:
            t = np.clip((progress - warmup) / (1.0 - warmup), 0.0, 1.0)
        factors = schedule.factors(t, numbers)
        if warmup > 0:
            rising = np.minimum(progress / warmup, 1.0)
            linear = start + (1.0 - start) * rising
            up = _half_cosine(rising, 1.0, start) if schedule.warmup == "cosine" else linear
            factors = np.where(progress < warmup, up, factors)
        return base_rate * factors

    return rates
