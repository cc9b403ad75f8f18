"""Targets of the tabular estimators: what networks learn, and what their outputs become."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer
from sklearn.utils.validation import assert_all_finite, check_array, column_or_1d

from multilayer._core.checks import refuse
from multilayer._core.errors import DataError
from multilayer._core.numpy_activations import softmax
from multilayer._sklearn.inputs import readable
from multilayer._sklearn.tabular.probabilities import NumberUnits
from multilayer._sklearn.targets.class_labels import check_labels, find_classes, numbers
from multilayer._sklearn.targets.metric_table import METRICS, Metric


@dataclass(frozen=True)
class ClassTargets:
    """Class labels as numbers of a network."""

    classes: np.ndarray

    @classmethod
    def learn(cls, y: npt.ArrayLike) -> "tuple[ClassTargets, np.ndarray]":
        """Return the classes of labels, and the checked labels."""
        labels = np.asarray(readable(y, numeric=False))
        if labels.dtype.kind == "f":
            assert_all_finite(labels, input_name="y")
        labels = check_labels(labels)
        if labels.ndim == 2:
            raise DataError(
                f"y must have one column of classes, got an array of shape {labels.shape}. For "
                "several outputs use MLPClassifier behind a TabularEncoder(max_one_hot=None)."
            )
        return cls(np.asarray(find_classes(labels)[0])), labels

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Return class numbers ``(rows,)`` int32."""
        return numbers(labels, self.classes)

    def predicted(self, raw: np.ndarray) -> np.ndarray:
        """Return the probabilities that raw outputs ``(..., classes)`` stand for."""
        return softmax(raw)

    def stand_in(self, table: np.ndarray) -> "PredictedClasses":
        """Return an estimator that predicts a table of probabilities."""
        return PredictedClasses(self.classes, table)


@dataclass(frozen=True)
class NumberTargets(NumberUnits):
    """Numbers, standardised for a network."""

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

    def unbounded(self) -> "NumberTargets":
        """Return the same for predictions that may leave the range of training."""
        most = np.full_like(self.high, np.finfo(np.float64).max)
        return replace(self, low=-most, high=most)

    def predicted(self, raw: np.ndarray) -> np.ndarray:
        """Return what raw outputs predict: themselves."""
        return raw

    def stand_in(self, table: np.ndarray) -> "PredictedNumbers":
        """Return an estimator that predicts a table of standardised numbers."""
        return PredictedNumbers(self.shaped(self.decode(table)))


# Scorers of predictions out of fold --------------------------------------------------------------


class PredictedClasses(ClassifierMixin, BaseEstimator):
    """An estimator whose predictions are there already, for scorers of scikit-learn."""

    def __init__(self, classes: np.ndarray, probabilities: np.ndarray) -> None:
        self.classes, self.probabilities = classes, probabilities

    @property
    def classes_(self) -> np.ndarray:
        """Class labels."""
        return self.classes

    def predict_proba(self, X: object) -> np.ndarray:
        """Return the probabilities of all rows."""
        return self.probabilities

    def predict(self, X: object) -> np.ndarray:
        """Return the most probable class of each row."""
        return self.classes[self.probabilities.argmax(axis=1)]


class PredictedNumbers(RegressorMixin, BaseEstimator):
    """An estimator whose predictions are there already."""

    def __init__(self, predictions: np.ndarray) -> None:
        self.predictions = predictions

    def predict(self, X: object) -> np.ndarray:
        """Return the numbers of all rows."""
        return self.predictions


def table_scorer(
    scoring: "str | Metric | Callable[..., float]",
    targets: ClassTargets | NumberTargets,
    y: np.ndarray,
    weight: np.ndarray,
    first: np.ndarray,
) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return the score of a table of predictions for rows of these numbers, higher is better.

    ``first`` is a table for all rows that the scorer is tried on before anything is trained.
    """
    scorer = scoring if callable(scoring) else METRICS.get(scoring) or get_scorer(scoring)
    plain = bool((weight == 1).all())

    def score(table: np.ndarray, numbers: np.ndarray) -> float:
        weights = {} if plain else {"sample_weight": weight[numbers].astype(np.float64)}
        return float(scorer(targets.stand_in(table), numbers[:, None], y[numbers], **weights))

    try:
        score(first, np.arange(len(y)))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        refuse("scoring", "a scorer that works on y and predictions for it", scoring, reason)
    return score
