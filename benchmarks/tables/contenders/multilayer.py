"""``TabularClassifier`` and ``TabularRegressor``: the raw frame, nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd

import multilayer._sklearn.tabular.ensemble_training  # noqa: F401  (which the first fit would)
from multilayer import TabularClassifier, TabularRegressor

from . import Fitted, Setting


def fit(X: pd.DataFrame, y: np.ndarray, setting: Setting) -> Fitted:
    estimator = TabularClassifier if setting.is_classification else TabularRegressor
    return estimator(random_state=setting.seed).fit(X, y)
