"""Histories and targets of fitted networks as plain data and back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON, REPORT_COLUMNS, WHOLE_NUMBERS
from multilayer._engine.history import History
from multilayer._sklearn.saving.label_arrays import decode_labels, encode_labels
from multilayer._sklearn.saving.reader import StoredArrays, Values, require_finite, take, take_array
from multilayer._sklearn.targets.class_outputs import (
    BINARY,
    KINDS,
    MULTICLASS,
    MULTILABEL,
    MULTIOUTPUT,
    Classes,
)

if TYPE_CHECKING:
    from multilayer._sklearn.regressor import MLPRegressor


# The history in a file ---------------------------------------------------------------------------


NEEDED = ("epoch", "loss", "validation_score")
"""Columns from which attributes are read."""


def take_history(fitted: Values, arrays: StoredArrays) -> History:
    """Take the columns of a history out of what was read."""
    names = take(fitted, "history", list)
    if not all(isinstance(name, str) and name in REPORT_COLUMNS for name in names):
        raise ModelFileError(f"the columns of its history must be among {REPORT_COLUMNS}.")
    if len(set(names)) < len(names) or (names and not set(NEEDED) <= set(names)):
        raise ModelFileError(f"its history must have {NEEDED}, and each column once, got {names}.")
    columns = {name: take_array(arrays, f"history.{name}", (-1,), finite=False) for name in names}
    if len({len(column) for column in columns.values()}) > 1:
        raise ModelFileError("the columns of its history differ in length.")
    for name in WHOLE_NUMBERS:
        if name in columns:
            _check_whole(name, columns[name])
    return History.of_columns(columns)


def _check_whole(name: str, column: np.ndarray) -> None:
    """Refuse what cannot be a count; as floats, integers are exact up to 2**53."""
    with np.errstate(invalid="ignore"):
        whole = (column >= 0) & (column < 2.0**53) & (column == np.floor(column))
    if not whole.all():
        raise ModelFileError(f"the column {name!r} of its history must contain counts.")


# The targets of a fitted estimator, as plain data and back ---------------------------------------


REMEDY = "Encode y as one of these before fit."
UNITS = ("target_mean", "target_scale")

# Classes ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClassTarget:
    """What a classifier knows of y."""

    classes: Classes
    kind: str

    def attributes(self) -> dict[str, object]:
        """Return it by attribute of the estimator."""
        return {"classes_": self.classes, "_target_kind": self.kind}


def encode_classes(classes: Classes, kind: str) -> tuple[dict[str, JSON], dict[str, np.ndarray]]:
    """Return the classes and the kind of target, as JSON and as arrays."""
    arrays: dict[str, np.ndarray] = {}
    encoded: JSON
    if isinstance(classes, list):
        encoded = [_encode(f"classes.{i}", c, arrays) for i, c in enumerate(classes)]
    else:
        encoded = _encode("classes", classes, arrays)
    return {"classes": encoded, "target_kind": kind}, arrays


def _encode(name: str, classes: np.ndarray, arrays: dict[str, np.ndarray]) -> dict[str, JSON]:
    mixed = classes.dtype.kind == "O" and not all(type(label) is str for label in classes)
    if mixed:
        raise ModelFileError(
            "classes_ must be booleans, integers, floats or strings to be saved, got "
            f"classes_={classes!r}. {REMEDY}"
        )
    return encode_labels(name, classes, arrays, "classes_", REMEDY)


def take_classes(fitted: Values, arrays: StoredArrays) -> ClassTarget:
    """Return the classes and the kind of target out of what was read."""
    encoded = fitted.get("classes")
    classes: Classes
    if isinstance(encoded, list):
        classes = [_decode(f"classes.{i}", c, arrays) for i, c in enumerate(encoded)]
    else:
        classes = _decode("classes", encoded, arrays)
    kind, several = _take_kind(fitted, classes), isinstance(classes, list)
    columns = len(classes)
    if several != (kind == MULTIOUTPUT) or columns == 0 or (kind == BINARY and columns != 2):
        raise ModelFileError(f"its classes {classes} do not fit a {kind} target.")
    return ClassTarget(classes, kind)


def _decode(name: str, encoded: JSON, arrays: StoredArrays) -> np.ndarray:
    labels = decode_labels(name, encoded, arrays)
    if not len(labels) or (
        labels.dtype == object and any(type(each) is not str for each in labels)
    ):
        raise ModelFileError(f"its {name} must be a list of labels, got {labels}.")
    if not np.all(labels[:-1] < labels[1:]):  # where predictions are looked up by halves
        raise ModelFileError(f"its {name} must be sorted and different, got {labels}.")
    return labels


def _take_kind(fitted: Values, classes: Classes) -> str:
    """Return the kind of target; the first version's files say whether it is multilabel."""
    if "target_kind" not in fitted:
        binary = BINARY if len(classes) == 2 else MULTICLASS
        return MULTILABEL if take(fitted, "multilabel", bool) else binary
    kind = take(fitted, "target_kind", str)
    if kind not in KINDS:
        raise ModelFileError(f"its target is of a kind that this version lacks: {kind!r}.")
    return kind


# Numbers ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NumberTarget:
    """What a regressor knows of y: the number of targets, and their units."""

    n_targets: int
    one_target: bool  # whether y has one axis
    mean: np.ndarray
    scale: np.ndarray

    def attributes(self) -> dict[str, object]:
        """Return it by attribute of the estimator."""
        return {
            "_n_targets": self.n_targets,
            "_one_target": self.one_target,
            "target_mean_": self.mean,
            "target_scale_": self.scale,
        }


def encode_numbers(estimator: "MLPRegressor") -> tuple[dict[str, JSON], dict[str, np.ndarray]]:
    """Return the number of targets and their units, as JSON and as arrays."""
    arrays = {name: np.asarray(getattr(estimator, f"{name}_"), np.float64) for name in UNITS}
    for name, array in arrays.items():
        require_finite(name, array)
    return {"n_targets": estimator._n_targets, "one_target": estimator._one_target}, arrays


def take_numbers(fitted: Values, arrays: StoredArrays) -> NumberTarget:
    """Return the number of targets and their units out of what was read."""
    n_targets, one_target = take(fitted, "n_targets", int), take(fitted, "one_target", bool)
    if n_targets < 1 or (one_target and n_targets > 1):
        raise ModelFileError(f"its number of targets cannot be {n_targets}.")
    mean, scale = (take_array(arrays, name, (n_targets,)) for name in UNITS)
    return NumberTarget(n_targets, one_target, mean, scale)
