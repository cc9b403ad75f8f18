"""Batch and layer normalisation against NumPy float64, as layers and in training."""

import jax
import numpy as np
import pytest
from jax.test_util import check_grads
from numpy.testing import assert_allclose, assert_array_equal

from multilayer import MLPRegressor
from multilayer._nn.forward import (
    follow,
    layer_normalize,
    normalize,
    weighted_moments,
)
from multilayer._nn.model import Moments

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS, UNITS = 24, 7


@pytest.fixture
def problem():
    """Sums (rows, units), weights of rows (a third of them 0), scale and shift of units."""
    rng = np.random.default_rng(0)
    z = rng.normal(3, 2, (ROWS, UNITS)).astype(np.float32)
    weight = rng.uniform(0.5, 3, ROWS).astype(np.float32)
    weight[::3] = 0
    return z, weight, *rng.normal(1, 0.5, (2, UNITS)).astype(np.float32)


def moments(z, weight):
    """Weighted moments over rows, in float64."""
    z = np.asarray(z, np.float64)
    mean = np.average(z, axis=0, weights=weight)
    return mean, np.average((z - mean) ** 2, axis=0, weights=weight)


def batch_norm(z, mean, variance, scale, shift):
    return (z - mean) / np.sqrt(np.float64(variance) + 1e-5) * scale + shift


@jax.jit
def batch_normalised(z, weight, scale, shift):
    met = weighted_moments(z, weight)
    return normalize(z, met, scale, shift), met


def test_batch_normalisation(problem):
    z, weight, scale, shift = problem
    found, met = batch_normalised(*problem)
    for figure, expected in zip(met, moments(z, weight), strict=True):
        assert_allclose(figure, expected, rtol=1e-5)
    expected = batch_norm(z, *moments(z, weight), scale, shift)
    assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_layer_normalisation(problem):
    z, _, scale, shift = problem
    mean = np.mean(z, axis=1, keepdims=True, dtype=np.float64)
    spread = np.sqrt(np.var(z, axis=1, keepdims=True, dtype=np.float64) + 1e-5)
    expected = (z - mean) / spread * scale + shift
    assert_allclose(jax.jit(layer_normalize)(z, scale, shift), expected, rtol=1e-5, atol=1e-5)


def test_rows_without_weight_change_nothing(problem):
    z, weight, scale, shift = problem
    present = weight > 0
    for value in (1e15, -1e15):
        other = np.where(present[:, None], z, np.float32(value))
        found, met = batch_normalised(other, weight, scale, shift)
        assert_allclose(met, moments(z[present], weight[present]), rtol=1e-5)
        assert_allclose(found[present], batch_normalised(*problem)[0][present], rtol=1e-5)


def test_a_row_of_weight_two_is_two_rows(problem):
    z, _, scale, shift = problem
    times = np.arange(ROWS) % 3
    repeated = np.repeat(z, times, axis=0)
    ones = np.ones(len(repeated), np.float32)
    found, met = batch_normalised(z, times.astype(np.float32), scale, shift)
    expected, expected_met = batch_normalised(repeated, ones, scale, shift)
    assert_allclose(met, expected_met, rtol=1e-5)
    assert_allclose(np.repeat(found, times, axis=0), expected, rtol=1e-5, atol=1e-5)


def test_means_far_from_zero_leave_the_variance_right(problem):
    """The variance is of the differences from the mean, not a difference of two large sums."""
    z, weight, scale, shift = problem
    far = z + np.float32(5000)
    met = batch_normalised(far, weight, scale, shift)[1]
    assert_allclose(met.variance, moments(far, weight)[1], rtol=1e-3)  # far has 3 digits of z
    assert_allclose(met.mean, moments(far, weight)[0], rtol=1e-6)


