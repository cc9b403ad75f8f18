"""Fitted network estimators as plain data and back: all of them but the optimizer's state."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._engine.history import History
from multilayer._nn.network import Network
from multilayer._objectives.objective import Objective
from multilayer._persist.description import encode
from multilayer._sklearn.arguments.constructors import (
    ClassifierArguments,
    NetworkArguments,
    RegressorArguments,
)
from multilayer._sklearn.arguments.resolved import Resolved, check_classifier, check_regressor
from multilayer._sklearn.network.parameters import NORM_ATTRIBUTES, type_of
from multilayer._sklearn.saving.fitted_values import (
    FIGURES,
    ClassTarget,
    NumberTarget,
    TrainingFigures,
    encode_calibration,
    encode_classes,
    encode_numbers,
    take_classes,
    take_figures,
    take_history,
    take_intervals,
    take_numbers,
    take_share,
    take_temperature,
)
from multilayer._sklearn.saving.model_steps import LABELS, NUMBERS, Shape
from multilayer._sklearn.saving.reader import (
    StoredArrays,
    Values,
    decode_params,
    encode_names,
    encode_params,
    require_finite,
    take,
    take_array,
    take_names,
)
from multilayer._sklearn.targets import class_outputs, regression_targets
from multilayer._sklearn.targets.uncertainty import IntervalCalibration, Temperature

if TYPE_CHECKING:
    from multilayer._engine.state import TrainState
    from multilayer._sklearn.base import BaseMLP
    from multilayer._sklearn.network.trained import Trained, TrainedClassifier
    from multilayer._sklearn.regressor import MLPRegressor

A = TypeVar("A", bound=NetworkArguments)

UNSAVED = ("callbacks", "checkpoint", "reuse_from")


class FreshOptimizer:
    """How training continues after a load: at the saved step, with a new optimizer state."""

    def onto(self, fresh: "TrainState", step: int) -> "TrainState":
        """Continue from a fresh training state at the given step."""
        return fresh._replace(step=np.int32(step))


# To plain data --------------------------------------------------------------------------------


def params(estimator: "Trained") -> dict[str, JSON]:
    """Return the constructor's arguments as JSON; callbacks and random generators become None."""
    estimator._check_parameters()
    given = estimator.get_params(deep=False)
    generator = isinstance(given["random_state"], np.random.RandomState)
    return encode_params(given, (*UNSAVED, "random_state") if generator else UNSAVED)


Encoded = tuple[dict[str, JSON], dict[str, np.ndarray]]


def classifier_fitted(estimator: "TrainedClassifier") -> Encoded:
    """Return the fitted values of a classifier, as JSON and as arrays."""
    values, arrays = _fitted(estimator)
    target, labels = encode_classes(estimator.classes_, estimator._target_kind)
    return values | target, arrays | labels


def regressor_fitted(estimator: "MLPRegressor") -> Encoded:
    """Return the fitted values of a regressor, as JSON and as arrays."""
    values, arrays = _fitted(estimator)
    target, units = encode_numbers(estimator)
    return values | target, arrays | units


def _fitted(estimator: "Trained") -> Encoded:
    """Return the fitted values that every network has."""
    if estimator.network is not None:
        raise ModelFileError(
            "model must be a network of dense layers to be saved, as another network is code; got "
            f"network={estimator.network!r}. Save what it has learnt by "
            "multilayer.nn.save(model.params_, path)."
        )
    values: dict[str, JSON] = {
        "layer_sizes": list(estimator._network.layer_sizes),
        "feature_names": encode_names(getattr(estimator, "feature_names_in_", None)),
        "seed": estimator._seed,
        "history": list(estimator._history.columns()),
        # For readers that do not open the arrays; here it follows from the history.
        "best_validation_score": encode("best_validation_score_", estimator.best_validation_score_),
    }
    for name in FIGURES:
        values[name.strip("_")] = encode(name, getattr(estimator, name))
    calibration, relative = encode_calibration(estimator)
    arrays = {**_parameter_arrays(estimator), **_history_arrays(estimator), **relative}
    return values | calibration, arrays


