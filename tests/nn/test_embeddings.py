"""Layers of RealMLP and TabM that read columns, against formulas in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from multilayer._core.pytrees import leaves, with_leaves
from multilayer._nn.activation_layers import parametric
from multilayer._nn.column_layers import robust_scaling
from multilayer._nn.embeddings import (
    category_embedding,
    open_bins,
    periodic_embedding,
    piecewise_linear_embedding,
)
from multilayer._nn.forward import with_fixed
from multilayer._nn.members import batch_ensemble, factors_of, shared, stacked, without_fixed
from multilayer._nn.model import Factor, Fixed, is_fixed
from multilayer._nn.quantile_layers import quantile_scaling
from multilayer._nn.tabular_layers import linear, ntk_dense, scaling

LAYERS = (
    robust_scaling(2),
    quantile_scaling(2, 6),
    category_embedding((4, 12), 3),
    periodic_embedding(2, n_frequencies=5, size=3),
    piecewise_linear_embedding(2, n_bins=6, size=4),
    scaling(initial="normal"),
    ntk_dense(3),
    linear(3),
    parametric("mish"),
    batch_ensemble(3, "normal"),
    shared(linear(2)),
)


def table(n_rows=60, seed=0):
    """Numbers of two scales, a flag and codes of two categories."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal([0.5, 5], [1, 2], (n_rows, 2))
    codes = rng.integers(0, [4, 12], (n_rows, 2))
    return np.column_stack([numbers, rng.choice([-1, 0, 1], n_rows), codes]).astype(np.float32)


def drawn(layer, X, seed=0):
    """Return first parameters, none of which is 0 by its distribution."""
    params = layer.init_on_data(np.random.default_rng(seed), X)
    rng = np.random.default_rng(seed + 100)

    def moved(tree):
        if isinstance(tree, Fixed):
            return tree
        if isinstance(tree, tuple):
            parts = [moved(part) for part in tree]
            return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
        return tree + rng.normal(0, 0.1, tree.shape).astype(np.float32)

    return moved(params)


# Formulas ----------------------------------------------------------------------------------------


def test_robust_scaling_by_hand():
    X = table()
    found = robust_scaling(2).apply(robust_scaling(2).init_on_data(0, X), X)
    for j in range(2):
        x = X[:, j].astype(np.float64)
        low, middle, high = np.quantile(x, (0.25, 0.5, 0.75))
        z = (x - middle) / (high - low)
        assert_allclose(found[:, j], z / np.sqrt(1 + (z / 3) ** 2), atol=1e-5)
    assert_array_equal(found[:, 2:], X[:, 2:])


def test_robust_scaling_of_two_values_and_of_one():
    """A column of +1 and -1, most of them the same, ends at -2 or 2 before clipping."""
    X = np.ones((40, 2), np.float32)
    X[:5, 0] = -1
    found = robust_scaling(2).apply(robust_scaling(2).init_on_data(0, X), X)
    assert_allclose(np.unique(found[:, 0]), [-2 / np.sqrt(1 + 4 / 9), 0], atol=1e-6)
    assert_array_equal(found[:, 1], 0)


def test_category_embedding_by_hand():
    X, layer = table(), category_embedding((4, 12), 3)
    params = drawn(layer, X)
    found = layer.apply(params, X)
    assert_array_equal(found[:, :3], X[:, :3])
    for i, row in enumerate(X):
        assert_array_equal(found[i, 3:6], params.tables[0][int(row[3])])
        assert_array_equal(found[i, 6:], params.tables[1][int(row[4])])


def test_periodic_embedding_by_hand():
    X, layer = table(), periodic_embedding(2, n_frequencies=5, size=3)
    params = drawn(layer, X)
    found = layer.apply(params, X)
    frequencies, phases, kernel, bias = (part.astype(np.float64) for part in params)
    for i, row in enumerate(X.astype(np.float64)):
        expected = []
        for j in range(2):
            h = np.cos(2 * np.pi * row[j] * frequencies[j] + phases[j])
            expected += [*(h @ kernel[j] + bias[j])]
        assert_allclose(found[i], [*expected, *row], atol=1e-5)


