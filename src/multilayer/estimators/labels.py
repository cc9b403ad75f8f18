"""Class labels and the numbers that stand for them in training."""

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from multilayer._core.errors import DataError


def check_labels(y: Any) -> np.ndarray:
    """Validate labels: 1-D classes, or a 2-D indicator matrix with several columns."""
    check_classification_targets(y)
    kind = type_of_target(y)
    if kind == "multiclass-multioutput":
        raise DataError(
            "y must be 1-D labels or a 2-D 0/1 indicator matrix, got several columns of classes. "
            "Fit one estimator per column, for example with "
            "sklearn.multioutput.MultiOutputClassifier."
        )
    if kind.startswith("multilabel"):
        return y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    return column_or_1d(y, warn=True)


def find_classes(y: np.ndarray) -> np.ndarray:
    """Sorted classes of labels; at least two."""
    classes = unique_labels(y)
    if y.ndim == 1 and len(classes) < 2:
        raise DataError(
            f"y must hold at least 2 classes, got 1 class: {classes.tolist()}. "
            "Give samples of another class too, or declare the classes with partial_fit."
        )
    return classes


def encode(y: np.ndarray, classes: np.ndarray, *, multilabel: bool) -> np.ndarray:
    """Targets of the loss: class numbers (n,) int32; 0/1 of shape (n, 1) or (n, n_labels)."""
    expected = f"an indicator matrix of {len(classes)} columns" if multilabel else "1-D labels"
    if (y.ndim == 2) != multilabel or (multilabel and y.shape[1] != len(classes)):
        raise DataError(f"y must be {expected}, as in training, got an array of shape {y.shape}.")
    if multilabel:
        return y.astype(np.float32)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise DataError(
            "`y` has classes not in `self.classes_`. "
            f"`self.classes_` has {classes}. 'y' has {unknown}."
        )
    numbers = np.searchsorted(classes, y).astype(np.int32)
    return numbers[:, None].astype(np.float32) if len(classes) == 2 else numbers