def _parameter_arrays(estimator: "Trained") -> dict[str, np.ndarray]:
    sizes = estimator._network.layer_sizes
    arrays = {
        f"{name}.{i}": np.asarray(array, estimator._dtype)  # what it says of itself in the file
        for name in ("coefs", "intercepts", *_norm_names(estimator._network))
        for i, array in enumerate(getattr(estimator, f"{name}_"))
    }
    for name, array in arrays.items():
        require_finite(name, array)
    shapes = {name: array.shape for name, array in arrays.items()}
    if shapes != _shapes(estimator._network):
        raise ModelFileError(f"coefs_ and intercepts_ must fit the layers {sizes}, got {shapes}.")
    return arrays


def _norm_names(network: Network) -> list[str]:
    """Names of the arrays that normalised layers have, without their final underscore."""
    if network.n_hidden == 0 or network.norm is None:
        return []
    names = [name.removesuffix("_") for name in NORM_ATTRIBUTES]
    return names if network.norm == "batch" else names[:2]


def _shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays of a network's parameters, by name."""
    sizes = network.layer_sizes
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (n, m) in enumerate(pairwise(sizes)):
        shapes |= {f"coefs.{i}": (n, m), f"intercepts.{i}": (m,)}
    for name in _norm_names(network):
        shapes |= {f"{name}.{i}": (m,) for i, m in enumerate(sizes[1:-1])}
    return shapes


def _history_arrays(estimator: "Trained") -> dict[str, np.ndarray]:
    columns = estimator._history.columns()
    return {f"history.{column}": values for column, values in columns.items()}


# From plain data to values ----------------------------------------------------------------------


@dataclass(frozen=True)
class NetworkValues:
    """A fitted network as a file has it, checked.

    Attributes
    ----------
    arguments : NetworkArguments
        The constructor's.
    objective : Objective
        What training minimised.
    network : Network
        Its shape, at prediction.
    parameters : dict of str to list of ndarray
        By attribute of the estimator: ``coefs_``, ``intercepts_`` and those of normalised layers.
    feature_names : ndarray or None
        Names of the columns in training.
    history : History
        Figures of each epoch.
    figures : TrainingFigures
        Numbers, words and flags of the training.
    calibration_share : float
        Of the rows of ``fit`` that were set aside for the calibration.
    """

    arguments: NetworkArguments
    objective: Objective
    network: Network
    parameters: Mapping[str, Sequence[np.ndarray]]
    feature_names: np.ndarray | None
    history: History
    figures: TrainingFigures
    calibration_share: float

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.network.layer_sizes[0]

    @property
    def dtype(self) -> str:
        """What the network is computed in: the type of its parameters."""
        return type_of(list(self.parameters.values()))

    @property
    def best_validation_score(self) -> float | None:
        """The best score of its history; None without validation data."""
        scores = self.history["validation_score"] if self.figures.validated else None
        return None if scores is None else float(np.max(scores, initial=-np.inf))

    def attributes(self) -> dict[str, object]:
        """Return all fitted attributes of the estimator."""
        names = {} if self.feature_names is None else {"feature_names_in_": self.feature_names}
        return {
            **self.parameters,
            **self.figures.attributes(),
            **names,
            "out_activation_": self.objective.out_activation,
            "n_features_in_": self.n_features,
            "n_layers_": len(self.network.layer_sizes),
            "n_outputs_": self.network.layer_sizes[-1],
            "_trained": self.objective,
            "_network": self.network,
            "_dtype": self.dtype,
            "_history": self.history,
            "_resumable": FreshOptimizer(),
            "_calibration_share": self.calibration_share,
        }


@dataclass(frozen=True)
class ClassifierValues(NetworkValues):
    """A fitted classifier as a file has it, checked."""

    target: ClassTarget
    calibration: Temperature | None

    def attributes(self) -> dict[str, object]:
        """Return all fitted attributes of the estimator."""
        own = {"_calibration": self.calibration}
        return super().attributes() | self.target.attributes() | own


@dataclass(frozen=True)
class RegressorValues(NetworkValues):
    """A fitted regressor as a file has it, checked."""

    arguments: RegressorArguments
    target: NumberTarget
    calibration: IntervalCalibration | None

    def attributes(self) -> dict[str, object]:
        """Return all fitted attributes of the estimator."""
        levels = {
            "_learnt_levels": regression_targets.levels(self.arguments),
            "_asked_levels": regression_targets.asked(self.arguments),
            "_calibration": self.calibration,
        }
        return super().attributes() | self.target.attributes() | levels


