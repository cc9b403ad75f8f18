"""A perceptron as a file describes it, read with NumPy alone."""

from typing import Any

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.perceptron.arguments import PerceptronArguments, check_arguments
from multilayer._sklearn.saving import target_state
from multilayer._sklearn.saving.reader import (
    Arrays,
    Values,
    decode_params,
    take,
    take_array,
    take_count,
    take_names,
)
from multilayer._sklearn.targets.target_kinds import BINARY, MULTIOUTPUT

COUNTS = ("t_", "n_iter_", "n_updates_")
FLAG = "converged_"
SPARSE = ("coef.data", "coef.indices", "coef.indptr")


def read_perceptron(cls: type, params: Values, fitted: Values, arrays: Arrays) -> Any:
    """Return an instance of a class with the arguments and attributes of a perceptron.

    ``coef_`` is an array, or the three of a CSR matrix, checked.
    """
    holder = cls(**decode_params(params, vars(PerceptronArguments())))
    check_arguments(holder)
    target_state.restore_target(holder, fitted, arrays)
    if holder._target_kind == MULTIOUTPUT:
        raise ModelFileError("a Perceptron has one column of classes, or an indicator matrix.")
    n_units = 1 if holder._target_kind == BINARY else len(holder.classes_)
    n_features = holder.n_features_in_ = take_count(fitted, "n_features", 1)
    names = take_names(fitted, n_features)
    if names is not None:
        holder.feature_names_in_ = names
    for name in COUNTS:
        setattr(holder, name, take_count(fitted, name.strip("_")))
    setattr(holder, FLAG, take(fitted, FLAG.strip("_"), bool))
    holder.intercept_ = take_array(arrays, "intercept", (n_units,))
    holder.coef_ = _take_coef(arrays, (n_units, n_features))
    return holder


def _take_coef(arrays: Arrays, shape: tuple[int, int]) -> Any:
    """Return the weights: an array, or data, indices and bounds of the rows after sparsify."""
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
    return data, indices, bounds
