"""Figures, targets and calibrations of fitted networks as plain data and back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON, REPORT_COLUMNS, WHOLE_NUMBERS
from multilayer._engine import engines
from multilayer._engine.history import History
from multilayer._sklearn.saving.label_arrays import decode_labels, encode_labels
from multilayer._sklearn.saving.reader import (
    StoredArrays,
    Values,
    require_finite,
    take,
    take_array,
    take_count,
)
from multilayer._sklearn.targets.class_outputs import (
    BINARY,
    KINDS,
    MULTICLASS,
    MULTILABEL,
    MULTIOUTPUT,
    Classes,
)
from multilayer._sklearn.targets.uncertainty import IntervalCalibration, Temperature

if TYPE_CHECKING:
    from multilayer._sklearn.network.trained import Trained
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


# Numbers, words and flags of a training ---------------------------------------------------------


FIGURES = (
    *("loss_", "n_iter_", "n_reused_layers_", "t_", "stop_reason_", "fit_seconds_"),
    *("compile_seconds_", "engine_", "_validated", "_stopped_by_score"),
)
"""Attributes that are numbers, words and flags; in files they lack the underscores."""


@dataclass(frozen=True)
class TrainingFigures:
    """Numbers, words and flags of a training, by their names in files."""

    loss: float
    n_iter: int
    n_reused_layers: int
    t: int
    stop_reason: str
    fit_seconds: float
    compile_seconds: float
    engine: str
    validated: bool
    stopped_by_score: bool
    seed: int

    def attributes(self) -> dict[str, object]:
        """Return them by attribute of the estimator."""
        return {name: getattr(self, name.strip("_")) for name in (*FIGURES, "_seed")}


def take_figures(fitted: Values, n_layers: int) -> TrainingFigures:
    """Return the numbers, words and flags of the training."""
    if fitted.get("best_validation_score") is not None:
        take(fitted, "best_validation_score", float)
    old = "n_reused_layers" not in fitted  # a file of the first version
    figures = TrainingFigures(
        loss=take(fitted, "loss", float),
        n_iter=take_count(fitted, "n_iter"),
        n_reused_layers=0 if old else take_count(fitted, "n_reused_layers"),
        t=take_count(fitted, "t"),
        stop_reason=take(fitted, "stop_reason", str),
        fit_seconds=take(fitted, "fit_seconds", float),
        compile_seconds=take(fitted, "compile_seconds", float),
        engine=take_engine(fitted),
        validated=take(fitted, "validated", bool),
        stopped_by_score=take(fitted, "stopped_by_score", bool),
        seed=take_count(fitted, "seed"),
    )
    for name in ("fit_seconds", "compile_seconds"):
        if not 0 <= getattr(figures, name) < np.inf:
            raise ModelFileError(f"its value {name!r} must be seconds.")
    if figures.n_reused_layers >= n_layers:
        raise ModelFileError("its value 'n_reused_layers' must be below its number of layers.")
    if figures.seed >= 2**32:
        raise ModelFileError(f"its value 'seed' must be below 2**32, got {figures.seed}.")
    return figures


def take_engine(fitted: Values) -> str:
    """Return what trained a network; files of earlier releases do not say it."""
    engine: str = take(fitted, "engine", str) if "engine" in fitted else engines.OLDER
    if engine not in engines.NAMES:
        raise ModelFileError(f"its engine is none of {engines.NAMES}: {engine!r}.")
    return engine


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


# The calibration of a network, in files of those that have one ----------------------------------


def encode_calibration(estimator: "Trained") -> tuple[dict[str, JSON], dict[str, np.ndarray]]:
    """Return what a network is calibrated by, as JSON and as arrays."""
    found: dict[str, JSON] = {"share": float(estimator._calibration_share)}
    match estimator._calibration:
        case None:
            return {}, {}
        case Temperature(value, n_rows):
            return {"calibration": found | {"temperature": value, "n_rows": n_rows}}, {}
        case IntervalCalibration(relative, weight):
            arrays = {"calibration.relative": relative}
            require_finite("its calibration", relative)
            if weight is not None:
                arrays["calibration.weight"] = weight
            return {"calibration": found | {"weighted": weight is not None}}, arrays


def take_share(fitted: Values) -> float:
    """Return the share of its rows that fit has set aside for the calibration."""
    described = _calibration(fitted)
    share = 0.0 if described is None else take(described, "share", float)
    if not 0 <= share < 1:
        raise ModelFileError(f"its calibration's share must be in [0, 1), got {share}.")
    return share


def take_temperature(fitted: Values) -> Temperature | None:
    """Return the calibration of a classifier, None where it has none."""
    described = _calibration(fitted)
    if described is None:
        return None
    _refuse_others(described, "share", "temperature", "n_rows")
    value = take(described, "temperature", float)
    if not 0 < value < np.inf:
        raise ModelFileError(f"its temperature must be above 0, got {value}.")
    return Temperature(value, take_count(described, "n_rows", 1))


def take_intervals(
    fitted: Values, arrays: StoredArrays, shape: tuple[int, int]
) -> IntervalCalibration | None:
    """Return the calibration of a regressor, None where it has none.

    ``shape`` is the number of targets, and of the numbers that its network says of each.
    """
    described = _calibration(fitted)
    if described is None:
        return None
    _refuse_others(described, "share", "weighted")
    relative = take_array(arrays, "calibration.relative", (-1, *shape))
    if not len(relative):
        raise ModelFileError("its calibration must have rows.")
    weight = None
    if take(described, "weighted", bool):
        weight = take_array(arrays, "calibration.weight", (len(relative),))
        if not (weight > 0).all():
            raise ModelFileError("the weights of its calibration must be above 0.")
    return IntervalCalibration(relative, weight)


def _calibration(fitted: Values) -> Values | None:
    described = fitted.get("calibration")
    if described is not None and not isinstance(described, dict):
        raise ModelFileError("its value 'calibration' is no object.")
    return described


def _refuse_others(described: Values, *known: str) -> None:
    if set(described) != set(known):
        raise ModelFileError(f"its calibration must have {list(known)}, got {sorted(described)}.")
