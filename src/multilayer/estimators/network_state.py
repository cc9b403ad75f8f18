"""A fitted network estimator as plain data and back: all of it but the optimizer's state."""

import inspect
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._persist.values import encode
from multilayer.estimators.architecture import network_of
from multilayer.estimators.network_attributes import NORM_ATTRIBUTES
from multilayer.estimators.stored import (
    decode_params,
    encode_names,
    encode_params,
    require_finite,
    take,
    take_array,
    take_names,
)

UNSAVED = ("callbacks", "reuse_from")
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
FLAGS = ("_validated", "_stopped_by_score")
WHOLE_NUMBERS = ("epoch", "steps")  # columns of the history

Values = Mapping[str, Any]
Arrays = Mapping[str, np.ndarray]


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
    rows = estimator._history_rows
    values = {
        "layer_sizes": list(estimator._network.layer_sizes),
        "feature_names": encode_names(getattr(estimator, "feature_names_in_", None)),
        "seed": estimator._seed,
        "history": list(rows[0]) if rows else [],
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
        for name in ("coefs", "intercepts", *_norm_names(estimator))
        for i, array in enumerate(getattr(estimator, f"{name}_"))
    }
    for name, array in arrays.items():
        require_finite(name, array)
    shapes = {name: array.shape for name, array in arrays.items()}
    if shapes != _shapes(estimator, sizes):
        raise ModelFileError(f"coefs_ and intercepts_ must fit the layers {sizes}, got {shapes}.")
    return arrays


def _norm_names(estimator: Any) -> list[str]:
    """Names of the arrays that normalised layers have, without their final underscore."""
    if estimator._network.n_hidden == 0 or estimator._network.norm is None:
        return []
    names = [name.removesuffix("_") for name in NORM_ATTRIBUTES]
    return names if estimator._network.norm == "batch" else names[:2]


def _shapes(estimator: Any, sizes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays of a network's parameters, by name."""
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (n, m) in enumerate(pairwise(sizes)):
        shapes |= {f"coefs.{i}": (n, m), f"intercepts.{i}": (m,)}
    for name in _norm_names(estimator):
        shapes |= {f"{name}.{i}": (m,) for i, m in enumerate(sizes[1:-1])}
    return shapes


def _history_arrays(estimator: Any) -> dict[str, np.ndarray]:
    rows = estimator._history_rows
    return {f"history.{column}": values for column, values in estimator.history_.items() if rows}


# And back -------------------------------------------------------------------------------------


def constructed(cls: type, params: Values) -> Any:
    """Return an estimator with these arguments, checked."""
    estimator = cls(**decode_params(params, inspect.signature(cls).parameters))
    estimator._check_parameters()
    return estimator


def restore(estimator: Any, fitted: Values, arrays: Arrays) -> Any:
    """Give an estimator, whose targets are known, its network and its history."""
    estimator._trained = estimator._objective()
    estimator.out_activation_ = estimator._trained.out_activation
    _restore_network(estimator, fitted, arrays)
    _restore_history(estimator, fitted, arrays)
    estimator.n_reused_layers_ = 0  # the first version's files do not know of it
    for name, kind in FIGURES.items():
        if (key := name.strip("_")) in fitted:
            setattr(estimator, name, take(fitted, key, kind))
    for name in FLAGS:
        setattr(estimator, name, take(fitted, name.strip("_"), bool))
    estimator._seed = take(fitted, "seed", int)
    estimator._resumable = FreshOptimizer()
    return estimator


def _restore_network(estimator: Any, fitted: Values, arrays: Arrays) -> None:
    sizes = tuple(take(fitted, "layer_sizes", list))
    if len(sizes) < 2 or not all(type(size) is int and size > 0 for size in sizes):
        raise ModelFileError(f"its layer sizes must be positive integers, got {sizes}.")
    units = sum(estimator._trained.heads)
    if sizes[-1] != units:
        raise ModelFileError(f"its targets need {units} output units, it has {sizes[-1]}.")
    estimator._network = network_of(estimator, sizes).at_prediction()
    for name, shape in _shapes(estimator, sizes).items():
        attribute, _, i = name.partition(".")
        if i == "0":
            setattr(estimator, f"{attribute}_", [])
        array = take_array(arrays, name, shape)
        require_finite(f"its array {name!r}", array)
        getattr(estimator, f"{attribute}_").append(array)
    estimator.n_layers_, estimator.n_outputs_ = len(sizes), sizes[-1]
    estimator.n_features_in_ = sizes[0]
    names = take_names(fitted, sizes[0])
    if names is not None:
        estimator.feature_names_in_ = names


def _restore_history(estimator: Any, fitted: Values, arrays: Arrays) -> None:
    columns = take(fitted, "history", list)
    history = {name: take_array(arrays, f"history.{name}", (-1,)) for name in columns}
    if len({len(column) for column in history.values()}) > 1:
        raise ModelFileError("the columns of its history differ in length.")
    lists = [
        [int(value) for value in column] if name in WHOLE_NUMBERS else column.tolist()
        for name, column in history.items()
    ]
    rows = zip(*lists, strict=True)
    estimator._history_rows = [dict(zip(history, row, strict=True)) for row in rows]
