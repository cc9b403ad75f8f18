"""A fitted Perceptron as plain data and back: all of it."""

from typing import Any

import numpy as np
from scipy import sparse

from multilayer._core.errors import ModelFileError
from multilayer.estimators import target_state
from multilayer.estimators.perceptron import Perceptron
from multilayer.estimators.perceptron_arguments import check_arguments
from multilayer.estimators.stored import (
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
from multilayer.estimators.target_kinds import BINARY, MULTIOUTPUT

FIGURES: dict[str, type] = {"t_": int, "n_iter_": int, "n_updates_": int, "converged_": bool}


def params(estimator: Perceptron) -> dict[str, Any]:
    """Return the constructor's arguments as JSON; a random generator becomes None."""
    check_arguments(estimator)
    given = estimator.get_params(deep=False)
    generator = isinstance(given["random_state"], np.random.RandomState)
    return encode_params(given, ("random_state",) if generator else ())


def fitted(estimator: Perceptron) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the fitted values, as JSON and as arrays."""
    values, arrays = target_state.encode_target(estimator)
    values |= {
        "n_features": estimator.n_features_in_,
        "feature_names": encode_names(getattr(estimator, "feature_names_in_", None)),
        **{name.strip("_"): kind(getattr(estimator, name)) for name, kind in FIGURES.items()},
    }
    arrays["intercept"] = estimator.intercept_
    coef = estimator.coef_
    if sparse.issparse(coef):
        parts = {"coef.data": coef.data, "coef.indices": coef.indices, "coef.indptr": coef.indptr}
        arrays |= parts
    else:
        arrays["coef"] = coef
    for name in ("intercept", "coef", "coef.data"):
        require_finite(f"its array {name!r}", arrays.get(name, np.zeros(0)))
    return values, arrays


def rebuild(params: Values, fitted: Values, arrays: Arrays) -> Perceptron:
    """Make the perceptron again."""
    estimator = Perceptron(**decode_params(params, Perceptron().get_params()))
    check_arguments(estimator)
    target_state.restore_target(estimator, fitted, arrays)
    if estimator._target_kind == MULTIOUTPUT:
        raise ModelFileError("a Perceptron has one column of classes, or an indicator matrix.")
    n_units = 1 if estimator._target_kind == BINARY else len(estimator.classes_)
    n_features = estimator.n_features_in_ = take_count(fitted, "n_features", 1)
    names = take_names(fitted, n_features)
    if names is not None:
        estimator.feature_names_in_ = names
    for name, kind in FIGURES.items():
        setattr(estimator, name, take(fitted, name.strip("_"), kind))
    estimator.intercept_ = take_array(arrays, "intercept", (n_units,))
    estimator.coef_ = _take_coef(arrays, (n_units, n_features))
    return estimator


def _take_coef(arrays: Arrays, shape: tuple[int, int]) -> Any:
    """Return the weights: an array, or CSR after sparsify."""
    if "coef.data" not in arrays:
        return take_array(arrays, "coef", shape)
    data = take_array(arrays, "coef.data", (-1,))
    indices = take_array(arrays, "coef.indices", data.shape, "i")
    indptr = take_array(arrays, "coef.indptr", (shape[0] + 1,), "i")
    if indptr[0] != 0 or indptr[-1] != len(data) or (indptr[1:] < indptr[:-1]).any():
        raise ModelFileError(
            "its weights are no sparse matrix: its rows overlap or leave some out."
        )
    try:
        coef = sparse.csr_matrix((data, indices, indptr), shape)
        coef.check_format(full_check=True)
    except ValueError as error:
        raise ModelFileError(f"its weights are no sparse matrix: {error}.") from error
    return coef
