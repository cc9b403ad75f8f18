"""By what the weighted losses of a batch are divided: the rule of `weight_normalization`."""

from typing import NamedTuple

import numpy as np

NORMALIZATIONS = ("batch", "data")


class Seen(NamedTuple):
    """What rows weigh altogether: those of a fit, or of all calls of partial_fit so far."""

    n_rows: int = 0
    given: float = 0.0  # by their sample weights
    weighed: float = 0.0  # by those times the weights of their classes

    def after(self, given: np.ndarray, weighed: np.ndarray) -> "Seen":
        """Add rows to those seen."""
        return Seen(
            self.n_rows + len(given),
            self.given + float(given.sum(dtype=np.float64)),
            self.weighed + float(weighed.sum(dtype=np.float64)),
        )


def divisors(rule: str, given: np.ndarray, seen: Seen, *, by_class: bool) -> np.ndarray | None:
    """Return what each row adds to the divisor of its batch's loss; None where it is its weight.

    Under "data" that is the mean weight of all rows. Under "batch" it is the row's sample weight,
    times the mean weight of the classes: class weights say what each row counts in the whole,
    so a batch with rare heavy rows may not be divided by what these weigh.

    Parameters
    ----------
    rule : {"batch", "data"}
        The argument `weight_normalization`.
    given : ndarray of shape (rows,)
        Sample weights.
    seen : Seen
        All rows, these among them.
    by_class : bool
        Whether there are weights of classes.
    """
    if rule == "data":
        return np.full_like(given, seen.weighed / seen.n_rows)
    return given * given.dtype.type(seen.weighed / seen.given) if by_class else None
