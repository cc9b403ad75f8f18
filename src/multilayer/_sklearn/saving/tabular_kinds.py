"""TabularClassifier and TabularRegressor as plain data and back: all of them but callbacks."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON, REPORT_COLUMNS
from multilayer._engine.history import History
from multilayer._sklearn.saving.fitted_values import encode_classes, take_classes, take_history
from multilayer._sklearn.saving.frozen_records import decode_record, encode_record
from multilayer._sklearn.saving.layer_kinds import encode_members, take_members
from multilayer._sklearn.saving.model_steps import LABELS, NUMBERS, Shape, TransformerValues
from multilayer._sklearn.saving.reader import (
    StoredArrays,
    StoredValues,
    Values,
    require_finite,
    take,
    take_array,
)
from multilayer._sklearn.saving.steps.argument_rules import (
    AUTO,
    FLAG,
    NOTHING,
    SEED,
    Rules,
    count,
    either,
    of_type,
)
from multilayer._sklearn.saving.steps.tabular_encoder import ENCODER, encoding_of, roles_by_column
from multilayer._sklearn.saving.steps.transformer_kind import encode_arguments, parse_arguments
from multilayer._sklearn.tabular.ensemble import Ensemble, TabularReport
from multilayer._sklearn.tabular.probabilities import NumberUnits
from multilayer._sklearn.targets.class_outputs import MULTICLASS

if TYPE_CHECKING:
    from multilayer._sklearn.tabular.tabular_base import BaseTabular
    from multilayer._sklearn.tabular.tabular_estimators import TabularClassifier, TabularRegressor

UNITS = ("mean", "spread", "low", "high")
"""Arrays of a target of numbers."""


# Arguments ---------------------------------------------------------------------------------------


def _seconds(value: object) -> bool:
    return value is None or (type(value) in (int, float) and 0 < value < np.inf)  # type: ignore[operator]


def _class_weight(value: object) -> bool:
    return value in (None, "balanced") if not isinstance(value, dict) else _weights(value)


def _weights(value: Mapping[object, object]) -> bool:
    return all(type(weight) in (int, float) and weight >= 0 for weight in value.values())  # type: ignore[operator]


RULES: Rules = {
    "n_estimators": either(AUTO, count(1)),
    "n_folds": either(AUTO, count(2)),
    "time_budget": _seconds,
    "scoring": either(NOTHING, of_type(str)),
    "feature_roles": roles_by_column,
    "random_state": SEED,
    "verbose": FLAG,
    "callbacks": NOTHING,
}
CLASSIFIER_RULES: Rules = {**RULES, "class_weight": _class_weight}


def params(estimator: "BaseTabular") -> dict[str, JSON]:
    """Return the constructor's arguments as JSON; callbacks and random generators become None."""
    given = estimator.get_params(deep=False) | {"callbacks": None}
    return encode_arguments(type(estimator), given)


# To plain data -----------------------------------------------------------------------------------


Encoded = tuple[dict[str, JSON], dict[str, np.ndarray]]


def classifier_fitted(estimator: "TabularClassifier") -> Encoded:
    """Return the fitted values of a classifier, as JSON and as arrays."""
    values, arrays = _fitted(estimator)
    classes, labels = encode_classes(estimator.classes_, MULTICLASS)
    return values | classes, arrays | labels


def regressor_fitted(estimator: "TabularRegressor") -> Encoded:
    """Return the fitted values of a regressor, as JSON and as arrays."""
    values, arrays = _fitted(estimator)
    learnt = estimator._learnt
    for name in UNITS:
        arrays[f"target.{name}"] = array = np.asarray(getattr(learnt, name), np.float64)
        require_finite(f"the {name} of its target", array)
    return values | {"one_column": bool(learnt.one_column)}, arrays


def _fitted(estimator: "BaseTabular") -> Encoded:
    """Return the fitted values that both have."""
    encoder, ensemble = estimator.encoder_, estimator._ensemble
    fitted, arrays = ENCODER.fitted(encoder)
    arrays = {f"encoder.{name}": array for name, array in arrays.items()}
    network, parameters = encode_members(ensemble.network, ensemble.params)
    history = estimator._history.columns()
    arrays |= parameters | {f"history.{name}": column for name, column in history.items()}
    arrays["weights"] = np.asarray(ensemble.weights, np.float64)
    values: dict[str, JSON] = {
        "encoder": {"params": ENCODER.params(encoder), "fitted": fitted},
        "network": network,
        "temperature": float(ensemble.temperature),
        "history": list(history),
        "report": encode_record(estimator.report_),
    }
    return values, arrays


# From plain data to values -----------------------------------------------------------------------


@dataclass(frozen=True)
class TabularValues(ABC):
    """A fitted ensemble for tables as a file has it, checked.

    Attributes
    ----------
    arguments : dict
        The constructor's.
    encoder : TransformerValues
        Of the columns.
    ensemble : Ensemble
        The trained networks.
    history : History
        Figures of each epoch.
    report : TabularReport
        What the fit did.
    """

    arguments: Mapping[str, Any]  # of any type
    encoder: TransformerValues
    ensemble: Ensemble
    history: History
    report: TabularReport

    @property
    @abstractmethod
    def learnt(self) -> Mapping[str, Any]:
        """What is known of y, by field of ``ClassTargets`` or ``NumberTargets``."""

    @property
    def feature_names(self) -> np.ndarray | None:
        """Names of the columns in training."""
        return self.encoder.feature_names

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.encoder.n_features_in_)


