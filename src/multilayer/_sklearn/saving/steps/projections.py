"""Projections, selections of columns and splines."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.model_steps import FittedStep
from multilayer._sklearn.saving.reader import StoredArrays, require_finite, take_array
from multilayer._sklearn.saving.steps.argument_rules import (
    AUTO,
    FLAG,
    LIST,
    ORDER,
    SEED,
    SHARE,
    count,
    either,
    of_type,
    one_of,
    real,
)
from multilayer._sklearn.saving.steps.attributes import Array, Encoded, Plain, Size, Stored
from multilayer._sklearn.saving.steps.transformer_kind import TransformerKind, Words

if TYPE_CHECKING:
    from scipy.interpolate import BSpline
    from sklearn.base import BaseEstimator

KNOTS_COST = 1_000  # bytes of the splines of a feature, beside their knots
SPECTRUM = ("explained_variance_", "explained_variance_ratio_", "singular_values_")
PROJECTION = {"components_": Array(("n_components", "n_features"))} | {
    name: Array(("n_components",)) for name in SPECTRUM
}
POWER_ITERATION = one_of("auto", "LU", "QR", "none")
SCORES = (
    *("f_classif", "f_regression", "chi2", "r_regression"),
    *("mutual_info_classif", "mutual_info_regression"),
)


def _score_functions() -> Mapping[str, Callable]:
    """Return the score functions that can be saved."""
    from sklearn import feature_selection  # late, as SciPy below: files are parsed without it

    return {name: getattr(feature_selection, name) for name in SCORES}


def _n_components(step: FittedStep) -> int:
    return len(step.components_)


class Knots:
    """B-splines of the features, encoded as their knots."""

    def encode(self, name: str, value: "Sequence[BSpline]", into: Encoded) -> None:
        """Add the knots of all features."""
        knots = np.column_stack([spline.t for spline in value])
        into.check_shape(name, knots.shape, ("n_knots", "n_features"))
        require_finite(name, knots)
        into.arrays[name] = knots

    def decode(self, name: str, stored: Stored, step: FittedStep) -> np.ndarray:
        """Return the knots ``(n_knots, n_features)``."""
        knots = take_array(stored.arrays, name, (-1, stored.sizes["n_features"]))
        n_splines = len(knots) - step.degree - 1
        if n_splines < max(1, 2 * _n_ends(step)) or not knots.shape[1]:
            raise ModelFileError(
                f"its {len(knots)} knots do not fit splines of degree {step.degree}."
            )
        return knots


def _n_ends(step: FittedStep) -> int:
    """Return how many of the last splines are the first ones again."""
    return step.degree if step.extrapolation == "periodic" else 0


def ends_of_lines(degree: int, place: int) -> tuple[int, int]:
    """Return the number of the knot where lines begin, and how many splines continue as one.

    Of a degree below 2 scikit-learn (1.6 to 1.9) adds one to both with each column, up to 2: its
    columns after the first continue in lines from within the knots. Prediction must match
    training.
    """
    inner = degree if degree > 1 else min(degree + place, 2)
    return inner, max(inner, min(inner + 1, 2))


def _fit_splines(step: FittedStep, arrays: StoredArrays) -> None:
    """Refuse splines that cannot be extrapolated as `extrapolation` asks."""
    n_knots, n_columns = step.bsplines_.shape
    arrays.spend(16 * (n_knots - step.degree - 1) ** 2 + KNOTS_COST * n_columns)
    if step.extrapolation == "linear":
        inner, _ = ends_of_lines(step.degree, n_columns - 1)
        if inner >= n_knots:
            raise ModelFileError(f"its SplineTransformer has {n_knots} knots: too few.")


def _n_splines(step: FittedStep) -> int:
    """Return the number of output columns per input column."""
    n_made = len(step.bsplines_) - step.degree - 1
    return int(n_made - _n_ends(step) - 1 + step.include_bias)


def _make_splines(step: "BaseEstimator") -> None:
    """Make the splines from their knots, as fit does, and count the output columns."""
    from scipy.interpolate import BSpline

    knots, n_ends, n_out = step.bsplines_, _n_ends(step), step.n_features_in_ * _n_splines(step)
    n_made = len(knots) - step.degree - 1
    n_splines = n_made - n_ends
    coef = np.eye(n_splines)
    coef = np.concatenate((coef, coef[:n_ends]))
    goes_on = step.extrapolation in ("periodic", "continue")
    step.bsplines_ = [
        BSpline.construct_fast(column, coef, step.degree, extrapolate=goes_on)
        for column in np.ascontiguousarray(knots.T)
    ]
    step.n_features_out_ = n_out


KINDS = (
    TransformerKind(
        "PCA",
        "sklearn.decomposition",
        {
            "n_components": either(one_of(None, "mle"), count(0), SHARE),
            **dict.fromkeys(("copy", "whiten"), FLAG),
            "svd_solver": one_of("auto", "full", "covariance_eigh", "arpack", "randomized"),
            "tol": real(0),
            "iterated_power": either(AUTO, count(0)),
            "n_oversamples": count(1),
            "power_iteration_normalizer": POWER_ITERATION,
            "random_state": SEED,
        },
        PROJECTION
        | {
            "mean_": Array(),
            "n_components_": Size("n_components"),
            "n_samples_": Plain(int),
            "noise_variance_": Array(()),
            "_fit_svd_solver": Plain(str),
        },
        inverts=True,
        n_out=_n_components,
    ),
    TransformerKind(
        "TruncatedSVD",
        "sklearn.decomposition",
        {
            "n_components": count(1),
            "algorithm": one_of("arpack", "randomized"),
            "n_iter": count(0),
            "n_oversamples": count(1),
            "power_iteration_normalizer": POWER_ITERATION,
            "random_state": SEED,
            "tol": real(0),
        },
        PROJECTION,
        inverts=True,
        n_out=_n_components,
    ),
    TransformerKind(
        "VarianceThreshold",
        "sklearn.feature_selection",
        {"threshold": real(0)},
        {"variances_": Array(any_number=True)},
        inverts=True,
        n_out=lambda step: int((step.variances_ > step.threshold).sum()),
    ),
    TransformerKind(
        "SelectKBest",
        "sklearn.feature_selection",
        {"score_func": of_type(str), "k": either(one_of("all"), count(0))},
        {
            "scores_": Array(kinds="fiu", any_number=True),
            "pvalues_": Array(any_number=True, needed=lambda step: False),
        },
        words={"score_func": Words(SCORES, _score_functions)},
        inverts=True,
        n_out=lambda step: (
            step.n_features_in_ if step.k == "all" else min(step.k, len(step.scores_))
        ),
    ),
    TransformerKind(
        "SplineTransformer",
        "sklearn.preprocessing",
        {
            "n_knots": count(2),
            "degree": count(0),
            "knots": either(one_of("uniform", "quantile"), LIST),
            "extrapolation": one_of("error", "constant", "linear", "continue", "periodic"),
            "include_bias": FLAG,
            "order": ORDER,
            "handle_missing": one_of("error", "zeros"),
            "sparse_output": FLAG,
        },
        {"bsplines_": Knots()},
        varying=("handle_missing",),
        fits=_fit_splines,
        n_out=lambda step: step.n_features_in_ * _n_splines(step),
        finish=_make_splines,
    ),
)
