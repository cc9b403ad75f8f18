"""Our own ``MLPClassifier``: the whole ``fit`` call, as for scikit-learn."""

from __future__ import annotations

import numpy as np
from cases import Case

from contenders import Start
from contenders.estimator import prepare_estimator
from multilayer import MLPClassifier


def prepare(case: Case, X: np.ndarray, y: np.ndarray) -> Start:
    return prepare_estimator(MLPClassifier, case, X, y)
