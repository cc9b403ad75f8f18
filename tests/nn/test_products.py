"""Products of bfloat16 operands against NumPy, which rounds them through ml_dtypes."""

import jax
import ml_dtypes
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_digits

from multilayer import MLPClassifier, MLPRegressor
from multilayer._nn.forward import product

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rounded(array):
    """Values of bfloat16, in float64."""
    return array.astype(ml_dtypes.bfloat16).astype(np.float64)


def operands():
    rng = np.random.default_rng(0)
    return (rng.normal(size=shape).astype(np.float32) for shape in ((20, 90), (90, 11), (20, 11)))


def assert_product(found, a, b):
    """Equal to ``a @ b`` but for the rounding of sums, relative to the sum of sizes."""
    assert found.dtype == np.float32
    assert np.max(np.abs(found - a @ b) / (np.abs(a) @ np.abs(b))) < 1e-6


def test_operands_are_rounded_and_sums_are_not():
    x, kernel, slope = operands()

    @jax.jit
    def value_and_slopes(x, kernel, slope):
        value, back = jax.vjp(lambda x, kernel: product(x, kernel, "bfloat16"), x, kernel)
        return value, *back(slope)

    value, of_x, of_kernel = value_and_slopes(x, kernel, slope)
    assert_product(value, rounded(x), rounded(kernel))
    assert_product(of_x, rounded(slope), rounded(kernel).T)
    assert_product(of_kernel, rounded(x).T, rounded(slope))
    assert np.abs(value - np.float64(x) @ kernel).max() > 1e-3  # which the rounding has done


def test_float32_is_not_rounded():
    x, kernel, _ = operands()
    assert_product(jax.jit(product, static_argnums=2)(x, kernel, "float32"), np.float64(x), kernel)


def test_a_step_of_training_rounds_the_operands_of_both_passes():
    """Plain gradient descent on one layer; biases and weights themselves stay in float32."""
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(32, 10)).astype(np.float32), rng.normal(size=(32, 3))
    reg = MLPRegressor(
        hidden_layer_sizes=(),
        solver="sgd",
        momentum=0.0,
        alpha=0.0,
        precision="bfloat16",
        learning_rate="linear",  # which is over after max_iter epochs, without a warning
        learning_rate_init=0.5,
        max_iter=1,
        random_state=0,
    )
    start = clone(reg).set_params(max_iter=0).fit(X, y)
    kernel, bias = np.float64(start.coefs_[0]), np.float64(start.intercepts_[0])
    slope = (rounded(X) @ rounded(start.coefs_[0]) + bias - y) / 32
    reg.fit(X, y)
    expected = kernel - 0.5 * rounded(X).T @ rounded(slope)
    assert_allclose(reg.coefs_[0], expected, rtol=1e-5, atol=1e-6)
    assert_allclose(reg.intercepts_[0], bias - 0.5 * slope.sum(axis=0), rtol=1e-5, atol=1e-6)
    assert np.abs(expected - (kernel - 0.5 * X.T @ slope)).max() > 1e-4


@pytest.mark.slow
def test_digits():
    X, y = load_digits(return_X_y=True)
    arguments = {
        "hidden_layer_sizes": (64,),
        "learning_rate": "cosine",
        "learning_rate_init": 0.01,
        "max_iter": 20,
        "random_state": 0,
    }
    figures = {}
    for precision in ("float32", "bfloat16"):
        clf = MLPClassifier(precision=precision, **arguments).fit(X[:1200] / 16, y[:1200])
        figures[precision] = clf.score(X[1200:] / 16, y[1200:]), clf.loss_
    assert figures["bfloat16"][1] != figures["float32"][1]
    assert_allclose(figures["bfloat16"], figures["float32"], rtol=0.02)
    assert figures["bfloat16"][0] > 0.9
