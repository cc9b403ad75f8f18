"""From raw outputs of networks to probabilities of classes and to numbers, with NumPy alone."""

from dataclasses import dataclass

import numpy as np

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
