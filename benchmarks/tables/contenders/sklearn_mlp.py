"""scikit-learn's MLP behind its usual preparation: mean imputation, scaling, one-hot columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from . import Fitted, Setting
from .frames import categorical, numeric


def fit(X: pd.DataFrame, y: np.ndarray, setting: Setting) -> Fitted:
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numeric(X)),
        (OneHotEncoder(handle_unknown="ignore"), categorical(X)),
    )
    estimator = MLPClassifier if setting.is_classification else MLPRegressor
    return make_pipeline(columns, estimator(random_state=setting.seed)).fit(X, y)
