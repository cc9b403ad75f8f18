"""A fitted Perceptron as plain data and back: all of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._sklearn.perceptron.arguments import PerceptronArguments, check_arguments
from multilayer._sklearn.saving.fitted_values import ClassTarget, encode_classes, take_classes
from multilayer._sklearn.saving.model_steps import LABELS, Shape
from multilayer._sklearn.saving.reader import (
    StoredArrays,
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
from multilayer._sklearn.targets.class_outputs import BINARY, MULTIOUTPUT

if TYPE_CHECKING:
    from multilayer._sklearn.perceptron.estimator import Perceptron

COUNTS = ("t_", "n_iter_", "n_updates_")
FLAG = "converged_"
SPARSE = ("coef.data", "coef.indices", "coef.indptr")
"""The three arrays of a CSR matrix."""

# To plain data ----------------------------------------------------------------------------------


def params(estimator: "Perceptron") -> dict[str, JSON]:
    """Return the constructor's arguments as JSON; a random generator becomes None."""
    check_arguments(estimator)
    given = estimator.get_params(deep=False)
    generator = isinstance(given["random_state"], np.random.RandomState)
    return encode_params(given, ("random_state",) if generator else ())


def fitted(estimator: "Perceptron") -> tuple[dict[str, JSON], dict[str, np.ndarray]]:
    """Return the fitted values, as JSON and as arrays."""
    values, arrays = encode_classes(estimator.classes_, estimator._target_kind)
    values |= {
        "n_features": estimator.n_features_in_,
        "feature_names": encode_names(getattr(estimator, "feature_names_in_", None)),
        **{name.strip("_"): int(getattr(estimator, name)) for name in COUNTS},
        FLAG.strip("_"): bool(estimator.converged_),
    }
    arrays["intercept"] = estimator.intercept_
    coef = estimator.coef_
    if isinstance(coef, np.ndarray):
        arrays["coef"] = coef
    else:  # after sparsify
        arrays |= dict(zip(SPARSE, (coef.data, coef.indices, coef.indptr), strict=True))
    for name in ("intercept", "coef", "coef.data"):
        require_finite(f"its array {name!r}", arrays.get(name, np.zeros(0)))
    return values, arrays


# From plain data to values ----------------------------------------------------------------------


@dataclass(frozen=True)
class SparseRows:
    """The arrays of a CSR matrix, checked."""

    data: np.ndarray
    indices: np.ndarray
    bounds: np.ndarray  # of the rows


@dataclass(frozen=True)
class PerceptronValues:
    """A fitted perceptron as a file has it, checked."""

    arguments: PerceptronArguments
    target: ClassTarget
    n_features: int
    feature_names: np.ndarray | None
    figures: Mapping[str, int]  # counts of the training, and a flag, by attribute
    intercept: np.ndarray
    coef: np.ndarray | SparseRows


def parse_perceptron(
    params: Values, fitted: Values, arrays: StoredArrays
) -> tuple[PerceptronValues, Shape]:
    """Return the values of a perceptron, and what it takes and returns."""
    given = decode_params(params, vars(PerceptronArguments()))
    arguments = PerceptronArguments(**given)  # type: ignore[arg-type]  # of any type until checked
    check_arguments(arguments)
    target = take_classes(fitted, arrays)
    if target.kind == MULTIOUTPUT:
        raise ModelFileError("a Perceptron has one column of classes, or an indicator matrix.")
    n_units = 1 if target.kind == BINARY else len(target.classes)
    n_features = take_count(fitted, "n_features", 1)
    values = PerceptronValues(
        arguments,
        target,
        n_features,
        take_names(fitted, n_features),
        {
            **{name: take_count(fitted, name.strip("_")) for name in COUNTS},
            FLAG: take(fitted, FLAG.strip("_"), bool),
        },
        take_array(arrays, "intercept", (n_units,)),
        _take_coef(arrays, (n_units, n_features)),
    )
    return values, Shape(n_features, None, transforms=False, predicts=LABELS)


def _take_coef(arrays: StoredArrays, shape: tuple[int, int]) -> np.ndarray | SparseRows:
    """Return the weights, which are sparse after sparsify."""
    if SPARSE[0] not in arrays:
        return take_array(arrays, "coef", shape)
    data = take_array(arrays, SPARSE[0], (-1,))
    indices = take_array(arrays, SPARSE[1], data.shape, "i")
    bounds = take_array(arrays, SPARSE[2], (shape[0] + 1,), "i")
    if bounds[0] != 0 or bounds[-1] != len(data) or (bounds[1:] < bounds[:-1]).any():
        raise ModelFileError(
            "its weights are no sparse matrix: its rows overlap or leave some out."
        )
    if len(indices) and not (indices.min() >= 0 and indices.max() < shape[1]):
        raise ModelFileError(
            f"its weights are no sparse matrix: its columns are not among {shape[1]}."
        )
    return SparseRows(data, indices, bounds)


# And from values to the estimator ---------------------------------------------------------------


def build(cls: "type[Perceptron]", values: PerceptronValues) -> "Perceptron":
    """Return the perceptron that has these values."""
    estimator = cls(**vars(values.arguments))
    attributes = {
        **values.target.attributes(),
        **values.figures,
        "n_features_in_": values.n_features,
        "intercept_": values.intercept,
        "coef_": values.coef,
    }
    if values.feature_names is not None:
        attributes["feature_names_in_"] = values.feature_names
    if isinstance(values.coef, SparseRows):
        from scipy import sparse  # late: files are parsed without it

        rows, shape = values.coef, (len(values.intercept), values.n_features)
        attributes["coef_"] = sparse.csr_matrix((rows.data, rows.indices, rows.bounds), shape)
    for name, value in attributes.items():
        setattr(estimator, name, value)
    return estimator
