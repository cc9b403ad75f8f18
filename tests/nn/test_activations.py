"""Activations and their slopes against NumPy and SciPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import erfc, expit
from scipy.special import softmax as scipy_softmax

from multilayer import InvalidArgumentError, MLPClassifier, nn
from multilayer._core.activation_functions import function_of
from multilayer._core.activations import HIDDEN

STEPS = ("heaviside", "sign")

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
# it; leaky_relu and elu count 0 to the right, and so does heaviside's value.
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
    "heaviside": (lambda z: np.where(z < 0, 0.0, 1.0), np.zeros_like),
    "sign": (lambda z: np.where(z > 0, 1.0, np.where(z < 0, -1.0, 0.0)), np.zeros_like),
}

GRID = np.concatenate(
    [np.linspace(-30, 30, 241), [-100, 100, -1e-6, 1e-6, -1e-20, 1e-20, -87, 88, -0.0]]
).astype(np.float32)


def test_there_is_a_reference_for_each_activation():
    assert set(REFERENCE) == set(nn.ACTIVATIONS)


@pytest.mark.parametrize("name", REFERENCE)
def test_name_is_the_one_of_the_public_function(name):
    assert nn.ACTIVATIONS[name] is getattr(nn, name)


@pytest.mark.parametrize("name", REFERENCE)
def test_value_and_slope(name):
    value, slope = REFERENCE[name]
    z = GRID.astype(np.float64)
    found, found_slope = jax.jit(jax.vmap(jax.value_and_grad(nn.ACTIVATIONS[name])))(GRID)
    assert found.dtype == found_slope.dtype == np.float32
    # The smallest float32 that a CPU does not take for 0 is 1.2e-38.
    assert_allclose(found, value(z), rtol=1e-5, atol=2e-38)
    # A slope like 1 - tanh(z)**2 is a difference of numbers near 1, each rounded.
    assert_allclose(found_slope, slope(z), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", REFERENCE)
def test_slope_is_that_of_finite_differences(name):
    """The references are checked too: by the same differences, away from the kink at 0."""
    z, h = GRID[np.abs(GRID) > 1e-3].astype(np.float64), 1e-6
    value, slope = REFERENCE[name]
    differences = (value(z + h) - value(z - h)) / (2 * h)
    assert_allclose(slope(z), differences, rtol=1e-7, atol=1e-8)
    with jax.enable_x64(True):
        found = jax.jit(nn.derivative(nn.ACTIVATIONS[name]))(z)
        assert found.dtype == np.float64
        assert_allclose(found, slope(z), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", REFERENCE)
def test_no_number_has_a_slope_that_is_none(name):
    sizes = np.logspace(-38, 38, 200)
    z = np.concatenate([-sizes, sizes, [0.0, -3.4e38, 3.4e38]]).astype(np.float32)
    slope = np.asarray(jax.jit(nn.derivative(nn.ACTIVATIONS[name]))(z))
    assert np.isfinite(slope).all()
    assert np.abs(slope).max() < 2


@pytest.mark.parametrize("name", REFERENCE)
def test_numbers_of_any_shape_and_type(name):
    value, slope = REFERENCE[name]
    whole = np.array([[-2, 0, 3], [1, 2, -1]])
    for given in (whole, whole.tolist(), jnp.asarray(whole), whole.astype(np.float64)):
        assert_allclose(nn.ACTIVATIONS[name](given), value(1.0 * whole), rtol=1e-5)
        assert_allclose(nn.derivative(nn.ACTIVATIONS[name])(given), slope(1.0 * whole), rtol=1e-5)
    assert nn.ACTIVATIONS[name](2).shape == nn.derivative(nn.ACTIVATIONS[name])(2.0).shape == ()


def test_tanh_is_a_logistic_function_between_minus_one_and_one():
    with jax.enable_x64(True):
        z = GRID.astype(np.float64)
        assert_allclose(nn.tanh(z), 2 * nn.logistic(2 * z) - 1, rtol=1e-10, atol=1e-15)


# What the estimators take ------------------------------------------------------------------------


def test_hidden_layers_have_all_but_the_steps_by_name():
    assert (*HIDDEN, *STEPS) == tuple(nn.ACTIVATIONS)
    assert all(function_of(name) is function for name, function in nn.ACTIVATIONS.items())


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_refused_with_the_reason(name):
    for step in (name, getattr(nn, name)):
        with pytest.raises(InvalidArgumentError, match="derivative of a step is 0 everywhere"):
            MLPClassifier(activation=step).fit([[0.0], [1.0]], [0, 1])


def test_a_function_with_a_name_goes_by_it():
    clf = MLPClassifier((3, 3), [nn.relu, jax.nn.relu], max_iter=0).fit([[0.0], [1.0]], [0, 1])
    assert clf._network.activations == ("relu", jax.nn.relu)


def test_relu_has_scikit_learns_slope_at_zero():
    assert jax.grad(function_of("relu"))(0.0) == 0


def test_a_function_stands_for_itself():
    assert function_of(jax.nn.hard_tanh) is jax.nn.hard_tanh


# Steps -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STEPS)
def test_steps_stay_in_the_library_of_their_input(name):
    function = nn.ACTIVATIONS[name]
    assert type(function(GRID)) is np.ndarray
    assert function(GRID).dtype == np.float32
    assert isinstance(function(jnp.asarray(GRID)), jax.Array)
    assert isinstance(jax.jit(function)(GRID), jax.Array)
    assert np.isnan(function(np.nan))


# Derivatives -------------------------------------------------------------------------------------


def test_derivative_of_a_derivative():
    z = np.linspace(-3, 3, 13)
    with jax.enable_x64(True):
        found = nn.derivative(nn.derivative(nn.logistic))(z)
    s = expit(z)
    assert_allclose(found, s * (1 - s) * (1 - 2 * s), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("relu", r"function must be a function of arrays, .*nn\.ACTIVATIONS\['relu'\]"),
        (None, "function must be a function of arrays"),
        (nn.softmax, "function must be a function of single numbers, .*jax.jacobian"),
    ],
)
def test_derivative_of_what_has_none(given, message):
    with pytest.raises(InvalidArgumentError, match=message):
        nn.derivative(given)


def test_derivative_of_a_function_that_changes_the_shape():
    with pytest.raises(InvalidArgumentError, match=r"keeps the shape \(3,\)"):
        nn.derivative(jnp.sum)([1.0, 2.0, 3.0])


# Softmax -----------------------------------------------------------------------------------------


def test_softmax_of_rows():
    z = np.random.default_rng(0).normal(0, 5, (4, 3)).astype(np.float32)
    assert_allclose(nn.softmax(z), scipy_softmax(z.astype(np.float64), axis=1), rtol=1e-5)
    assert_allclose(nn.softmax(z[0]), nn.softmax(z)[0], rtol=1e-6)
    assert_allclose(nn.softmax([[1000, -1000, 1000]]), [[0.5, 0, 0.5]])


def test_jacobian_of_softmax():
    z = np.array([0.5, -1.0, 2.0])
    p = scipy_softmax(z)
    assert_allclose(jax.jacobian(nn.softmax)(z), np.diag(p) - np.outer(p, p), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("z", [1.0, np.zeros((2, 0))])
def test_softmax_needs_classes(z):
    with pytest.raises(InvalidArgumentError, match=r"z\.shape must be \(n_classes,\)"):
        nn.softmax(z)
