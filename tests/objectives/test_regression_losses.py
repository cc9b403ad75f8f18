"""Losses of regression against scikit-learn's metrics and SciPy, in float64."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jax.test_util import check_grads
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special, stats
from sklearn import metrics

from multilayer._objectives.losses import distribution, point, row_losses
from multilayer._objectives.objective import LossNumbers, Objective, reported_share

ROWS, TARGETS = 30, 2
DELTA = 0.7
LEVELS = {3: (0.1, 0.5, 0.9), 5: (0.05, 0.25, 0.5, 0.6, 0.99), 2: (0.5, 0.8), 1: (0.5,)}
OUT_ACTIVATIONS = {
    "identity": lambda z: z,
    "exp": np.exp,
    "softplus": lambda z: np.logaddexp(0, z),
    "logistic": special.expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}


def objective_of(loss, out="identity", n_levels=3):
    units = {"quantile": n_levels, "gaussian_nll": 2}.get(loss, 1)
    middle = LEVELS[n_levels].index(0.5) if loss == "quantile" else 0
    return Objective(loss, out, (units,) * TARGETS, middle)


def numbers(levels=LEVELS[3], dtype=np.float32):
    return LossNumbers(dtype(0), dtype(DELTA), np.array(levels, dtype), None)


def problem(objective, dtype=np.float32):
    """Raw outputs, targets (positive ones, and zeros, for counts), weights of rows."""
    rng = np.random.default_rng(2)
    raw = rng.normal(size=(ROWS, sum(objective.heads))).astype(dtype)
    y = rng.normal(size=(ROWS, TARGETS)).astype(dtype)
    if objective.loss == "poisson":
        y = rng.poisson(1.5, (ROWS, TARGETS)).astype(dtype)
        assert (y == 0).any()
    return raw, y, rng.uniform(0, 2, ROWS)


losses_of_rows = jax.jit(row_losses, static_argnums=0)
distributions = jax.jit(distribution, static_argnums=0)


def told(objective, raw, y, weight, of_loss=None):
    """The loss as it is told of: weighted mean over rows, under the share of `reported_share`."""
    rows = losses_of_rows(objective, raw, y, of_loss or numbers())
    assert rows.dtype == np.float32
    return np.average(rows, weights=weight) * reported_share(objective)


METRICS = {
    "squared_error": lambda y, p, w: metrics.mean_squared_error(y, p, sample_weight=w) / 2,
    "absolute_error": lambda y, p, w: metrics.mean_absolute_error(y, p, sample_weight=w),
    "huber": lambda y, p, w: np.average(special.huber(DELTA, p - y).mean(axis=1), weights=w),
}


@pytest.mark.parametrize("out", OUT_ACTIVATIONS)
@pytest.mark.parametrize("loss", METRICS)
def test_error_of_a_point(loss, out):
    objective = objective_of(loss, out)
    raw, y, weight = problem(objective)
    predicted = OUT_ACTIVATIONS[out](np.float64(raw))
    assert_allclose(distributions(objective, raw), predicted, rtol=1e-5)
    expected = METRICS[loss](np.float64(y), predicted, weight)
    assert told(objective, raw, y, weight) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("out", ["exp", "softplus"])
def test_poisson(out):
    """Half the deviance, added up over the targets."""
    objective = objective_of("poisson", out)
    raw, y, weight = problem(objective)
    predicted = OUT_ACTIVATIONS[out](np.float64(raw))
    expected = sum(
        metrics.mean_poisson_deviance(a, b, sample_weight=weight) / 2
        for a, b in zip(np.float64(y).T, predicted.T, strict=True)
    )
    assert told(objective, raw, y, weight) == pytest.approx(expected, rel=1e-5)


def test_gaussian_negative_log_likelihood():
    objective = objective_of("gaussian_nll")
    raw, y, weight = problem(objective)
    raw[0, 1], raw[1, 1], raw[2, 3] = -100, 100, 30  # the smallest deviation, and large ones
    mean, spread = np.moveaxis(np.float64(raw).reshape(ROWS, TARGETS, 2), 2, 0)
    spread = np.logaddexp(0, spread) + 1e-4
    found = distributions(objective, raw)
    assert_allclose(found, np.stack([mean, spread], axis=2), rtol=1e-5)
    assert_array_equal(point(objective, found), found[..., 0])
    log_p = stats.norm.logpdf(np.float64(y), mean, spread).mean(axis=1)
    expected = -np.average(log_p, weights=weight)
    assert told(objective, raw, y, weight) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("n_levels", LEVELS)
def test_pinball(n_levels):
    """The mean over levels and targets of scikit-learn's pinball loss."""
    objective, levels = objective_of("quantile", n_levels=n_levels), LEVELS[n_levels]
    raw, y, weight = problem(objective)
    middle = levels.index(0.5)
    gaps = np.logaddexp(0, np.float64(raw)).reshape(ROWS, TARGETS, n_levels)
    expected = np.repeat(np.float64(raw).reshape(gaps.shape)[..., [middle]], n_levels, axis=2)
    for i in range(n_levels):
        for j in range(n_levels):
            expected[..., i] += gaps[..., j] * (middle < j <= i)
            expected[..., i] -= gaps[..., j] * (i <= j < middle)
    found = distributions(objective, raw)
    assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    losses = [
        metrics.mean_pinball_loss(y, expected[..., i], sample_weight=weight, alpha=level)
        for i, level in enumerate(levels)
    ]
    loss = told(objective, raw, y, weight, numbers(levels))
    assert loss == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "out"),
    [
        *(("squared_error", out) for out in OUT_ACTIVATIONS),
        ("absolute_error", "identity"),
        ("huber", "softplus"),
        ("poisson", "exp"),
        ("poisson", "softplus"),
        ("quantile", "identity"),
        ("gaussian_nll", "identity"),
    ],
)
def test_slope_is_that_of_finite_differences(loss, out):
    """In float64; where a loss has a corner, no row is near it."""
    with jax.enable_x64(True):
        objective = objective_of(loss, out)
        raw, y, _ = problem(objective, np.float64)
        of_loss = numbers(dtype=np.float64)
        function = jax.jit(lambda raw: row_losses(objective, raw, y, of_loss))
        check_grads(function, (raw,), 1, ["rev"], 1e-6, 1e-6, 1e-6)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_errors_too_large_to_be_squared_have_slopes(loss):
    """Under the losses that are there for outliers the loss is finite too."""
    objective = objective_of(loss)
    raw, y, _ = problem(objective)
    y[0], y[1], raw[2] = 1e30, -1e30, 1e30
    value, slope = jax.jit(
        jax.value_and_grad(lambda raw: row_losses(objective, raw, y, numbers()).sum())
    )(raw)
    assert np.isfinite(slope).all()
    assert np.isfinite(value) == (loss != "squared_error")


