"""From raw outputs of networks to probabilities of classes and to numbers, with NumPy alone."""

import math
from dataclasses import dataclass

import numpy as np

from multilayer._core.checks import check_real, refuse
from multilayer._core.numpy_activations import softmax


def log_sum_exp(values: np.ndarray) -> np.ndarray:
    """Return the logarithm of the sum of the exponentials of each row."""
    largest = values.max(axis=1)
    return largest + np.log(np.exp(values - largest[:, None]).sum(axis=1))


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities whose logarithms are multiplied by a factor."""
    return softmax(temperature * np.log(np.maximum(probabilities, 1e-9)))


@dataclass(frozen=True)
class NumberUnits:
    """The units of numbers that were standardised for a network."""

    mean: np.ndarray  # (outputs,)
    spread: np.ndarray  # (outputs,) standard deviations
    low: np.ndarray  # (outputs,) the smallest of training
    high: np.ndarray
    one_column: bool  # whether y has one axis

    def decode(self, predicted: np.ndarray) -> np.ndarray:
        """Return predictions ``(rows, outputs)`` in the units of y, within those of training."""
        return np.clip(predicted * self.spread + self.mean, self.low, self.high)

    def shaped(self, table: np.ndarray) -> np.ndarray:
        """Return a table in the shape of y."""
        return table[:, 0] if self.one_column else table

    def interval(self, predicted: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Return the lower and upper ends of intervals, in the shape of y with an axis more."""
        middle, width = self.decode(predicted), error * self.spread
        return self.shaped(np.stack([middle - width, middle + width], axis=-1))


def error_at(errors: np.ndarray, coverage: float) -> np.ndarray:
    """Return the error that at least this share of further ones has at most, of each output.

    Errors are ``(rows, outputs)``, each column sorted. A share that needs more rows is refused.
    """
    check_real("coverage", coverage, "(0, 1)")
    n_rows = len(errors)
    place = math.ceil((n_rows + 1) * coverage)
    if place > n_rows:
        rule = f"at most {n_rows / (n_rows + 1):.4g} with {n_rows} training rows"
        refuse("coverage", rule, coverage)
    return np.asarray(errors[place - 1])
