"""Initial weights: their distributions, and which activation gets which."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from multilayer import MLPRegressor
from multilayer._core.activation_functions import function_of
from multilayer._nn.initializers import WEIGHT_INITIALIZERS, draw_layer

N, M = 120, 80  # inputs and outputs of the layer


def uniform(variance):
    """Uniform distribution around 0."""
    bound = np.sqrt(3 * variance)
    return stats.uniform(-bound, 2 * bound)


def normal(variance):
    return stats.norm(scale=np.sqrt(variance))


# By the variance that each paper asks for.
DISTRIBUTIONS = {
    "glorot_uniform": uniform(2 / (N + M)),
    "glorot_uniform_logistic": uniform(2 / 3 / (N + M)),
    "glorot_normal": normal(2 / (N + M)),
    "he_uniform": uniform(2 / N),
    "he_normal": normal(2 / N),
    "lecun_uniform": uniform(1 / N),
    "lecun_normal": normal(1 / N),
    "truncated_normal": stats.truncnorm(-2, 2, scale=2 / np.sqrt(N)),
}


def draw(weights, *, bias="zeros", activation="relu", shape=(N, M), seed=0):
    rng = np.random.RandomState(seed)
    return draw_layer(rng, *shape, weights=weights, bias=bias, activation=activation)


def assert_drawn_from(values, distribution):
    """Kolmogorov and Smirnov's test, the bounds, and the variance within 5 of its deviations."""
    assert stats.kstest(values.ravel(), distribution.cdf).pvalue > 0.01
    low, high = distribution.support()
    assert low * (1 + 1e-7) <= values.min()  # float32 rounds them
    assert values.max() <= high * (1 + 1e-7)
    spread = np.sqrt((distribution.stats("k") + 2) / values.size)  # of a sample's variance
    assert np.var(values) == pytest.approx(distribution.var(), rel=5 * float(spread))


def test_each_initialiser_is_tested():
    assert {*DISTRIBUTIONS, "orthogonal"} == set(WEIGHT_INITIALIZERS)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distribution(name):
    kernel, bias = draw(name)
    assert kernel.shape == (N, M)
    assert_drawn_from(kernel, DISTRIBUTIONS[name])
    assert_array_equal(bias, np.zeros(M))


@pytest.mark.parametrize("shape", [(9, 4), (4, 9), (6, 6), (1, 5)])
def test_orthogonal(shape):
    kernel, _ = draw("orthogonal", shape=shape)
    few = kernel.T if shape[0] < shape[1] else kernel
    assert_allclose(few.T @ few, np.eye(min(shape)), atol=1e-12)


def test_orthogonal_matrices_are_uniform():
    """The trace of a uniform orthogonal matrix has mean 0 and variance 1."""
    traces = [np.trace(draw("orthogonal", shape=(3, 3), seed=i)[0]) for i in range(1000)]
    assert np.mean(traces) == pytest.approx(0, abs=4 / np.sqrt(1000))
    assert np.var(traces) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    ("activation", "weights", "factor"),
    [
        ("relu", "glorot_uniform", 6),
        ("gelu", "glorot_uniform", 6),
        ("logistic", "glorot_uniform_logistic", 2),
        ("selu", "lecun_normal", 6),
        (jax.nn.hard_tanh, "glorot_uniform", 6),
    ],
)
def test_auto(activation, weights, factor):
    kernel, bias = draw("auto", bias="auto", activation=activation)
    assert_array_equal(kernel, draw(weights)[0])
    biases = [draw("auto", bias="auto", activation=activation, seed=i)[1] for i in range(50)]
    assert_array_equal(bias, biases[0])
    assert_drawn_from(np.concatenate(biases), uniform(factor / 3 / (N + M)))


def test_each_layer_follows_its_activation_and_the_output_layer_the_last():
    """As in scikit-learn, whose output layer follows the hidden ones."""
    reg = MLPRegressor(
        hidden_layer_sizes=(N, M), activation=["selu", "logistic"], max_iter=0, random_state=0
    ).fit(np.zeros((3, N)), np.zeros((3, M)))
    logistic = uniform(2 / 3 / (N + M)), uniform(2 / 3 / (M + M))
    expected = stats.norm(scale=1 / np.sqrt(N)), *logistic
    for kernel, distribution in zip(reg.coefs_, expected, strict=True):
        assert kernel.dtype == np.float32
        assert_drawn_from(kernel, distribution)


def test_weights_and_biases_asked_for_hold_for_all_layers():
    reg = MLPRegressor(
        hidden_layer_sizes=(N, M),
        activation="logistic",
        weight_init="he_uniform",
        bias_init="zeros",
        max_iter=0,
        random_state=0,
    ).fit(np.zeros((3, N)), np.zeros(3))
    for kernel in reg.coefs_:
        bound = np.sqrt(6 / len(kernel))
        assert 0.8 * bound < np.abs(kernel).max() <= bound * (1 + 1e-7)
    assert not any(bias.any() for bias in reg.intercepts_)


def test_selu_normalises_itself():
    """Sums that start with mean 0 and variance 1 keep them through 12 layers."""
    width = 256
    rng = np.random.default_rng(0)
    values = rng.normal(size=(512, width)).astype(np.float32)
    for i in range(12):
        kernel, bias = draw("auto", shape=(width, width), activation="selu", seed=i)
        values = np.asarray(function_of("selu")((values @ kernel + bias).astype(np.float32)))
    assert np.mean(values) == pytest.approx(0, abs=0.1)
    assert np.var(values) == pytest.approx(1, abs=0.2)
