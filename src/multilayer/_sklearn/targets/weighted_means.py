"""Weighted means of what several models predict, with NumPy alone."""

from collections.abc import Sequence

import numpy as np

from multilayer._sklearn.targets.class_outputs import (
    MULTICLASS,
    MULTILABEL,
    MULTIOUTPUT,
    Classes,
    labels_of,
)

Probabilities = np.ndarray | list[np.ndarray]
"""Of one column of classes or of labels; a list with those of each for several columns."""


def mean_of(predicted: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Return the weighted mean of arrays of one shape, formed in float64, in their type."""
    total = np.zeros(predicted[0].shape)
    for values, weight in zip(predicted, weights, strict=True):
        total += weight * values.astype(np.float64)
    return total.astype(np.result_type(*predicted), copy=False)


def mean_probabilities(
    predicted: Sequence[Probabilities], weights: Sequence[float]
) -> Probabilities:
    """Return the weighted mean of probabilities; of several columns of classes that of each."""
    if not isinstance(predicted[0], list):
        return mean_of([np.asarray(each) for each in predicted], weights)
    columns = zip(*predicted, strict=True)
    return [mean_of(each, weights) for each in columns]


def most_probable(kind: str, classes: Classes, probabilities: Probabilities) -> np.ndarray:
    """Return the most probable classes ``(rows,)``, or ``(rows, outputs)``; the first of equals.

    A label of several is there where it is more probable than not.
    """
    if isinstance(probabilities, list):
        return labels_of(kind, classes, probabilities)
    scores = probabilities - 0.5 if kind == MULTILABEL else probabilities
    return labels_of(kind, classes, [scores])


def alike_kind(kind: str) -> str:
    """Return a kind of class targets, two classes as more of them: both have a column each."""
    return kind if kind in (MULTILABEL, MULTIOUTPUT) else MULTICLASS
