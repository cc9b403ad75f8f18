"""Projections, selections of columns and splines."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.reader import Arrays, require_finite, take_array
from multilayer._sklearn.saving.steps.attributes import Array, Plain, Size, State
from multilayer._sklearn.saving.steps.declared import Declared, Words

KNOTS_COST = 1_000  # bytes of the splines of a feature, beside their knots
SPECTRUM = ("explained_variance_", "explained_variance_ratio_", "singular_values_")
PROJECTION = {"components_": Array(("n_components", "n_features"))} | {
    name: Array(("n_components",)) for name in SPECTRUM
}


SCORES = (
    *("f_classif", "f_regression", "chi2", "r_regression"),
    *("mutual_info_classif", "mutual_info_regression"),
)


def _score_functions() -> Mapping[str, Any]:
    """Return the functions that a selection may be made by."""
    from sklearn import feature_selection

    return {name: getattr(feature_selection, name) for name in SCORES}


def _n_components(step: Any) -> int:
    return len(step.components_)


class Knots:
    """B-splines of the features: their knots say all."""

    def encode(self, name: str, value: Any, state: State) -> None:
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


def ends_of_lines(degree: int, place: int) -> tuple[int, int]:
    """Return the number of the knot where lines begin, and how many splines go on as one.

    Of a degree below 2 scikit-learn (1.6 to 1.9) adds one to both with each column, up to 2: its
    columns after the first go on in lines from within the knots. What is predicted must be
    what was trained with.
    """
    inner = degree if degree > 1 else min(degree + place, 2)
    return inner, max(inner, min(inner + 1, 2))


def _fit_splines(step: Any, arrays: Arrays) -> None:
    """Refuse splines that cannot go on beyond their knots as they are asked to."""
    n_knots, n_columns = step.bsplines_.shape
    arrays.spend(16 * (n_knots - step.degree - 1) ** 2 + KNOTS_COST * n_columns)
    if step.extrapolation == "linear":
        inner, _ = ends_of_lines(step.degree, n_columns - 1)
        if inner >= n_knots:
            raise ModelFileError(f"its SplineTransformer has {n_knots} knots: too few.")


def _n_splines(step: Any) -> int:
    """Return how many columns splines of these knots make of one, by `include_bias` one less."""
    n_made = len(step.bsplines_) - step.degree - 1
    return int(n_made - _n_ends(step) - 1 + step.include_bias)


def _make_splines(step: Any) -> None:
    """Make the splines of their knots, as fit does, and count them."""
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
    Declared(
        "PCA",
        "sklearn.decomposition",
        PROJECTION
        | {
            "mean_": Array(),
            "n_components_": Size("n_components"),
            "n_samples_": Plain(int),
            "noise_variance_": Array(()),
            "_fit_svd_solver": Plain(str),
        },
        n_out=_n_components,
    ),
    Declared("TruncatedSVD", "sklearn.decomposition", PROJECTION, n_out=_n_components),
    Declared(
        "VarianceThreshold",
        "sklearn.feature_selection",
        {"variances_": Array(any_number=True)},
        n_out=lambda step: int((step.variances_ > step.threshold).sum()),
    ),
    Declared(
        "SelectKBest",
        "sklearn.feature_selection",
        {
            "scores_": Array(kinds="fiu", any_number=True),
            "pvalues_": Array(any_number=True, needed=lambda step: False),
        },
        words={"score_func": Words(SCORES, _score_functions)},
        n_out=lambda step: (
            step.n_features_in_ if step.k == "all" else min(step.k, len(step.scores_))
        ),
    ),
    Declared(
        "SplineTransformer",
        "sklearn.preprocessing",
        {"bsplines_": Knots()},
        varying=("handle_missing",),
        fits=_fit_splines,
        n_out=lambda step: step.n_features_in_ * _n_splines(step),
        finish=_make_splines,
    ),
)
