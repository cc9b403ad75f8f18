"""Weighted ensembles: the mean of what several models of this package predict."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier, is_regressor
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import refuse
from multilayer._objectives.regression_losses import OutputKind, find_loss
from multilayer._sklearn.ensemble_members import WeightedEnsemble, network_of
from multilayer._sklearn.network.onnx_methods import graphs
from multilayer._sklearn.regressor import MLPRegressor
from multilayer._sklearn.targets import metrics
from multilayer._sklearn.targets.class_outputs import MULTICLASS, MULTILABEL
from multilayer._sklearn.targets.weighted_means import (
    alike_kind,
    mean_of,
    mean_probabilities,
    most_probable,
)

if TYPE_CHECKING:
    from multilayer._data.raw_tables import TableLike
    from multilayer._onnx.outputs import Described
    from multilayer._sklearn.targets.class_outputs import Classes


class EnsembleClassifier(ClassifierMixin, WeightedEnsemble):
    """Classifier that averages the probabilities of several ones, by weights.

    Parameters
    ----------
    estimators : list of (str, estimator)
        Classifiers of this package that have probabilities, or pipelines that end in one, with
        their names.
    weights : array-like of shape (n_estimators,) or None, default=None
        Their weights, not negative; None for equal ones.

    Attributes
    ----------
    estimators_ : list of estimator
        Those fitted.
    named_estimators_ : dict of str to estimator
        The same by name.
    weights_ : ndarray of shape (n_estimators,), float64
        Their shares of the mean, which add up to 1.
    classes_ : ndarray of shape (n_classes,) or list of them
        Class labels; for several columns of classes a list with those of each.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.

    Notes
    -----
    Each member's probabilities are as it returns them, calibrated where it is. A search makes an
    ensemble with ``refit="ensemble"``, and :meth:`from_fitted` makes one of fitted estimators.
    It is saved, converted to ONNX and read by ``multilayer.portable`` like its members.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from multilayer import MLPClassifier
    >>> from multilayer.search import EnsembleClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> quick = {"learning_rate": "cosine", "learning_rate_init": 0.02, "max_iter": 40}
    >>> members = [(f"seed{i}", MLPClassifier((16,), random_state=i, **quick)) for i in range(3)]
    >>> clf = EnsembleClassifier(members, weights=[2, 1, 1]).fit(X, y)
    >>> clf.weights_.tolist(), clf.predict_proba(X[:2]).shape
    ([0.5, 0.25, 0.25], (2, 3))
    """

    __module__ = "multilayer.search"  # its public home: pickles do not depend on this file

    @staticmethod
    def _check_member(member: BaseEstimator) -> None:
        if not is_classifier(member) or not hasattr(member, "predict_proba"):
            refuse("estimators", "classifiers with probabilities", member)

    @staticmethod
    def _alike(first: BaseEstimator, member: BaseEstimator) -> bool:
        one, other = first.classes_, member.classes_
        if isinstance(one, list) or isinstance(other, list):
            same_form = isinstance(one, list) and isinstance(other, list) and len(one) == len(other)
            return same_form and all(map(np.array_equal, one, other))
        return np.array_equal(one, other) and _kind_of(first) == _kind_of(member)

    @property
    def classes_(self) -> "Classes":
        """Class labels."""
        if "estimators_" not in vars(self):
            raise AttributeError("classes_ is there once the ensemble is fitted: call fit first")
        return self.estimators_[0].classes_

    def predict_proba(self, X: "TableLike") -> np.ndarray | list[np.ndarray]:
        """Return the weighted mean of the members' probabilities.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), float32 or float64 as those of the members
            In the order of ``classes_``; for several columns of classes a list with one for each.
        """
        check_is_fitted(self)
        each = [member.predict_proba(X) for member in self.estimators_]
        return mean_probabilities(each, self.weights_.tolist())

    def predict(self, X: "TableLike") -> np.ndarray:
        """Return the most probable classes.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        probabilities = self.predict_proba(X)
        return most_probable(_kind_of(self.estimators_[0]), self.classes_, probabilities)

    def score(
        self, X: "TableLike", y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> float:
        """Accuracy: the fraction of rows in which every output is correct.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
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
        if isinstance(self.classes_, list):
            return metrics.share_of_right_rows(self.predict(X), y, sample_weight)
        return float(super().score(X, y, sample_weight))

    def _onnx_description(self) -> "Described":
        members, kind = self._onnx_members(), _kind_of(self.estimators_[0])
        columns = tuple(self.classes_) if isinstance(self.classes_, list) else (self.classes_,)
        return graphs("average_graphs").AverageClasses(
            tuple(members), self.weights_, columns, kind == MULTILABEL, self._onnx_table is not None
        )


class EnsembleRegressor(RegressorMixin, WeightedEnsemble):
    """Regressor that averages the predictions of several ones, by weights.

    Parameters
    ----------
    estimators : list of (str, estimator)
        Regressors of this package that predict one number for each target, or pipelines that end in
        one, with their names.
    weights : array-like of shape (n_estimators,) or None, default=None
        Their weights, not negative; None for equal ones.

    Attributes
    ----------
    estimators_ : list of estimator
        Those fitted.
    named_estimators_ : dict of str to estimator
        The same by name.
    weights_ : ndarray of shape (n_estimators,), float64
        Their shares of the mean, which add up to 1.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; there where they had some in training.

    Notes
    -----
    Regressors of quantiles or of a standard deviation are refused: the mean of those is no quantile
    or deviation of the mean. Intervals of members are not those of the ensemble, which has none.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from multilayer import MLPRegressor
    >>> from multilayer.search import EnsembleRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> quick = {"learning_rate_init": 0.01, "max_iter": 20, "standardize_target": True}
    >>> quick |= {"learning_rate": "cosine", "batch_size": 32}
    >>> members = [
    ...     (f"seed{i}", MLPRegressor(hidden_layer_sizes=(16,), random_state=i, **quick))
    ...     for i in range(3)
    ... ]
    >>> EnsembleRegressor(members).fit(scale(X), y).predict(scale(X)[:2]).shape
    (2,)
    """

    __module__ = "multilayer.search"

    @staticmethod
    def _check_member(member: BaseEstimator) -> None:
        if not is_regressor(member):
            refuse("estimators", "regressors", member)
        network = network_of(member)
        loss = find_loss(network.loss) if isinstance(network, MLPRegressor) else None
        if loss is not None and loss.output is not OutputKind.POINT:
            rule = "regressors that predict one number for each target"
            refuse("estimators", rule, member, "Choose another loss.")

    @staticmethod
    def _alike(first: BaseEstimator, member: BaseEstimator) -> bool:
        return targets_of(first) == targets_of(member)

    def predict(self, X: "TableLike") -> np.ndarray:
        """Return the weighted mean of the members' predictions.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float32 or float64
            In the type of the members' predictions.
        """
        check_is_fitted(self)
        each = [member.predict(X) for member in self.estimators_]
        return mean_of(each, self.weights_.tolist())

    def _onnx_description(self) -> "Described":
        members = self._onnx_members()
        return graphs("average_graphs").AverageNumbers(
            tuple(members),
            self.weights_,
            targets_of(self.estimators_[0])[0],
            self._onnx_table is not None,
        )


def _kind_of(classifier: BaseEstimator) -> str:
    """Return the kind of a fitted classifier's targets."""
    return alike_kind(getattr(network_of(classifier), "_target_kind", MULTICLASS))


def targets_of(regressor: BaseEstimator) -> tuple[int, bool]:
    """Return the number of targets of a fitted regressor, and whether y has one axis."""
    network = network_of(regressor)
    if isinstance(network, MLPRegressor):
        return int(network._n_targets), bool(network._one_target)
    return len(network._learnt.mean), bool(network._learnt.one_column)
