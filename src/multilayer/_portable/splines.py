"""B-splines of each column, and their extrapolation beyond the knots, as in scikit-learn."""

from collections.abc import Callable

import numpy as np

from multilayer._core.errors import DataError
from multilayer._portable.predictor import Transform, Transforms, real
from multilayer._sklearn.saving.model_steps import TransformerValues
from multilayer._sklearn.saving.steps.projections import ends_of_lines

Basis = Callable[[np.ndarray], np.ndarray]
"""Takes numbers ``(rows,)`` and returns the splines at each ``(rows, n_splines)``."""


def splines(step: TransformerValues) -> Transform:
    """The splines of each column side by side."""
    gaps = step.arguments.get("handle_missing", "error") == "zeros"  # older releases lack it
    sparse = bool(step.sparse_output)
    columns = [_column(step, knots, i, sparse=sparse) for i, knots in enumerate(step.bsplines_.T)]
    last = None if step.include_bias else -1

    def transform(X: np.ndarray) -> np.ndarray:
        X = real(X, missing=gaps)
        double = X.astype(np.float64, copy=False)
        parts = [column(double[:, i])[:, :last] for i, column in enumerate(columns)]
        return np.hstack(parts).astype(np.float64 if sparse else X.dtype, copy=False)

    return transform


def _column(step: TransformerValues, knots: np.ndarray, place: int, *, sparse: bool) -> Basis:
    """Return the splines of one column; NaN has none."""
    degree = step.degree
    match step.extrapolation:
        case "periodic":
            basis = _periodic(knots, degree)
        case "continue":
            basis = _basis(knots, degree)
        case "error":
            basis = _inside_alone(knots, degree)
        case "constant":
            basis = _bounded(knots, degree, degree, max(degree, sparse), rises=False)
        case _:
            inner, n_moved = ends_of_lines(degree, place)
            basis = _bounded(knots, degree, inner, n_moved, rises=True)

    def at(x: np.ndarray) -> np.ndarray:
        known = ~np.isnan(x)
        found = basis(x[known])
        values = np.zeros((len(x), found.shape[1]))
        values[known] = found
        return values

    return at


# Inside the knots -------------------------------------------------------------------------------


def _basis(knots: np.ndarray, degree: int, *, slopes: bool = False) -> Basis:
    """Return all splines that the knots make, or their slopes.

    By the recursion of de Boor (1978, chapter X): of each number only the ``degree + 1`` splines
    are worked out that are not 0 in the interval between knots that it lies in.
    """
    n_splines = len(knots) - degree - 1

    def at(x: np.ndarray) -> np.ndarray:
        interval = np.searchsorted(knots, x, side="right") - 1
        interval = np.clip(interval, degree, n_splines - 1)
        near = np.ones((len(x), 1))
        for order in range(1, degree + 1):
            near = _raised(knots, x, interval, near, order, slopes=slopes and order == degree)
        if slopes and degree == 0:
            near = np.zeros_like(near)
        values = np.zeros((len(x), n_splines))
        places = interval[:, None] + np.arange(-degree, 1)
        np.put_along_axis(values, places, near, axis=1)
        return values

    return at


def _raised(
    knots: np.ndarray,
    x: np.ndarray,
    interval: np.ndarray,
    near: np.ndarray,
    order: int,
    *,
    slopes: bool,
) -> np.ndarray:
    """Return the splines of an order, or their slopes, from those of the order below."""
    right = knots[interval[:, None] + np.arange(1, order + 1)]
    left = knots[interval[:, None] + np.arange(1 - order, 1)]
    width = right - left
    share = near * order if slopes else near
    share = np.divide(share, width, out=np.zeros_like(share), where=width != 0)
    raised = np.zeros((len(x), order + 1))
    raised[:, :-1] = -share if slopes else share * (right - x[:, None])
    raised[:, 1:] += share if slopes else share * (x[:, None] - left)
    return raised


# Beyond the knots -------------------------------------------------------------------------------


def _periodic(knots: np.ndarray, degree: int) -> Basis:
    """Return splines that begin anew behind the last knot: the last splines are the first ones."""
    basis, low = _basis(knots, degree), knots[degree]
    n_splines = len(knots) - 2 * degree - 1
    period = knots[len(knots) - degree - 1] - low

    def at(x: np.ndarray) -> np.ndarray:
        values = basis(low + (x - low) % period if period > 0 else np.zeros_like(x))
        values[:, :degree] += values[:, n_splines:]
        return values[:, :n_splines]

    return at


def _inside_alone(knots: np.ndarray, degree: int) -> Basis:
    """Return splines of numbers between the knots; others are refused."""
    basis, low, high = _basis(knots, degree), knots[degree], knots[-degree - 1]

    def at(x: np.ndarray) -> np.ndarray:
        if ((x < low) | (x > high)).any():
            raise DataError(
                "X contains values beyond the limits of the knots. Fit the SplineTransformer with "
                "an extrapolation that accepts them."
            )
        return basis(x)

    return at


def _bounded(knots: np.ndarray, degree: int, inner: int, n_moved: int, *, rises: bool) -> Basis:
    """Return splines that continue as they are at the ends, or as lines from there.

    Parameters
    ----------
    knots : ndarray of shape (n_knots,)
        All knots.
    degree : int
        Of the splines.
    inner : int
        Number of the knot from either side that ends the range.
    n_moved : int
        How many splines continue at either side; the others are 0 there.
    rises : bool
        Whether in lines.
    """
    basis = _basis(knots, degree)
    ends = np.array([knots[inner], knots[-inner - 1]])
    values = basis(ends)
    slopes = _basis(knots, degree, slopes=True)(ends) if rises else np.zeros_like(values)
    if degree == 0 and not rises:
        values[0] = 0  # scikit-learn leaves steps below the range at 0
    n_splines = values.shape[1]

    def at(x: np.ndarray) -> np.ndarray:
        below, above = x < ends[0], x > ends[1]
        inside = ~(below | above)
        found = np.zeros((len(x), n_splines))
        found[inside] = basis(x[inside])
        for first in range(min(n_moved, n_splines)):  # in turn: lines may cross
            for i, (beyond, k) in enumerate(((below, first), (above, n_splines - 1 - first))):
                found[beyond, k] = values[i, k] + (x[beyond] - ends[i]) * slopes[i, k]
        return found

    return at


TRANSFORMS: Transforms = {"SplineTransformer": splines}
