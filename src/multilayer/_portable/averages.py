"""Weighted ensembles with NumPy alone."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._portable.ensembles import TableClassifier
from multilayer._portable.estimators import Classifier
from multilayer._portable.predictor import Predictor, Step, Table
from multilayer._sklearn.saving.model_steps import EnsembleValues
from multilayer._sklearn.targets.weighted_means import (
    Probabilities,
    mean_of,
    mean_probabilities,
    most_probable,
)


class WeightedClassifier(Predictor):
    """A fitted EnsembleClassifier that predicts with NumPy alone.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of them
        Class labels; for several columns of classes a list with those of each.
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    def __init__(
        self, before: Sequence[Step], members: Sequence[Predictor], values: EnsembleValues
    ) -> None:
        if values.classes is None or values.kind is None:
            raise ModelFileError("its EnsembleClassifier has no classes.")
        self.classes_ = values.classes
        self._kind, self._weights = values.kind, values.weights
        self._members = [each for each in members if isinstance(each, Classifier | TableClassifier)]
        super().__init__(before, shared_step(members, self._mean))

    def _mean(self, X: Table) -> Any:
        each: list[Probabilities] = [member.predict_proba(X) for member in self._members]
        return mean_probabilities(each, self._weights)

    def predict(self, X: Table) -> np.ndarray:
        """Predict the most probable classes.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)

        Raises
        ------
        DataError
            X is no table of the model's columns (a ValueError).
        """
        return most_probable(self._kind, self.classes_, self._outputs(X))

    def predict_proba(self, X: Table) -> Probabilities:
        """Return the weighted mean of the members' probabilities, in the order of ``classes_``.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), float32 or float64 as those of the members
            For several columns of classes a list with one for each.

        Raises
        ------
        DataError
            X is no table of the model's columns (a ValueError).
        """
        return self._outputs(X)


class WeightedRegressor(Predictor):
    """A fitted EnsembleRegressor that predicts with NumPy alone.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    def __init__(
        self, before: Sequence[Step], members: Sequence[Predictor], values: EnsembleValues
    ) -> None:
        self._members, self._weights = members, values.weights
        super().__init__(before, shared_step(members, self._mean))

    def _mean(self, X: Table) -> np.ndarray:
        return mean_of([member.predict(X) for member in self._members], self._weights)

    def predict(self, X: Table) -> np.ndarray:
        """Return the weighted mean of the members' predictions.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float32 or float64

        Raises
        ------
        DataError
            X is no table of the model's columns (a ValueError).
        """
        return self._outputs(X)


def shared_step(members: Sequence[Predictor], mean: Callable[[Table], Any]) -> Step:
    """Return what members predict together, as one step: what comes before is done once."""
    first = members[0]
    begins = (*first._before, first._own)[0]
    return Step(mean, first.n_features_in_, begins.feature_names_in, begins.reads_tables)
