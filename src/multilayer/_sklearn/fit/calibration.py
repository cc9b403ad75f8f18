"""Calibration of a trained network on rows that it has not been trained on.

``fit`` sets a share of its rows aside for it, `calibration_fraction`; `calibrate` takes rows of the
user's own. What is found is a record of ``targets/uncertainty.py``. It belongs to the network:
training that continues drops it.
"""

from abc import abstractmethod
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from multilayer._core.checks import count, refuse
from multilayer._core.errors import DataError
from multilayer._data.rows import MatrixLike
from multilayer._objectives.objective import Objective
from multilayer._sklearn.fit.samples import CALIBRATION, Samples, set_aside
from multilayer._sklearn.inputs import refuse_huge
from multilayer._sklearn.network.prediction import NetworkUse
from multilayer._sklearn.targets.metrics import log_losses
from multilayer._sklearn.targets.uncertainty import IntervalCalibration, Temperature, effective_rows

if TYPE_CHECKING:
    from multilayer._sklearn.base import BaseMLP

LARGEST_LOG = 3.0
"""Temperatures are searched between exp(-3) and exp(3)."""


# Rows that fit sets aside ------------------------------------------------------------------------


def set_calibration_rows_aside(
    estimator: "BaseMLP",
    samples: Samples,
    validation: Samples | None,
    *,
    seed: int,
    again: bool,
) -> tuple[Samples, Samples | None, Samples | None]:
    """Return rows to train on, validation rows, and rows for calibration if any are wanted.

    What is learnt of the targets before training is learnt anew, from rows to train on alone.
    """
    fraction = estimator.calibration_fraction
    if fraction == 0:
        return samples, validation, None
    if again and fraction != estimator._calibration_share:
        before = estimator._calibration_share
        refuse(
            "calibration_fraction",
            f"{f'{before:g} or 0' if before else '0'} for the network that warm_start continues",
            fraction,
            "It has been trained on rows that would be set aside. Call calibrate(X, y) with rows "
            "of your own, or set warm_start=False.",
        )
    strata = estimator._strata(samples)
    samples, aside = set_aside(samples, fraction, seed=seed, strata=strata, purpose=CALIBRATION)
    if not again:
        parts = (samples, aside) if validation is None else (samples, aside, validation)
        samples, aside, *others = estimator._learnt_from_first(parts)
        validation = others[0] if others else None
    aside = weighed_rows(estimator, aside)
    return samples, validation, aside


def weighed_rows(estimator: "BaseMLP", samples: Samples) -> Samples:
    """Return the rows that have weight, weighed by their classes too; refuse fewer than two."""
    some = np.flatnonzero(samples.weight)
    if len(some) < 2:
        raise DataError(
            f"The calibration set is too small: it has {count(len(some), 'row')} with a weight "
            f"above 0, of {len(samples):,}. Give more rows, or weights above 0."
        )
    weighed = estimator._weighed(samples.pick(some), None)[0]
    some = np.flatnonzero(weighed.weight)
    return weighed if len(some) == len(weighed) else weighed.pick(some)


# What estimators have of it ----------------------------------------------------------------------


class Calibrated(NetworkUse):
    """The calibration of an estimator's network, and how it is found."""

    _calibration: Temperature | IntervalCalibration | None = None
    _calibration_share: float = 0.0  # of the rows of fit that the network was not trained on

    def calibrate(
        self, X: MatrixLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> Self:
        """Calibrate the fitted network on rows that it was not trained on.

        It takes the place of an earlier calibration; the network stays as it is. A further call of
        ``fit`` or ``partial_fit`` removes it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, none of which was in training.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets; labels of classes known from training.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples. `class_weight` multiplies them, as in training.

        Returns
        -------
        self : estimator
            The calibrated estimator.

        Raises
        ------
        DataError
            The data cannot be used, or are fewer than two rows with a weight above 0 (a
            ValueError).
        NotFittedError
            There is no network yet.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from multilayer import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X[::2], y[::2])
        >>> clf.temperature_
        1.0
        >>> clf.calibrate(X[1::2], y[1::2]).temperature_ != 1
        True
        """
        samples = weighed_rows(self, self._labelled(X, y, sample_weight))
        self._calibration = self._calibration_on(samples)
        return self

    @abstractmethod
    def _labelled(
        self, X: MatrixLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None
    ) -> Samples:
        """Check labelled rows for the fitted network, which has to be there."""

    @abstractmethod
    def _calibration_on(self, samples: Samples) -> Temperature | IntervalCalibration:
        """Return the calibration that rows say is right; their weights are above 0."""


def outputs_of(network: NetworkUse, samples: Samples, read: Objective | None) -> np.ndarray:
    """Return what is read from a network for rows, in float64; a streamed X is not copied."""
    dtype = network._dtype
    sparse = samples.sparse and network._reads_sparse()
    take = samples.csr_rows(dtype) if sparse else samples.taker(dtype)
    result = network._computed(take, len(samples), read)
    if not np.isfinite(result).all():
        refuse_huge(samples.matrix(), dtype)
    return result.astype(np.float64)


# The temperature of probabilities ----------------------------------------------------------------


def fit_temperature(
    objective: Objective, raw: np.ndarray, target: np.ndarray, weight: np.ndarray
) -> Temperature:
    """Return the temperature of the lowest log loss for raw outputs ``(rows, units)`` in float64.

    Rows alone do not say it where all of them are classified right: their loss then falls without
    end as the temperature does. A standard normal prior of its logarithm, which counts about as
    much as one row does, decides there.
    """
    n_alike = effective_rows(weight.astype(np.float64))

    def loss(log_temperature: float) -> float:
        losses = log_losses(objective, raw * np.exp(-log_temperature), target)
        prior = log_temperature**2 / (2 * n_alike)
        return float(np.average(losses, weights=weight) + prior)

    bounds = (-LARGEST_LOG, LARGEST_LOG)
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return Temperature(float(np.exp(found.x)), len(raw))
