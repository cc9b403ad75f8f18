"""A fitted network estimator as plain data and back: all of it but the optimizer's state."""

import inspect
from itertools import pairwise
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._nn.network import Network
from multilayer._objectives.objective import Objective
from multilayer._persist.values import encode
from multilayer._sklearn.arguments.checks import Resolved, check_classifier, check_regressor
from multilayer._sklearn.network.parameters import NORM_ATTRIBUTES
from multilayer._sklearn.saving import target_state
from multilayer._sklearn.saving.history import take_history
from multilayer._sklearn.saving.reader import (
    Arrays,
    Values,
    decode_params,
    encode_names,
    encode_params,
    require_finite,
    take,
    take_array,
    take_count,
    take_names,
)
from multilayer._sklearn.targets import regression, target_kinds

UNSAVED = ("callbacks", "checkpoint", "reuse_from")
FIGURES: dict[str, type] = {
    "loss_": float,
    "n_iter_": int,
    "n_reused_layers_": int,
    "t_": int,
    "stop_reason_": str,
    "fit_seconds_": float,
    "compile_seconds_": float,
}
"""Plain numbers and words."""
SECONDS = ("fit_seconds_", "compile_seconds_")
FLAGS = ("_validated", "_stopped_by_score")


class FreshOptimizer:
    """What training goes on from after a file was read: its step, and a new optimizer's state."""

    def onto(self, fresh: Any, step: int) -> Any:
        """Continue from a fresh training state at the given step."""
        return fresh._replace(step=np.int32(step))


# To plain data --------------------------------------------------------------------------------


def params(estimator: Any) -> dict[str, Any]:
    """Return the constructor's arguments as JSON; callbacks and random generators become None."""
    estimator._check_parameters()
    given = estimator.get_params(deep=False)
    generator = isinstance(given["random_state"], np.random.RandomState)
    return encode_params(given, (*UNSAVED, "random_state") if generator else UNSAVED)


def fitted(estimator: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the fitted values that every network has, as JSON and as arrays."""
    if estimator.network is not None:
        raise ModelFileError(
            "model must be a network of dense layers to be saved, as another network is code; got "
            f"network={estimator.network!r}. Save what it has learnt by "
            "multilayer.nn.save(model.params_, path)."
        )
    values = {
        "layer_sizes": list(estimator._network.layer_sizes),
        "feature_names": encode_names(getattr(estimator, "feature_names_in_", None)),
        "seed": estimator._seed,
        "history": list(estimator._history.columns()),
        # For readers that do not open the arrays; here it follows from the history.
        "best_validation_score": encode("best_validation_score_", estimator.best_validation_score_),
    }
    for name in (*FIGURES, *FLAGS):
        values[name.strip("_")] = encode(name, getattr(estimator, name))
    return values, {**_parameter_arrays(estimator), **_history_arrays(estimator)}


def _parameter_arrays(estimator: Any) -> dict[str, np.ndarray]:
    sizes = estimator._network.layer_sizes
    arrays = {
        f"{name}.{i}": np.asarray(array)
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


def _history_arrays(estimator: Any) -> dict[str, np.ndarray]:
    columns = estimator._history.columns()
    return {f"history.{column}": values for column, values in columns.items()}


# And back -------------------------------------------------------------------------------------


def read_classifier(cls: type, params: Values, fitted: Values, arrays: Arrays) -> Any:
    """Return an instance of a class with the arguments and attributes of a classifier."""
    holder = with_arguments(cls, params)
    resolved = check_classifier(holder)
    target_state.restore_target(holder, fitted, arrays)
    trained = target_kinds.objective(holder._target_kind, holder.classes_, holder.out_activation)
    return restore(holder, resolved, trained, fitted, arrays)


def read_regressor(cls: type, params: Values, fitted: Values, arrays: Arrays) -> Any:
    """Return an instance of a class with the arguments and attributes of a regressor."""
    holder = with_arguments(cls, params)
    resolved = check_regressor(holder)
    target_state.restore_numbers(holder, fitted, arrays)
    holder._learnt_levels, holder._asked_levels = (
        regression.levels(holder),
        regression.asked(holder),
    )
    trained = regression.objective(holder, holder._n_targets)
    return restore(holder, resolved, trained, fitted, arrays)


def with_arguments(cls: type, params: Values) -> Any:
    """Return what a class makes of these arguments: those that could be code are none in files."""
    given = decode_params(params, inspect.signature(cls).parameters)
    code = [name for name in (*UNSAVED, "network") if given.get(name) is not None]
    if code:
        raise ModelFileError(f"its arguments {code} must be None, as they are in every file.")
    # Which scorers there are, scikit-learn says, another release others: fit refuses those unknown.
    if not isinstance(given.get("scoring"), str | None):
        raise ModelFileError("its argument 'scoring' must be None or the name of a scorer.")
    return cls(**given)


def restore(
    holder: Any, resolved: Resolved, trained: Objective, fitted: Values, arrays: Arrays
) -> Any:
    """Give an estimator, or what has its arguments, its network and its history.

    ``trained`` is what its targets ask for.
    """
    holder._trained, holder.out_activation_ = trained, trained.out_activation
    restore_network(holder, resolved, sum(trained.heads), fitted, arrays)
    holder._history = take_history(fitted, arrays)
    if fitted.get("best_validation_score") is not None:
        take(fitted, "best_validation_score", float)
    for name, kind in FIGURES.items():
        key = name.strip("_")
        if key == "n_reused_layers" and key not in fitted:
            value: Any = 0  # the first version's files do not know of it
        else:
            value = take_count(fitted, key) if kind is int else take(fitted, key, kind)
        setattr(holder, name, value)
    for name in SECONDS:
        if not 0 <= getattr(holder, name) < np.inf:
            raise ModelFileError(f"its value {name.strip('_')!r} must be seconds.")
    if holder.n_reused_layers_ >= holder.n_layers_:
        raise ModelFileError("its value 'n_reused_layers' must be below its number of layers.")
    for name in FLAGS:
        setattr(holder, name, take(fitted, name.strip("_"), bool))
    holder._seed = take_count(fitted, "seed")
    if holder._seed >= 2**32:
        raise ModelFileError(f"its value 'seed' must be below 2**32, got {holder._seed}.")
    return holder


def restore_network(
    arguments: Any, resolved: Resolved, units: int, fitted: Values, arrays: Arrays
) -> None:
    """Give arguments, or the estimator that has them, a network with so many output units."""
    sizes = tuple(take(fitted, "layer_sizes", list))
    if len(sizes) < 2 or not all(type(size) is int and size > 0 for size in sizes):
        raise ModelFileError(f"its layer sizes must be positive integers, got {sizes}.")
    if sizes[-1] != units:
        raise ModelFileError(f"its targets need {units} output units, it has {sizes[-1]}.")
    arguments._network = resolved.network(sizes).at_prediction()
    for name, shape in _shapes(arguments._network).items():
        attribute, _, i = name.partition(".")
        if i == "0":
            setattr(arguments, f"{attribute}_", [])
        getattr(arguments, f"{attribute}_").append(take_array(arrays, name, shape))
    arguments.n_layers_, arguments.n_outputs_ = len(sizes), sizes[-1]
    arguments.n_features_in_ = sizes[0]
    names = take_names(fitted, sizes[0])
    if names is not None:
        arguments.feature_names_in_ = names
