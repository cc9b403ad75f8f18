"""Columns of raw frames as the contenders' libraries expect them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

MISSING, RARE = "missing", "rare"
Prepare = Callable[[pd.DataFrame], pd.DataFrame]


def categorical(X: pd.DataFrame) -> list[str]:
    """The columns that do not hold numbers."""
    return [name for name in X.columns if not pd.api.types.is_numeric_dtype(X[name])]


def numeric(X: pd.DataFrame) -> list[str]:
    return [name for name in X.columns if pd.api.types.is_numeric_dtype(X[name])]


def as_categories(X: pd.DataFrame, most: int | None = None) -> Prepare:
    """Categories of the training rows in pandas' dtype; others are missing.

    Where there are more than ``most``, the less frequent ones, and unseen ones, become one.
    """
    dtypes = {}
    for name in categorical(X):
        levels = list(X[name].value_counts().index)
        if most is not None and len(levels) > most:
            levels = [*levels[: most - 1], RARE]
        dtypes[name] = pd.CategoricalDtype(levels)

    def prepare(X: pd.DataFrame) -> pd.DataFrame:
        columns = {}
        for name, dtype in dtypes.items():
            column = X[name].astype(object)
            known = column.isin(dtype.categories)
            if most is not None and len(dtype.categories) == most:
                column = column.where(known | column.isna(), RARE)
            else:
                column = column.where(known)
            columns[name] = column.astype(dtype)
        return X.assign(**columns)

    return prepare


def as_text(X: pd.DataFrame) -> Prepare:
    """Categories as strings; a missing one is the category "missing"."""
    names = categorical(X)

    def prepare(X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(**{n: X[n].astype(object).where(X[n].notna(), MISSING) for n in names})

    return prepare


def without_missing(X: pd.DataFrame) -> Prepare:
    """Missing numbers become the median of the training rows, missing categories one more."""
    names, text = numeric(X), as_text(X)
    medians = X[names].astype(np.float64).median().fillna(0.0)

    def prepare(X: pd.DataFrame) -> pd.DataFrame:
        X = text(X)
        X[names] = X[names].astype(np.float64).fillna(medians)
        return X.astype(dict.fromkeys(categorical(X), "category"))

    return prepare


class Prepared:
    """A model behind the preparation of its frames."""

    def __init__(self, model: Any, prepare: Prepare) -> None:
        self._model = model
        self._prepare = prepare

    @property
    def classes_(self) -> np.ndarray:
        return self._model.classes_

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self._model.predict(self._prepare(X))

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        return self._model.predict_proba(self._prepare(X))
