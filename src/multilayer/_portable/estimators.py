"""Classifiers, regressors and perceptrons with NumPy alone."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from multilayer._core.checks import check_real
from multilayer._core.errors import InvalidArgumentError, ModelFileError
from multilayer._core.numpy_activations import logistic, softmax
from multilayer._objectives.numpy_outputs import distribution
from multilayer._objectives.objective import ClassificationLoss
from multilayer._portable import dense_layers
from multilayer._portable.dense_layers import Read, outputs, unchanged
from multilayer._portable.predictor import Predictor, Step, Table, numbers
from multilayer._sklearn.network.parameters import layers_of
from multilayer._sklearn.saving.network_kinds import (
    ClassifierValues,
    NetworkValues,
    RegressorValues,
)
from multilayer._sklearn.saving.perceptron_kind import PerceptronValues, SparseRows
from multilayer._sklearn.targets import class_outputs, regression_targets
from multilayer._sklearn.targets.class_outputs import labels_of
from multilayer._sklearn.targets.regression_targets import (
    Units,
    check_predicts_quantiles,
    check_spread,
    numbers_of,
    quantiles_at,
    quantiles_of,
)
from multilayer._sklearn.targets.uncertainty import NOT_CALIBRATED, intervals

# Prediction of classes ---------------------------------------------------------------------------


class Classifier(Predictor):
    """A fitted classifier that predicts with NumPy alone.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of them
        Class labels; for several columns of classes a list with those of each.
    n_features_in_ : int
        Number of columns that X must have.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.
    """

    def __init__(self, before: Sequence[Step], values: ClassifierValues) -> None:
        super().__init__(before, network_step(values))
        self.classes_ = values.target.classes
        self._kind = values.target.kind
        self._objective = values.objective
        self._calibration = values.calibration

    def predict(self, X: Table) -> np.ndarray:
        """Predict classes: those of the highest logit.

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
        return class_outputs.labels_of(self._kind, self.classes_, self._logits(X))

    def predict_proba(self, X: Table) -> np.ndarray | list[np.ndarray]:
        """Probabilities of the classes, in the order of ``classes_``; calibrated if the model is.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), float32 or float64 as X
            For several columns of classes a list with one for each.

        Raises
        ------
        DataError
            X is no table of the model's columns (a ValueError).
        """
        logits = self._logits(X)
        if self._calibration is not None:
            logits = self._calibration.applied(logits)
        return class_outputs.of_each(self._kind, self._objective, logits, logistic, exclusive)

    def _logits(self, X: Table) -> list[np.ndarray]:
        """Raw outputs of each head; all of a multilabel network are one."""
        return class_outputs.logits_of(self._kind, self._objective, self._outputs(X))


def exclusive(loss: ClassificationLoss, logits: np.ndarray) -> np.ndarray:
    """Probabilities of one head; a yes/no output per class is normalised over the classes."""
    scores = dense_layers.log_logistic(logits) if loss.one_vs_rest else logits
    return softmax(scores)


def network_step(values: NetworkValues, read: Read = unchanged) -> Step:
    """Return a network as a step from rows to what is read from its raw outputs."""
    transform = partial(
        outputs,
        values.network,
        layers_of(values.parameters, values.dtype),
        input_scale=values.arguments.input_scale,
        read=read,
    )
    return Step(transform, values.n_features, values.feature_names)


# Prediction of numbers ---------------------------------------------------------------------------


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
        self._learnt_levels = regression_targets.levels(values.arguments)
        self._asked_levels = regression_targets.asked(values.arguments)
        self._units = Units(target.mean, target.scale, target.one_target)
        self._calibration = values.calibration

    def predict(
        self, X: Table, return_std: bool = False, *, quantiles: Sequence[float] | None = None
    ) -> Any:
        """Predict targets: the mean, or the median where the loss is minimised by it.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Samples.
        return_std : bool, default=False
            Whether to return the standard deviation too, with ``loss="gaussian_nll"``.
        quantiles : sequence of float or None, default=None
            Levels in (0, 1), ascending, of the quantiles to return in place of the point
            prediction: with ``loss="quantile"`` among those learnt, with ``loss="gaussian_nll"``
            any. It works through a pipeline: ``predict(X, quantiles=...)``.

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
            ``return_std=True`` or `quantiles` with a loss that does not learn them (a
            ValueError).
        """
        check_spread(self._objective, return_std, quantiles)
        if quantiles is not None:
            outputs = self._outputs(X)
            levels = self._learnt_levels
            return quantiles_at(self._objective, self._units, outputs, levels, quantiles)
        return numbers_of(self._objective, self._units, self._outputs(X), spread=return_std)

    def predict_quantiles(self, X: Table) -> np.ndarray:
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

    def predict_interval(self, X: Table, coverage: float = 0.9) -> np.ndarray:
        """Return intervals that contain y with a given probability, if the model is calibrated.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Samples.
        coverage : float, default=0.9
            Share of rows whose y is in its interval, in (0, 1).

        Returns
        -------
        intervals : ndarray of shape (n_samples, 2) or (n_samples, n_targets, 2)
            Lower and upper ends, float32 or float64 as X.

        Raises
        ------
        InvalidArgumentError
            The model is not calibrated, or the coverage is no such number or more than the
            calibration rows can promise (a ValueError).
        DataError
            X is no table of the model's columns (a ValueError).
        """
        check_real("coverage", coverage, "(0, 1)")
        if self._calibration is None:
            raise InvalidArgumentError(NOT_CALIBRATED)
        trained, learnt = self._objective, self._learnt_levels
        correction = self._calibration.correction(trained, learnt, coverage)
        return intervals(correction, trained, self._units, self._outputs(X), learnt, coverage)


# Prediction of a perceptron ----------------------------------------------------------------------


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
