"""Regression of targets that were transformed before training, and are transformed back."""

from collections.abc import Sequence

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._portable.predictor import Predictor, Step, through
from multilayer._portable.regressor import Regressor
from multilayer._portable.rows import Table
from multilayer._sklearn.saving.parts import Part
from multilayer._sklearn.saving.reader import take


class TransformedRegressor(Predictor):
    """A fitted regressor of transformed targets that predicts with NumPy alone.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    def __init__(
        self, regressor: "Regressor | TransformedRegressor", back: Sequence[Step], n_axes: int
    ) -> None:
        super().__init__(regressor._before, regressor._own)
        self._regressor = regressor
        self._back = tuple(back)
        self._n_axes = n_axes

    def predict(self, X: Table) -> np.ndarray:
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


def read(part: Part, regressor: Predictor, transformer: Part) -> TransformedRegressor:
    """Return the predictor of a TransformedTargetRegressor that a file describes."""
    if not isinstance(regressor, Regressor | TransformedRegressor):
        raise ModelFileError("its TransformedTargetRegressor lacks a regressor.")
    if any(part.params.get(name) is not None for name in ("func", "inverse_func")):
        raise ModelFileError("its TransformedTargetRegressor has a function, which no file holds.")
    n_axes = take(part.fitted, "training_dim", int)
    if n_axes not in (1, 2):
        raise ModelFileError("its targets must have 1 or 2 axes.")
    from multilayer._portable.compositions import inverses  # late: a network needs none

    return TransformedRegressor(regressor, inverses(transformer), n_axes)
