"""From what a regressor was trained on back to the targets that were given."""

import math

import numpy as np

from multilayer._portable import scaling
from multilayer._portable.predictor import Transform, real
from multilayer._portable.scaling import BOUNDS_THRESHOLD, in_turn
from multilayer._sklearn.saving.model_steps import TransformerValues


def standard(step: TransformerValues) -> Transform:
    """X * scale + mean."""
    scaled = [(np.multiply, step.scale_)] if step.with_std else []
    return in_turn(*scaled, *([(np.add, step.mean_)] if step.with_mean else []))


def robust(step: TransformerValues) -> Transform:
    """X * scale + center."""
    scaled = [(np.multiply, step.scale_)] if step.with_scaling else []
    return in_turn(*scaled, *([(np.add, step.center_)] if step.with_centering else []))


def min_max(step: TransformerValues) -> Transform:
    """(x - min) / scale."""
    return in_turn((np.subtract, step.min_), (np.divide, step.scale_))


def max_abs(step: TransformerValues) -> Transform:
    """X * scale."""
    return in_turn((np.multiply, step.scale_))


def principal(step: TransformerValues) -> Transform:
    """The place that has these coordinates along the principal components."""
    components, mean = step.components_, step.mean_
    if step.whiten:
        components = np.sqrt(step.explained_variance_[:, None]) * components
    return lambda X: real(X) @ components + mean


def singular(step: TransformerValues) -> Transform:
    """The place that has these coordinates along the singular vectors."""
    components = step.components_
    return lambda X: real(X) @ components


# Distributions ----------------------------------------------------------------------------------


def power(step: TransformerValues) -> Transform:
    """Back from the transform of Yeo and Johnson, or of Box and Cox, and from its scaler."""
    of_column = _box_cox if scaling.is_box_cox(step) else _yeo_johnson
    unscaled: Transform = standard(step._scaler) if step.standardize else (lambda X: X)
    lambdas = step.lambdas_

    def transform(X: np.ndarray) -> np.ndarray:
        X = unscaled(real(X, missing=True))
        columns = [of_column(X[:, i], value) for i, value in enumerate(lambdas)]
        return np.column_stack(columns).astype(X.dtype)

    return transform


def _yeo_johnson(x: np.ndarray, power: float) -> np.ndarray:
    found, up = np.empty(x.shape), x >= 0
    positive, negative, rest = x[up], x[~up], 2 - power
    tiny = np.spacing(1.0)  # below it a power is taken for 0, as in scikit-learn
    if abs(power) < tiny:
        found[up] = np.exp(positive) - 1
    else:
        found[up] = np.power(positive * power + 1, 1 / power) - 1
    if abs(rest) > tiny:
        found[~up] = 1 - np.power(-rest * negative + 1, 1 / rest)
    else:
        found[~up] = 1 - np.exp(-negative)
    return found


def _box_cox(x: np.ndarray, power: float) -> np.ndarray:
    return np.exp(x) if power == 0 else np.exp(np.log1p(power * x) / power)


def quantile(step: TransformerValues) -> Transform:
    """The training value with this share below it, or with that of this normal number."""
    normal, quantiles, references = scaling.is_normal(step), step.quantiles_, step.references_
    margin = BOUNDS_THRESHOLD if normal else 0.0

    def of_column(x: np.ndarray, own: np.ndarray) -> np.ndarray:
        values = np.interp(x, references, own)
        values[x + margin > 1 if margin else x == 1] = own[-1]
        values[x - margin < 0 if margin else x == 0] = own[0]
        return values

    def transform(X: np.ndarray) -> np.ndarray:
        X = real(X, missing=True)
        shares = _share(X) if normal else X
        columns = [of_column(shares[:, i], own) for i, own in enumerate(quantiles.T)]
        return np.column_stack(columns).astype(X.dtype)

    return transform


def _share(X: np.ndarray) -> np.ndarray:
    """Return the shares of normal numbers that are below these."""
    shares = [math.erfc(-x / math.sqrt(2)) / 2 for x in X.ravel().tolist()]
    return np.reshape(shares, X.shape)


INVERSES = {
    "FunctionTransformer": scaling.nothing,
    "MaxAbsScaler": max_abs,
    "MinMaxScaler": min_max,
    "PCA": principal,
    "PowerTransformer": power,
    "QuantileTransformer": quantile,
    "RobustScaler": robust,
    "StandardScaler": standard,
    "TruncatedSVD": singular,
}
"""What undoes each kind of step; other kinds cannot be undone here."""
