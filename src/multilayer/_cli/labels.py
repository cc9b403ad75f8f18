"""The column to predict, as class labels."""

from typing import Any

import numpy as np

from multilayer._core.errors import DataError
from multilayer._core.wording import count, listed

MOST_SHOWN = 8


def column_labels(series: Any, where: str) -> np.ndarray:
    """Return a pandas column as labels: text, integers, booleans or whole floats."""
    missing = int(series.isna().sum())
    if missing:
        raise DataError(
            f"{where} has {count(missing, 'missing value')}. Delete these rows, or fill them."
        )
    if str(series.dtype) == "category":
        series = series.astype(series.cat.categories.dtype)
    values = series.to_numpy()
    if values.dtype.kind == "O":
        items = values.tolist()
        kinds = {type(item) for item in items}
        if kinds not in ({str}, {bool}, {int}):
            names = sorted(kind.__name__ for kind in kinds)
            raise DataError(
                f"{where} holds {' and '.join(names)} values. Classes must be text, integers or "
                "booleans, all of one kind."
            )
        values = np.array(items)
    return check_labels(values, where)


def check_labels(y: np.ndarray, where: str) -> np.ndarray:
    """Refuse labels that are no classes."""
    if y.ndim != 1:
        raise DataError(f"{where} must have one label per row, got an array of shape {y.shape}.")
    if y.dtype.kind not in "biufU":
        raise DataError(
            f"{where} holds values of type {y.dtype}. Classes must be text, integers or booleans."
        )
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise DataError(f"{where} has missing or infinite values. Delete these rows.")
        if (y != np.floor(y)).any():
            distinct = len(np.unique(y))
            raise DataError(
                f"{where} is continuous ({distinct:,} distinct values in {count(len(y), 'row')}). "
                "Classification needs classes: choose another column, or cut it into intervals."
            )
    return y


def require_known(y: np.ndarray, classes: np.ndarray, where: str) -> None:
    """Refuse labels that a model has not learnt."""
    text = y.dtype.kind == "U"
    if text != (classes.dtype.kind in "UO"):
        kinds = ("text", "numbers") if text else ("numbers", "text")
        raise DataError(
            f"{where} holds {kinds[0]}, but the model's classes are {kinds[1]}: {show(classes)}."
        )
    unknown = np.setdiff1d(y, classes.astype(str) if text else classes)
    if len(unknown):
        raise DataError(
            f"{where} has labels that the model does not know: {show(unknown)}. "
            f"Its classes: {show(classes)}."
        )


def show(labels: np.ndarray) -> str:
    """Return labels for a message, the first ones of many."""
    return listed(labels.tolist(), MOST_SHOWN)
