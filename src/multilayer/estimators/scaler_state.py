"""A fitted StandardScaler as plain data and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from multilayer._core.errors import ModelFileError
from multilayer.estimators.stored import (
    decode_params,
    encode_names,
    encode_params,
    require_finite,
    take,
    take_array,
    take_names,
)

OUTPUTS = (None, "default", "pandas", "polars")  # what set_output takes
COLUMNS = ("mean_", "scale_", "var_")  # None where the scaler was told to leave them out


def params(scaler: StandardScaler) -> dict[str, Any]:
    """Return the constructor's arguments as JSON."""
    return encode_params(scaler.get_params())


def fitted(scaler: StandardScaler) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the fitted values, as JSON and as arrays."""
    arrays = {
        name.removesuffix("_"): np.asarray(getattr(scaler, name))
        for name in COLUMNS
        if getattr(scaler, name) is not None
    }
    for name, array in arrays.items():
        require_finite(f"StandardScaler.{name}_", array)
    seen = np.asarray(scaler.n_samples_seen_)
    values = {
        "n_features": int(scaler.n_features_in_),
        "feature_names": encode_names(getattr(scaler, "feature_names_in_", None)),
        "n_samples_seen": seen.tolist(),
        "output": getattr(scaler, "_sklearn_output_config", {}).get("transform"),
    }
    return values, arrays


def rebuild(
    params: Mapping[str, Any], fitted: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> StandardScaler:
    """Make the scaler again."""
    scaler = StandardScaler(**decode_params(params, StandardScaler().get_params()))
    scaler.n_features_in_ = n_features = take(fitted, "n_features", int)
    names = take_names(fitted, n_features)
    if names is not None:
        scaler.feature_names_in_ = names
    needed = {"mean": scaler.with_mean or scaler.with_std, "scale": scaler.with_std}
    for name, used in {**needed, "var": scaler.with_std}.items():
        column = take_array(arrays, name, (n_features,)) if used else None
        if column is not None:
            require_finite(f"its array {name!r}", column)
        setattr(scaler, f"{name}_", column)
    scaler.n_samples_seen_ = _take_seen(fitted, n_features)
    output = fitted.get("output")
    if output not in OUTPUTS:
        raise ModelFileError(f"its value 'output' must be one of {OUTPUTS}, got {output!r}.")
    return scaler.set_output(transform=output)


def _take_seen(fitted: Mapping[str, Any], n_features: int) -> Any:
    """Return the rows seen: one number, or one for each column where values were missing."""
    seen = np.asarray(fitted.get("n_samples_seen"))
    if seen.dtype.kind not in "if" or seen.shape not in ((), (n_features,)):
        raise ModelFileError("its value 'n_samples_seen' is missing or no number.")
    return seen[()]
