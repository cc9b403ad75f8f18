"""The forward pass against one written out in NumPy float64; noise by its distribution."""

from itertools import pairwise

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import expit

from multilayer import MLPRegressor
from multilayer._nn.forward import apply_hidden
from multilayer._nn.model import Disturbance, Moments
from multilayer._nn.network import Dense, Network

SIZES = (6, 5, 5, 4, 3)  # the second hidden layer can add its input
ACTIVATIONS = ("tanh", "silu", "softplus")
FUNCTIONS = (np.tanh, lambda z: z * expit(z), lambda z: np.logaddexp(0, z))
ROWS = 16
STILL = Disturbance(np.zeros(3, np.float32), np.float32(0), np.float32(0))

NETWORKS = [(norm, residual) for norm in (None, "batch", "layer") for residual in (False, True)]


def parameters(norm, dtype=np.float32):
    """Random parameters; variances are positive."""
    rng = np.random.default_rng(5)
    layers = []
    for i, (n, m) in enumerate(pairwise(SIZES)):
        layer = Dense(rng.normal(size=(n, m)).astype(dtype), rng.normal(size=m).astype(dtype))
        if norm and i < len(ACTIVATIONS):
            layer = layer._replace(scale=rng.normal(1, 0.3, m), shift=rng.normal(size=m))
        if norm == "batch" and i < len(ACTIVATIONS):
            layer = layer._replace(moments=Moments(rng.normal(size=m), rng.uniform(0.5, 2, m)))
        layers.append(jax.tree.map(lambda leaf: leaf.astype(dtype), layer))
    return tuple(layers)


def rows(dtype=np.float32):
    """Inputs, and weights of which a third is 0."""
    rng = np.random.default_rng(6)
    weight = rng.uniform(0.5, 2, ROWS)
    weight[::3] = 0
    return rng.normal(size=(ROWS, SIZES[0])).astype(dtype), weight.astype(dtype)


def reference(network, params, x, weight=None):
    """Activations of each layer and the outputs, in float64; with weights as in training."""
    layers = [0.0]  # in front: the hidden layers count from 1
    x = np.float64(x)
    params = jax.tree.map(np.float64, params)
    for i, layer in enumerate(params[:-1]):
        z = x @ layer.kernel + layer.bias
        if network.norm == "batch" and weight is None:
            z = (z - layer.moments.mean) / np.sqrt(layer.moments.variance + 1e-5)
        elif network.norm == "batch":
            mean = np.average(z, axis=0, weights=weight)
            variance = np.average((z - mean) ** 2, axis=0, weights=weight)
            z = (z - mean) / np.sqrt(variance + 1e-5)
        elif network.norm == "layer":
            z = (z - z.mean(1, keepdims=True)) / np.sqrt(z.var(1, keepdims=True) + 1e-5)
        if network.norm:
            z = z * layer.scale + layer.shift
        adds = network.residual and i == 1
        x = FUNCTIONS[i](z) + (x if adds else 0)
        layers.append(x)
    return layers[1:], x @ params[-1].kernel + params[-1].bias


@pytest.mark.parametrize(("norm", "residual"), NETWORKS)
def test_prediction(norm, residual):
    network, params = Network(SIZES, ACTIVATIONS, norm, residual), parameters(norm)
    x, _ = rows()
    hidden, outputs = reference(network, params, x)
    found, raw = jax.jit(lambda p, x: (apply_hidden(network, p, x), network.apply(p, x)))(params, x)
    assert_array_equal(found[0], x)
    for a, b in zip(found[1:], hidden, strict=True):
        assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert_allclose(raw, outputs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("norm", "residual"), NETWORKS)
