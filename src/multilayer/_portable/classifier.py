"""Prediction of classes."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from multilayer._core.checks import check_choice
from multilayer._portable import functions
from multilayer._portable.forward import outputs
from multilayer._portable.predictor import Predictor, Step
from multilayer.estimators import heads
from multilayer.estimators.arguments import ClassifierArguments
from multilayer.estimators.network_attributes import layers_of
from multilayer.estimators.network_state import restore_network, with_arguments
from multilayer.estimators.parameters import check_parameters
from multilayer.estimators.stored import Arrays, Values
from multilayer.estimators.target_kinds import objective
from multilayer.estimators.target_state import restore_target


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
        self._objective = objective(self._kind, self.classes_, holder.out_activation)

    def predict(self, X: Any) -> np.ndarray:
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
        return heads.labels_of(self._kind, self.classes_, self._logits(X))

    def predict_proba(self, X: Any) -> Any:
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
        return heads.of_each(self._kind, self._objective, logits, functions.logistic, exclusive)

    def _logits(self, X: Any) -> list[np.ndarray]:
        """Raw outputs of each head; all of a multilabel network are one."""
        return heads.logits_of(self._kind, self._objective, self._outputs(X))


def exclusive(loss: str, logits: np.ndarray) -> np.ndarray:
    """Probabilities of one head; a yes/no output per class is normalised over the classes."""
    scores = functions.log_logistic(logits) if loss == "one_vs_rest" else logits
    return functions.softmax(scores)


def read(before: Sequence[Step], params: Values, fitted: Values, arrays: Arrays) -> Classifier:
    """Return the predictor of a network that a file describes."""
    holder = with_arguments(ClassifierArguments, params)
    check_parameters(holder)
    check_choice("out_activation", holder.out_activation, ("auto", "softmax", "logistic"))
    restore_target(holder, fitted, arrays)
    trained = objective(holder._target_kind, holder.classes_, holder.out_activation)
    return Classifier(before, network_step(holder, sum(trained.heads), fitted, arrays), holder)


def network_step(holder: Any, units: int, fitted: Values, arrays: Arrays, **reading: Any) -> Step:
    """Return a network as a step to its outputs, from a file and the arguments of its estimator."""
    restore_network(holder, units, fitted, arrays)
    arrays.below("history.")  # curves of training say nothing of predictions
    transform = partial(
        outputs,
        holder._network,
        layers_of(holder, "float32"),
        input_scale=holder.input_scale,
        **reading,
    )
    return Step(transform, holder.n_features_in_, getattr(holder, "feature_names_in_", None))
