"""What networks predict for the rows of folds that they have not seen: predictions out of fold."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline

from multilayer._sklearn.inputs import readable
from multilayer._sklearn.targets.class_labels import check_labels, find_classes
from multilayer._sklearn.targets.class_outputs import MULTILABEL, MULTIOUTPUT, Classes
from multilayer._sklearn.targets.weighted_means import Probabilities, alike_kind

if TYPE_CHECKING:
    from multilayer._search.lanes import Fold, Lane


# One network on one fold --------------------------------------------------------------------------


@dataclass(frozen=True)
class FoldOutcome:
    """What a network predicts for the rows of its fold that it has not seen.

    Attributes
    ----------
    predicted : ndarray or list of ndarray, float32
        Probabilities, or numbers. Of a classifier without probabilities 1 for the class predicted.
    classes : ndarray, list of ndarray or None
        The classes of the columns, those that the network has seen; None for numbers.
    estimator : estimator or None
        The fitted estimator as it was then, where it was to be copied.
    """

    predicted: Probabilities
    classes: Classes | None
    estimator: BaseEstimator | None = None


def outcome_of(fitted: BaseEstimator, fold: "Fold", *, copied: bool) -> FoldOutcome:
    """Return what a fitted network predicts for the rows of a fold that it has not seen."""
    X = fold.test[0]
    classes: Classes | None = fitted.classes_ if is_classifier(fitted) else None
    predicted: Any
    if classes is None:
        predicted = fitted.predict(X)
    elif hasattr(fitted, "predict_proba"):
        predicted = fitted.predict_proba(X)
    else:
        predicted = fitted.predict(X)
        if predicted.ndim == 1:
            predicted = predicted[:, None] == classes
    several = isinstance(predicted, list)
    short = [p.astype(np.float32) for p in predicted] if several else predicted.astype(np.float32)
    return FoldOutcome(short, classes, deepcopy(fitted) if copied else None)


# The form of all predictions of a search ----------------------------------------------------------


@dataclass(frozen=True)
class TargetForm:
    """The columns of predictions for the targets of a search.

    Attributes
    ----------
    kind : str or None
        The kind of class targets, two classes being as more of them; None for numbers.
    classes : ndarray, list of ndarray or None
        All classes of y.
    one_axis : bool
        Whether predictions of numbers have one axis.
    """

    kind: str | None
    classes: Classes | None
    one_axis: bool

    @classmethod
    def of(cls, network: BaseEstimator, y: Any) -> Self:
        """Return the form of what a network predicts for targets like these."""
        if not is_classifier(network):
            return cls(None, None, np.ndim(y) == 1 or np.shape(y)[1] == 1)
        classes, kind = find_classes(labels_of(y))
        return cls(alike_kind(kind), classes, False)

    def flat(self, outcome: FoldOutcome) -> np.ndarray:
        """Return a prediction as one matrix: classes that a network has not seen have 0."""
        predicted, seen = outcome.predicted, outcome.classes
        if isinstance(predicted, list) and self.kind == MULTIOUTPUT:
            parts = zip(predicted, seen or (), self.classes or (), strict=True)
            return np.hstack([_spread(part, own, every) for part, own, every in parts])
        table = np.asarray(predicted).reshape(len(predicted), -1)
        if self.kind in (None, MULTILABEL):
            return table
        assert isinstance(seen, np.ndarray)
        assert isinstance(self.classes, np.ndarray)
        return _spread(table, seen, self.classes)

    def exact(self, table: np.ndarray) -> Probabilities:
        """Return a matrix in the form of predictions, float64.

        Probabilities that exclude each other add up to 1, which their rounding to float32 has
        changed, and which scorers look at.
        """
        given = self.restored(table.astype(np.float64))
        if isinstance(given, list):
            return [each / each.sum(axis=1, keepdims=True) for each in given]
        exclusive = self.kind not in (None, MULTILABEL)
        return given / given.sum(axis=1, keepdims=True) if exclusive else given

    def restored(self, table: np.ndarray) -> Probabilities:
        """Return a matrix in the form of predictions."""
        if isinstance(self.classes, list):
            return np.split(table, np.cumsum([len(own) for own in self.classes])[:-1], axis=1)
        return table[:, 0] if self.one_axis else table

    def truth(self, y: Any) -> np.ndarray | None:
        """Return the matrix of 0 and 1 that predicts labels best; None for numbers."""
        if self.classes is None:
            return None
        labels = labels_of(y)
        if self.kind == MULTILABEL:
            return labels.astype(np.float64)
        columns = labels.reshape(len(labels), -1).T
        classes = self.classes if isinstance(self.classes, list) else [self.classes]
        hot = [own[:, None] == every for own, every in zip(columns, classes, strict=True)]
        return np.hstack(hot).astype(np.float64)


def labels_of(y: Any) -> np.ndarray:
    """Return class labels as a fit checks them."""
    labels = readable(y, numeric=False)
    if np.ndim(labels) == 2 and np.shape(labels)[1] == 1:
        labels = np.asarray(labels)[:, 0]
    return check_labels(labels)


def _spread(table: np.ndarray, seen: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return columns for all classes, from those of the classes that were seen."""
    if len(seen) == len(classes):
        return table
    every = np.zeros((len(table), len(classes)), table.dtype)
    every[:, np.searchsorted(classes, seen)] = table
    return every


