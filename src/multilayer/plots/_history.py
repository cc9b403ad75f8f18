"""The curves of training runs: the data of a picture of learning."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from multilayer._core.checks import refuse

if TYPE_CHECKING:
    from pandas import DataFrame

History: TypeAlias = "Mapping[str, npt.ArrayLike] | DataFrame"
"""Columns of figures, a row for each epoch."""


class Curve(NamedTuple):
    """A column of a run's history."""

    run: str
    metric: str
    x: np.ndarray  # (n_epochs,)
    y: np.ndarray  # (n_epochs,)


def history_of(name: str, given: "BaseEstimator | History") -> History:
    """Return the history of a fitted network, or the one given: a dict or a DataFrame."""
    if isinstance(given, Pipeline):
        given = given[-1]
    history = getattr(given, "history_", given)
    if not isinstance(history, Mapping) and not hasattr(history, "columns"):
        refuse(name, "a fitted MLPClassifier or MLPRegressor", given, "Call fit first.")
    return history


def curves_of(run: str, history: History, metrics: Sequence[str], x: str) -> Iterator[Curve]:
    """Yield those columns of a history that are there and have numbers."""
    for metric in metrics:
        if metric not in history:
            continue
        y = np.asarray(history[metric], float)
        if not np.isnan(y).all():
            yield Curve(run, metric, progress(history, x, len(y)), y)


def progress(history: History, x: str, n_epochs: int) -> np.ndarray:
    """Return how far training had come at the end of each epoch."""
    if x == "epoch":  # finished ones: a history counts from 0
        return 1 + np.asarray(history["epoch"] if "epoch" in history else range(n_epochs))
    if x not in history:
        refuse("x", "'epoch' for a history without that column", x)
    return np.asarray(history[x], float)
