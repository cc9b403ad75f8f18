"""Learning-rate schedules: the rate of each step, made on the host and handed to the program.

A schedule is therefore never compiled, and changing it compiles nothing.
"""

from collections.abc import Callable, Mapping

import numpy as np

Numbers = Mapping[str, float]
Schedule = Callable[[np.ndarray], np.ndarray]
"""Learning rates (float64) of global steps (int64)."""

_WARMUP = {"warmup_fraction": 0.0, "start_factor": 0.0}

SCHEDULE_DEFAULTS: dict[str, dict[str, float]] = {
    "constant": _WARMUP,
    "invscaling": _WARMUP,
    "adaptive": _WARMUP,
    "step": {**_WARMUP, "drop_factor": 0.1, "n_drops": 2.0},
    "exponential": {**_WARMUP, "end_factor": 0.01},
    "linear": {**_WARMUP, "end_factor": 0.0},
    "cosine": {**_WARMUP, "end_factor": 0.0},
    "one_cycle": {"warmup_fraction": 0.2, "start_factor": 0.1, "end_factor": 0.001},
}
"""Numbers of each schedule (``schedule_params``)."""


def _half_cosine(start: float, end: float, t: np.ndarray) -> np.ndarray:
    return end + (start - end) * 0.5 * (1.0 + np.cos(np.pi * t))


# Factors of the base rate at t in [0, 1], the share of the steps after the warm-up that are done.
# "adaptive" is a matter of the stopping rule, inside the program.
_DECAYS: dict[str, Callable[[Numbers, np.ndarray], np.ndarray]] = {
    "constant": lambda n, t: np.ones_like(t),
    "adaptive": lambda n, t: np.ones_like(t),
    "step": lambda n, t: n["drop_factor"] ** np.floor(t * (n["n_drops"] + 1.0)),
    "exponential": lambda n, t: n["end_factor"] ** t,
    "linear": lambda n, t: 1.0 + (n["end_factor"] - 1.0) * t,
    "cosine": lambda n, t: _half_cosine(1.0, n["end_factor"], t),
    "one_cycle": lambda n, t: _half_cosine(1.0, n["end_factor"], t),
}


def make_schedule(
    name: str,
    numbers: Numbers,
    *,
    base_rate: float,
    total_steps: int,
    steps_per_epoch: int,
    n_rows: int,
) -> Schedule:
    """Return the function that gives each step its learning rate.

    A warm-up over the first ``warmup_fraction`` of the steps leads from ``start_factor`` of the
    base rate to all of it, in a straight line ("one_cycle": half a cosine; Smith and Topin, 2019);
    the decay follows. "invscaling" is scikit-learn's: it looks at the rows seen in whole epochs.
    """
    warmup, start = numbers["warmup_fraction"], numbers["start_factor"]

    def decay(steps: np.ndarray, progress: np.ndarray) -> np.ndarray:
        if name == "invscaling":
            rows_seen = (steps // steps_per_epoch) * float(n_rows)
            return (rows_seen + 1.0) ** -numbers["power_t"]
        after = np.clip((progress - warmup) / (1.0 - warmup), 0.0, 1.0)
        return _DECAYS[name](numbers, after)

    def rates(steps: np.ndarray) -> np.ndarray:
        progress = np.minimum(steps / max(1, total_steps), 1.0)
        factors = decay(steps, progress)
        if warmup > 0:
            rising = np.minimum(progress / warmup, 1.0)
            linear = start + (1.0 - start) * rising
            up = _half_cosine(start, 1.0, rising) if name == "one_cycle" else linear
            factors = np.where(progress < warmup, up, factors)
        return base_rate * factors

    return rates
