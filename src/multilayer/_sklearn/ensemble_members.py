"""What weighted ensembles of classifiers and of regressors have in common."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, get_tags
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import refuse
from multilayer._sklearn.network.importances import HasImportances
from multilayer._sklearn.network.onnx_methods import OnnxMethods
from multilayer._sklearn.targets.weighted_means import shares_of

if TYPE_CHECKING:
    from multilayer._data.encoding import TableEncoding
    from multilayer._data.raw_tables import TableLike
    from multilayer._onnx.outputs import Described

Named: TypeAlias = Sequence[tuple[str, BaseEstimator]]
"""Estimators with their names."""


def network_of(estimator: BaseEstimator) -> BaseEstimator:
    """Return what is trained: the last step of a pipeline, or the estimator."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


class WeightedEnsemble(OnnxMethods, HasImportances, _BaseComposition, metaclass=ABCMeta):
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


def _weight_name(member: BaseEstimator) -> str:
    """Return the name of the argument of ``fit`` by which a member gets weights of samples."""
    return (
        f"{member.steps[-1][0]}__sample_weight" if isinstance(member, Pipeline) else "sample_weight"
    )