def test_training(norm, residual):
    """Value, and gradient against a difference in a random direction; all in float64."""
    network = Network(SIZES, ACTIVATIONS, norm, residual)
    with jax.enable_x64(True):
        (x, weight), params = rows(np.float64), parameters(norm, np.float64)
        rng = np.random.default_rng(7)
        share = rng.normal(size=(ROWS, SIZES[-1])) * (weight > 0)[:, None]

        @jax.jit
        @jax.value_and_grad
        def program(point):
            raw, _ = network.apply_in_training(*point, weight, STILL, None)
            return (share * raw).sum()

        point = params, x
        value, slope = program(point)
        assert value == pytest.approx(
            (share * reference(network, *point, weight)[1]).sum(), rel=1e-10
        )
        way = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), point)
        ahead, back = (
            program(jax.tree.map(lambda leaf, d, h=h: leaf + h * d, point, way))[0]
            for h in (1e-6, -1e-6)
        )
        along = sum(jax.tree.leaves(jax.tree.map(np.vdot, slope, way)))
        assert along == pytest.approx(float(ahead - back) / 2e-6, rel=1e-6)
    for layer in slope[0][:-1]:  # running moments have none
        assert (layer.moments is not None) == (norm == "batch")
        assert not any(map(np.any, layer.moments or ()))


def disturbed(n_rows, n_columns, seed, **amounts):
    """Inputs of 1 after what training does to them."""
    network = Network((n_columns, n_columns), (), **dict.fromkeys(amounts, True))
    layer = Dense(np.eye(n_columns, dtype=np.float32), np.zeros(n_columns, np.float32))
    ones = np.ones((n_rows, n_columns), np.float32)
    amounts = {name: np.float32(value) for name, value in amounts.items()}
    disturbance = Disturbance(np.zeros(0, np.float32), np.float32(0), np.float32(0))
    return np.asarray(
        jax.jit(
            lambda key: network.apply_in_training(
                (layer,), ones, ones[:, 0], disturbance._replace(**amounts), key
            )[0]
        )(jax.random.key(seed))
    )


def test_noise_of_the_inputs():
    noise = disturbed(200, 30, 0, input_noise=0.3) - 1
    assert stats.kstest(noise.ravel(), stats.norm(scale=0.3).cdf).pvalue > 0.01
    assert stats.kstest(noise.sum(axis=0), stats.norm(scale=0.3 * 200**0.5).cdf).pvalue > 0.01
    assert stats.kstest(noise.sum(axis=1), stats.norm(scale=0.3 * 30**0.5).cdf).pvalue > 0.01
    assert_array_equal(noise, disturbed(200, 30, 0, input_noise=0.3) - 1)
    assert np.corrcoef(noise.ravel(), disturbed(200, 30, 1, input_noise=0.3).ravel())[0, 1] < 0.05


def test_dropped_inputs():
    """What is kept is divided by the chance to be kept: the mean stays."""
    inputs = disturbed(200, 30, 0, input_dropout=0.2)
    assert_allclose(np.unique(inputs), [0, 1.25], rtol=1e-6)
    for axis, n in ((0, 200), (1, 30)):
        kept = np.sum(inputs > 0, axis=axis)
        assert kept.mean() / n == pytest.approx(0.8, abs=0.02)
        assert kept.var() == pytest.approx(n * 0.8 * 0.2, rel=0.7)  # as of independent draws


def test_nothing_is_dropped_or_rounded_at_prediction():
    reg = MLPRegressor(
        hidden_layer_sizes=(8,),
        dropout=0.5,
        input_dropout=0.5,
        input_noise=9.0,
        precision="bfloat16",
        max_iter=0,
        random_state=0,
    )
    X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    reg.fit(X, X[:, 0])
    (a, b), (c, d) = (map(np.float64, layers) for layers in (reg.coefs_, reg.intercepts_))
    assert_allclose(reg.predict(X), (np.maximum(X @ a + c, 0) @ b + d)[:, 0], rtol=1e-5, atol=1e-6)


def test_hidden_layers_alone_add_their_input():
    network = Network((3, 3, 3, 4, 4, 4), ("relu",) * 4, residual=True)
    assert [network.skips(i) for i in range(5)] == [False, True, False, True, False]
    assert not any(Network((3, 3), (), residual=True).skips(i) for i in range(1))
    for i in (-1, 5):
        with pytest.raises(IndexError, match="i must be from 0 to 4"):
            network.skips(i)
