"""The estimators for raw tables as plain data and back: all of them but callbacks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON, REPORT_COLUMNS
from multilayer._engine.history import History
from multilayer._sklearn.saving.fitted_values import (
    encode_classes,
    take_classes,
    take_engine,
    take_history,
)
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
from multilayer._sklearn.saving.steps.tabular_encoder import ENCODER, encoding_of
from multilayer._sklearn.saving.steps.transformer_kind import encode_arguments, parse_arguments
from multilayer._sklearn.saving.tabular_arguments import TABLE_KINDS, TableKind
from multilayer._sklearn.tabular.ensemble import Ensemble, ReferenceReport, TabularReport
from multilayer._sklearn.tabular.probabilities import NumberUnits
from multilayer._sklearn.targets.class_outputs import MULTICLASS

if TYPE_CHECKING:
    from multilayer._sklearn.tabular.tabular_base import BaseTabular
    from multilayer._sklearn.tabular.tabular_prediction import (
        BaseTabularClassifier,
        BaseTabularRegressor,
    )

UNSAVED = ("callbacks", "checkpoint")
"""Arguments that a file has no values of."""
UNITS = ("mean", "spread", "low", "high")
"""Arrays of a target of numbers."""


# To plain data -----------------------------------------------------------------------------------


def params(estimator: "BaseTabular") -> dict[str, JSON]:
    """Return the constructor's arguments as JSON; random generators and more become None."""
    given = estimator.get_params(deep=False) | dict.fromkeys(UNSAVED)
    return encode_arguments(type(estimator), given)


Encoded = tuple[dict[str, JSON], dict[str, np.ndarray]]


def classifier_fitted(estimator: "BaseTabularClassifier") -> Encoded:
    """Return the fitted values of a classifier, as JSON and as arrays."""
    values, arrays = _fitted(estimator)
    classes, labels = encode_classes(estimator.classes_, MULTICLASS)
    return values | classes, arrays | labels


def regressor_fitted(estimator: "BaseTabularRegressor") -> Encoded:
    """Return the fitted values of a regressor, as JSON and as arrays."""
    values, arrays = _fitted(estimator)
    learnt = estimator._learnt
    for name in UNITS:
        arrays[f"target.{name}"] = array = np.asarray(getattr(learnt, name), np.float64)
        require_finite(f"the {name} of its target", array)
    arrays["errors"] = np.asarray(estimator._errors, np.float64)
    require_finite("its errors out of fold", arrays["errors"])
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
        "engine": ensemble.engine,
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
    report : TabularReport or ReferenceReport
        What the fit did.
    errors : ndarray of shape (n_rows, n_targets)
        Those of numbers out of fold, each column sorted; no rows for classes.
    """

    arguments: Mapping[str, Any]  # of any type
    encoder: TransformerValues
    ensemble: Ensemble
    history: History
    report: TabularReport | ReferenceReport
    errors: np.ndarray

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
    """A fitted classifier of raw tables as a file has it, checked."""

    classes: np.ndarray

    @property
    def learnt(self) -> Mapping[str, Any]:
        """What is known of y, by field."""
        return {"classes": self.classes}


@dataclass(frozen=True)
class TabularRegressorValues(TabularValues):
    """A fitted regressor of raw tables as a file has it, checked."""

    units: NumberUnits

    @property
    def learnt(self) -> Mapping[str, Any]:
        """What is known of y, by field."""
        return vars(self.units)


def parse(
    kind: TableKind, params: Values, fitted: StoredValues, arrays: StoredArrays
) -> tuple[TabularValues, Shape]:
    """Return the values of an estimator, and what it takes and returns."""
    arguments = parse_arguments(kind.name, {**kind.earlier, **params}, kind.rules)
    if kind.classification:
        target = take_classes(fitted, arrays)
        if target.kind != MULTICLASS or isinstance(target.classes, list):
            raise ModelFileError(f"a {kind.name} has one column of classes.")
        common = _take_common(kind, arguments, fitted, arrays, len(target.classes))
        errors = np.zeros((0, len(target.classes)))  # labels have none
        classes = TabularClassifierValues(**common, errors=errors, classes=target.classes)
        return classes, Shape(classes.n_features, None, transforms=False, predicts=LABELS)
    units = _take_units(fitted, arrays)
    n_targets = len(units.mean)
    errors = take_array(arrays, "errors", (-1, n_targets))
    if (errors < 0).any() or (errors[1:] < errors[:-1]).any():
        raise ModelFileError("its errors must be sorted, and not negative.")
    common = _take_common(kind, arguments, fitted, arrays, n_targets)
    values = TabularRegressorValues(**common, units=units, errors=errors)
    shape = Shape(values.n_features, None, transforms=False, predicts=NUMBERS, n_targets=n_targets)
    return values, shape


Parser = Callable[[Values, StoredValues, StoredArrays], tuple[TabularValues, Shape]]
PARSERS: Mapping[str, Parser] = {name: partial(parse, kind) for name, kind in TABLE_KINDS.items()}
"""What reads each estimator, by the name of its class."""


def _take_common(
    kind: TableKind,
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
    report = decode_record(kind.report, fitted.get("report"), finite=False)
    engine = take_engine(fitted)
    ensemble = Ensemble(network, parameters, weights, temperature, engine)
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
        "_errors": values.errors,
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
