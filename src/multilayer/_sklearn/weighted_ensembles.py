"""Weighted ensembles: the mean of what several models of this package predict."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    clone,
    is_classifier,
    is_regressor,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, get_tags
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import refuse
from multilayer._objectives.regression_losses import OutputKind, find_loss
from multilayer._sklearn.network.onnx_methods import OnnxMethods, graphs
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
    from multilayer._data.encoding import TableEncoding
    from multilayer._data.raw_tables import TableLike
    from multilayer._onnx.outputs import Described
    from multilayer._sklearn.targets.class_outputs import Classes

Named: TypeAlias = Sequence[tuple[str, BaseEstimator]]
"""Estimators with their names."""


def network_of(estimator: BaseEstimator) -> BaseEstimator:
    """Return what is trained: the last step of a pipeline, or the estimator."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


class WeightedEnsemble(OnnxMethods, _BaseComposition, metaclass=ABCMeta):
    """What both kinds of ensembles do: fit the members, and average what they predict."""

    _required_parameters = ("estimators",)

    estimators_: list[BaseEstimator]
    weights_: np.ndarray
    n_features_in_: int
    feature_names_in_: np.ndarray
    _member_names: list[str]

    def __init__(self, estimators: Named, *, weights: npt.ArrayLike | None = None) -> None:
        self.estimators = estimators
        self.weights = weights

    @classmethod
    def from_fitted(cls, estimators: Named, weights: npt.ArrayLike | None = None) -> Self:
        """Return a fitted ensemble of estimators that are fitted already; none is copied.

        Parameters
        ----------
        estimators : list of (str, estimator)
            Fitted estimators with their names, all of the same columns and targets.
        weights : array-like of shape (n_estimators,) or None, default=None
            Their weights, not negative; None for equal ones.

        Returns
        -------
        ensemble : estimator
            Its `estimators` are copies that are not fitted.

        Raises
        ------
        InvalidArgumentError
            An argument breaks its rule, or the estimators do not belong together (a ValueError).
        sklearn.exceptions.NotFittedError
            One of them is not fitted.
        """
        cls._check_members(estimators)
        ensemble = cls([(name, clone(each)) for name, each in estimators], weights=weights)
        return ensemble._take_fitted(estimators, shares_of(weights, len(estimators)))

    def fit(
        self, X: "TableLike", y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> Self:
        """Fit a copy of each estimator, one after the other.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Training data, as the estimators take them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; in a pipeline the last step gets them.

        Returns
        -------
        self : estimator
            The fitted ensemble.

        Raises
        ------
        InvalidArgumentError
            An argument breaks its rule (a ValueError).
        DataError
            The data cannot be used (a ValueError).
        """
        self._check_members(self.estimators)
        weights = shares_of(self.weights, len(self.estimators))
        fitted = []
        for name, estimator in self.estimators:
            member = clone(estimator)
            given = {} if sample_weight is None else {_weight_name(member): sample_weight}
            fitted.append((name, member.fit(X, y, **given)))
        return self._take_fitted(fitted, weights)

    def _take_fitted(self, members: Named, weights: np.ndarray) -> Self:
        """Set the fitted attributes."""
        first = members[0][1]
        for name, member in members:
            check_is_fitted(member)
            if member.n_features_in_ != first.n_features_in_ or not self._alike(first, member):
                refuse(
                    "estimators",
                    "fitted on the same columns and targets",
                    name,
                    f"Its columns or targets are not those of {members[0][0]!r}.",
                )
        self.estimators_ = [member for _, member in members]
        self.weights_ = weights
        self._member_names = [name for name, _ in members]
        self.n_features_in_ = int(first.n_features_in_)
        if hasattr(first, "feature_names_in_"):
            self.feature_names_in_ = first.feature_names_in_
        else:
            self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
        return self

    @classmethod
    def _check_members(cls, estimators: Named) -> None:
        """Refuse what is no list of named estimators that can be averaged."""
        rule = "a list of (name, estimator), of estimators of this package or pipelines of one"
        if not isinstance(estimators, list | tuple) or not estimators:
            refuse("estimators", rule, estimators)
        for each in estimators:
            if not (isinstance(each, list | tuple) and len(each) == 2 and isinstance(each[0], str)):
                refuse("estimators", rule, each)
            if not type(network_of(each[1])).__module__.startswith("multilayer"):
                refuse("estimators", rule, each)
            cls._check_member(each[1])
        names = [name for name, _ in estimators]
        if len(set(names)) < len(names) or any("__" in name for name in names):
            refuse("estimators", "of different names without '__'", names)

    @staticmethod
    @abstractmethod
    def _check_member(member: BaseEstimator) -> None:
        """Refuse an estimator whose predictions cannot be averaged."""

    @staticmethod
    @abstractmethod
    def _alike(first: BaseEstimator, member: BaseEstimator) -> bool:
        """Whether fitted members have the same targets."""

    @property
    def named_estimators_(self) -> dict[str, BaseEstimator]:
        """The fitted estimators by name."""
        check_is_fitted(self)
        return dict(zip(self._member_names, self.estimators_, strict=True))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments of the constructor.

        Parameters
        ----------
        deep : bool, default=True
            Whether those of the estimators are among them, as ``name__argument``.

        Returns
        -------
        params : dict
        """
        return self._get_params("estimators", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set arguments of the constructor, of an estimator, or an estimator itself by its name.

        Parameters
        ----------
        **params : dict
            By the names that ``get_params`` returns.

        Returns
        -------
        self : estimator
        """
        self._set_params("estimators", **params)
        return self

    def __sklearn_tags__(self) -> Tags:
        """Say what data this estimator takes: what each member does."""
        tags = super().__sklearn_tags__()
        each = [get_tags(member) for _, member in self.estimators]
        for name in ("sparse", "allow_nan", "categorical", "string"):
            setattr(tags.input_tags, name, all(getattr(own.input_tags, name) for own in each))
        tags.target_tags.multi_output = all(own.target_tags.multi_output for own in each)
        if tags.classifier_tags is not None:
            own_tags = [own.classifier_tags for own in each]
            tags.classifier_tags.multi_label = all(own and own.multi_label for own in own_tags)
        return tags

    @property
    def _onnx_table(self) -> "TableEncoding | None":
        """What the columns become, where the members read raw tables."""
        return getattr(self.estimators_[0], "_onnx_table", None)

    def _onnx_members(self) -> "list[Described]":
        """Return the members for a graph."""
        check_is_fitted(self)
        for name, member in zip(self._member_names, self.estimators_, strict=True):
            if not hasattr(member, "_onnx_description"):
                refuse(
                    "model",
                    "an ensemble of networks for ONNX, its steps before all of them",
                    name,
                    "Put the steps into one pipeline that ends in the ensemble.",
                )
        tables = [getattr(member, "_onnx_table", None) for member in self.estimators_]
        used = [t and [column.name for column in t.columns] for t in tables]
        if any(columns != used[0] for columns in used):
            refuse("model", "an ensemble whose members use the same columns for ONNX", used)
        return [member._onnx_description() for member in self.estimators_]


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


def shares_of(weights: npt.ArrayLike | None, n_members: int) -> np.ndarray:
    """Return weights as shares of 1, float64."""
    rule = f"None or {n_members} numbers, not negative and not all 0"
    if weights is None:
        return np.full(n_members, 1 / n_members)
    try:
        given = np.asarray(weights, np.float64)
    except (TypeError, ValueError):
        refuse("weights", rule, weights)
    total = given.sum()
    if given.shape != (n_members,) or (given < 0).any() or not 0 < total < np.inf:
        refuse("weights", rule, weights)
    return given / total


def _weight_name(member: BaseEstimator) -> str:
    """Return the name of the argument of ``fit`` by which a member gets weights of samples."""
    return (
        f"{member.steps[-1][0]}__sample_weight" if isinstance(member, Pipeline) else "sample_weight"
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
