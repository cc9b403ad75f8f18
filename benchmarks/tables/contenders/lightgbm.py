"""LightGBM with pandas' categories."""

from __future__ import annotations

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor

from . import Fitted, Setting
from .frames import Prepared, as_categories


def fit(X: pd.DataFrame, y: np.ndarray, setting: Setting) -> Fitted:
    prepare = as_categories(X)
    estimator = LGBMClassifier if setting.is_classification else LGBMRegressor
    model = estimator(random_state=setting.seed, n_jobs=setting.threads, verbose=-1)
    return Prepared(model.fit(prepare(X), y), prepare)
