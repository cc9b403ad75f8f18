"""What is known of the targets of a fitted estimator, as plain data and back."""

from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.label_arrays import decode_labels, encode_labels
from multilayer._sklearn.saving.reader import Arrays, Values, take, take_array
from multilayer._sklearn.targets.target_kinds import (
    BINARY,
    KINDS,
    MULTICLASS,
    MULTILABEL,
    MULTIOUTPUT,
)

REMEDY = "Encode y as one of these before fit."


def encode_target(estimator: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the classes and the kind of target, as JSON and as arrays."""
    classes = estimator.classes_
    arrays: dict[str, np.ndarray] = {}
    if isinstance(classes, list):
        encoded: Any = [_encode(f"classes.{i}", c, arrays) for i, c in enumerate(classes)]
    else:
        encoded = _encode("classes", classes, arrays)
    return {"classes": encoded, "target_kind": estimator._target_kind}, arrays


def _encode(name: str, classes: np.ndarray, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    mixed = classes.dtype.kind == "O" and not all(type(label) is str for label in classes)
    if mixed:
        raise ModelFileError(
            "classes_ must be booleans, integers, floats or strings to be saved, got "
            f"classes_={classes!r}. {REMEDY}"
        )
    return encode_labels(name, classes, arrays, "classes_", REMEDY)


def restore_target(holder: Any, fitted: Values, arrays: Arrays) -> None:
    """Give an estimator, or what holds its arguments, its classes and the kind of its target."""
    classes = fitted.get("classes")
    several = isinstance(classes, list)
    if isinstance(classes, list):
        decoded: Any = [_decode(f"classes.{i}", c, arrays) for i, c in enumerate(classes)]
    else:
        decoded = _decode("classes", classes, arrays)
    holder.classes_ = decoded
    holder._target_kind = kind = _take_kind(fitted, decoded)
    columns = len(decoded)
    if several != (kind == MULTIOUTPUT) or columns == 0 or (kind == BINARY and columns != 2):
        raise ModelFileError(f"its classes {decoded} do not fit a {kind} target.")


def _decode(name: str, encoded: Any, arrays: Arrays) -> np.ndarray:
    labels = decode_labels(name, encoded, arrays)
    if not len(labels) or (
        labels.dtype == object and any(type(each) is not str for each in labels)
    ):
        raise ModelFileError(f"its {name} must be a list of labels, got {labels}.")
    if not np.all(labels[:-1] < labels[1:]):  # where predictions are looked up by halves
        raise ModelFileError(f"its {name} must be sorted and different, got {labels}.")
    return labels


def _take_kind(fitted: Values, classes: Any) -> str:
    """Return the kind of target; the first version's files say whether it is multilabel."""
    if "target_kind" not in fitted:
        binary = BINARY if len(classes) == 2 else MULTICLASS
        return MULTILABEL if take(fitted, "multilabel", bool) else binary
    kind = take(fitted, "target_kind", str)
    if kind not in KINDS:
        raise ModelFileError(f"its target is of a kind that this version lacks: {kind!r}.")
    return kind


def restore_numbers(holder: Any, fitted: Values, arrays: Arrays) -> None:
    """Give a regressor, or what holds its arguments, the number and the units of its targets."""
    holder._n_targets = n_targets = take(fitted, "n_targets", int)
    holder._one_target = take(fitted, "one_target", bool)
    if n_targets < 1 or (holder._one_target and n_targets > 1):
        raise ModelFileError(f"its number of targets cannot be {n_targets}.")
    for name in ("target_mean", "target_scale"):
        setattr(holder, f"{name}_", take_array(arrays, name, (n_targets,)))
