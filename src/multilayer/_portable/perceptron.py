"""Prediction of a perceptron."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._portable.predictor import Predictor, Step
from multilayer._portable.rows import Table, numbers
from multilayer._sklearn.perceptron.arguments import PerceptronArguments
from multilayer._sklearn.saving.perceptron_arrays import read_perceptron
from multilayer._sklearn.saving.reader import Arrays, Values
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

    def __init__(self, before: Sequence[Step], holder: Any) -> None:
        if isinstance(holder.coef_, tuple):
            raise ModelFileError("its Perceptron is sparse. Save it after perceptron.densify().")
        self.classes_ = holder.classes_
        self._target_kind = holder._target_kind
        scores = partial(_scores, holder.coef_, holder.intercept_)
        names = getattr(holder, "feature_names_in_", None)
        super().__init__(before, Step(scores, holder.n_features_in_, names))

    def predict(self, X: Table) -> np.ndarray:
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


def read(before: Sequence[Step], params: Values, fitted: Values, arrays: Arrays) -> Perceptron:
    """Return the predictor of a perceptron that a file describes."""
    return Perceptron(before, read_perceptron(PerceptronArguments, params, fitted, arrays))
