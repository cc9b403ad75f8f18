"""scikit-learn's ``MLPClassifier``: the whole ``fit`` call."""

from __future__ import annotations

import numpy as np
from cases import Case
from sklearn.neural_network import MLPClassifier

from contenders import Start
from contenders.estimator import prepare_estimator


def prepare(case: Case, X: np.ndarray, y: np.ndarray) -> Start:
    return prepare_estimator(MLPClassifier, case, X, y)
