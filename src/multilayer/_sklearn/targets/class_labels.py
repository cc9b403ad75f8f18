"""Class labels, the numbers that stand for them in training, and their weights."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from multilayer._core.checks import refuse
from multilayer._core.errors import DataError
from multilayer._data.rows import Matrix
from multilayer._sklearn.targets.class_outputs import (
    BINARY,
    MULTICLASS,
    MULTILABEL,
    MULTIOUTPUT,
    Classes,
)

if TYPE_CHECKING:
    from multilayer._sklearn.fit.samples import Samples

# Class labels, and the numbers that stand for them in training -----------------------------------


def check_labels(y: Matrix) -> np.ndarray:
    """Validate labels: 1-D classes, a 2-D indicator matrix, or several columns of classes."""
    if sparse.issparse(y) and y.shape[1] > 1:
        y = y.toarray()
    check_classification_targets(y)
    if np.ndim(y) < 2 or np.shape(y)[1] == 1:
        return column_or_1d(y, warn=True)
    kind = type_of_target(y)
    if kind.startswith("multilabel"):
        return _check_indicator(np.asarray(y))
    return np.asarray(y)


def _check_indicator(y: np.ndarray) -> np.ndarray:
    """Refuse numbers other than 0 and 1, whose meaning would be a guess."""
    if not np.isin(y, (0, 1)).all():
        raise DataError(
            f"y must contain only 0 and 1 as an indicator matrix, got {np.unique(y)}. "
            "Convert it, for example with (y == positive).astype(int)."
        )
    return y


def find_classes(y: np.ndarray) -> tuple[Classes, str]:
    """Return the classes of validated labels, and the kind of target they make."""
    if y.ndim == 2 and type_of_target(y) != "multilabel-indicator":
        return [np.unique(column) for column in y.T], MULTIOUTPUT
    if y.ndim == 2:
        return np.arange(y.shape[1]), MULTILABEL
    classes = np.unique(y)
    if classes.dtype == object:  # text comes back as text
        classes = np.array(classes.tolist())
    if len(classes) < 2:
        raise DataError(
            f"y must contain at least 2 classes, got 1 class: {classes.tolist()}. "
            "Give samples of another class too, or declare the classes with partial_fit."
        )
    return classes, BINARY if len(classes) == 2 else MULTICLASS


def declared_classes(
    classes: npt.ArrayLike | Sequence[npt.ArrayLike], y: npt.ArrayLike
) -> tuple[Classes, str]:
    """Return classes declared ahead of their samples, and the kind of target they make.

    A list of arrays declares several columns of classes; otherwise y shows whether the classes are
    the columns of an indicator matrix.
    """
    if isinstance(classes, list | tuple) and any(np.ndim(each) == 1 for each in classes):
        return [np.unique(np.asarray(each)) for each in classes], MULTIOUTPUT
    declared = np.unique(np.asarray(classes))
    if np.ndim(y) == 2 and type_of_target(y) == "multilabel-indicator":
        return declared, MULTILABEL
    if len(declared) < 2:
        refuse("classes", "at least 2 classes", classes)
    return declared, BINARY if len(declared) == 2 else MULTICLASS


def classes_of_partial_fit(
    classes: npt.ArrayLike | Sequence[npt.ArrayLike] | None,
    y: npt.ArrayLike,
    known: Classes | None,
) -> tuple[Classes, str] | None:
    """Return the classes declared in a call of partial_fit, and the kind of target they make.

    ``known`` are those of earlier calls, which later ones must agree with; None in the first call.
    """
    if classes is None:
        if known is None:
            raise DataError("classes must be passed on the first call to partial_fit.")
        return None
    declared = declared_classes(classes, y)
    if known is not None and not same_classes(declared[0], known):
        raise DataError(
            f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {known!r}"
        )
    return declared


def check_same_classes(y: npt.ArrayLike, known: Classes) -> None:
    """Refuse to continue a network with labels of other classes."""
    classes, _ = find_classes(check_labels(np.asarray(y)))
    if not same_classes(classes, known):
        raise DataError(
            "warm_start can only be used where `y` has the same classes as in the previous "
            f"call to fit. Previously got {known}, `y` has {classes}"
        )


def same_classes(one: Classes, other: Classes) -> bool:
    """Whether two sets of classes are the same."""
    if isinstance(one, list) or isinstance(other, list):
        return (
            isinstance(one, list)
            and isinstance(other, list)
            and len(one) == len(other)
            and all(map(same_classes, one, other))
        )
    return len(one) == len(other) and set(one.tolist()) == set(other.tolist())


def encode(y: np.ndarray, classes: Classes, kind: str, *, yes_no: bool) -> np.ndarray:
    """Return the targets of a loss.

    Class numbers int32 ``(n,)`` or ``(n, heads)``; with ``yes_no`` 0/1 ``(n, heads)``.
    """
    columns = len(classes) if kind in (MULTILABEL, MULTIOUTPUT) else None
    if (y.ndim == 2) != (columns is not None) or (columns and y.shape[1] != columns):
        expected = {
            MULTILABEL: f"an indicator matrix of {columns} columns",
            MULTIOUTPUT: f"{columns} columns of classes",
        }.get(kind, "1-D labels")
        raise DataError(f"y must be {expected}, as in training, got an array of shape {y.shape}.")
    if kind == MULTILABEL:
        return y.astype(np.float32 if yes_no else np.int32)
    if isinstance(classes, list):
        return np.column_stack([numbers(c, own) for c, own in zip(y.T, classes, strict=True)])
    found = numbers(y, classes)
    return found[:, None].astype(np.float32) if yes_no else found


def numbers(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Numbers ``(n,)`` int32 of labels among the sorted classes."""
    try:
        places = np.searchsorted(classes, y)
        known = np.asarray(classes[np.minimum(places, len(classes) - 1)] == y)
    except TypeError:  # text among numbers, or numbers among text
        known = np.zeros(len(y), bool)
    if not known.all():
        raise DataError(
            "`y` has classes not in `self.classes_`. "
            f"`self.classes_` has {classes}. 'y' has {np.unique(y[~known])}."
        )
    return places.astype(np.int32)


