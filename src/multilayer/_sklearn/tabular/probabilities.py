"""Probabilities of classes, and their calibration by a temperature."""

import numpy as np


def log_sum_exp(values: np.ndarray) -> np.ndarray:
    """Return the logarithm of the sum of the exponentials of each row."""
    largest = values.max(axis=1)
    return largest + np.log(np.exp(values - largest[:, None]).sum(axis=1))


def softmax(raw: np.ndarray) -> np.ndarray:
    """Return probabilities over the last axis."""
    weights = np.exp(raw - raw.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities whose logarithms are multiplied by a factor."""
    return softmax(temperature * np.log(np.maximum(probabilities, 1e-9)))
