"""Scalers and what else turns each column of numbers into another."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from multilayer._core.errors import DataError
from multilayer._portable.predictor import Transform, Transforms, real
from multilayer._sklearn.saving.model_steps import TransformerValues

BOUNDS_THRESHOLD = 1e-7  # of quantiles taken for the ends, as in scikit-learn


def in_turn(*operations: tuple[np.ufunc, np.ndarray]) -> Transform:
    """Return a transform that does arithmetic with a vector after another, in the type of X."""

    def transform(X: np.ndarray) -> np.ndarray:
        X = real(X, missing=True).copy()
        for operation, vector in operations:
            operation(X, vector, out=X, casting="same_kind")
        return X

    return transform


def standard(step: TransformerValues) -> Transform:
    """(x - mean) / scale."""
    centred = [(np.subtract, step.mean_)] if step.with_mean else []
    return in_turn(*centred, *([(np.divide, step.scale_)] if step.with_std else []))


def robust(step: TransformerValues) -> Transform:
    """(x - center) / scale."""
    centred = [(np.subtract, step.center_)] if step.with_centering else []
    return in_turn(*centred, *([(np.divide, step.scale_)] if step.with_scaling else []))


def min_max(step: TransformerValues) -> Transform:
    """X * scale + min, cut off at the range where `clip` is on."""
    scaled = in_turn((np.multiply, step.scale_), (np.add, step.min_))
    if not step.clip:
        return scaled
    low, high = np.asarray(step.feature_range, np.float64)
    return lambda X: np.clip(scaled(X), low, high).astype(real(X, missing=True).dtype)


def max_abs(step: TransformerValues) -> Transform:
    """X / scale, cut off at 1 where `clip` is on."""
    scaled = in_turn((np.divide, step.scale_))
    clips = step.arguments.get("clip", False)  # an argument that older releases lack
    return (lambda X: np.clip(scaled(X), -1.0, 1.0)) if clips else scaled


NORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "l1": lambda X: np.abs(X).sum(axis=1),
    "l2": lambda X: np.sqrt(np.square(X).sum(axis=1)),
    "max": lambda X: np.abs(X).max(axis=1),
}


def normalizer(step: TransformerValues) -> Transform:
    """Each row over its norm."""
    norm = NORMS[step.norm]

    def transform(X: np.ndarray) -> np.ndarray:
        X = real(X)
        norms = norm(X)[:, None]
        return X / np.where(norms == 0, 1, norms).astype(X.dtype)

    return transform


def binarizer(step: TransformerValues) -> Transform:
    """Whether x is above the threshold."""
    threshold = step.threshold

    def transform(X: np.ndarray) -> np.ndarray:
        X = real(X)
        return (threshold < X).astype(X.dtype)

    return transform


def nothing(step: TransformerValues) -> Transform:
    """X itself."""
    return lambda X: X


# Distributions --------------------------------------------------------------------------------


def power(step: TransformerValues) -> Transform:
    """Yeo and Johnson's (2000) or Box and Cox's (1964) transform; `standardize` adds a scaler."""
    of_column = _box_cox if is_box_cox(step) else _yeo_johnson
    scaled: Transform = standard(step._scaler) if step.standardize else (lambda X: X)
    lambdas = step.lambdas_

    def transform(X: np.ndarray) -> np.ndarray:
        X = real(X, missing=True)
        columns = [of_column(X[:, i], value) for i, value in enumerate(lambdas)]
        return scaled(np.column_stack(columns).astype(X.dtype))

    return transform


def is_box_cox(step: TransformerValues) -> bool:
    """Whether a PowerTransformer has Box and Cox's transform."""
    return step.method == "box-cox"


def _yeo_johnson(x: np.ndarray, power: float) -> np.ndarray:
    up, down = np.maximum(x, 0), np.maximum(-x, 0)
    positive = np.log1p(up) if power == 0 else np.expm1(power * np.log1p(up)) / power
    rest = 2 - power
    negative = np.log1p(down) if rest == 0 else np.expm1(rest * np.log1p(down)) / rest
    return np.where(np.isnan(x), x, np.where(x >= 0, positive, -negative))


def _box_cox(x: np.ndarray, power: float) -> np.ndarray:
    if (x <= 0).any():
        raise DataError("X must be above 0 for the Box-Cox transformation.")
    return np.log(x) if power == 0 else np.expm1(power * np.log(x)) / power


def quantile(step: TransformerValues) -> Transform:
    """The share of training values below x, or the normal number with that share below it."""
    normal = is_normal(step)
    quantiles, references = step.quantiles_, step.references_

    def transform(X: np.ndarray) -> np.ndarray:
        X = real(X, missing=True)
        margin = BOUNDS_THRESHOLD if normal else 0.0
        columns = [_share(X[:, i], q, references, margin) for i, q in enumerate(quantiles.T)]
        shares = np.column_stack(columns).astype(X.dtype)
        return _normal(shares) if normal else shares

    return transform


def is_normal(step: TransformerValues) -> bool:
    """Whether a QuantileTransformer makes normal numbers."""
    return step.output_distribution == "normal"


def _share(
    x: np.ndarray, quantiles: np.ndarray, references: np.ndarray, margin: float
) -> np.ndarray:
    """Interpolate from both sides: in a run of equal quantiles the middle is meant."""
    rising = np.interp(x, quantiles, references)
    falling = np.interp(-x, -quantiles[::-1], -references[::-1])
    share = 0.5 * (rising - falling)
    share[x + margin > quantiles[-1] if margin else x == quantiles[-1]] = 1
    share[x - margin < quantiles[0] if margin else x == quantiles[0]] = 0
    return share


def _normal(shares: np.ndarray) -> np.ndarray:
    inverse = NormalDist().inv_cdf
    margin = BOUNDS_THRESHOLD - np.spacing(1)
    inside = np.clip(shares.astype(np.float64), margin / 10, 1 - margin / 10)
    values = [inverse(share) if share == share else share for share in inside.ravel().tolist()]
    normal = np.clip(np.reshape(values, shares.shape), inverse(margin), inverse(1 - margin))
    return normal.astype(shares.dtype)


TRANSFORMS: Transforms = {
    "Binarizer": binarizer,
    "FunctionTransformer": nothing,
    "MaxAbsScaler": max_abs,
    "MinMaxScaler": min_max,
    "Normalizer": normalizer,
    "PowerTransformer": power,
    "QuantileTransformer": quantile,
    "RobustScaler": robust,
    "StandardScaler": standard,
}
