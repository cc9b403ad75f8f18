"""pytabkit's RealMLP with the defaults tuned on its authors' tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

from . import Fitted, Setting
from .tabkit import fit_estimator


def fit(X: pd.DataFrame, y: np.ndarray, setting: Setting) -> Fitted:
    estimator = RealMLP_TD_Classifier if setting.is_classification else RealMLP_TD_Regressor
    return fit_estimator(estimator, X, y, setting)