@dataclass(frozen=True)
class TabularClassifierValues(TabularValues):
    """A fitted TabularClassifier as a file has it, checked."""

    classes: np.ndarray

    @property
    def learnt(self) -> Mapping[str, Any]:
        """What is known of y, by field."""
        return {"classes": self.classes}


@dataclass(frozen=True)
class TabularRegressorValues(TabularValues):
    """A fitted TabularRegressor as a file has it, checked."""

    units: NumberUnits

    @property
    def learnt(self) -> Mapping[str, Any]:
        """What is known of y, by field."""
        return vars(self.units)


def parse_tabular_classifier(
    params: Values, fitted: StoredValues, arrays: StoredArrays
) -> tuple[TabularClassifierValues, Shape]:
    """Return the values of a classifier, and what it takes and returns."""
    arguments = parse_arguments("TabularClassifier", params, CLASSIFIER_RULES)
    target = take_classes(fitted, arrays)
    if target.kind != MULTICLASS or isinstance(target.classes, list):
        raise ModelFileError("a TabularClassifier has one column of classes.")
    common = _take_common(arguments, fitted, arrays, len(target.classes))
    values = TabularClassifierValues(**common, classes=target.classes)
    return values, Shape(values.n_features, None, transforms=False, predicts=LABELS)


def parse_tabular_regressor(
    params: Values, fitted: StoredValues, arrays: StoredArrays
) -> tuple[TabularRegressorValues, Shape]:
    """Return the values of a regressor, and what it takes and returns."""
    arguments = parse_arguments("TabularRegressor", params, RULES)
    units = _take_units(fitted, arrays)
    n_targets = len(units.mean)
    common = _take_common(arguments, fitted, arrays, n_targets)
    values = TabularRegressorValues(**common, units=units)
    shape = Shape(values.n_features, None, transforms=False, predicts=NUMBERS, n_targets=n_targets)
    return values, shape


def _take_common(
    arguments: Mapping[str, object],
    fitted: StoredValues,
    arrays: StoredArrays,
    n_outputs: int,
) -> dict[str, Any]:
    """Return the fields that both have."""
    encoder = _take_encoder(fitted, arrays.below("encoder."))
    layout = encoding_of(encoder).layout
    described = fitted.get("network")
    if not isinstance(described, dict):
        raise ModelFileError("its value 'network' is missing or no object.")
    network, parameters = take_members(described, arrays, layout, n_outputs)
    weights = take_array(arrays, "weights", (network.n_members,))
    if (weights < 0).any() or abs(weights.sum() - 1) > 1e-6:
        raise ModelFileError("its array 'weights' must be shares of 1.")
    temperature = take(fitted, "temperature", float)
    if not 0 < temperature < np.inf:
        raise ModelFileError(f"its value 'temperature' must be above 0, got {temperature}.")
    history = take_history(fitted, arrays)
    if set(history.columns()) not in (set(), set(REPORT_COLUMNS)):
        raise ModelFileError(f"its history must have the columns {REPORT_COLUMNS}.")
    report = decode_record(TabularReport, fitted.get("report"), finite=False)
    ensemble = Ensemble(network, parameters, weights, temperature)
    return {
        "arguments": arguments,
        "encoder": encoder,
        "ensemble": ensemble,
        "history": history,
        "report": report,
    }


def _take_encoder(fitted: Values, arrays: StoredArrays) -> TransformerValues:
    match fitted.get("encoder"):
        case {"params": dict(params), "fitted": dict(learnt), **rest} if not rest:
            return ENCODER.parse(params, StoredValues(learnt), arrays)
    raise ModelFileError("its value 'encoder' is missing.")


def _take_units(fitted: Values, arrays: StoredArrays) -> NumberUnits:
    mean = take_array(arrays, "target.mean", (-1,))
    spread, low, high = (take_array(arrays, f"target.{name}", mean.shape) for name in UNITS[1:])
    units = NumberUnits(mean, spread, low, high, take(fitted, "one_column", bool))
    if not len(mean) or (units.one_column and len(mean) > 1):
        raise ModelFileError(f"its number of targets cannot be {len(mean)}.")
    if (units.spread <= 0).any() or (units.low > units.high).any():
        raise ModelFileError("its targets must have a spread above 0, and low below high.")
    return units


# And from values to estimators -------------------------------------------------------------------


def build(cls: "type[BaseTabular]", values: TabularValues) -> "BaseTabular":
    """Return the estimator of a class that has these values."""
    estimator = cls(**values.arguments)
    attributes = {
        "encoder_": ENCODER.build(values.encoder),
        "_ensemble": values.ensemble,
        "_learnt": cls._targets(**values.learnt),
        "_history": values.history,
        "report_": values.report,
        "n_iter_": len(values.history),
        "stop_reason_": values.report.stop_reason,
        "n_features_in_": values.n_features,
    }
    if values.feature_names is not None:
        attributes["feature_names_in_"] = values.feature_names
    for name, value in attributes.items():
        setattr(estimator, name, value)
    return estimator
