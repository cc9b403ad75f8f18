"""CatBoost with its own treatment of categories."""

from __future__ import annotations

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier, CatBoostRegressor

from . import Fitted, Setting
from .frames import Prepared, as_text, categorical


def fit(X: pd.DataFrame, y: np.ndarray, setting: Setting) -> Fitted:
    prepare = as_text(X)
    estimator = CatBoostClassifier if setting.is_classification else CatBoostRegressor
    model = estimator(
        random_seed=setting.seed,
        thread_count=setting.threads,
        cat_features=categorical(X),
        verbose=False,
        allow_writing_files=False,
    )
    return Prepared(model.fit(prepare(X), y), prepare)
