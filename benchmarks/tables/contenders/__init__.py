"""One module per contender, each with its library's default settings.

Each has ``fit(X, y, setting)``, which is timed as a whole and returns what can predict from a raw
frame. ``y`` is class labels as strings, or numbers. Libraries are imported with the module, before
the clock starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

TITLES = {
    "multilayer": "multilayer",
    "multilayer_realmlp": "RealMLP of multilayer",
    "multilayer_tabm": "TabM of multilayer",
    "sklearn_mlp": "scikit-learn MLP",
    "histgb": "HistGradientBoosting",
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "catboost": "CatBoost",
    "realmlp_td": "RealMLP-TD",
    "tabm_d": "TabM-D",
}
# The distribution whose version is noted.
PACKAGES = {
    "multilayer": "multilayer",
    "multilayer_realmlp": "multilayer",
    "multilayer_tabm": "multilayer",
    "sklearn_mlp": "scikit-learn",
    "histgb": "scikit-learn",
    "lightgbm": "lightgbm",
    "xgboost": "xgboost",
    "catboost": "catboost",
    "realmlp_td": "pytabkit",
    "tabm_d": "pytabkit",
}


@dataclass(frozen=True)
class Setting:
    """What a contender may know beside the training rows."""

    is_classification: bool
    seed: int
    threads: int


class Fitted(Protocol):
    """A fitted model that takes raw frames."""

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Class labels or numbers, one per row."""

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities, a column for each of ``classes_``; for classification alone."""

    @property
    def classes_(self) -> np.ndarray: ...
