"""The predictions of a model on a grid: the data of a decision boundary."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import check_choice, check_integer, check_real, refuse

if TYPE_CHECKING:
    from pandas import DataFrame


class Surface(NamedTuple):
    """Predictions on a grid."""

    xx0: np.ndarray  # (n, n)
    xx1: np.ndarray
    response: np.ndarray  # (n, n): class numbers, or values; (n, n, n_classes): probabilities
    classes: np.ndarray | None  # labels, None of a regressor


def evaluate(
    estimator: BaseEstimator,
    X: npt.ArrayLike,
    response_method: str,
    grid_resolution: int,
    margin: float,
) -> Surface:
    """Predict on a grid that covers the samples."""
    check_choice("response_method", response_method, ("auto", "predict", "predict_proba"))
    check_integer("grid_resolution", grid_resolution, 2)
    check_real("margin", margin, "[0, inf)")
    check_is_fitted(estimator)
    xx0, xx1 = grid(X, grid_resolution, margin)
    rows = like(X, np.column_stack([xx0.ravel(), xx1.ravel()]))
    predicted = np.asarray(estimator.predict(rows[:1]))
    if predicted.ndim != 1:
        refuse("estimator", "one with a single output", type(estimator).__name__)
    has_probabilities = hasattr(estimator, "predict_proba")
    if response_method == "predict_proba" and not has_probabilities:
        refuse(
            "response_method", "'predict' for an estimator without predict_proba", "predict_proba"
        )
    if not is_classifier(estimator):
        if not is_regressor(estimator):
            refuse("estimator", "a classifier or a regressor", type(estimator).__name__)
        return Surface(xx0, xx1, np.reshape(estimator.predict(rows), xx0.shape), None)
    classes = np.asarray(estimator.classes_)
    if response_method != "predict" and has_probabilities:
        response = np.reshape(estimator.predict_proba(rows), (*xx0.shape, len(classes)))
    else:
        response = np.reshape(estimator.predict(rows), (*xx0.shape, 1)) == classes
        response = response.argmax(axis=2)
    return Surface(xx0, xx1, response, classes)


def grid(X: npt.ArrayLike, resolution: int, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Return an evenly spaced grid around the samples; a constant feature has a range of 2."""
    samples = np.asarray(X, float)
    if samples.ndim != 2 or samples.shape[1] != 2 or not len(samples):
        refuse("X.shape", "(n_samples, 2): two features make a plane", samples.shape)
    if not np.isfinite(samples).all():
        refuse("X", "finite numbers", X)
    low, high = samples.min(axis=0), samples.max(axis=0)
    beyond = np.where(high > low, margin * (high - low), 1.0)
    sides = np.linspace(low - beyond, high + beyond, resolution)  # (resolution, 2)
    xx0, xx1 = np.meshgrid(*sides.T)
    return xx0, xx1


def like(X: Any, rows: np.ndarray) -> "np.ndarray | DataFrame":
    """Return rows as a DataFrame where X is one (of pandas or polars), so that names agree."""
    if not hasattr(X, "columns"):
        return rows
    return type(X)(dict(zip(X.columns, rows.T, strict=True)))
