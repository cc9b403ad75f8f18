"""Layers for tables: NumPy against JAX and formulas, and ensembles against single networks."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from multilayer._core.activations import HIDDEN
from multilayer._nn.activation_layers import activate, parametric, random_bits, scheduled_dropout
from multilayer._nn.column_layers import bin_edges, n_bins, smooth_clip, table_inputs
from multilayer._nn.members import Members, init_layers, stacked
from multilayer._nn.model import Factor, Rate
from multilayer._nn.tabular_layers import ntk_dense, scaling

COLUMNS = table_inputs(2, 1, (4, 12), bins=(5, 0), embedding_size=3)
LAYERS = (
    COLUMNS,
    scheduled_dropout(0.3),
    scaling(),
    ntk_dense(7),
    parametric("mish"),
    ntk_dense(6),
    activate("selu"),
    scheduled_dropout(0.2),
    ntk_dense(2),
)


def table(n_rows, seed=0):
    """Numbers of two scales, a flag and codes of two categories."""
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [
            rng.normal(5, 2, n_rows),
            rng.integers(0, 2, n_rows),
            rng.choice([-1, 0, 1], n_rows),
            rng.integers(0, 4, n_rows),
            rng.integers(0, 12, n_rows),
        ]
    ).astype(np.float32)


def members(n=3):
    rng = np.random.default_rng(1)
    return [init_layers(LAYERS, rng, table(60, seed)) for seed in range(n)]


# Columns -----------------------------------------------------------------------------------------


def test_columns_by_hand():
    X = table(200)
    params = COLUMNS.init_on_data(np.random.default_rng(0), X)
    found = COLUMNS.apply(params, X)
    assert found.shape == (200, 2 + 5 + 1 + 2 * 3) == (200, COLUMNS.n_outputs)
    x = X[:, 0].astype(np.float64)
    low, middle, high = np.quantile(x, (0.25, 0.5, 0.75))
    z = (x - middle) / (high - low)
    z = z / np.sqrt(1 + (z / 3) ** 2)
    assert_allclose(found[:, 0], z, atol=2e-6)
    edges = np.quantile(z, np.linspace(0, 1, 6))
    encoded = np.stack([np.clip((z - a) / (b - a), 0, 1) for a, b in pairwise(edges)], 1)
    assert_allclose(found[:, 2:7], 2 * (encoded - encoded.mean(axis=0)), atol=2e-5)
    assert_array_equal(found[:, 7], X[:, 2])
    first, second = params.embeddings
    assert_array_equal(found[:, 8:11], first[X[:, 3].astype(int)])
    assert_array_equal(found[:, 11:], second[X[:, 4].astype(int)])


def test_a_column_of_equal_quartiles_is_divided_by_half_its_range():
    X = table(200)
    X[:, 1] = np.arange(200) < 20
    found = COLUMNS.apply(COLUMNS.init_on_data(np.random.default_rng(0), X), X)
    assert len(np.unique(found[:, 1])) == 2
    assert np.ptp(found[:, 1]) == pytest.approx(2 / np.sqrt(1 + 4 / 9), rel=1e-5)


def test_clipping_is_within_three_and_keeps_the_order():
    z = smooth_clip(np.linspace(-50, 50, 101))
    assert (np.diff(z) > 0).all()
    assert np.abs(z).max() < 3


@pytest.mark.parametrize("big", [1e6, 1e20, 1e30])
def test_clipping_of_huge_numbers(big):
    numbers = np.array([-big, big], np.float32)
    for z in (smooth_clip(numbers), smooth_clip(jnp.asarray(numbers))):
        assert_allclose(z, [-3, 3], rtol=1e-5)


@pytest.mark.parametrize(
    ("column", "bins", "edges"),
    [
        ([1, 2, 3], 2, [1, 2, 3]),
        ([1, 1, 4], 3, [1, 4, 4, 4]),
        (range(11), 2, [0, 5, 10]),
    ],
)
def test_edges(column, bins, edges):
    assert_allclose(bin_edges(np.array(column, float), bins), edges)


@pytest.mark.parametrize(("values", "bins"), [(1, 0), (2, 0), (3, 2), (9, 4)])
def test_bins_of_few_values(values, bins):
    assert n_bins(np.arange(values).repeat(3), most=4) == bins


def test_repeated_quantiles_make_no_infinite_numbers():
    X = table(200)
    X[:150, 0] = 3  # most quantiles are the same number
    found = COLUMNS.apply(COLUMNS.init_on_data(np.random.default_rng(0), X), X)
    assert np.isfinite(found).all()


# Initialisation and single layers ----------------------------------------------------------------


def test_units_start_with_a_spread_of_one_and_their_zero_among_the_rows():
    x = np.random.default_rng(0).normal(3, 5, (300, 20)).astype(np.float32)
    layer = ntk_dense(50)
    z = layer.apply(layer.init_on_data(np.random.default_rng(0), x), x)
    assert_allclose(z.std(axis=0), 1, rtol=1e-4)
    assert ((z > 0).any(axis=0) & (z < 0).any(axis=0)).all()


def test_dense_is_divided_by_the_root_of_its_inputs():
    params = ntk_dense(2).init_on_data(np.random.default_rng(0), np.eye(4, dtype=np.float32))
    expected = np.ones((1, 4)) @ params.kernel.astype(float) / 2 + params.bias
    assert_allclose(ntk_dense(2).apply(params, np.ones((1, 4), np.float32)), expected, rtol=1e-6)


@pytest.mark.parametrize("activation", [*HIDDEN])
def test_share_of_an_activation(activation):
    x = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
    layer = parametric(activation)
    params = layer.init_on_data(np.random.default_rng(0), x)
    assert_allclose(layer.apply(params, x), activate(activation).apply((), x), atol=3e-7)
    assert_allclose(layer.apply(params._replace(share=params.share * 0), x), x)
    assert_allclose(layer.apply(params, jnp.asarray(x)), layer.apply(params, x), atol=1e-6)


def test_weights_of_inputs_start_at_one_and_may_be_unused():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for used, expected in ((True, x * [1, 2, 3]), (False, x)):
        params = scaling(used=used).init_on_data(np.random.default_rng(0), x)
        assert_array_equal(scaling().apply(params, x), x)
        changed = params._replace(scale=np.array([1, 2, 3], np.float32))
        assert_array_equal(scaling().apply(changed, x), expected)


# Dropout -----------------------------------------------------------------------------------------


def test_dropout_has_its_rate_and_its_mean():
    layer, x = scheduled_dropout(0.3), jnp.ones((2, 500, 400))
    rate = Rate(jnp.array([0.3, 0.0], jnp.float32))
    dropped, after = layer.apply_in_training(rate, x, key=jnp.uint32(7), weight=jnp.ones(500))
    assert after is rate
    assert float((dropped[0] == 0).mean()) == pytest.approx(0.3, abs=0.005)
    assert float(dropped[0].mean()) == pytest.approx(1, abs=0.005)
    assert_array_equal(dropped[1], 1)


def test_random_bits_are_spread_and_differ_by_counter():
    one, other = (np.asarray(random_bits(jnp.uint32(n), (300, 300))) for n in (1, 2))
    shares = np.histogram(one, 16, (0, 2**32))[0] / one.size
    assert_allclose(shares, 1 / 16, atol=0.004)
    bits = (one[..., None] >> np.arange(32, dtype=np.uint32)) & 1
    assert_allclose(bits.mean(axis=(0, 1)), 0.5, atol=0.01)
    assert (one == other).mean() < 1e-3
    a, b = (x.ravel() / 2**32 for x in (one, other))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.02
    assert abs(np.corrcoef(a[1:], a[:-1])[0, 1]) < 0.02


# Ensembles ---------------------------------------------------------------------------------------


def test_members_are_the_single_networks():
    single, X = members(), table(20, seed=9)
    ensemble, params = Members(LAYERS, 3).at_prediction(), stacked(single)
    found = ensemble.apply(params, X).reshape(20, 3, 2)
    for number, own in enumerate(single):
        x = X
        for layer, part in zip(LAYERS, own, strict=True):
            x = layer.apply(part, x)
        assert_allclose(found[:, number], x, atol=1e-6)
    assert_allclose(
        jax.jit(ensemble.apply)(params, jnp.asarray(X)), found.reshape(20, 6), atol=1e-5
    )


def test_each_member_gets_its_own_rows_in_training():
    params, X = stacked(members()), table(30, seed=9)
    training = Members(LAYERS, 3)
    own = training.apply(params, X)
    shared = training.at_prediction().apply(params, X).reshape(30, 3, 2)
    for number in range(3):
        rows = slice(10 * number, 10 * number + 10)
        assert_allclose(own[rows], shared[rows, number], atol=1e-6)


def test_dropout_in_training_only_and_anew_in_each_step():
    ensemble, params, X = Members(LAYERS, 3), stacked(members()), jnp.asarray(table(30, seed=9))
    step = jax.jit(lambda key: ensemble.apply_in_training(params, X, None, None, key)[0])
    one, same, other = (step(jax.random.key(seed)) for seed in (1, 1, 2))
    assert_array_equal(one, same)
    assert (np.asarray(one) != np.asarray(other)).any()
    assert ensemble.random
    assert not Members(LAYERS[2:4], 3).random


def test_factors_have_the_shape_of_parameters():
    params = stacked(members())
    factors = Members(LAYERS, 3).factors(params)
    assert factors[2].scale == Factor(6.0, 6.0)
    assert factors[3] == (Factor(1.0, 1.0), Factor(0.1, 0.0))
    assert factors[4].share == Factor(0.1, 0.1)
    assert factors[0].embeddings == (Factor(), Factor())
