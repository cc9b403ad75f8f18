"""``RealMLPClassifier`` and ``RealMLPRegressor``: the recipe that pytabkit's RealMLP-TD is."""

from __future__ import annotations

import numpy as np
import pandas as pd

import multilayer._sklearn.tabular.ensemble_training  # noqa: F401  (which the first fit would)
from multilayer import RealMLPClassifier, RealMLPRegressor

from . import Fitted, Setting


def fit(X: pd.DataFrame, y: np.ndarray, setting: Setting) -> Fitted:
    estimator = RealMLPClassifier if setting.is_classification else RealMLPRegressor
    return estimator(random_state=setting.seed).fit(X, y)
