"""Projections, selections of columns and splines."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer.estimators.steps.attributes import Array, Plain, State
from multilayer.estimators.steps.declared import Declared
from multilayer.estimators.stored import Arrays, require_finite, take_array

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

    def take(self, name: str, state: State, step: Any) -> list[Any]:
        """Return the splines, as fit makes them of the knots."""
        from scipy.interpolate import BSpline

        knots = take_array(state.arrays, name, (-1, state.sizes["n_features"]))
        degree, periodic = step.degree, step.extrapolation == "periodic"
        n_splines = len(knots) - degree - 1
        n_ends = degree if periodic else 0  # the last splines are the first ones again
        if not 0 < n_splines - n_ends <= n_splines or not knots.shape[1]:
            raise ModelFileError(f"its {len(knots)} knots do not fit splines of degree {degree}.")
        state.arrays.spend(16 * n_splines**2 + KNOTS_COST * knots.shape[1])
        coef = np.eye(n_splines - n_ends)
        coef = np.concatenate((coef, coef[:n_ends]))
        goes_on = step.extrapolation in ("periodic", "continue")
        return [
            BSpline.construct_fast(column, coef, degree, extrapolate=goes_on)
            for column in np.ascontiguousarray(knots.T)
        ]


def _count_splines(step: Any, arrays: Arrays) -> None:
    n_splines = step.bsplines_[0].c.shape[1]
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
        finish=_count_splines,
    ),
)
