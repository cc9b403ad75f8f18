"""``TabMClassifier`` and ``TabMRegressor`` with the settings of pytabkit's TabM-D."""

from __future__ import annotations

import numpy as np
import pandas as pd

import multilayer._sklearn.tabular.ensemble_training  # noqa: F401  (which the first fit would)
from multilayer import TabMClassifier, TabMRegressor

from . import Fitted, Setting

OF_TABM_D = {"numeric_embedding": None, "weight_decay": 0.0, "clip_norm": None}


def fit(X: pd.DataFrame, y: np.ndarray, setting: Setting) -> Fitted:
    estimator = TabMClassifier if setting.is_classification else TabMRegressor
    return estimator(**OF_TABM_D, random_state=setting.seed).fit(X, y)
