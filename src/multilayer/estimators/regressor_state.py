"""A fitted MLPRegressor as plain data and back."""

from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer.estimators import network_state, targets
from multilayer.estimators.network_state import Arrays, Values
from multilayer.estimators.regressor import MLPRegressor
from multilayer.estimators.stored import require_finite, take, take_array

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
    estimator = network_state.constructed(MLPRegressor, params)
    estimator._n_targets = n_targets = take(fitted, "n_targets", int)
    estimator._one_target = take(fitted, "one_target", bool)
    if n_targets < 1 or (estimator._one_target and n_targets > 1):
        raise ModelFileError(f"its number of targets cannot be {n_targets}.")
    estimator._asked_levels = targets.asked(estimator)
    for name in ("target_mean", "target_scale"):
        array = take_array(arrays, name, (n_targets,))
        require_finite(f"its array {name!r}", array)
        setattr(estimator, f"{name}_", array)
    return network_state.restore(estimator, fitted, arrays)
