"""scikit-learn's ``HistGradientBoosting``; it takes at most 255 categories in a column."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from . import Fitted, Setting
from .frames import Prepared, as_categories

MOST_CATEGORIES = 255


def fit(X: pd.DataFrame, y: np.ndarray, setting: Setting) -> Fitted:
    prepare = as_categories(X, most=MOST_CATEGORIES)
    estimator = (
        HistGradientBoostingClassifier
        if setting.is_classification
        else HistGradientBoostingRegressor
    )
    model = estimator(categorical_features="from_dtype", random_state=setting.seed)
    return Prepared(model.fit(prepare(X), y), prepare)
