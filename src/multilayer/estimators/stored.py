"""Taking values out of what was read from a file: each is there and of its type, or refused."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._persist.values import decode, encode

Value = TypeVar("Value")


def take(values: Mapping[str, Any], name: str, kind: type[Value]) -> Value:
    """Return a value of the given type from a parsed JSON object."""
    value = decode(values[name]) if name in values else None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ModelFileError(f"its value {name!r} is missing or no {kind.__name__}.")
    return value


def take_array(arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a writable array of finite floats in the given shape; -1 stands for any length."""
    if name not in arrays:
        raise ModelFileError(f"its array {name!r} is missing.")
    array = np.array(arrays[name], order="C", copy=True)
    fits = len(array.shape) == len(shape) and all(
        expected in (-1, actual) for expected, actual in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind != "f":
        raise ModelFileError(
            f"its array {name!r} has shape {array.shape} and type {array.dtype}, where floats of "
            f"shape {shape} belong."
        )
    return array


def require_finite(name: str, array: np.ndarray) -> None:
    """Refuse an array that holds NaN or infinity."""
    if not np.isfinite(array).all():
        raise ModelFileError(f"{name} holds NaN or infinity: such a model predicts nothing.")


def encode_params(params: Mapping[str, Any], unsaved: Iterable[str] = ()) -> dict[str, Any]:
    """Return constructor arguments as JSON, None in place of those that cannot be saved."""
    return {
        name: None if name in unsaved else encode(name, value) for name, value in params.items()
    }


def decode_params(params: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Return constructor arguments from JSON; those of a newer version are refused."""
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise ModelFileError(f"it uses {unknown}, which this version lacks. Upgrade multilayer.")
    return {name: decode(value) for name, value in params.items()}


def encode_names(names: Any) -> list[str] | None:
    """Return feature names as JSON, None where there are none."""
    return None if names is None else [str(name) for name in names]


def take_names(fitted: Mapping[str, Any], n_features: int) -> np.ndarray | None:
    """Return feature names as scikit-learn keeps them, None where there are none."""
    names = fitted.get("feature_names")
    if names is None:
        return None
    if not isinstance(names, list) or len(names) != n_features:
        raise ModelFileError(f"its value 'feature_names' must hold {n_features} names.")
    return np.array(names, dtype=object)
