"""Prediction of classes."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from multilayer._objectives.objective import ClassificationLoss
from multilayer._portable import functions
from multilayer._portable.forward import Read, outputs, unchanged
from multilayer._portable.predictor import Predictor, Step
from multilayer._portable.rows import Table
from multilayer._sklearn.network.parameters import layers_of
from multilayer._sklearn.saving.network_kinds import ClassifierValues, NetworkValues
from multilayer._sklearn.targets import class_outputs


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
        """Probabilities of the classes, in the order of ``classes_``.

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
        return class_outputs.of_each(
            self._kind, self._objective, logits, functions.logistic, exclusive
        )

    def _logits(self, X: Table) -> list[np.ndarray]:
        """Raw outputs of each head; all of a multilabel network are one."""
        return class_outputs.logits_of(self._kind, self._objective, self._outputs(X))


def exclusive(loss: ClassificationLoss, logits: np.ndarray) -> np.ndarray:
    """Probabilities of one head; a yes/no output per class is normalised over the classes."""
    scores = functions.log_logistic(logits) if loss.one_vs_rest else logits
    return functions.softmax(scores)


def network_step(values: NetworkValues, read: Read = unchanged) -> Step:
    """Return a network as a step from rows to what is read from its raw outputs."""
    transform = partial(
        outputs,
        values.network,
        layers_of(values.parameters, "float32"),
        input_scale=values.arguments.input_scale,
        read=read,
    )
    return Step(transform, values.n_features, values.feature_names)