def test_a_batch_without_weight_is_finite_and_has_no_slope(problem):
    z, weight, scale, shift = problem
    found, met = batch_normalised(z, 0 * weight, scale, shift)
    assert np.isfinite(found).all()
    assert not np.any(met)
    running = Moments(np.float32([1, 2]), np.float32([3, 4]))
    kept = follow(running, Moments(np.float32([9, 9]), np.float32([9, 9])), np.bool_(False))
    assert_array_equal(kept, running)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_slopes_are_those_of_finite_differences(problem, norm):
    with jax.enable_x64(True):
        z, weight, scale, shift = (np.float64(part) for part in problem)
        direction = np.random.default_rng(1).normal(size=z.shape)

        @jax.jit
        def function(z, scale, shift):
            if norm == "batch":
                return direction * normalize(z, weighted_moments(z, weight), scale, shift)
            return direction * layer_normalize(z, scale, shift)

        check_grads(function, (z, scale, shift), 1, ["rev"], 1e-7, 1e-7, 1e-5)


# In training and prediction ------------------------------------------------------------------


def drawn(norm, rng, X, y, weight, **arguments):
    """A network of two normalised layers, its weights as they were drawn; scales are other."""
    reg = MLPRegressor(
        hidden_layer_sizes=(5, 4),
        activation="tanh",
        norm=norm,
        solver="sgd",
        momentum=0.0,
        learning_rate_init=1e-30,
        alpha=0.0,
        batch_size=8,
        shuffle=False,
        random_state=0,
        **arguments,
    ).fit(X, y, weight)
    for name in ("norm_scales_", "norm_shifts_"):
        setattr(reg, name, [rng.normal(size=n).astype(np.float32) for n in (5, 4)])
    return reg


def forward(network, x, normalise, *, scaled=True):
    """Outputs in float64; ``normalise(i, z)`` normalises the sums of a hidden layer."""
    x = np.float64(x)
    layers = list(zip(network.coefs_, network.intercepts_, strict=True))
    for i, (kernel, bias) in enumerate(layers[:-1]):
        z = normalise(i, x @ np.float64(kernel) + bias)
        x = np.tanh(z * network.norm_scales_[i] + network.norm_shifts_[i] if scaled else z)
    return (x @ np.float64(layers[-1][0]) + layers[-1][1])[:, 0]


def test_training_by_batch_moments_and_prediction_by_running_ones():
    """Batches of 8, one of them without weight, and a last one of 4 rows; three epochs."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(1, 2, (28, 3)), rng.normal(size=28)
    weight = rng.uniform(0.5, 2, 28)
    weight[8:16], weight[20] = 0, 0
    reg = drawn("batch", rng, X, y, weight, max_iter=3)
    running = [[np.zeros(n), np.ones(n)] for n in (5, 4)]
    losses = np.zeros(28)
    for rows in [slice(0, 8), slice(16, 24), slice(24, 28)] * 3:

        def by_batch(i, z, rows=rows):
            met = moments(z, weight[rows])
            running[i] = [0.9 * old + 0.1 * new for old, new in zip(running[i], met, strict=True)]
            return (z - met[0]) / np.sqrt(met[1] + 1e-5)

        losses[rows] = 0.5 * (forward(reg, X[rows], by_batch, scaled=False) - y[rows]) ** 2
    assert_allclose(reg.loss_curve_, [np.average(losses, weights=weight)] * 3, rtol=1e-5)
    for i, (mean, variance) in enumerate(running):
        assert_allclose(reg.norm_means_[i], mean, rtol=1e-5, atol=1e-6)
        assert_allclose(reg.norm_variances_[i], variance, rtol=1e-5)

    def by_running_moments(i, z):
        return (z - running[i][0]) / np.sqrt(running[i][1] + 1e-5)

    assert_allclose(reg.predict(X), forward(reg, X, by_running_moments), rtol=1e-5, atol=1e-5)


def test_prediction_with_layer_normalisation():
    rng = np.random.default_rng(0)
    X, y = rng.normal(1, 2, (28, 3)), rng.normal(size=28)
    reg = drawn("layer", rng, X, y, None, max_iter=0)

    def by_row(i, z):
        return (z - z.mean(axis=1)[:, None]) / np.sqrt(z.var(axis=1) + 1e-5)[:, None]

    assert_allclose(reg.predict(X), forward(reg, X, by_row), rtol=1e-5, atol=1e-5)
    assert not hasattr(reg, "norm_means_")