# Class weights: one for each class of each output ------------------------------------------------


def weights_of_classes(value: Any, y: np.ndarray, classes: Classes, kind: str) -> list[np.ndarray]:
    """Weights ``(classes,)`` of each output, from ``class_weight`` and validated labels."""
    several = kind in (MULTILABEL, MULTIOUTPUT)
    if not several:
        if isinstance(value, list | tuple):
            refuse("class_weight", "'balanced' or a dict for a single output", value)
        return [_weights(value, y, np.asarray(classes))]
    own: list[np.ndarray]
    own = classes if isinstance(classes, list) else [np.array([0, 1])] * len(classes)
    if isinstance(value, Mapping):
        refuse(
            "class_weight",
            f"'balanced' or a list of {len(own)} dicts, one for each output",
            value,
            "Repeat the dict if it is meant for all.",
        )
    values: Sequence[Any] = [value] * len(own) if isinstance(value, str) else value
    if len(values) != len(own):
        refuse("class_weight", f"a list of {len(own)} dicts, one for each output", value)
    return [_weights(*each) for each in zip(values, y.T, own, strict=True)]


def _weights(value: Any, y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Weights of the classes of one output; a class without samples has weight 1."""
    present = np.isin(classes, y)
    if isinstance(value, str):
        weights = np.ones(len(classes))
        if present.any():
            weights[present] = compute_class_weight(value, classes=classes[present], y=y)
        return weights
    labels = classes.tolist()
    unknown = [label for label in value if label not in labels]
    if unknown:
        refuse("class_weight", f"a dict of classes in {labels}", dict(value), f"Remove {unknown}.")
    return np.array([float(value.get(label, 1.0)) for label in labels])


def weights_of_rows(tables: list[np.ndarray], target: np.ndarray) -> np.ndarray:
    """What each row weighs by its classes ``(n,)``: the mean over the outputs."""
    numbers = target.reshape(len(target), -1).astype(int)  # (n, outputs)
    return np.mean([table[column] for table, column in zip(tables, numbers.T, strict=True)], axis=0)


def weighed(
    value: object,
    classes: Classes,
    kind: str,
    samples: "Samples",
    validation: "Samples | None",
) -> "tuple[Samples, Samples | None, list[np.ndarray] | None]":
    """Weight rows by their classes; return also the weights of each output's classes."""
    if value is None:
        return samples, validation, None
    tables = weights_of_classes(value, samples.labels, classes, kind)
    found = []
    for rows in (samples, validation) if validation is not None else (samples,):
        weight = rows.weight * weights_of_rows(tables, rows.y)
        if not weight.any():
            refuse("class_weight", "above 0 for a class that has samples", value)
        found.append(replace(rows, weight=weight.astype(rows.weight.dtype)))
    return found[0], found[1] if validation is not None else None, tables
