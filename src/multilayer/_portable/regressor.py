"""Prediction of numbers."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from multilayer._objectives.objective import Objective
from multilayer._objectives.regression_losses import SMALLEST_SPREAD, OutputKind
from multilayer._portable.classifier import network_step
from multilayer._portable.functions import OUT_ACTIVATIONS, softplus
from multilayer._portable.predictor import Predictor, Step
from multilayer._sklearn.saving.network_kinds import RegressorValues
from multilayer._sklearn.targets import regression
from multilayer._sklearn.targets.regression_outputs import (
    Units,
    check_predicts_quantiles,
    check_spread,
    numbers_of,
    quantiles_at,
    quantiles_of,
)


class Regressor(Predictor):
    """A fitted regressor that predicts with NumPy alone.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    def __init__(self, before: Sequence[Step], values: RegressorValues) -> None:
        super().__init__(before, network_step(values, partial(distribution, values.objective)))
        target = values.target
        self._objective = values.objective
        self._learnt_levels = regression.levels(values.arguments)
        self._asked_levels = regression.asked(values.arguments)
        self._units = Units(target.mean, target.scale, target.one_target)

    def predict(
        self,
        X: npt.ArrayLike,
        return_std: bool = False,
        *,
        quantiles: Sequence[float] | None = None,
    ) -> Any:
        """Predict targets: the mean, or the median where the loss asks for that.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Samples.
        return_std : bool, default=False
            Whether to return the standard deviation too, with ``loss="gaussian_nll"``.
        quantiles : sequence of float or None, default=None
            Levels in (0, 1), ascending, of the quantiles to return in place of the point
            prediction: with ``loss="quantile"`` among those learnt, with ``loss="gaussian_nll"``
            any. In a pipeline ``predict(X, quantiles=...)`` reaches it.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets), float32 or float64 as X
        std : ndarray of the same shape
            Only with ``return_std=True``.
        q : ndarray of shape (n_samples, n_quantiles) or (n_samples, n_targets, n_quantiles)
            In place of `y`, with `quantiles`.

        Raises
        ------
        DataError
            X is no table of the model's columns (a ValueError).
        InvalidArgumentError
            ``return_std=True`` or `quantiles` with a loss that has not learnt them (a
            ValueError).
        """
        check_spread(self._objective, return_std, quantiles)
        if quantiles is not None:
            outputs = self._outputs(X)
            levels = self._learnt_levels
            return quantiles_at(self._objective, self._units, outputs, levels, quantiles)
        return numbers_of(self._objective, self._units, self._outputs(X), spread=return_std)

    def predict_quantiles(self, X: npt.ArrayLike) -> np.ndarray:
        """Predict the quantiles, with ``loss="quantile"``; they never cross.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        q : ndarray of shape (n_samples, n_quantiles) or (n_samples, n_targets, n_quantiles)
            In the order of `quantiles`.

        Raises
        ------
        AttributeError
            The model has another loss.
        """
        check_predicts_quantiles(self._objective.regression_loss)
        outputs = self._outputs(X)  # (rows, targets, levels learnt)
        return quantiles_of(self._units, outputs, self._asked_levels)


def distribution(trained: Objective, raw: np.ndarray) -> np.ndarray:
    """Return what a network predicts of each target.

    ``(rows, targets)``, or ``(rows, targets, units)``: the quantiles in ascending order, or the
    mean and the standard deviation.
    """
    return READERS[trained.regression_loss.output](trained, raw)


def _point(trained: Objective, raw: np.ndarray) -> np.ndarray:
    return OUT_ACTIVATIONS[trained.out_activation](raw)


def _mean_and_spread(trained: Objective, raw: np.ndarray) -> np.ndarray:
    raw = raw.reshape(len(raw), len(trained.heads), 2)
    spread = softplus(raw[..., 1]) + np.float32(SMALLEST_SPREAD)
    return np.stack([raw[..., 0], spread], axis=2)


def _quantiles(trained: Objective, raw: np.ndarray) -> np.ndarray:
    raw = raw.reshape(len(raw), len(trained.heads), -1)
    middle = trained.middle
    gaps = softplus(raw) + np.finfo(np.float32).tiny
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
