"""Random networks in float64: outputs against NumPy, gradients against differences of the loss."""

import numpy as np
import pytest
from scipy.special import ndtr

from multilayer._core import numpy_activations
from multilayer._core.pytrees import leaves, map_leaves
from multilayer._data.source import Rows
from multilayer._engine.native import coverage, inference
from multilayer._engine.native import library as lib
from multilayer._engine.native.maker import GradientProgram
from multilayer._engine.state import FitConfig, Hyper
from multilayer._nn.model import Disturbance, Moments
from multilayer._nn.network import Dense, Network
from multilayer._objectives.objective import LossNumbers, Objective
from multilayer._portable.dense_layers import raw_outputs

if coverage.unavailable():
    pytest.skip(coverage.unavailable(), allow_module_level=True)

SMOOTH = ("identity", "logistic", "tanh", "gelu", "silu", "mish", "softplus")
N_NETWORKS = 500


def random_objective(rng):
    """An objective and targets of random rows for it, as a function of their number."""
    loss = str(rng.choice(lib.LOSSES))
    n_heads = int(rng.integers(1, 3))
    if loss in ("softmax", "one_vs_rest"):
        heads = tuple(int(n) for n in rng.integers(2, 20, n_heads))
        return Objective(loss, "identity", heads), lambda n: np.stack(
            [rng.integers(0, h, n) for h in heads], axis=1
        )
    if loss == "logistic":
        return Objective(loss, "identity", (1,) * n_heads), lambda n: rng.integers(
            0, 2, (n, n_heads)
        )
    if loss == "quantile":
        return Objective(loss, "identity", (3,) * n_heads, middle=1), lambda n: rng.normal(
            size=(n, n_heads)
        )
    if loss == "gaussian_nll":
        return Objective(loss, "identity", (2,) * n_heads), lambda n: rng.normal(size=(n, n_heads))
    activation = "exp" if loss == "poisson" else str(rng.choice(["identity", "tanh", "softplus"]))
    return Objective(loss, activation, (1,) * n_heads), lambda n: rng.poisson(1.0, (n, n_heads))


def random_network(rng, n_outputs):
    hidden = [int(n) for n in rng.integers(1, 40, rng.integers(0, 4))]
    if rng.random() < 0.4:  # layers as wide as the one before, for skips
        hidden = hidden[:1] * len(hidden)
    return Network(
        (int(rng.integers(1, 40)), *hidden, n_outputs),
        tuple(str(name) for name in rng.choice(SMOOTH, len(hidden))),
        norm=[None, "batch", "layer"][rng.integers(3)],
        residual=bool(rng.random() < 0.5),
    )


def random_params(rng, network):
    params = []
    for i, (n, m) in enumerate(zip(network.layer_sizes, network.layer_sizes[1:], strict=False)):
        layer = Dense(rng.normal(size=(n, m)) / n**0.5, rng.normal(size=m))
        if network.norm is not None and i < network.n_hidden:
            layer = layer._replace(scale=rng.normal(size=m) + 1, shift=rng.normal(size=m))
            if network.norm == "batch":
                moments = Moments(rng.normal(size=m), rng.random(m) + 0.5)
                layer = layer._replace(moments=moments)
        params.append(layer)
    return tuple(params)


def hyper_parameters(objective, rng):
    nothing = np.float64(0)
    return Hyper(
        solver={},
        learning_rate=nothing,
        alpha=nothing,
        l1_ratio=nothing,
        disturbance=Disturbance(np.zeros(0), nothing, nothing),
        loss=LossNumbers(
            np.float64(0.1 * rng.integers(2)), np.float64(0.7), np.array([0.1, 0.5, 0.8]), None
        ),
        clip_norm=nothing,
        max_norm=nothing,
        ema_decay=nothing,
        layer_rates=np.zeros(0),
        accumulate_steps=np.int32(1),
        input_scale=np.float64(1),
        tol=nothing,
        n_iter_no_change=np.int32(10),
        steps_per_epoch=np.int32(1),
        seed=np.uint32(0),
    )


@pytest.mark.parametrize("block", range(5))
def test_random_networks(block, monkeypatch):
    monkeypatch.setitem(numpy_activations.ACTIVATIONS, "gelu", lambda z: z * ndtr(z))  # all digits
    for number in range(block * N_NETWORKS // 5, (block + 1) * N_NETWORKS // 5):
        rng = np.random.default_rng(number)
        objective, targets = random_objective(rng)
        network = random_network(rng, sum(objective.heads))
        params, n = random_params(rng, network), int(rng.integers(1, 60))
        X, weight = rng.normal(size=(n, network.layer_sizes[0])), rng.random(n) + 0.1
        rows = Rows(X, targets(n).astype(np.float64), weight)

        raw = inference.outputs(
            network, params, lambda rows, X=X: X[rows], n, input_scale=1.0, dtype="float64"
        )
        expected = raw_outputs(network, params, X)
        np.testing.assert_allclose(raw, expected, rtol=1e-11, atol=1e-11, err_msg=str(number))

        config = FitConfig(network, objective, "plain_sgd", weighted=True, dtype="float64")
        program = GradientProgram(config, hyper_parameters(objective, rng), n)
        _, gradient = program.of_rows(params, rows)
        direction = map_leaves(lambda leaf, r=rng: r.normal(size=leaf.shape), params)
        # Batch normalisation in training does not read the running moments.
        step = 1e-6
        above, below = (
            program.of_rows(
                tuple(
                    moved(layer, way, sign * step)
                    for layer, way in zip(params, direction, strict=True)
                ),
                rows,
            )[0]
            for sign in (1, -1)
        )
        slope = sum(
            float((g * d).sum())
            for layer, way in zip(gradient, direction, strict=True)
            for g, d in zip(
                leaves(layer._replace(moments=None)),
                leaves(way._replace(moments=None)),
                strict=True,
            )
        )
        size = sum(float(np.abs(g).sum()) for g in leaves(gradient))
        np.testing.assert_allclose(
            (above - below) / (2 * step),
            slope,
            rtol=1e-5,
            atol=1e-7 * (1 + size),
            err_msg=str(number),
        )


def moved(layer, way, step):
    parts = (None if a is None else a + step * b for a, b in zip(layer[:4], way[:4], strict=True))
    return Dense(*parts, layer.moments)


def test_float32_is_near_float64():
    rng = np.random.default_rng(0)
    objective = Objective("softmax", "identity", (7,))
    network = Network((30, 50, 7), ("relu",))
    params, rows = random_params(rng, network), None
    X, y = rng.normal(size=(40, 30)), rng.integers(0, 7, 40)
    found = {}
    for dtype in ("float32", "float64"):
        config = FitConfig(network, objective, "plain_sgd", dtype=dtype)
        rows = Rows(X.astype(dtype), y, np.ones(40, dtype))
        hyper = hyper_parameters(objective, np.random.default_rng(1))
        found[dtype] = GradientProgram(config, replace_numbers(hyper), 40).of_rows(params, rows)
    np.testing.assert_allclose(found["float32"][0], found["float64"][0], rtol=1e-6)
    for a, b in zip(leaves(found["float32"][1]), leaves(found["float64"][1]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())


def replace_numbers(hyper):
    return hyper._replace(loss=hyper.loss._replace(label_smoothing=np.float64(0)))
