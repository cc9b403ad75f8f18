"""What the units of a perceptron start from."""

from typing import Any

import numpy as np
from scipy import sparse

from multilayer._core.checks import refuse
from multilayer._sklearn.perceptron.rule import Unit


def first_units(n_units: int, n_features: int, coef_init: Any, intercept_init: Any) -> list[Unit]:
    """Return new units with copies of given weights and biases, of 0 where none are given."""
    weights = started("coef_init", coef_init, (n_units, n_features))
    biases = started("intercept_init", intercept_init, (n_units,))
    return [Unit(each, float(bias)) for each, bias in zip(weights, biases, strict=True)]


def started(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return a copy in float64, in this shape."""
    if value is None:
        return np.zeros(shape)
    given = np.array(value.toarray() if sparse.issparse(value) else value, np.float64)
    if given.shape == shape:
        return given
    if shape[0] == 1 and given.shape == shape[1:]:  # of one unit, without its dimension
        return given.reshape(shape)
    return refuse(name, f"an array of shape {shape}", given.shape)
