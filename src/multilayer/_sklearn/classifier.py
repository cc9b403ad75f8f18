"""The multilayer perceptron classifier."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from multilayer._core.types import computing_type
from multilayer._data.rows import MatrixLike
from multilayer._sklearn import inputs
from multilayer._sklearn.arguments.constructors import ClassifierArguments, known_arguments
from multilayer._sklearn.arguments.documentation import documented
from multilayer._sklearn.arguments.resolved import Resolved, check_classifier, refuse_balanced
from multilayer._sklearn.base import BaseMLP, is_stochastic
from multilayer._sklearn.fit.calibration import fit_temperature, outputs_of
from multilayer._sklearn.fit.samples import Samples
from multilayer._sklearn.fit.scorer import check_scorer
from multilayer._sklearn.network.onnx_methods import OnnxClassifier
from multilayer._sklearn.network.trained import TrainedClassifier
from multilayer._sklearn.targets import class_labels, class_outputs, metrics
from multilayer._sklearn.targets.class_outputs import classifier_numbers
from multilayer._sklearn.targets.uncertainty import Temperature

if TYPE_CHECKING:
    from multilayer._objectives.objective import LossNumbers, Objective
    from multilayer._sklearn.targets.class_outputs import Classes


@documented(
    out_activation="""\
"softmax", and "logistic" for two classes or an
    indicator matrix. "softmax" gives two classes, or a label, two output units; "logistic" gives
    each of more classes a yes/no output, normalised over them.""",
    score="the accuracy",
    calibration="the temperature of its probabilities, `temperature_`",
    class_weights="""
    Weights `c` of classes have no bias under either rule: under "batch" a batch's loss is
    ``sum(w * c * loss) / (sum(w) * m)``, where `m` is the mean of `c` over all rows, by `w`.""",
)
class MLPClassifier(
    ClassifierMixin, OnnxClassifier, TrainedClassifier, BaseMLP, ClassifierArguments
):
    """Multilayer perceptron classifier, trained natively on the CPU or by XLA.

    The arguments of :class:`sklearn.neural_network.MLPClassifier` have its names, order, defaults
    and meaning, so that changing the import is enough; the ones it lacks follow them.

    Parameters
    ----------
    <parameters>
    class_weight : dict, "balanced", list of these or None, default=None
        Weights of the classes, which multiply the sample weights of training and validation rows; a
        class that a dict leaves out has weight 1. "balanced" is ``n_samples / (n_classes *
        count)``. For several outputs a list with one entry each (``{0: ..., 1: ...}`` for the
        columns of an indicator matrix): each output's loss is weighted by its own classes. A class
        has the effect of its weight at every batch size, see `weight_normalization`.
    label_smoothing : float, default=0.0
        Fraction of the target that is spread evenly over the classes; not applied in validation
        curves.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of them
        Class labels; for several columns of classes a list with those of each.
    temperature_ : float
        What logits are divided by for probabilities; 1.0 unless the network is calibrated.
    <attributes>

    Notes
    -----
    A binary problem has one output unit (one logit), as in scikit-learn. Several columns of classes
    share one network, with a softmax over the classes of each. Everything is computed in float32
    unless `precision` is "float64"; results come in float64 for X of float64, as in scikit-learn,
    and in float32 for X of float32. Results are reproducible on the same machine type, versions and
    thread count.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((16,), learning_rate="cosine", learning_rate_init=0.02, max_iter=100,
    ...                     batch_size=32, random_state=0).fit(X, y)
    >>> clf.predict(X[:3])
    array([0, 0, 0])
    >>> bool(clf.score(X, y) > 0.95)
    True
    """

    __module__ = "multilayer"  # its public home: pickles do not depend on this file

    _calibration: Temperature | None

    # Targets -------------------------------------------------------------------------------------

    def _check_parameters(self) -> "Resolved":
        resolved = check_classifier(self)
        if self.scoring is not None:
            check_scorer(self.scoring)
        return resolved

    def _samples(
        self,
        X: MatrixLike,
        y: npt.ArrayLike,
        weight: npt.ArrayLike | None,
        *,
        first: bool,
        classes: "tuple[Classes, str] | None" = None,
    ) -> "tuple[Samples, Objective]":
        rows, labels = inputs.check_X_y(self, X, y, reset=first)
        labels = class_labels.check_labels(labels)
        weights = inputs.check_weight(weight, rows, computing_type(self.precision))
        if first:
            found = class_labels.find_classes(labels) if classes is None else classes
            self.classes_, self._target_kind = found
        objective = class_outputs.objective(self._target_kind, self.classes_, self.out_activation)
        target = class_labels.encode(
            labels, self.classes_, self._target_kind, yes_no=objective.classification_loss.yes_no
        )
        self.out_activation_ = objective.out_activation
        samples = Samples(rows, target, weights, labels, inputs.is_streamed(X, rows))
        return samples, objective

    def _loss_numbers(self, dtype: str, class_weights: list[np.ndarray] | None) -> "LossNumbers":
        several = class_weights is not None and len(class_weights) > 1
        return classifier_numbers(self, dtype, class_weights if several else None)

    def _weighed(
        self, samples: Samples, validation: Samples | None
    ) -> tuple[Samples, Samples | None, list[np.ndarray] | None]:
        weights, kind = self.class_weight, self._target_kind
        return class_labels.weighed(weights, self.classes_, kind, samples, validation)

    def _strata(self, samples: Samples) -> np.ndarray | None:
        return samples.labels if samples.labels.ndim == 1 else None

    def _check_same_targets(self, y: npt.ArrayLike) -> None:
        class_labels.check_same_classes(y, self.classes_)

    def _other_objective(self) -> tuple[str, object]:
        return "out_activation", self.out_activation_

    # Training ------------------------------------------------------------------------------------

    @available_if(is_stochastic)
    @known_arguments
    def partial_fit(
        self,
        X: MatrixLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        classes: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: npt.ArrayLike | None = None,
        sample_weight_val: npt.ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch over the given samples, from where the last call left off.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.
        classes : array-like of shape (n_classes,) or list of them, default=None
            All classes that can occur in any call; needed in the first call. For several columns of
            classes a list with those of each.
        X_val, y_val, sample_weight_val : array-like, default=None
            Validation data, as in ``fit``. No rows are set aside here, and the network is always
            the latest: with `early_stopping`, `stop_reason_` becomes "converged" when it is time to
            stop.

        Returns
        -------
        self : MLPClassifier
            The fitted estimator.
        """
        resolved = self._check_parameters()
        refuse_balanced(self.class_weight)
        again = "_network" in vars(self)
        known = self.classes_ if again else None
        declared = class_labels.classes_of_partial_fit(classes, y, known)
        return self._fit_one_epoch(
            lambda: self._samples(X, y, sample_weight, first=not again, classes=declared),
            (X_val, y_val, sample_weight_val),
            resolved,
            again=again,
        )

    # Prediction ----------------------------------------------------------------------------------

    def decision_function(self, X: MatrixLike) -> np.ndarray | list[np.ndarray]:
        """Outputs of the network before the output activation (logits).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        logits : ndarray of shape (n_samples,) for two classes, else (n_samples, n_outputs)
            For several columns of classes a list with ``(n_samples, n_classes)`` of each.
        """
        each = self._logits(X)
        if self._target_kind == "multioutput":
            return each
        logits = each[0]
        if self._target_kind != "binary":
            return logits
        return logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict classes: those of the highest logit.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        logits = self._logits(X)
        return class_outputs.labels_of(self._target_kind, self.classes_, logits)

    @property
    def temperature_(self) -> float:
        """What logits are divided by for probabilities; 1.0 unless the network is calibrated."""
        if "_network" not in vars(self):
            raise AttributeError("temperature_ is there once the network is: call fit first")
        return 1.0 if self._calibration is None else self._calibration.value

    def predict_proba(self, X: MatrixLike) -> np.ndarray | list[np.ndarray]:
        """Probabilities of the classes, in the order of ``classes_``.

        They are softer or sharper by ``temperature_`` where the network is calibrated, by
        `calibration_fraction` or ``calibrate``; predicted classes stay the same.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), float32 or float64 as X
            For several columns of classes a list with one for each.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.preprocessing import scale
        >>> from multilayer import MLPClassifier
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> clf = MLPClassifier((16,), learning_rate="cosine", learning_rate_init=0.01, max_iter=30,
        ...                     calibration_fraction=0.2, random_state=0).fit(scale(X), y)
        >>> bool(clf.temperature_ != 1), clf.predict_proba(scale(X)[:3]).shape
        (True, (3, 2))
        """
        logits, how = self._tempered(X), (metrics.yes_no_proba, metrics.exclusive_proba)
        return class_outputs.of_each(self._target_kind, self._trained, logits, *how)

    def predict_log_proba(self, X: MatrixLike) -> np.ndarray | list[np.ndarray]:
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes), float32 or float64 as X
            Computed from the logits, so that small probabilities do not round to 0. For several
            columns of classes a list with one for each.
        """
        logits, how = self._tempered(X), (metrics.yes_no_log_proba, metrics.exclusive_log_proba)
        return class_outputs.of_each(self._target_kind, self._trained, logits, *how)

    def _logits(self, X: MatrixLike) -> list[np.ndarray]:
        """Raw outputs of each head; all of a multilabel network are one."""
        raw = self._outputs(X)  # first: it is what refuses an unfitted estimator
        return class_outputs.logits_of(self._target_kind, self._trained, raw)

    def _tempered(self, X: MatrixLike) -> list[np.ndarray]:
        """Do the same for probabilities."""
        logits = self._logits(X)
        return logits if self._calibration is None else self._calibration.applied(logits)

    def _calibration_on(self, samples: Samples) -> Temperature:
        raw = outputs_of(self, samples, None)
        return fit_temperature(self._trained, raw, samples.y, samples.weight)

    # Judging -------------------------------------------------------------------------------------

    def score(
        self, X: MatrixLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> float:
        """Accuracy: the fraction of rows in which every output is correct (subset accuracy).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        accuracy : float
        """
        check_is_fitted(self)
        if self._target_kind != "multioutput":
            return super().score(X, y, sample_weight)
        return metrics.share_of_right_rows(self.predict(X), y, sample_weight)

    def evaluate(
        self, X: MatrixLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, float]:
        """Accuracy and average loss on labelled samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True labels, of classes known from training.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        figures : dict
            "accuracy" (fraction of rows predicted correctly) and "average_loss" (mean cross-entropy
            without penalty, smoothing and class weights; of the calibrated probabilities where the
            network is calibrated).
        """
        rows = self._labelled(X, y, sample_weight)
        raw = outputs_of(self, rows, None) / self.temperature_
        return metrics.of_classes(self._trained, raw, rows.y, rows.weight)

    def _labelled(
        self, X: MatrixLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None
    ) -> Samples:
        check_is_fitted(self)
        rows, labels = inputs.check_X_y(self, X, y, reset=False)
        weight = inputs.check_weight(sample_weight, rows, "float64")
        labels = class_labels.check_labels(labels)
        yes_no = self._trained.classification_loss.yes_no
        target = class_labels.encode(labels, self.classes_, self._target_kind, yes_no=yes_no)
        return Samples(rows, target, weight, labels, inputs.is_streamed(X, rows))

    def __sklearn_tags__(self) -> Tags:
        """Say what targets this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