# All folds of a configuration ---------------------------------------------------------------------


def outcomes_at(lanes: "Sequence[Lane]", check: int) -> list[FoldOutcome] | None:
    """Return the outcome of each lane at a check; None where they were dropped.

    A lane that its own stopping rule ended earlier stays as it was.
    """
    if not all(lane.outcomes and len(lane.outcomes) == len(lane.curve) for lane in lanes):
        return None  # dropped, or of an earlier process that did not store them
    return [lane.outcomes[min(check, len(lane.curve) - 1)] for lane in lanes]


def fold_means(outcomes: Sequence[FoldOutcome], n_folds: int, form: TargetForm) -> list[np.ndarray]:
    """Return the predictions for the rows of each fold, the mean over seeds, as matrices."""
    of_fold = len(outcomes) // n_folds
    tables = [form.flat(outcome) for outcome in outcomes]
    parts = [tables[i * of_fold : (i + 1) * of_fold] for i in range(n_folds)]
    return [part[0] if of_fold == 1 else np.mean(part, axis=0) for part in parts]


def out_of_fold(
    means: Sequence[np.ndarray], folds: "Sequence[Fold]", n_samples: int, form: TargetForm
) -> Probabilities:
    """Return a prediction for each row: the mean over folds it is in, NaN where it is in none."""
    total = np.zeros((n_samples, means[0].shape[1]))
    counts = np.zeros(n_samples)
    for table, fold in zip(means, folds, strict=True):
        np.add.at(total, fold.test_rows, table)
        np.add.at(counts, fold.test_rows, 1)
    with np.errstate(invalid="ignore"):
        mean = total / counts[:, None]  # 0 / 0 is NaN
    return form.restored(mean.astype(np.float32))


def fold_estimators(
    outcomes: Sequence[FoldOutcome], lanes: "Sequence[Lane]", name: str
) -> list[BaseEstimator]:
    """Return the estimators of the folds as they were scored, in whole pipelines.

    ``name`` is that of the last step of a pipeline.
    """
    found = []
    for outcome, lane in zip(outcomes, lanes, strict=True):
        assert outcome.estimator is not None
        fold = lane.make_fold()
        found.append(whole(fold.steps, name, outcome.estimator))
    return found


def whole(steps: Pipeline | None, name: str, network: BaseEstimator) -> BaseEstimator:
    """Return a fitted network behind the fitted steps before it."""
    return network if steps is None else Pipeline([*steps.steps, (name, network)])
