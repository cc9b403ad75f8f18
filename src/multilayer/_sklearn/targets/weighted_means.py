"""Weighted means of what several models predict, with NumPy alone."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from multilayer._core.checks import refuse
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


def shares_of(weights: npt.ArrayLike | None, n_members: int) -> np.ndarray:
    """Return weights as shares of 1, float64."""
    rule = f"None or {n_members} numbers, not negative and not all 0"
    if weights is None:
        return np.full(n_members, 1 / n_members)
    try:
        given = np.asarray(weights, np.float64)
    except (TypeError, ValueError):
        refuse("weights", rule, weights)
    total = given.sum()
    if given.shape != (n_members,) or (given < 0).any() or not 0 < total < np.inf:
        refuse("weights", rule, weights)
    return given / total
