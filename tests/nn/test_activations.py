"""Activations and their slopes against NumPy and SciPy in float64."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import erfc, expit

from multilayer._nn.activations import ACTIVATIONS, function_of

SELU = 1.0507009873554805, 1.6732632423543772  # lambda and alpha of Klambauer et al. (2017)


def softplus(z):
    return np.logaddexp(0, z)


def phi(z):
    """Density of the standard normal distribution."""
    return np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)


def normal_share(z):
    """Distribution function of the standard normal distribution, with its small tail."""
    return 0.5 * erfc(-z / np.sqrt(2))


def mish_slope(z):
    return np.tanh(softplus(z)) + z * expit(z) / np.cosh(np.minimum(softplus(z), 300)) ** 2


# Value and derivative. At a kink the derivative is the one on the left, as scikit-learn's relu has
# it; leaky_relu and elu count 0 to the right.
REFERENCE = {
    "identity": (lambda z: z, np.ones_like),
    "logistic": (expit, lambda z: expit(z) * expit(-z)),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z >= 0, 1, 0.01)),
    "elu": (
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.where(z > 0, 1, np.exp(np.minimum(z, 0))),
    ),
    "selu": (
        lambda z: SELU[0] * np.where(z > 0, z, SELU[1] * np.expm1(np.minimum(z, 0))),
        lambda z: SELU[0] * np.where(z > 0, 1, SELU[1] * np.exp(np.minimum(z, 0))),
    ),
    "gelu": (lambda z: z * normal_share(z), lambda z: normal_share(z) + z * phi(z)),
    "silu": (lambda z: z * expit(z), lambda z: expit(z) * (1 + z * expit(-z))),
    "mish": (lambda z: z * np.tanh(softplus(z)), mish_slope),
    "softplus": (softplus, expit),
}

GRID = np.concatenate(
    [np.linspace(-30, 30, 241), [-100, 100, -1e-6, 1e-6, -1e-20, 1e-20, -87, 88, -0.0]]
).astype(np.float32)


def test_there_is_a_reference_for_each_activation():
    assert set(REFERENCE) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_slope(name):
    value, slope = REFERENCE[name]
    z = GRID.astype(np.float64)
    found, found_slope = jax.jit(jax.vmap(jax.value_and_grad(function_of(name))))(GRID)
    assert found.dtype == found_slope.dtype == np.float32
    # The smallest float32 that a CPU does not take for 0 is 1.2e-38.
    assert_allclose(found, value(z), rtol=1e-5, atol=2e-38)
    # A slope like 1 - tanh(z)**2 is a difference of numbers near 1, each rounded.
    assert_allclose(found_slope, slope(z), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slope_is_that_of_finite_differences(name):
    """The references are checked too: by the same differences, away from the kink at 0."""
    z, h = GRID[np.abs(GRID) > 1e-3].astype(np.float64), 1e-6
    value, slope = REFERENCE[name]
    differences = (value(z + h) - value(z - h)) / (2 * h)
    assert_allclose(slope(z), differences, rtol=1e-7, atol=1e-8)
    with jax.enable_x64(True):
        found = jax.jit(jax.vmap(jax.grad(function_of(name))))(z)
        assert found.dtype == np.float64
        assert_allclose(found, slope(z), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_number_has_a_slope_that_is_none(name):
    sizes = np.logspace(-38, 38, 200)
    z = np.concatenate([-sizes, sizes, [0.0, -3.4e38, 3.4e38]]).astype(np.float32)
    slope = np.asarray(jax.jit(jax.vmap(jax.grad(function_of(name))))(z))
    assert np.isfinite(slope).all()
    assert np.abs(slope).max() < 2


def test_relu_has_scikit_learns_slope_at_zero():
    assert jax.grad(function_of("relu"))(0.0) == 0


def test_a_function_stands_for_itself():
    assert function_of(jax.nn.hard_tanh) is jax.nn.hard_tanh
