"""pytabkit's TabM with the defaults tuned on its authors' tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pytabkit import TabM_D_Classifier, TabM_D_Regressor

from . import Fitted, Setting
from .tabkit import fit_estimator


def fit(X: pd.DataFrame, y: np.ndarray, setting: Setting) -> Fitted:
    estimator = TabM_D_Classifier if setting.is_classification else TabM_D_Regressor
    return fit_estimator(estimator, X, y, setting)