def parse_classifier(
    params: Values, fitted: Values, arrays: StoredArrays
) -> tuple[ClassifierValues, Shape]:
    """Return the values of a classifier, and what it takes and returns."""
    arguments = _arguments(ClassifierArguments, params)
    resolved = check_classifier(arguments)
    target = take_classes(fitted, arrays)
    trained = class_outputs.objective(target.kind, target.classes, arguments.out_activation)
    common = _network_values(resolved, trained, fitted, arrays)
    calibration = take_temperature(fitted)
    values = ClassifierValues(**vars(common), target=target, calibration=calibration)
    return values, replace(_shape(common), predicts=LABELS)


def parse_regressor(
    params: Values, fitted: Values, arrays: StoredArrays
) -> tuple[RegressorValues, Shape]:
    """Return the values of a regressor, and what it takes and returns."""
    arguments = _arguments(RegressorArguments, params)
    resolved = check_regressor(arguments)
    target = take_numbers(fitted, arrays)
    trained = regression_targets.objective(arguments, target.n_targets)
    common = _network_values(resolved, trained, fitted, arrays)
    calibration = take_intervals(fitted, arrays, (target.n_targets, trained.heads[0]))
    values = RegressorValues(**vars(common), target=target, calibration=calibration)
    return values, replace(_shape(common), predicts=NUMBERS, n_targets=target.n_targets)


@lru_cache
def _parameters(cls: type[object]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(cls).parameters


def _arguments(cls: type[A], params: Values) -> A:
    """Return the constructor's arguments: those that could be code are None in files."""
    hashable: Any = cls  # mypy looks at the hash of what the class makes
    given = decode_params(params, _parameters(hashable))
    code = [name for name in (*UNSAVED, "network") if given.get(name) is not None]
    if code:
        raise ModelFileError(f"its arguments {code} must be None, as they are in every file.")
    # scikit-learn's releases differ in their scorers: fit refuses an unknown one.
    if not isinstance(given.get("scoring"), str | None):
        raise ModelFileError("its argument 'scoring' must be None or the name of a scorer.")
    return cls(**given)  # type: ignore[arg-type]  # of any type, until they are checked


def _network_values(
    resolved: Resolved, trained: Objective, fitted: Values, arrays: StoredArrays
) -> NetworkValues:
    """Return the values that every network has."""
    network = _take_network(resolved, sum(trained.heads), fitted)
    return NetworkValues(
        resolved.arguments,
        trained,
        network,
        _take_parameters(network, arrays),
        take_names(fitted, network.layer_sizes[0]),
        take_history(fitted, arrays),
        take_figures(fitted, n_layers=len(network.layer_sizes)),
        take_share(fitted),
    )


def _shape(values: NetworkValues) -> Shape:
    hidden = values.network.layer_sizes[1:-1]
    n_units = hidden[values.arguments.transform_layer] if hidden else None
    return Shape(values.n_features, n_units, transforms=bool(hidden))


def _take_network(resolved: Resolved, units: int, fitted: Values) -> Network:
    """Return the shape of a network with so many output units."""
    sizes = tuple(take(fitted, "layer_sizes", list))
    if len(sizes) < 2 or not all(type(size) is int and size > 0 for size in sizes):
        raise ModelFileError(f"its layer sizes must be positive integers, got {sizes}.")
    if sizes[-1] != units:
        raise ModelFileError(f"its targets need {units} output units, it has {sizes[-1]}.")
    return resolved.network(sizes).at_prediction()


def _take_parameters(network: Network, arrays: StoredArrays) -> dict[str, list[np.ndarray]]:
    """Return the parameters of all layers by attribute of the estimator."""
    parameters: dict[str, list[np.ndarray]] = {}
    for name, shape in _shapes(network).items():
        attribute = f"{name.partition('.')[0]}_"
        parameters.setdefault(attribute, []).append(take_array(arrays, name, shape))
    return parameters


# And from values to estimators ------------------------------------------------------------------


def build(cls: "type[BaseMLP]", values: NetworkValues) -> "BaseMLP":
    """Return the estimator of a class that has these values."""
    estimator = cls(**vars(values.arguments))
    for name, value in values.attributes().items():
        setattr(estimator, name, value)
    estimator._seen = cls._seen  # no rows so far: partial_fit counts from here
    return estimator