@pytest.mark.parametrize("out", ["exp", "softplus"])
def test_poisson_of_very_small_means(out):
    """A mean of 0 is right where the count is 0: no loss, no slope; else the loss is finite."""
    objective = objective_of("poisson", out)
    raw = np.array([[-90.0, -120.0], [-90.0, -120.0]], np.float32)
    y = np.array([[0, 0], [2, 2]], np.float32)
    rows = losses_of_rows(objective, raw, y, numbers())
    expected = [0, 2 * (2 * np.log(2) - 2) + 2 * (90 + 120)]
    assert_allclose(rows, expected, rtol=1e-5, atol=1e-30)
    slope = jax.jit(jax.grad(lambda raw: row_losses(objective, raw, y, numbers()).sum()))(raw)
    assert_allclose(slope, [[0, 0], [-2, -2]], rtol=1e-5, atol=1e-30)


WILD = (
    st.floats(-(2.0**120), 2.0**120, width=32)
    | st.floats(-3, 3, width=32)
    | st.floats(-(2.0**-120), 2.0**-120, width=32)
    | st.floats(-90, -86, width=32)  # whose softplus is near the smallest numbers
)


@pytest.mark.parametrize("middle", [0, 3, 6])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_quantiles_never_cross_and_the_middle_one_is_the_median(middle, data):
    raw = data.draw(arrays(np.float32, (4, 7 * TARGETS), elements=WILD))
    objective = Objective("quantile", "identity", (7,) * TARGETS, middle)
    found = np.asarray(distributions(objective, raw))
    assert found.shape == (4, TARGETS, 7)
    assert np.isfinite(found).all()
    assert (found[..., 1:] >= found[..., :-1]).all()
    assert_array_equal(found[..., middle], raw.reshape(found.shape)[..., middle])
    assert_array_equal(point(objective, found), found[..., middle])
