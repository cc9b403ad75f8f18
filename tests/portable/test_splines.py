"""B-splines in NumPy against scikit-learn's: within the knots, beyond them, and of gaps."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import SplineTransformer

from multilayer import DataError, ModelFileError, Perceptron
from multilayer._sklearn.saving.models import describe

from .reading_again import predictor_of, read

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
BEYOND = np.vstack([3 * RNG.normal(size=(60, 3)), X, X.min(axis=0), X.max(axis=0)])
CLOSE = {"rtol": 1e-12, "atol": 0}
KINDS = ["error", "constant", "linear", "continue", "periodic"]


def fitted(**settings):
    """Return a spline step, and the one of its predictor."""
    step = SplineTransformer(**settings).fit(X)
    n_columns = step.transform(X[:1]).shape[1]
    network = Perceptron(max_iter=1, tol=1e9, n_iter_no_change=1)
    network.fit(np.eye(3, n_columns), [0, 1, 2])
    return step, predictor_of(Pipeline([("step", step), ("net", network)]))._before[0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_splines(kind):
    new = 0.9 * X if kind == "error" else BEYOND
    degrees = range(1, 5) if kind in ("constant", "periodic") else range(5)
    for degree, bias in itertools.product(degrees, (True, False)):
        settings = {"degree": degree, "n_knots": 6, "knots": "quantile", "include_bias": bias}
        step, own = fitted(**settings, extrapolation=kind)
        for rows in (new, new.astype(np.float32)):
            expected = step.transform(rows)
            assert_allclose(own.transform(rows), expected, strict=True, **CLOSE, err_msg=settings)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_splines_that_were_sparse(kind):
    new = X if kind == "error" else BEYOND
    for degree in (0 if kind == "constant" else 1, 3):
        step, own = fitted(degree=degree, sparse_output=True, extrapolation=kind)
        assert_allclose(own.transform(new), step.transform(new).toarray(), **CLOSE)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.skipif(
    "handle_missing" not in SplineTransformer().get_params(), reason="from scikit-learn 1.8 on"
)
@pytest.mark.parametrize("kind", KINDS)
def test_gaps_have_no_splines(kind):
    step, own = fitted(handle_missing="zeros", extrapolation=kind)
    gaps = np.where(RNG.random(X.shape) < 0.3, np.nan, X)
    gaps[:, 2] = np.nan
    assert_allclose(own.transform(gaps), step.transform(gaps), **CLOSE)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_rows_that_are_refused():
    _, own = fitted(extrapolation="error")
    with pytest.raises(DataError, match="beyond the limits of the knots"):
        own.transform(BEYOND)
    with pytest.raises(DataError, match="contains NaN"):
        own.transform(np.full((1, 3), np.nan))


@pytest.mark.parametrize(
    ("name", "value"),
    [("degree", -1), ("degree", "x"), ("degree", 60), ("extrapolation", "other")],
)
def test_arguments_that_fit_no_splines(name, value):
    step = SplineTransformer(extrapolation="periodic").fit(X)
    network = Perceptron(max_iter=5).fit(np.eye(2, 12), [0, 1])
    told = describe(Pipeline([("step", step), ("net", network)]))
    told.steps[0]["params"][name] = value
    with pytest.raises(ModelFileError, match=rf"{name}={value!r}|knots do not fit"):
        read(told.steps, told.arrays)
