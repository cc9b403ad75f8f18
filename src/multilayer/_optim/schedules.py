"""Learning-rate schedules as factors of the base rate, from traced numbers.

A factor is a function of the progress of training, ``t`` in [0, 1) (steps done over steps in
all), apart from scikit-learn's two, which look at the epochs.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

Numbers = Mapping[str, jax.Array]

SCHEDULE_DEFAULTS: dict[str, dict[str, float]] = {
    "constant": {"warmup_fraction": 0.0, "start_factor": 0.0},
    "invscaling": {"warmup_fraction": 0.0, "start_factor": 0.0},
    "adaptive": {"warmup_fraction": 0.0, "start_factor": 0.0},
    "step": {"warmup_fraction": 0.0, "start_factor": 0.0, "drop_factor": 0.1, "n_drops": 2.0},
    "exponential": {"warmup_fraction": 0.0, "start_factor": 0.0, "end_factor": 0.01},
    "linear": {"warmup_fraction": 0.0, "start_factor": 0.0, "end_factor": 0.0},
    "cosine": {"warmup_fraction": 0.0, "start_factor": 0.0, "end_factor": 0.0},
    "one_cycle": {"warmup_fraction": 0.2, "start_factor": 0.1, "end_factor": 0.001},
}
"""Numbers of each schedule (``schedule_params``)."""


class Moment(NamedTuple):
    """Where training stands when a rate is asked for."""

    progress: jax.Array  # steps done / steps in all
    rows_seen: jax.Array  # training rows seen in the whole epochs before this one
    divisor: jax.Array  # what "adaptive" has divided the rate by so far


def _cosine(start: jax.Array, end: jax.Array, t: jax.Array) -> jax.Array:
    return end + (start - end) * 0.5 * (1.0 + jnp.cos(jnp.pi * t))


def _step(n: Numbers, t: jax.Array, moment: Moment) -> jax.Array:
    del moment
    return n["drop_factor"] ** jnp.floor(t * (n["n_drops"] + 1.0))


# Each takes (numbers, progress after the warm-up, moment).
DECAYS: dict[str, Callable[[Numbers, jax.Array, Moment], jax.Array]] = {
    "constant": lambda n, t, moment: jnp.ones_like(t),
    "invscaling": lambda n, t, moment: (moment.rows_seen + 1.0) ** -n["power_t"],
    "adaptive": lambda n, t, moment: 1.0 / moment.divisor,
    "step": _step,
    "exponential": lambda n, t, moment: n["end_factor"] ** t,
    "linear": lambda n, t, moment: 1.0 + (n["end_factor"] - 1.0) * t,
    "cosine": lambda n, t, moment: _cosine(jnp.ones_like(t), n["end_factor"], t),
    "one_cycle": lambda n, t, moment: _cosine(jnp.ones_like(t), n["end_factor"], t),
}


def rate_factor(schedule: str, numbers: Numbers, moment: Moment) -> jax.Array:
    """Factor of the base learning rate at a moment.

    A warm-up over the first ``warmup_fraction`` of training leads from ``start_factor`` to 1, in
    a straight line ("one_cycle": half a cosine; Smith and Topin, 2019); the decay follows.
    """
    warmup = numbers["warmup_fraction"]
    rising = jnp.clip(moment.progress / jnp.maximum(warmup, 1e-12), 0.0, 1.0)
    after = (moment.progress - warmup) / jnp.maximum(1.0 - warmup, 1e-12)
    start = numbers["start_factor"]
    if schedule == "one_cycle":
        up = _cosine(start, jnp.ones_like(rising), rising)
    else:
        up = start + (1.0 - start) * rising
    decay = DECAYS[schedule](numbers, jnp.clip(after, 0.0, 1.0), moment)
    return jnp.where(moment.progress < warmup, up, decay)
