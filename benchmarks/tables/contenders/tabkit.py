"""What pytabkit's estimators share: their arguments, and numbers without missing values.

Its networks refuse missing numbers, and get the medians of the training rows in their place.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from . import Fitted, Setting
from .frames import Prepared, categorical, without_missing


def fit_estimator(estimator: type, X: pd.DataFrame, y: np.ndarray, setting: Setting) -> Fitted:
    torch.set_num_threads(setting.threads)
    prepare = without_missing(X)
    model = estimator(
        device="cpu", random_state=setting.seed, n_threads=setting.threads, verbosity=0
    )
    model.fit(prepare(X), y, cat_col_names=categorical(X) or None)
    return Prepared(model, prepare)
