"""Member adapters and members that share layers."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from multilayer import InvalidArgumentError
from multilayer._core.pytrees import map_leaves
from multilayer._nn.activation_layers import activate, scheduled_dropout
from multilayer._nn.embeddings import periodic_embedding, piecewise_linear_embedding
from multilayer._nn.members import Members, batch_ensemble, init_layers, init_members, shared
from multilayer._nn.tabular_layers import linear, ntk_dense, scaling

X = np.random.default_rng(0).normal(2, 3, (400, 6)).astype(np.float32)
RNG = np.random.default_rng(0)


def test_an_adapter_by_hand():
    layer = batch_ensemble(4, "normal")
    params = layer.init_members(RNG, X, 3)
    params = params._replace(
        scale_out=RNG.normal(size=(3, 4)).astype(np.float32),
        bias=RNG.normal(size=(3, 4)).astype(np.float32),
    )
    r, w, s, b = (part.astype(np.float64) for part in params)
    found = layer.apply(params, X[None])
    for i in range(3):
        assert_allclose(found[i], ((X * r[i]) @ w[0]) * s[i] + b[i], atol=1e-5)
    assert_allclose(layer.apply(params, jnp.asarray(X)[None]), found, atol=2e-5)


def test_first_adapters_are_those_of_tabm():
    layer = batch_ensemble(500, "random_signs", groups=(3, 1, 2))
    scale_in, kernel, scale_out, bias = layer.init_members(np.random.default_rng(0), X, 64)
    assert kernel.shape == (1, 6, 500)
    for part in (kernel, bias):
        assert np.abs(part).max() == pytest.approx(1 / np.sqrt(6), rel=0.01)
    assert (bias == bias[0]).all()
    assert_array_equal(scale_out, 1)
    assert {*np.unique(scale_in)} == {-1, 1}
    assert (scale_in[:, :3] == scale_in[:, :1]).all()  # one for all columns of a feature
    assert (scale_in[:, 4] == scale_in[:, 5]).all()
    assert len(np.unique(scale_in[:, [0, 3, 4]], axis=0)) == 8  # and members differ
    assert_array_equal(batch_ensemble(2).init_members(RNG, X, 4).scale_in, 1)


def test_first_weights_of_inputs():
    X_wide = np.zeros((1, 5000), np.float32)
    assert_array_equal(scaling().init_on_data(RNG, X_wide).scale, 1)
    normal = scaling(initial="normal").init_on_data(RNG, X_wide).scale
    assert (normal.mean(), normal.std()) == pytest.approx((0, 1), abs=0.05)
    grouped = scaling(initial="normal", groups=(2000, 3000)).init_on_data(RNG, X_wide).scale
    assert len(np.unique(grouped)) == 2


def test_first_dense_layers():
    normal = ntk_dense(300, initial="normal").init_on_data(RNG, X)
    for part in normal:
        assert (part.mean(), part.std()) == pytest.approx((0, 1), abs=0.15)
    assert all((part == 0).all() for part in ntk_dense(3, initial="zeros").init_on_data(RNG, X))
    for part in linear(500).init_on_data(RNG, X):
        assert np.abs(part).max() == pytest.approx(1 / np.sqrt(6), rel=0.02)


def test_biases_that_are_mixtures_of_five_rows():
    """A unit's zero is a mixture of sums of the rows, most often in their middle half."""
    x = np.random.default_rng(3).normal(size=(500, 4)).astype(np.float32)
    layer = ntk_dense(2000)
    params = layer.init_on_data(np.random.default_rng(0), x)
    z = layer.apply(params._replace(bias=0 * params.bias), x)
    assert_allclose(z.std(axis=0), 1, rtol=1e-4)
    # The expected square of a Dirichlet(1, ..., 1) weight of five is 2 / (5 * 6).
    assert params.bias.std() == pytest.approx(np.sqrt(5 * 2 / 30), rel=0.1)
    assert ((-params.bias > z.min(axis=0)) & (-params.bias < z.max(axis=0))).all()


LAYERS = (
    shared(piecewise_linear_embedding(6, 4, 3)),
    shared(periodic_embedding(2, 3, 2)),
    batch_ensemble(5, "normal"),
    activate("relu"),
    shared(linear(4)),
    linear(2),
)


def of_member(number, part):
    return part[0 if len(part) == 1 else number]


def test_members_that_share_layers_are_networks_that_have_the_same_numbers():
    ensemble, params = Members(LAYERS, 3).at_prediction(), init_members(LAYERS, RNG, X, 3)
    found = ensemble.apply(params, X).reshape(len(X), 3, 2)
    for number in range(3):
        x = X
        for layer, own in zip(LAYERS, params, strict=True):
            x = layer.apply(map_leaves(partial(of_member, number), own), x)
        assert_allclose(found[:, number], x, rtol=1e-5, atol=1e-5)
    compiled = jax.jit(ensemble.apply)(params, jnp.asarray(X))
    assert_allclose(compiled, found.reshape(-1, 6), atol=2e-5)
    training = Members(LAYERS, 4, own_rows=True)
    params = init_members(LAYERS, RNG, X, 4)
    expected = training.at_prediction().apply(params, X).reshape(len(X), 4, 2)
    own = training.apply(params, X).reshape(4, 100, 2)
    for number in range(4):
        rows = slice(100 * number, 100 * number + 100)
        assert_allclose(own[number], expected[rows, number], rtol=1e-5, atol=1e-5)


def test_members_that_share_everything_agree():
    layers = (shared(linear(2)),)
    ensemble = Members(layers, 3).at_prediction()
    found = ensemble.apply(init_members(layers, RNG, X, 3), X)
    assert found.shape == (400, 6)
    assert_array_equal(found[:, :2], found[:, 4:])


def test_members_that_share_nothing_are_drawn_apart():
    layers = (ntk_dense(3), activate("relu"), ntk_dense(1))
    params = init_members(layers, RNG, X, 3)
    assert params[0].kernel.shape == (3, 6, 3)
    assert (params[0].kernel[0] != params[0].kernel[1]).all()


def test_dropout_may_be_seen_by_first_parameters():
    """Units have a spread of 1 on what dropout leaves of the inputs."""
    x = np.ones((2000, 30), np.float32)
    layers = (scheduled_dropout(0.5), ntk_dense(4))
    _, dense = init_layers(layers, np.random.default_rng(0), x, dropped=True)
    mask = np.random.default_rng(5).random(x.shape) < 0.5
    assert_allclose(ntk_dense(4).apply(dense, 2 * x * mask).std(axis=0), 1, rtol=0.1)


def test_masks_of_their_own():
    rate, x = np.full(3, 0.5, np.float32), np.ones((3, 50, 40), np.float32)
    for shared_mask, same in ((True, True), (False, False)):
        layer = scheduled_dropout(0.5, shared_mask)
        params = layer.init_on_data(RNG, X)._replace(value=rate)
        dropped, _ = layer.apply_in_training(params, x, key=np.array([1], np.uint32), weight=None)
        assert bool((dropped[0] == dropped[1]).all()) == same
        assert float((dropped == 0).mean()) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    "layer", [batch_ensemble(2), shared(linear(2)), scheduled_dropout(0.1), np.tanh], ids=repr
)
def test_what_cannot_be_shared(layer):
    with pytest.raises(InvalidArgumentError, match="layer must be"):
        shared(layer)
