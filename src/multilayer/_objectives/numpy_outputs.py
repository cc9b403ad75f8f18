"""From the raw outputs of a regression to predictions, in NumPy; in JAX see `losses.py`."""

from collections.abc import Callable

import numpy as np

from multilayer._core.numpy_activations import ACTIVATIONS, softplus
from multilayer._objectives.objective import Objective
from multilayer._objectives.regression_losses import SMALLEST_SPREAD, OutputKind


def distribution(objective: Objective, raw: np.ndarray) -> np.ndarray:
    """Return what a network predicts of each target.

    ``(rows, targets)``, or ``(rows, targets, units)``: the quantiles in ascending order, or the
    mean and the standard deviation.
    """
    return READERS[objective.regression_loss.output](objective, raw)


def _point(objective: Objective, raw: np.ndarray) -> np.ndarray:
    return ACTIVATIONS[objective.out_activation](raw)


def _mean_and_spread(objective: Objective, raw: np.ndarray) -> np.ndarray:
    raw = raw.reshape(len(raw), len(objective.heads), 2)
    spread = softplus(raw[..., 1]) + raw.dtype.type(SMALLEST_SPREAD)
    return np.stack([raw[..., 0], spread], axis=2)


def _quantiles(objective: Objective, raw: np.ndarray) -> np.ndarray:
    raw = raw.reshape(len(raw), len(objective.heads), -1)
    middle = objective.middle
    gaps = softplus(raw) + np.finfo(raw.dtype).tiny
    median = raw[..., middle : middle + 1]
    above = median + np.cumsum(gaps[..., middle + 1 :], axis=2)
    below = median - np.cumsum(gaps[..., :middle][..., ::-1], axis=2)[..., ::-1]
    return np.concatenate([below, median, above], axis=2)


READERS: dict[OutputKind, Callable[[Objective, np.ndarray], np.ndarray]] = {
    OutputKind.POINT: _point,
    OutputKind.QUANTILES: _quantiles,
    OutputKind.MEAN_AND_SPREAD: _mean_and_spread,
}
"""From raw outputs to predictions."""
