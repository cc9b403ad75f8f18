"""Heads: what an estimator predicts, its loss and its figures."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_softmax, softmax

from multilayer._core.checks import check_integer, refuse
from multilayer._core.errors import DataError
from multilayer._objectives.objective import Objective

# Figures of evaluation, formed on the host in float64 --------------------------------------------


def mean(values: np.ndarray, weight: np.ndarray) -> float:
    """Weighted mean."""
    return float(np.average(values, weights=weight))


def ratio(part: float, whole: float) -> float:
    """Return a share, 0 of nothing."""
    return float(part / whole) if whole > 0 else 0.0


def positives_by_threshold(
    label: np.ndarray, score: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the true and the false positives at each threshold, from the highest one down.

    The first entry is 0: nothing is positive. Rows of equal score are one threshold.
    """
    order = np.argsort(-score, kind="stable")
    last_of_equals = np.flatnonzero(np.diff(score[order], append=np.inf))
    true = np.cumsum((weight * label)[order])[last_of_equals]
    false = np.cumsum((weight * (1 - label))[order])[last_of_equals]
    return np.append(0.0, true), np.append(0.0, false)


def roc_auc(label: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    """Area under the ROC curve; NaN where there is one class only."""
    true, false = positives_by_threshold(label, score, weight)
    if true[-1] == 0 or false[-1] == 0:
        return float("nan")
    return float(np.trapezoid(true / true[-1], false / false[-1]))


def precision_recall_auc(label: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    """Area under the precision-recall curve; NaN where there are no positives.

    Between two thresholds true and false positives grow in proportion (Davis and Goadrich, 2006),
    so that with ``t`` true positives of ``t + f`` on a line ``t = a + b * (t + f)`` the precision
    ``t / (t + f)`` integrates to ``b * (t1 - t0 + a * log((t1 + f1) / (t0 + f0)))``.
    """
    true, false = positives_by_threshold(label, score, weight)
    if true[-1] == 0:
        return float("nan")
    found = true + false
    t0, t1, p0, p1 = true[:-1], true[1:], found[:-1], found[1:]
    slope = np.divide(t1 - t0, p1 - p0, out=np.zeros_like(t0), where=p1 > p0)
    intercept = t0 - slope * p0
    growth = np.divide(p1, p0, out=np.ones_like(p0), where=p0 > 0)
    return float(np.sum(slope * (t1 - t0 + intercept * np.log(growth))) / true[-1])


# Heads: from the outputs of a network to losses, figures, predictions ----------------------------


@dataclass(frozen=True)
class Head(ABC):
    """The meaning of the output units, before their activation ``(rows, n_units)``."""

    loss_factor = 1.0  # what the engine's loss of a row is multiplied by

    @property
    @abstractmethod
    def n_units(self) -> int:
        """Output units."""

    @property
    def n_outputs(self) -> int:
        """Losses of a row, whose sum is minimised."""
        return 1

    @property
    def words(self) -> tuple[str, ...] | None:
        """Labels by class number, where they are text."""
        return None

    @abstractmethod
    def objective(self) -> Objective:
        """Return the engine's objective."""

    @abstractmethod
    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Return the targets of the engine for labels."""

    @abstractmethod
    def losses(self, raw: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the loss of each row ``(rows,)``, the sum over its outputs."""

    @abstractmethod
    def figures(self, raw: np.ndarray, targets: np.ndarray, weight: np.ndarray) -> dict[str, float]:
        """Return the figures of evaluation besides the losses."""

    @abstractmethod
    def predictions(self, raw: np.ndarray) -> dict[str, np.ndarray]:
        """Return what is predicted: arrays by name, a row for each row."""


@dataclass(frozen=True)
class Classes:
    """The classes of a classifier: numbers from 0, or words in place of them."""

    number: int
    vocabulary: tuple[str, ...] | None

    def numbers(self, labels: np.ndarray) -> np.ndarray:
        """Return class numbers ``(rows,)`` int32 of labels."""
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1:
            raise DataError(f"labels must have shape (rows,) or (rows, 1), got {labels.shape}.")
        return self._places(labels) if self.vocabulary else self._whole(labels)

    def _whole(self, labels: np.ndarray) -> np.ndarray:
        if labels.dtype.kind not in "iubf":
            raise DataError(
                f"labels must be whole numbers from 0, got type {labels.dtype}. Give the classes "
                "as label_vocabulary."
            )
        inside = (labels >= 0) & (labels < self.number) & (labels == np.floor(labels))
        if not inside.all():
            raise DataError(
                f"labels must be whole numbers from 0 to {self.number - 1} for "
                f"n_classes={self.number}, got {np.unique(labels[~inside])[:5]}."
            )
        return labels.astype(np.int32)

    def _places(self, labels: np.ndarray) -> np.ndarray:
        assert self.vocabulary is not None
        places = {word: i for i, word in enumerate(self.vocabulary)}
        words = [v.decode() if isinstance(v, bytes) else v for v in labels.tolist()]
        unknown = sorted({repr(word) for word in words if word not in places})
        if unknown:
            raise DataError(
                f"labels must be in label_vocabulary {list(self.vocabulary)}, got "
                f"{', '.join(unknown[:5])}."
            )
        return np.array([places[word] for word in words], np.int32)

    def chosen(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """Return the class of each row, as a number and as bytes."""
        words = self.vocabulary or tuple(map(str, range(self.number)))
        names = np.array([word.encode() for word in words], object)
        return {"class_ids": numbers[:, None].astype(np.int64), "classes": names[numbers][:, None]}


def check_classes(n_classes: int, vocabulary: Sequence[str] | None) -> Classes:
    """Check the classes of a classifier."""
    check_integer("n_classes", n_classes, 2)
    if vocabulary is None:
        return Classes(int(n_classes), None)
    words = tuple(vocabulary) if isinstance(vocabulary, Sequence | np.ndarray) else ()
    words = tuple(word.decode() if isinstance(word, bytes) else word for word in words)
    if len(set(words)) != n_classes or not all(isinstance(word, str) for word in words):
        rule = f"a list of {n_classes} different texts, one for each of n_classes"
        refuse("label_vocabulary", rule, vocabulary)
    return Classes(int(n_classes), tuple(map(str, words)))


@dataclass(frozen=True)
class MultiClassHead(Head):
    """Softmax over exclusive classes."""

    classes: Classes

    @property
    def n_units(self) -> int:
        """Output units."""
        return self.classes.number

    @property
    def words(self) -> tuple[str, ...] | None:
        """Labels by class number, where they are text."""
        return self.classes.vocabulary

    def objective(self) -> Objective:
        """Return the engine's objective."""
        return Objective("softmax", "softmax", (self.n_units,))

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Return the targets of the engine for labels."""
        return self.classes.numbers(labels)

    def losses(self, raw: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the cross-entropy of each row."""
        log_p = log_softmax(raw.astype(np.float64), axis=1)
        return -np.take_along_axis(log_p, targets[:, None], axis=1)[:, 0]

    def figures(self, raw: np.ndarray, targets: np.ndarray, weight: np.ndarray) -> dict[str, float]:
        """Return the accuracy."""
        return {"accuracy": mean(raw.argmax(axis=1) == targets, weight)}

    def predictions(self, raw: np.ndarray) -> dict[str, np.ndarray]:
        """Return logits, probabilities and the class of each row."""
        chosen = self.classes.chosen(raw.argmax(axis=1))
        return {"logits": raw, "probabilities": softmax(raw, axis=1), **chosen}


@dataclass(frozen=True)
class BinaryHead(Head):
    """One logit for two classes."""

    classes: Classes

    @property
    def n_units(self) -> int:
        """Output units."""
        return 1

    @property
    def words(self) -> tuple[str, ...] | None:
        """Labels by class number, where they are text."""
        return self.classes.vocabulary

    def objective(self) -> Objective:
        """Return the engine's objective."""
        return Objective("logistic", "logistic", (1,))

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Return the targets of the engine for labels."""
        return self.classes.numbers(labels)[:, None].astype(np.float32)

    def losses(self, raw: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the cross-entropy of each row."""
        z = raw[:, 0].astype(np.float64)
        return np.logaddexp(0.0, z) - targets[:, 0] * z

    def figures(self, raw: np.ndarray, targets: np.ndarray, weight: np.ndarray) -> dict[str, float]:
        """Return accuracy, areas under curves, means, precision and recall."""
        weight, label = weight.astype(np.float64), targets[:, 0].astype(np.float64)
        z = raw[:, 0].astype(np.float64)
        positive = z > 0
        share = mean(label, weight)
        hits = float(np.sum(weight * label * positive))
        return {
            "accuracy": mean(positive == label, weight),
            "accuracy_baseline": max(share, 1.0 - share),
            "auc": roc_auc(label, z, weight),
            "auc_precision_recall": precision_recall_auc(label, z, weight),
            "label/mean": share,
            "precision": ratio(hits, float(np.sum(weight * positive))),
            "prediction/mean": mean(expit(z), weight),
            "recall": ratio(hits, float(np.sum(weight * label))),
        }

    def predictions(self, raw: np.ndarray) -> dict[str, np.ndarray]:
        """Return logits, probabilities and the class of each row."""
        p = expit(raw)
        chosen = self.classes.chosen((raw[:, 0] > 0).astype(np.int64))
        probabilities = np.concatenate([expit(-raw), p], axis=1)
        return {"logits": raw, "logistic": p, "probabilities": probabilities, **chosen}


@dataclass(frozen=True)
class RegressionHead(Head):
    """Numbers, judged by their squared errors."""

    label_dimension: int

    loss_factor = 2.0  # the engine has half the squared error

    @property
    def n_outputs(self) -> int:
        """Losses of a row, whose sum is minimised."""
        return self.label_dimension

    @property
    def n_units(self) -> int:
        """Output units."""
        return self.label_dimension

    def objective(self) -> Objective:
        """Return the engine's objective."""
        return Objective("squared_error", "identity", (1,) * self.label_dimension)

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Return the targets of the engine for labels."""
        labels = labels[:, None] if labels.ndim == 1 else labels
        if labels.dtype.kind not in "iubf" or labels.shape[1:] != (self.label_dimension,):
            raise DataError(
                f"labels must be numbers of shape (rows, {self.label_dimension}) for "
                f"label_dimension={self.label_dimension}, got shape {labels.shape} and type "
                f"{labels.dtype}."
            )
        targets = labels.astype(np.float32)
        if not np.isfinite(targets).all():
            raise DataError("labels must be finite numbers within float32, got others.")
        return targets

    def losses(self, raw: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the squared errors of each row, added up."""
        return np.sum(np.square(raw.astype(np.float64) - targets), axis=1)

    def figures(self, raw: np.ndarray, targets: np.ndarray, weight: np.ndarray) -> dict[str, float]:
        """Return the means of labels and predictions."""
        return {
            "label/mean": mean(targets.mean(axis=1, dtype=np.float64), weight),
            "prediction/mean": mean(raw.mean(axis=1, dtype=np.float64), weight),
        }

    def predictions(self, raw: np.ndarray) -> dict[str, np.ndarray]:
        """Return the predicted numbers."""
        return {"predictions": raw}
