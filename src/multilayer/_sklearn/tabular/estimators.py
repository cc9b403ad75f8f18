"""TabularClassifier and TabularRegressor: a raw table in, a calibrated ensemble out."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from multilayer._data.encoding import TableLayout
from multilayer._data.raw_tables import TableLike
from multilayer._sklearn.tabular.base import BaseTabular
from multilayer._sklearn.tabular.probabilities import tempered
from multilayer._sklearn.tabular.targets import ClassTargets, NumberTargets, table_scorer
from multilayer._sklearn.targets.class_labels import weights_of_classes
from multilayer._sklearn.targets.metric_table import Metric

if TYPE_CHECKING:  # what starts JAX when it is imported
    from multilayer._engine.callbacks.protocol import Callback
    from multilayer._sklearn.tabular.training import EncodedRows


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
        time_budget: float | None = None,
        scoring: "str | Metric | Callable[..., float] | None" = None,
        feature_roles: Mapping[str | int, str] | None = None,
        class_weight: "Mapping[object, float] | str | None" = None,
        random_state: "int | np.random.RandomState | None" = None,
        verbose: bool = False,
        callbacks: "Sequence[Callback] | None" = None,
    ) -> None:
        super().__init__(
            n_estimators=n_estimators,
            n_folds=n_folds,
            time_budget=time_budget,
            scoring=scoring,
            feature_roles=feature_roles,
            random_state=random_state,
            verbose=verbose,
            callbacks=callbacks,
        )
        self.class_weight = class_weight

    def _encoded(
        self,
        X: np.ndarray,
        layout: TableLayout,
        y: npt.ArrayLike,
        weight: np.ndarray,
        groups: npt.ArrayLike | None,
    ) -> "tuple[ClassTargets, EncodedRows]":
        from multilayer._sklearn.tabular.training import EncodedRows

        targets, labels = ClassTargets.learn(y)
        encoded = targets.encode(labels)
        if self.class_weight is not None:
            (table,) = weights_of_classes(self.class_weight, labels, targets.classes, "multiclass")
            weight = (weight * table[encoded]).astype(np.float32)
        scorer = None
        if self.scoring not in (None, "loss"):
            shares = np.bincount(encoded, weight, len(targets.classes)) / weight.sum()
            first = np.tile(shares, (len(encoded), 1))
            scorer = table_scorer(self.scoring, targets, labels, weight, first)
        n_outputs = len(targets.classes)
        return targets, EncodedRows(X, layout, encoded, weight, n_outputs, groups, scorer)

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
        self,
        X: np.ndarray,
        layout: TableLayout,
        y: npt.ArrayLike,
        weight: np.ndarray,
        groups: npt.ArrayLike | None,
    ) -> "tuple[NumberTargets, EncodedRows]":
        from multilayer._sklearn.tabular.training import EncodedRows

        targets, table = NumberTargets.learn(y, weight)
        encoded = targets.encode(table)
        scorer = None
        if self.scoring not in (None, "loss"):
            first = np.zeros_like(encoded)
            scorer = table_scorer(self.scoring, targets, targets.shaped(table), weight, first)
        return targets, EncodedRows(X, layout, encoded, weight, table.shape[1], groups, scorer)

    def predict(self, X: TableLike) -> np.ndarray:
        """Return the predicted numbers, in the shape and units of y."""
        mean = self._mean_prediction(X)
        return self._learnt.shaped(self._learnt.decode(mean))

    def __sklearn_tags__(self) -> Tags:
        """Say what targets this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
