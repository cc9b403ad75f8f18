"""What fitted estimators for raw tables predict: classes, or numbers and their intervals."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from multilayer._data.encoding import TableLayout
from multilayer._data.raw_tables import TableLike
from multilayer._sklearn.network.onnx_methods import OnnxTableClassifier, OnnxTableRegressor
from multilayer._sklearn.tabular.ensemble import EncodedRows
from multilayer._sklearn.tabular.probabilities import tempered
from multilayer._sklearn.tabular.tabular_base import BaseTabular
from multilayer._sklearn.tabular.targets import ClassTargets, NumberTargets, table_scorer
from multilayer._sklearn.targets.class_labels import weights_of_classes
from multilayer._sklearn.targets.uncertainty import error_at


class BaseTabularClassifier(OnnxTableClassifier, ClassifierMixin, BaseTabular):
    """What all classifiers of raw tables do."""

    class_weight: "Mapping[object, float] | str | None"
    _targets = ClassTargets
    _learnt: ClassTargets

    def _encoded(
        self,
        X: np.ndarray,
        layout: TableLayout,
        y: npt.ArrayLike,
        weight: np.ndarray,
        groups: npt.ArrayLike | None,
    ) -> "tuple[ClassTargets, EncodedRows]":
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
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), float64
            Calibrated, in the order of ``classes_``.
        """
        mean = self._mean_prediction(X)
        return tempered(mean, self._ensemble.temperature)

    def predict(self, X: TableLike) -> np.ndarray:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_log_proba(self, X: TableLike) -> np.ndarray:
        """Return the logarithms of the probabilities, see :meth:`predict_proba`.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes), float64
        """
        return np.log(self.predict_proba(X))


class BaseTabularRegressor(OnnxTableRegressor, RegressorMixin, BaseTabular):
    """What all regressors of raw tables do."""

    _targets = NumberTargets
    _learnt: NumberTargets

    def _encoded(
        self,
        X: np.ndarray,
        layout: TableLayout,
        y: npt.ArrayLike,
        weight: np.ndarray,
        groups: npt.ArrayLike | None,
    ) -> "tuple[NumberTargets, EncodedRows]":
        targets, table = NumberTargets.learn(y, weight)
        encoded = targets.encode(table)
        scorer = None
        if self.scoring not in (None, "loss"):
            first = np.zeros_like(encoded)
            scorer = table_scorer(self.scoring, targets, targets.shaped(table), weight, first)
        return targets, EncodedRows(X, layout, encoded, weight, table.shape[1], groups, scorer)

    def predict(self, X: TableLike) -> np.ndarray:
        """Return the predicted numbers.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
            In the units of the training targets, and within their range.
        """
        mean = self._mean_prediction(X)
        return self._learnt.shaped(self._learnt.decode(mean))

    def predict_interval(self, X: TableLike, coverage: float = 0.9) -> np.ndarray:
        """Return intervals that contain y with a given probability.

        Cross-conformal prediction (Vovk, 2015): the prediction, plus and minus the size that so
        many of the errors out of fold have at most. Without an assumption on the distribution of
        y, the intervals contain it as often as promised on the average over rows like those of
        training, or slightly more often, as errors out of fold are those of single networks.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Rows with the columns of training.
        coverage : float, default=0.9
            Share of rows whose y is in its interval, in (0, 1).

        Returns
        -------
        intervals : ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2), float64
            Lower and upper ends, in the units of y.

        Raises
        ------
        InvalidArgumentError
            The coverage is not such a number, or more than the number of training rows can
            promise (a ValueError).

        Examples
        --------
        >>> import numpy as np
        >>> from multilayer import TabularRegressor
        >>> rng = np.random.default_rng(0)
        >>> X = rng.uniform(-1, 1, (300, 2))
        >>> y = X[:, 0] + rng.normal(0, 0.1, 300)
        >>> reg = TabularRegressor(n_folds=2, n_estimators=2, random_state=0).fit(X[:200], y[:200])
        >>> low, high = reg.predict_interval(X[200:], coverage=0.8).T
        >>> bool(np.mean((low <= y[200:]) & (y[200:] <= high)) > 0.7)
        True
        """
        check_is_fitted(self)
        error = error_at(self._errors, coverage)
        return self._learnt.interval(self._mean_prediction(X), error)

    def __sklearn_tags__(self) -> Tags:
        """Say what targets this estimator takes."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
