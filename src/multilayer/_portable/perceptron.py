"""Prediction of a perceptron."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._portable.predictor import Predictor, Step
from multilayer._portable.rows import numbers
from multilayer.estimators.heads import labels_of
from multilayer.estimators.stored import Arrays, Values, take_array, take_count, take_names
from multilayer.estimators.target_kinds import BINARY, MULTIOUTPUT
from multilayer.estimators.target_state import restore_target


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

    classes_: Any
    _target_kind: str

    def __init__(self, before: Sequence[Step], fitted: Values, arrays: Arrays) -> None:
        restore_target(self, fitted, arrays)
        if self._target_kind == MULTIOUTPUT:
            raise ModelFileError("a Perceptron has one column of classes, or an indicator matrix.")
        n_units = 1 if self._target_kind == BINARY else len(self.classes_)
        n_features = take_count(fitted, "n_features")
        if "coef.data" in arrays:
            raise ModelFileError("its Perceptron is sparse. Save it after perceptron.densify().")
        coef = take_array(arrays, "coef", (n_units, n_features))
        intercept = take_array(arrays, "intercept", (n_units,))
        scores = partial(_scores, coef, intercept)
        super().__init__(before, Step(scores, n_features, take_names(fitted, n_features)))

    def predict(self, X: Any) -> np.ndarray:
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
    """Return the predictor of a perceptron that a file describes; no argument is of use to it."""
    return Perceptron(before, fitted, arrays)
