"""Prediction of classes."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from multilayer._core.checks import check_choice
from multilayer._portable import functions
from multilayer._portable.forward import outputs
from multilayer._portable.predictor import Predictor, Step
from multilayer.estimators.arguments import ClassifierArguments
from multilayer.estimators.network_attributes import layers_of
from multilayer.estimators.network_state import restore_network, with_arguments
from multilayer.estimators.parameters import check_parameters
from multilayer.estimators.stored import Arrays, Values
from multilayer.estimators.target_kinds import MULTILABEL, MULTIOUTPUT, objective
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
        heads = self._logits(X)
        if self._kind == MULTILABEL:
            return (heads[0] > 0).astype(int)
        if self._kind == MULTIOUTPUT:
            chosen = [np.argmax(logits, axis=1) for logits in heads]
            return np.column_stack([own[c] for own, c in zip(self.classes_, chosen, strict=True)])
        one_unit = heads[0].shape[1] == 1
        best = (heads[0][:, 0] > 0).astype(int) if one_unit else np.argmax(heads[0], axis=1)
        return self.classes_[best]

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
        heads = self._logits(X)
        if self._kind == MULTILABEL:
            return functions.logistic(heads[0])
        if self._objective.loss == "logistic":
            logit = heads[0][:, 0]
            return functions.logistic(np.column_stack([-logit, logit]))
        if self._objective.loss == "one_vs_rest":  # yes/no outputs, normalised over the classes
            heads = [functions.log_logistic(logits) for logits in heads]
        each = [functions.softmax(scores) for scores in heads]
        return each if self._kind == MULTIOUTPUT else each[0]

    def _logits(self, X: Any) -> list[np.ndarray]:
        """Raw outputs of each head; all of a multilabel network are one."""
        raw = self._outputs(X)
        if self._kind == MULTILABEL and self._objective.loss == "softmax":
            return [raw[:, 1::2] - raw[:, ::2]]  # two units of each label: its one logit
        if self._kind != MULTIOUTPUT:
            return [raw]
        return np.split(raw, np.cumsum(self._objective.heads)[:-1], axis=1)


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