def encoding(x, edges):
    """The piecewise linear encoding of a number by its definition: the ends are open."""
    found = []
    for t in range(1, len(edges)):
        v = (x - edges[t - 1]) / (edges[t] - edges[t - 1])
        first, last = t == 1, t == len(edges) - 1
        v = v if first else max(v, 0.0)
        found.append(v if last else min(v, 1.0))
    return np.array(found)


@pytest.mark.parametrize("n_bins", [1, 2, 6])
def test_piecewise_linear_embedding_by_hand(n_bins):
    X, layer = table(), piecewise_linear_embedding(2, n_bins, size=4)
    params = drawn(layer, X)
    beyond = np.concatenate([X, X.min(axis=0)[None] - [[1, 1, 0, 0, 0]], X.max(axis=0)[None] + 1])
    beyond = beyond.astype(np.float32)
    found = layer.apply(params, beyond)
    for j in range(2):
        edges = np.quantile(X[:, j].astype(np.float64), np.linspace(0, 1, n_bins + 1))
        edges = edges.astype(np.float32).astype(np.float64)
        for i, row in enumerate(beyond.astype(np.float64)):
            line = row[j] * params.slope[j].astype(float) + params.offset[j]
            expected = line + encoding(row[j], edges) @ params.kernel[j].astype(float)
            assert_allclose(found[i, 4 * j : 4 * j + 4], expected, atol=1e-5)
    assert_array_equal(found[:, 8:], beyond[:, 2:])


def test_quantiles_that_coincide_make_no_bin():
    x = np.array([1.0] * 30 + [2.0, 3.0, 7.0] * 4, np.float32)
    edges = np.unique(np.quantile(x, np.linspace(0, 1, 9)))
    assert 2 < len(edges) < 9
    low, factor, floor, ceiling = open_bins(x, 8)
    for value in (0.0, 1.0, 1.5, 6.0, 9.0):
        v = np.clip((value - low) * factor, floor, ceiling)
        assert_allclose(v[: len(edges) - 1], encoding(value, edges))
        assert_array_equal(v[len(edges) - 1 :], 0)


@pytest.mark.parametrize("x", [[3.0] * 9, [1e30, 1e30, -1e30], [0, 1e-45, 1], [1.0, 1 + 1e-7, 1]])
def test_bins_of_odd_columns_are_finite(x):
    x = np.array(x, np.float32)
    layer = piecewise_linear_embedding(1, 4, 2)
    params = drawn(layer, x[:, None])
    for inputs in (x[:, None], jnp.asarray(x[:, None])):
        assert np.isfinite(layer.apply(params, inputs)).all()


