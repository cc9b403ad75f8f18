"""XGBoost with pandas' categories; its classes are numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.preprocessing import LabelEncoder
from xgboost import XGBClassifier, XGBRegressor

from . import Fitted, Setting
from .frames import Prepare, Prepared, as_categories


class Classes(Prepared):
    """A classifier of numbers whose labels are strings."""

    def __init__(self, model: XGBClassifier, prepare: Prepare, labels: LabelEncoder) -> None:
        super().__init__(model, prepare)
        self._labels = labels

    @property
    def classes_(self) -> np.ndarray:
        return self._labels.classes_

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self._labels.inverse_transform(super().predict(X))


def fit(X: pd.DataFrame, y: np.ndarray, setting: Setting) -> Fitted:
    prepare = as_categories(X)
    estimator = XGBClassifier if setting.is_classification else XGBRegressor
    model = estimator(random_state=setting.seed, n_jobs=setting.threads, enable_categorical=True)
    if not setting.is_classification:
        return Prepared(model.fit(prepare(X), y), prepare)
    labels = LabelEncoder().fit(y)
    return Classes(model.fit(prepare(X), labels.transform(y)), prepare, labels)
