"""Prediction of classes."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from multilayer._objectives.objective import ClassificationLoss
from multilayer._portable import functions
from multilayer._portable.forward import outputs
from multilayer._portable.predictor import Predictor, Step
from multilayer._portable.rows import Table
from multilayer._sklearn.arguments.constructors import ClassifierArguments
from multilayer._sklearn.network.parameters import layers_of
from multilayer._sklearn.saving.network_state import read_classifier
from multilayer._sklearn.saving.reader import Arrays, Values
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

    def __init__(self, before: Sequence[Step], own: Step, holder: Any) -> None:
        super().__init__(before, own)
        self.classes_ = holder.classes_
        self._kind = holder._target_kind
        self._objective = holder._trained

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

    def predict_proba(self, X: Table) -> Any:
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


def read(before: Sequence[Step], params: Values, fitted: Values, arrays: Arrays) -> Classifier:
    """Return the predictor of a network that a file describes."""
    holder = read_classifier(ClassifierArguments, params, fitted, arrays)
    return Classifier(before, network_step(holder), holder)


def network_step(holder: Any, read: Callable[[np.ndarray], np.ndarray] = lambda raw: raw) -> Step:
    """Return a network as a step to its outputs, from its description in a file."""
    transform = partial(
        outputs,
        holder._network,
        layers_of(holder, "float32"),
        input_scale=holder.input_scale,
        read=read,
    )
    return Step(transform, holder.n_features_in_, getattr(holder, "feature_names_in_", None))
