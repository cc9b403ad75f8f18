"""Prediction of a perceptron."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from multilayer._core.errors import ModelFileError
from multilayer._portable.predictor import Predictor, Step
from multilayer._portable.rows import numbers
from multilayer._sklearn.saving.perceptron_kind import PerceptronValues, SparseRows
from multilayer._sklearn.targets.class_outputs import labels_of


class Perceptron(Predictor):
    """A fitted perceptron that predicts with NumPy alone.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    def __init__(self, before: Sequence[Step], values: PerceptronValues) -> None:
        if isinstance(values.coef, SparseRows):
            raise ModelFileError("its Perceptron is sparse. Save it after perceptron.densify().")
        self.classes_ = values.target.classes
        self._target_kind = values.target.kind
        scores = partial(_scores, values.coef, values.intercept)
        super().__init__(before, Step(scores, values.n_features, values.feature_names))

    def predict(self, X: npt.ArrayLike) -> np.ndarray:
        """Predict classes: of the unit that is on, or of the highest score.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)

        Raises
        ------
        DataError
            X is no table of the model's columns (a ValueError).
        """
        return labels_of(self._target_kind, self.classes_, [self._outputs(X)])


def _scores(coef: np.ndarray, intercept: np.ndarray, X: np.ndarray) -> np.ndarray:
    return numbers(X) @ coef.T + intercept
