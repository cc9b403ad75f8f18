"""Projections, selections of columns and splines."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer.estimators.steps.attributes import Array, Plain, State
from multilayer.estimators.steps.declared import Declared
from multilayer.estimators.stored import Arrays, require_finite, take_array

EXTRAPOLATIONS = ("error", "constant", "linear", "continue", "periodic")
KNOTS_COST = 1_000  # bytes of the splines of a feature, beside their knots
SPECTRUM = ("explained_variance_", "explained_variance_ratio_", "singular_values_")
PROJECTION = {"components_": Array(("n_components", "n_features"))} | {
    name: Array(("n_components",)) for name in SPECTRUM
}


def _score_functions() -> Mapping[str, Any]:
    """Return the functions that a selection may be made by."""
    from sklearn import feature_selection

    names = ("f_classif", "f_regression", "chi2", "r_regression")
    mutual = ("mutual_info_classif", "mutual_info_regression")
    return {name: getattr(feature_selection, name) for name in (*names, *mutual)}


class Knots:
    """B-splines of the features: their knots say all."""

    def tell(self, name: str, value: Any, state: State) -> None:
        """Put the knots of all features into a state."""
        knots = np.column_stack([spline.t for spline in value])
        state.check_shape(name, knots.shape, ("n_knots", "n_features"))
        require_finite(name, knots)
        state.arrays[name] = knots

    def take(self, name: str, state: State, step: Any) -> np.ndarray:
        """Return the knots ``(n_knots, n_features)``."""
        knots = take_array(state.arrays, name, (-1, state.sizes["n_features"]))
        n_splines = len(knots) - step.degree - 1
        if n_splines < max(1, 2 * _n_ends(step)) or not knots.shape[1]:
            raise ModelFileError(
                f"its {len(knots)} knots do not fit splines of degree {step.degree}."
            )
        return knots


def _n_ends(step: Any) -> int:
    """Return how many splines, the last ones, are the first ones again."""
    return step.degree if step.extrapolation == "periodic" else 0


def _check_splines(step: Any) -> None:
    """Refuse a degree or an extrapolation that is none."""
    degree, kind = step.degree, step.extrapolation
    if not isinstance(degree, Integral) or degree < 0 or kind not in EXTRAPOLATIONS:
        raise ModelFileError(
            f"its SplineTransformer must have a degree of at least 0 and an extrapolation, got "
            f"degree={degree!r}, extrapolation={kind!r}."
        )


def _make_splines(step: Any, arrays: Arrays) -> None:
    """Make the splines of their knots, as fit does, and count them."""
    from scipy.interpolate import BSpline

    knots, n_ends = step.bsplines_, _n_ends(step)
    n_made = len(knots) - step.degree - 1
    n_splines = n_made - n_ends
    arrays.spend(16 * n_made**2 + KNOTS_COST * knots.shape[1])
    coef = np.eye(n_splines)
    coef = np.concatenate((coef, coef[:n_ends]))
    goes_on = step.extrapolation in ("periodic", "continue")
    step.bsplines_ = [
        BSpline.construct_fast(column, coef, step.degree, extrapolate=goes_on)
        for column in np.ascontiguousarray(knots.T)
    ]
    step.n_features_out_ = step.n_features_in_ * (n_splines - 1 + step.include_bias)


KINDS = (
    Declared(
        "PCA",
        "sklearn.decomposition",
        PROJECTION
        | {
            "mean_": Array(),
            "n_components_": Plain(int),
            "n_samples_": Plain(int),
            "noise_variance_": Array(()),
            "_fit_svd_solver": Plain(str),
        },
    ),
    Declared("TruncatedSVD", "sklearn.decomposition", PROJECTION),
    Declared(
        "VarianceThreshold",
        "sklearn.feature_selection",
        {"variances_": Array(any_number=True)},
    ),
    Declared(
        "SelectKBest",
        "sklearn.feature_selection",
        {
            "scores_": Array(kinds="fiu", any_number=True),
            "pvalues_": Array(any_number=True, needed=lambda step: False),
        },
        words={"score_func": _score_functions},
    ),
    Declared(
        "SplineTransformer",
        "sklearn.preprocessing",
        {"bsplines_": Knots()},
        varying=("handle_missing",),
        check=_check_splines,
        finish=_make_splines,
    ),
)
