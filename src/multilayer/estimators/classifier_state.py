"""A fitted MLPClassifier as plain data and back: all of it but the optimizer's state."""

import inspect
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._persist.values import encode
from multilayer.estimators.classifier import MLPClassifier
from multilayer.estimators.stored import (
    decode_params,
    encode_names,
    encode_params,
    require_finite,
    take,
    take_array,
    take_names,
)

UNSAVED = ("callbacks",)
FIGURES: dict[str, type] = {
    "loss_": float,
    "n_iter_": int,
    "t_": int,
    "stop_reason_": str,
    "fit_seconds_": float,
    "compile_seconds_": float,
}
"""Plain numbers and words, kept where the estimator has them ("lbfgs" has fewer)."""
MAYBE_NONE = ("best_loss_", "best_validation_score_")
WHOLE_NUMBERS = ("epoch", "steps")  # columns of the history


class FreshOptimizer:
    """What training goes on from after a file was read: its step, and a new optimizer's state."""

    def onto(self, fresh: Any, step: int) -> Any:
        """Continue from a fresh training state at the given step."""
        return fresh._replace(step=np.int32(step))


# To plain data --------------------------------------------------------------------------------


def params(estimator: MLPClassifier) -> dict[str, Any]:
    """Return the constructor's arguments as JSON; callbacks and random generators become None."""
    estimator._check_parameters()
    given = estimator.get_params(deep=False)
    generator = isinstance(given["random_state"], np.random.RandomState)
    return encode_params(given, (*UNSAVED, "random_state") if generator else UNSAVED)


def fitted(estimator: MLPClassifier) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the fitted values, as JSON and as arrays."""
    values = {
        "layer_sizes": list(estimator._layer_sizes),
        "classes": _encode_classes(estimator.classes_),
        "multilabel": estimator._multilabel,
        "feature_names": encode_names(getattr(estimator, "feature_names_in_", None)),
        "seed": estimator._seed,
        "history": list(getattr(estimator, "history_", {})),
    }
    for name in (*FIGURES, *MAYBE_NONE):
        if hasattr(estimator, name):
            values[name.removesuffix("_")] = encode(name, getattr(estimator, name))
    return values, _arrays(estimator)


def _arrays(estimator: MLPClassifier) -> dict[str, np.ndarray]:
    arrays = {}
    sizes = estimator._layer_sizes
    for i, (kernel, bias) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        arrays[f"coefs.{i}"] = np.asarray(kernel)
        arrays[f"intercepts.{i}"] = np.asarray(bias)
    for name, array in arrays.items():
        require_finite(name, array)
    shapes = [(kernel.shape, bias.shape) for kernel, bias in _layers(arrays, len(sizes) - 1)]
    if shapes != [((n, m), (m,)) for n, m in pairwise(sizes)]:
        raise ModelFileError(f"coefs_ and intercepts_ must fit the layers {sizes}, got {shapes}.")
    for column, values in getattr(estimator, "history_", {}).items():
        arrays[f"history.{column}"] = np.asarray(values, np.float64)
    if estimator.validation_scores_ is not None:
        arrays["validation_scores"] = np.asarray(estimator.validation_scores_, np.float64)
    return arrays


def _layers(arrays: Mapping[str, np.ndarray], n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(arrays[f"coefs.{i}"], arrays[f"intercepts.{i}"]) for i in range(n)]


def _encode_classes(classes: np.ndarray) -> dict[str, Any]:
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


# And back -------------------------------------------------------------------------------------


def rebuild(
    params: Mapping[str, Any], fitted: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> MLPClassifier:
    """Make the classifier again."""
    known = inspect.signature(MLPClassifier).parameters
    estimator: Any = MLPClassifier(**decode_params(params, known))
    estimator._check_parameters()
    _restore_classes(estimator, fitted)
    _restore_network(estimator, fitted, arrays)
    _restore_figures(estimator, fitted, arrays)
    estimator._seed = take(fitted, "seed", int)
    estimator._resumable = FreshOptimizer()
    return estimator


def _restore_classes(estimator: MLPClassifier, fitted: Mapping[str, Any]) -> None:
    classes = fitted.get("classes")
    if not isinstance(classes, dict):
        raise ModelFileError("its value 'classes' is missing.")
    labels, dtype = take(classes, "values", list), take(classes, "dtype", str)
    if not labels or not all(isinstance(label, bool | int | float | str) for label in labels):
        raise ModelFileError(f"its classes must be a list of labels, got {labels}.")
    try:
        estimator.classes_ = np.array(labels, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelFileError(f"its classes are no {dtype!r} values: {error}.") from error
    estimator._multilabel = take(fitted, "multilabel", bool)
    estimator.out_activation_ = estimator._loss_name()


def _restore_network(
    estimator: MLPClassifier, fitted: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    sizes = tuple(take(fitted, "layer_sizes", list))
    if len(sizes) < 2 or not all(type(size) is int and size > 0 for size in sizes):
        raise ModelFileError(f"its layer sizes must be positive integers, got {sizes}.")
    if sizes[-1] != estimator._n_outputs():
        raise ModelFileError(
            f"its {len(estimator.classes_)} classes do not fit {sizes[-1]} output units."
        )
    estimator._layer_sizes = sizes
    estimator.coefs_, estimator.intercepts_ = [], []
    for i, (n, m) in enumerate(pairwise(sizes)):
        estimator.coefs_.append(take_array(arrays, f"coefs.{i}", (n, m)))
        estimator.intercepts_.append(take_array(arrays, f"intercepts.{i}", (m,)))
        require_finite(f"its array 'coefs.{i}'", estimator.coefs_[i])
        require_finite(f"its array 'intercepts.{i}'", estimator.intercepts_[i])
    estimator.n_layers_, estimator.n_outputs_ = len(sizes), sizes[-1]
    estimator.n_features_in_ = sizes[0]
    names = take_names(fitted, sizes[0])
    if names is not None:
        estimator.feature_names_in_ = names


def _restore_figures(
    estimator: MLPClassifier, fitted: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    for name, kind in FIGURES.items():
        if (key := name.removesuffix("_")) in fitted:
            setattr(estimator, name, take(fitted, key, kind))
    for name in MAYBE_NONE:
        if (key := name.removesuffix("_")) in fitted:
            setattr(estimator, name, None if fitted[key] is None else take(fitted, key, float))
    scores = "validation_scores" in arrays
    estimator.validation_scores_ = (
        take_array(arrays, "validation_scores", (-1,)).tolist() if scores else None
    )
    columns = take(fitted, "history", list)
    history = {name: take_array(arrays, f"history.{name}", (-1,)) for name in columns}
    if len({len(column) for column in history.values()}) > 1:
        raise ModelFileError("the columns of its history differ in length.")
    if history:
        estimator.history_ = history
    estimator.loss_curve_ = history["loss"].tolist() if "loss" in history else []
    estimator._history_rows = _rows(history)


def _rows(history: Mapping[str, np.ndarray]) -> list[dict[str, float]]:
    """Return the columns of a history as one dictionary per epoch."""
    lists = [
        [int(value) for value in column] if name in WHOLE_NUMBERS else column.tolist()
        for name, column in history.items()
    ]
    return [dict(zip(history, row, strict=True)) for row in zip(*lists, strict=True)]
