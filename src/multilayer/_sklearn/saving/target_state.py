"""What is known of the targets of a fitted estimator, as plain data and back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._sklearn.saving.label_arrays import decode_labels, encode_labels
from multilayer._sklearn.saving.reader import (
    StoredArrays,
    Values,
    require_finite,
    take,
    take_array,
)
from multilayer._sklearn.targets.target_kinds import (
    BINARY,
    KINDS,
    MULTICLASS,
    MULTILABEL,
    MULTIOUTPUT,
    Classes,
)

if TYPE_CHECKING:
    from multilayer._sklearn.regressor import MLPRegressor

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
