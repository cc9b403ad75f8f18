"""A fitted MLPRegressor as plain data and back."""

from typing import Any

import numpy as np

from multilayer._sklearn.fit.weight_normalization import Seen
from multilayer._sklearn.regressor import MLPRegressor
from multilayer._sklearn.saving import network_state
from multilayer._sklearn.saving.reader import Arrays, Values, require_finite

params = network_state.params


def fitted(estimator: MLPRegressor) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the fitted values, as JSON and as arrays."""
    values, arrays = network_state.fitted(estimator)
    values["n_targets"] = estimator._n_targets
    values["one_target"] = estimator._one_target
    for name in ("target_mean", "target_scale"):
        arrays[name] = np.asarray(getattr(estimator, f"{name}_"), np.float64)
        require_finite(name, arrays[name])
    return values, arrays


def rebuild(params: Values, fitted: Values, arrays: Arrays) -> MLPRegressor:
    """Make the regressor again."""
    estimator = network_state.read_regressor(MLPRegressor, params, fitted, arrays)
    estimator._resumable = network_state.FreshOptimizer()
    estimator._seen = Seen()
    return estimator
