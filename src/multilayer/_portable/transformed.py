"""Regression of targets that were transformed before training, and are transformed back."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from multilayer._portable.predictor import Predictor, Step, through


class TransformedRegressor(Predictor):
    """A fitted regressor of transformed targets that predicts with NumPy alone.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    def __init__(self, regressor: Predictor, back: Sequence[Step], n_axes: int) -> None:
        super().__init__(regressor._before, regressor._own)
        self._regressor = regressor
        self._back = tuple(back)
        self._n_axes = n_axes

    def predict(self, X: npt.ArrayLike) -> np.ndarray:
        """Predict targets, in the units in which they were given.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets), float32 or float64 as X

        Raises
        ------
        DataError
            X is no table of the model's columns (a ValueError).
        """
        predicted = self._regressor.predict(X)
        values = through(self._back, predicted.reshape(len(predicted), -1))
        return values[:, 0] if self._n_axes == 1 and values.shape[1] == 1 else values
