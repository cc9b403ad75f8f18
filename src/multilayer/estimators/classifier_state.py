"""A fitted MLPClassifier as plain data and back."""

from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._persist.values import encode
from multilayer.estimators import network_state
from multilayer.estimators.classifier import MLPClassifier
from multilayer.estimators.labels import BINARY, KINDS, MULTICLASS, MULTILABEL, MULTIOUTPUT
from multilayer.estimators.network_state import Arrays, Values
from multilayer.estimators.stored import take

params = network_state.params


def fitted(estimator: MLPClassifier) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the fitted values, as JSON and as arrays."""
    values, arrays = network_state.fitted(estimator)
    classes = estimator.classes_
    several = isinstance(classes, list)
    values["classes"] = [_encode(c) for c in classes] if several else _encode(classes)
    values["target_kind"] = estimator._target_kind
    return values, arrays


def _encode(classes: np.ndarray) -> dict[str, Any]:
    """Return class labels as JSON, with the type that they come back as."""
    kind = classes.dtype.kind
    plain = kind in "biuU" or (kind == "f" and classes.itemsize <= 8)
    if not plain and not (kind == "O" and all(type(label) is str for label in classes)):
        raise ModelFileError(
            "classes_ must be booleans, integers, floats or strings to be saved, got "
            f"classes_={classes!r}. Encode y as one of these before fit."
        )
    dtype = "object" if kind == "O" else classes.dtype.newbyteorder("=").str
    return {"dtype": dtype, "values": encode("classes_", classes.tolist())}


def rebuild(params: Values, fitted: Values, arrays: Arrays) -> MLPClassifier:
    """Make the classifier again."""
    estimator = network_state.constructed(MLPClassifier, params)
    classes = fitted.get("classes")
    several = isinstance(classes, list)
    decoded = [_decode(c) for c in classes] if isinstance(classes, list) else _decode(classes)
    estimator.classes_ = decoded
    estimator._target_kind = kind = _take_kind(fitted, estimator.classes_)
    columns = len(estimator.classes_)
    if several != (kind == MULTIOUTPUT) or columns == 0 or (kind == BINARY and columns != 2):
        raise ModelFileError(f"its classes {estimator.classes_} do not fit a {kind} target.")
    return network_state.restore(estimator, fitted, arrays)


def _take_kind(fitted: Values, classes: Any) -> str:
    """Return the kind of target; the first version's files say whether it is multilabel."""
    if "target_kind" not in fitted:
        binary = BINARY if len(classes) == 2 else MULTICLASS
        return MULTILABEL if take(fitted, "multilabel", bool) else binary
    kind = take(fitted, "target_kind", str)
    if kind not in KINDS:
        raise ModelFileError(f"its target is of a kind that this version lacks: {kind!r}.")
    return kind


def _decode(classes: Any) -> np.ndarray:
    if not isinstance(classes, dict):
        raise ModelFileError("its value 'classes' is missing.")
    labels, dtype = take(classes, "values", list), take(classes, "dtype", str)
    if not labels or not all(isinstance(label, bool | int | float | str) for label in labels):
        raise ModelFileError(f"its classes must be a list of labels, got {labels}.")
    try:
        return np.array(labels, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelFileError(f"its classes are no {dtype!r} values: {error}.") from error
