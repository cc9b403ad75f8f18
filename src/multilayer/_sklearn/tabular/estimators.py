"""TabularClassifier and TabularRegressor: a raw table in, a calibrated ensemble out."""

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, _safe_indexing, check_random_state
from sklearn.utils.validation import (
    _num_samples,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from multilayer._core.checks import check_bool, check_integer
from multilayer._core.errors import DataError
from multilayer._core.types import REPORT_COLUMNS
from multilayer._data.encoding import TableLayout
from multilayer._data.raw_tables import TableLike
from multilayer._engine.callbacks.printing import PrintLoss
from multilayer._sklearn.arguments.constructors import known_arguments
from multilayer._sklearn.inputs import check_weight, readable
from multilayer._sklearn.tabular.encoder import TabularEncoder
from multilayer._sklearn.tabular.probabilities import softmax, tempered
from multilayer._sklearn.targets.class_labels import (
    check_labels,
    find_classes,
    numbers,
    weights_of_classes,
)

if TYPE_CHECKING:  # what starts JAX when it is imported
    from multilayer._engine.callbacks.protocol import Callback
    from multilayer._sklearn.tabular.recipe import Recipe
    from multilayer._sklearn.tabular.training import EncodedRows, EnsembleFit


@dataclass(frozen=True)
class TabularReport:
    """What a fit did.

    Attributes
    ----------
    n_rows : int
        Rows trained on; those without weight are left out.
    n_members, n_folds : int
        Networks of the ensemble, and folds of the rows.
    views : tuple of str
        How the columns are seen: each view has as many members.
    view_weights : tuple of float
        What the predictions of each view count.
    best_epochs : tuple of int
        Epoch whose networks each view uses.
    n_epochs, n_steps : int
        Trained: epochs (evaluations) and steps of every member.
    temperature : float
        Factor of the logarithms of the probabilities; 1 in regression.
    out_of_fold_loss, out_of_fold_score : float
        Log loss after calibration and accuracy, or the mean squared error of the standardised
        target and R2, of predictions for rows that the networks have not seen.
    stop_reason : str
        "converged", "max_iter", "time_budget", "interrupted" or what a callback gave.
    fit_seconds, compile_seconds : float
        In the compiled programs, and for their compilation.
    """

    n_rows: int
    n_members: int
    n_folds: int
    views: tuple[str, ...]
    view_weights: tuple[float, ...]
    best_epochs: tuple[int, ...]
    n_epochs: int
    n_steps: int
    temperature: float
    out_of_fold_loss: float
    out_of_fold_score: float
    stop_reason: str
    fit_seconds: float
    compile_seconds: float


# Targets, and what predictions become ------------------------------------------------------------


@dataclass(frozen=True)
class ClassTargets:
    """Class labels as numbers of a network."""

    classes: np.ndarray

    @classmethod
    def learn(cls, y: npt.ArrayLike) -> "tuple[ClassTargets, np.ndarray]":
        """Return the classes of labels, and the checked labels."""
        labels = check_labels(np.asarray(readable(y, numeric=False)))
        if labels.ndim == 2:
            raise DataError(
                f"y must have one column of classes, got an array of shape {labels.shape}. For "
                "several outputs use MLPClassifier behind a TabularEncoder(max_one_hot=None)."
            )
        return cls(np.asarray(find_classes(labels)[0])), labels

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Return class numbers ``(rows,)`` int32."""
        return numbers(labels, self.classes)


@dataclass(frozen=True)
class NumberTargets:
    """Numbers, standardised for a network."""

    mean: np.ndarray  # (outputs,)
    spread: np.ndarray  # (outputs,) standard deviations
    low: np.ndarray  # (outputs,) the smallest of training
    high: np.ndarray
    one_column: bool  # whether y has one axis

    @classmethod
    def learn(cls, y: npt.ArrayLike, weight: np.ndarray) -> "tuple[NumberTargets, np.ndarray]":
        """Return what there is to learn of numbers, and the numbers ``(rows, outputs)``."""
        values = check_array(
            readable(y, numeric=True), dtype=np.float64, ensure_2d=False, input_name="y"
        )
        if values.ndim == 2 and values.shape[1] == 1:
            values = column_or_1d(values, warn=True)
        table = values.reshape(len(values), -1)
        mean = np.average(table, axis=0, weights=weight)
        spread = np.sqrt(np.average(np.square(table - mean), axis=0, weights=weight))
        spread = np.where(spread > 0, spread, 1.0)
        return cls(mean, spread, table.min(axis=0), table.max(axis=0), values.ndim == 1), table

    def encode(self, table: np.ndarray) -> np.ndarray:
        """Return standardised numbers, float32."""
        return ((table - self.mean) / self.spread).astype(np.float32)

    def decode(self, predicted: np.ndarray) -> np.ndarray:
        """Return predictions ``(rows, outputs)`` in the units of y, within those of training."""
        return np.clip(predicted * self.spread + self.mean, self.low, self.high)

    def shaped(self, table: np.ndarray) -> np.ndarray:
        """Return a table in the shape of y."""
        return table[:, 0] if self.one_column else table


# What both estimators do -------------------------------------------------------------------------


class BaseTabular(BaseEstimator, metaclass=ABCMeta):
    """What both estimators for raw tables do."""

    _learnt: ClassTargets | NumberTargets

    def __init__(
        self,
        *,
        n_estimators: int | str = "auto",
        n_folds: int | str = "auto",
        feature_roles: Mapping[str | int, str] | None = None,
        random_state: "int | np.random.RandomState | None" = None,
        verbose: bool = False,
        callbacks: "Sequence[Callback] | None" = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.n_folds = n_folds
        self.feature_roles = feature_roles
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks

    @abstractmethod
    def _encoded(
        self, X: np.ndarray, layout: TableLayout, y: npt.ArrayLike, weight: np.ndarray
    ) -> "tuple[ClassTargets | NumberTargets, EncodedRows]":
        """Learn what there is to learn of targets, and encode them."""

    @known_arguments
    def fit(
        self,
        X: TableLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        groups: npt.ArrayLike | None = None,
    ) -> Self:
        """Train the ensemble on a raw table.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            A data frame of pandas or polars, a table of pyarrow, an array, rows in a list, or a
            sparse matrix; see :class:`TabularEncoder`.
        y : array-like of shape (n_samples,) or, for numbers, (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative; a row of weight 0 is left out.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are in one fold: the several rows of one person, say.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        InvalidArgumentError
            An argument breaks its rule (a ValueError).
        DataError
            The data cannot be used (a ValueError).
        DivergenceError
            A loss became infinite or NaN (a ValueError); the estimator has the best networks.
        """
        from multilayer._sklearn.tabular.training import train_ensemble  # late: it starts JAX

        check_bool("verbose", self.verbose)
        if y is None:
            name = type(self).__name__
            raise DataError(f"{name} requires y to be passed, but the target y is None.")
        check_consistent_length(X, y, sample_weight, groups)
        X, y, weight, groups = rows_with_weight(X, y, sample_weight, groups)
        encoder = TabularEncoder(feature_roles=self.feature_roles, smooth_clip=False)
        encoded = encoder.fit_transform(X)
        targets, rows = self._encoded(encoded, encoder.layout_, y, weight)
        recipe = self._recipe(rows)
        if groups is not None:
            rows = replace(rows, groups=groups)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        callbacks = [*(self.callbacks or ()), *([PrintLoss()] if self.verbose else ())]
        result = train_ensemble(recipe, rows, seed, callbacks)
        self._set_fitted(encoder, targets, result)
        if result.error is not None:
            raise result.error
        return self

    def _recipe(self, rows: "EncodedRows") -> "Recipe":
        """Return the recipe of the data, with what the arguments change."""
        from multilayer._sklearn.tabular import recipe as recipes

        n_rows = len(rows.X)
        recipe = recipes.choose_recipe(classification=rows.targets.classification, n_rows=n_rows)
        if self.n_folds != "auto":
            check_integer("n_folds", self.n_folds, 2)
            recipe = recipes.with_folds(recipe, min(int(self.n_folds), n_rows), n_rows)
        if self.n_estimators != "auto":
            check_integer("n_estimators", self.n_estimators, 1)
            recipe = recipes.with_members(recipe, int(self.n_estimators))
        return recipe

    def _set_fitted(
        self,
        encoder: TabularEncoder,
        targets: ClassTargets | NumberTargets,
        result: "EnsembleFit",
    ) -> None:
        """Set every fitted attribute."""
        self.encoder_, self._ensemble, self._learnt = encoder, result.ensemble, targets
        self._history, self._out_of_fold = result.history, result.out_of_fold
        self.n_features_in_ = encoder.n_features_in_
        if hasattr(encoder, "feature_names_in_"):
            self.feature_names_in_ = encoder.feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self.n_iter_ = len(result.history)
        self.stop_reason_ = result.stop_reason
        recipe = result.recipe
        self.report_ = TabularReport(
            n_rows=len(result.out_of_fold),
            n_members=recipe.n_members,
            n_folds=recipe.n_folds,
            views=tuple(view.name for view in recipe.views),
            view_weights=tuple(result.shares.tolist()),
            best_epochs=result.best_evaluations,
            n_epochs=len(result.history),
            n_steps=result.steps,
            temperature=result.ensemble.temperature,
            out_of_fold_loss=result.loss,
            out_of_fold_score=result.score,
            stop_reason=result.stop_reason,
            fit_seconds=result.seconds,
            compile_seconds=result.compile_seconds,
        )

    @property
    def feature_roles_(self) -> dict[str | int, str]:
        """Role of each column of X, "drop" included."""
        check_is_fitted(self)
        return dict(self.encoder_.feature_roles_)

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Curves of training, one number for each epoch, by name."""
        check_is_fitted(self)
        return {name: self._history[name] for name in REPORT_COLUMNS}

    def summary(self) -> str:
        """Return what the fit did, and the roles of the columns, as text for people."""
        check_is_fitted(self)
        lines = [f"{name:20} {value}" for name, value in asdict(self.report_).items()]
        return "\n".join([*lines, "", self.encoder_.summary()])

    def _mean_prediction(self, X: TableLike) -> np.ndarray:
        """Return the weighted mean of what the members predict, ``(rows, outputs)`` float64."""
        from multilayer._engine.xla import inference  # late: it starts JAX

        check_is_fitted(self)
        encoded, ensemble = self.encoder_.transform(X), self._ensemble
        raw = inference.outputs(
            ensemble.network,
            ensemble.params,
            lambda rows: encoded[rows],
            len(encoded),
            input_scale=1.0,
            dtype="float32",
        )
        members = raw.reshape(len(raw), ensemble.network.n_members, -1).astype(np.float64)
        if isinstance(self._learnt, ClassTargets):
            members = softmax(members)
        return np.einsum("m,rmo->ro", ensemble.weights, members)

    def __sklearn_tags__(self) -> Tags:
        """Say what data this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        return tags


def rows_with_weight(
    X: TableLike,
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None,
    groups: npt.ArrayLike | None,
) -> tuple[TableLike, npt.ArrayLike, np.ndarray, npt.ArrayLike | None]:
    """Return rows without those of weight 0, and their weights in float32."""
    n_rows = _num_samples(X)
    if sample_weight is None:
        return X, y, np.ones(n_rows, np.float32), groups
    weight = check_weight(sample_weight, np.zeros((n_rows, 1)), "float32")
    some = np.flatnonzero(weight > 0)
    if len(some) < n_rows:
        X, y = _safe_indexing(X, some), _safe_indexing(y, some)
        groups = None if groups is None else _safe_indexing(groups, some)
    return X, y, weight[some], groups


# The estimators ----------------------------------------------------------------------------------


class TabularClassifier(ClassifierMixin, BaseTabular):
    """Classifier of raw tables: an ensemble of small networks with calibrated probabilities.

    A data frame as it is, with text, categories, dates and missing cells, goes into ``fit``.
    """

    __module__ = "multilayer"
    _learnt: ClassTargets

    def __init__(
        self,
        *,
        n_estimators: int | str = "auto",
        n_folds: int | str = "auto",
        feature_roles: Mapping[str | int, str] | None = None,
        class_weight: "Mapping[object, float] | str | None" = None,
        random_state: "int | np.random.RandomState | None" = None,
        verbose: bool = False,
        callbacks: "Sequence[Callback] | None" = None,
    ) -> None:
        super().__init__(
            n_estimators=n_estimators,
            n_folds=n_folds,
            feature_roles=feature_roles,
            random_state=random_state,
            verbose=verbose,
            callbacks=callbacks,
        )
        self.class_weight = class_weight

    def _encoded(
        self, X: np.ndarray, layout: TableLayout, y: npt.ArrayLike, weight: np.ndarray
    ) -> "tuple[ClassTargets, EncodedRows]":
        from multilayer._sklearn.tabular.training import EncodedRows

        targets, labels = ClassTargets.learn(y)
        encoded = targets.encode(labels)
        if self.class_weight is not None:
            (table,) = weights_of_classes(self.class_weight, labels, targets.classes, "multiclass")
            weight = (weight * table[encoded]).astype(np.float32)
        return targets, EncodedRows(X, layout, encoded, weight, len(targets.classes))

    @property
    def classes_(self) -> np.ndarray:
        """Class labels, sorted."""
        check_is_fitted(self)
        return self._learnt.classes

    def predict_proba(self, X: TableLike) -> np.ndarray:
        """Return calibrated probabilities ``(n_samples, n_classes)``."""
        mean = self._mean_prediction(X)
        return tempered(mean, self._ensemble.temperature)

    def predict(self, X: TableLike) -> np.ndarray:
        """Return the most probable class of each row."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_log_proba(self, X: TableLike) -> np.ndarray:
        """Return the logarithms of the probabilities."""
        return np.log(self.predict_proba(X))


class TabularRegressor(RegressorMixin, BaseTabular):
    """Regressor of raw tables: an ensemble of small networks over folds."""

    __module__ = "multilayer"

    _learnt: NumberTargets

    def _encoded(
        self, X: np.ndarray, layout: TableLayout, y: npt.ArrayLike, weight: np.ndarray
    ) -> "tuple[NumberTargets, EncodedRows]":
        from multilayer._sklearn.tabular.training import EncodedRows

        targets, table = NumberTargets.learn(y, weight)
        encoded = targets.encode(table)
        return targets, EncodedRows(X, layout, encoded, weight, encoded.shape[1])

    def predict(self, X: TableLike) -> np.ndarray:
        """Return the predicted numbers, in the shape and units of y."""
        mean = self._mean_prediction(X)
        return self._learnt.shaped(self._learnt.decode(mean))

    def __sklearn_tags__(self) -> Tags:
        """Say what targets this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