# NumPy and JAX, members, gradients ---------------------------------------------------------------


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_members_numpy_and_jax(layer):
    X = table()
    single = [drawn(layer, X, seed) for seed in range(3)]
    params = stacked(single)
    expected = np.stack([layer.apply(own, X) for own in single])
    for x in (X[None], np.stack([X] * 3)):
        found = layer.apply(params, x)
        assert isinstance(found, np.ndarray)
        assert found.dtype == np.float32
        assert_allclose(found, expected, rtol=1e-6, atol=2e-6)
        assert_allclose(jax.jit(layer.apply)(params, x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS[2:], ids=repr)  # those before learn nothing
def test_gradients_are_those_of_finite_differences(layer):
    """Of a weighted sum of what two members make of the same rows; differences in float64."""
    X = table(12)
    params = stacked([drawn(layer, X, seed) for seed in range(2)])
    weight = np.random.default_rng(1).normal(size=layer.apply(params, X[None]).shape)

    def total(learnt, x, weight):
        return (layer.apply(with_fixed(learnt, params), x[None]) * weight).sum()

    learnt = without_fixed(params)
    slopes = jax.jit(jax.grad(total))(learnt, X, weight.astype(np.float32))
    rng, exact = np.random.default_rng(2), [leaf.astype(np.float64) for leaf in leaves(learnt)]
    for number, slope in enumerate(leaves(slopes)):
        direction, ends = rng.normal(size=slope.shape), []
        for step in (1e-4, -1e-4):
            moved = [*exact[:number], exact[number] + step * direction, *exact[number + 1 :]]
            ends.append(total(with_leaves(learnt, moved), X.astype(np.float64), weight))
        scale = np.abs(slope * direction).sum()
        assert scale > 0
        found, expected = (slope * direction).sum(), (ends[0] - ends[1]) / 2e-4
        assert_allclose(found / scale, expected / scale, atol=1e-5)


@pytest.mark.parametrize("layer", [*LAYERS[:2], *LAYERS[4:6]], ids=repr)
def test_what_was_measured_has_no_gradient(layer):
    X = table(12)
    params = drawn(layer, X)
    slopes = jax.jit(jax.grad(lambda own: jnp.square(layer.apply(own, jnp.asarray(X))).sum()))(
        params
    )
    nodes = jax.tree.leaves(slopes, is_leaf=is_fixed)
    fixed = [leaf for node in nodes if is_fixed(node) for leaf in leaves(node)]
    assert fixed
    assert not any(leaf.any() for leaf in fixed)


# First parameters --------------------------------------------------------------------------------


def test_first_periodic_embedding():
    layer = periodic_embedding(200, n_frequencies=16, size=3, sigma=0.1)
    params = layer.init_on_data(np.random.default_rng(0), np.zeros((1, 200), np.float32))
    assert params.frequencies.std() == pytest.approx(0.1, rel=0.05)
    assert np.abs(params.phases).max() == pytest.approx(np.pi, rel=0.01)
    for part in (params.kernel, params.bias):
        assert np.abs(part).max() == pytest.approx(0.25, rel=0.02)
        assert part.std() == pytest.approx(0.5 / np.sqrt(12), rel=0.05)


def test_first_piecewise_linear_embedding_is_linear():
    X, layer = table(), piecewise_linear_embedding(2, size=16)
    params = layer.init_on_data(np.random.default_rng(0), X)
    assert_array_equal(params.kernel, 0)
    assert params.kernel.shape == (2, 48, 16)
    expected = X[:, 0, None] * params.slope[0] + params.offset[0]
    assert_allclose(layer.apply(params, X)[:, :16], expected, atol=1e-6)
    wide = piecewise_linear_embedding(2, 2, size=4000).init_on_data(np.random.default_rng(0), X)
    for part in (wide.slope, wide.offset):
        assert np.abs(part).max() == pytest.approx(1 / np.sqrt(4000), rel=0.01)


def test_first_category_embedding():
    params = category_embedding((300,), 8).init_on_data(np.random.default_rng(0), table())
    assert params.tables[0].std() == pytest.approx(1, rel=0.05)


def test_layers_draw_from_a_key_too():
    for layer in LAYERS:
        one, other = (layer.init(jax.random.key(seed), 5) for seed in (0, 0))
        for a, b in zip(leaves(one), leaves(other), strict=True):
            assert a.dtype == np.float32
            assert_array_equal(a, b)


def test_factors():
    X = table()
    found = {type(layer): factors_of(layer, drawn(layer, X)) for layer in LAYERS}
    assert {*found[periodic_embedding]} == {Factor(0.1, 0.1)}
    line, kernel = found[piecewise_linear_embedding][1:3], found[piecewise_linear_embedding].kernel
    assert (*line, kernel) == (Factor(decay=0.0), Factor(decay=0.0), Factor())
    assert found[linear] == found[shared] == (Factor(), Factor(decay=0.0))
    assert found[batch_ensemble] == (Factor(), Factor(), Factor(), Factor(decay=0.0))
    assert found[category_embedding].tables == (Factor(), Factor())
