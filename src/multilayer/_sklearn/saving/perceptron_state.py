"""A fitted Perceptron as plain data and back: all of it."""

from typing import Any

import numpy as np
from scipy import sparse

from multilayer._sklearn.perceptron.arguments import check_arguments
from multilayer._sklearn.perceptron.estimator import Perceptron
from multilayer._sklearn.saving import target_state
from multilayer._sklearn.saving.perceptron_arrays import COUNTS, FLAG, SPARSE, read_perceptron
from multilayer._sklearn.saving.reader import (
    Arrays,
    Values,
    encode_names,
    encode_params,
    require_finite,
)


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
        **{name.strip("_"): int(getattr(estimator, name)) for name in COUNTS},
        FLAG.strip("_"): bool(estimator.converged_),
    }
    arrays["intercept"] = estimator.intercept_
    coef = estimator.coef_
    if sparse.issparse(coef):
        arrays |= dict(zip(SPARSE, (coef.data, coef.indices, coef.indptr), strict=True))
    else:
        arrays["coef"] = coef
    for name in ("intercept", "coef", "coef.data"):
        require_finite(f"its array {name!r}", arrays.get(name, np.zeros(0)))
    return values, arrays


def rebuild(params: Values, fitted: Values, arrays: Arrays) -> Perceptron:
    """Make the perceptron again."""
    estimator = read_perceptron(Perceptron, params, fitted, arrays)
    if isinstance(estimator.coef_, tuple):
        shape = (len(estimator.intercept_), estimator.n_features_in_)
        estimator.coef_ = sparse.csr_matrix(estimator.coef_, shape)
    return estimator
