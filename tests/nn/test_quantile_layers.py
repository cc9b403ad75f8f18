"""Columns on the scale of a normal distribution, against scikit-learn and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri
from sklearn.preprocessing import QuantileTransformer

from multilayer._nn.model import Fixed
from multilayer._nn.quantile_layers import (
    LEAST_SHARE,
    QuantileParameters,
    noise_of,
    normal_quantile,
    places,
    quantile_scaling,
)

MOST = -ndtri(LEAST_SHARE)  # of the outputs


def table(n_rows=3000, seed=0):
    """Numbers of several distributions, some of them often the same; the last passes."""
    rng = np.random.default_rng(seed)
    zeros = np.where(rng.random(n_rows) < 0.6, 0.0, rng.exponential(size=n_rows))
    columns = (
        *(rng.normal(2000, 5, n_rows), 1e5 * rng.lognormal(0, 2, n_rows), zeros),
        *(rng.integers(0, 4, n_rows) * 1e-3, rng.random(n_rows)),
    )
    return np.column_stack(columns).astype(np.float32)


@pytest.mark.parametrize("n_quantiles", [2, 7, 64, 100])
def test_it_is_the_quantile_transformer_of_its_quantiles(n_quantiles):
    X, layer = table(), quantile_scaling(4, n_quantiles)
    params = layer.init_on_data(0, X)
    beyond = np.concatenate([X, X.min(axis=0)[None] * 0.5 - 1, X.max(axis=0)[None] * 2])
    theirs = QuantileTransformer(n_quantiles=n_quantiles, output_distribution="normal")
    theirs.fit(X[:, :4].astype(np.float64))
    theirs.quantiles_ = params.quantiles.value.T.astype(np.float64)
    expected = theirs.transform(beyond[:, :4].astype(np.float64))
    for rows in (beyond, jnp.asarray(beyond)):
        found = layer.apply(params, rows)
        assert found.dtype == np.float32
        # The quantile transformer takes what is within 1e-7 of an end for the end.
        assert_allclose(np.clip(found[:, :4], -4.5, 4.5), np.clip(expected, -4.5, 4.5), atol=2e-5)
        assert_array_equal(found[:, 4], beyond[:, 4])


def test_columns_become_normal():
    X, layer = table(), quantile_scaling(4)
    params = layer.init_on_data(0, X)
    z, unseen = layer.apply(params, X), layer.apply(params, table(seed=1))
    for found in (z, unseen):
        assert_allclose(found[:, :2].mean(axis=0), 0, atol=0.06)
        assert_allclose(found[:, :2].std(axis=0), 1, atol=0.05)
    assert np.abs(z).max() <= MOST + 1e-5


def test_numbers_that_occur_often_stand_in_the_middle_of_their_range():
    X, layer = table(), quantile_scaling(4, 100)
    z = layer.apply(layer.init_on_data(0, X), X)
    for column in (2, 3):
        for value in np.unique(X[:, column])[:4] if column == 3 else [0.0]:
            own = X[:, column] == value
            middle = (X[:, column] < value).mean() + own.mean() / 2
            assert_allclose(z[own, column], ndtri(middle), atol=0.1)


def test_noise_is_that_of_the_recipe_but_for_columns_of_small_numbers():
    z = np.random.default_rng(0).normal(0, 1, (4000, 1)) * [1, 300, 1e-4] + [0, 5, 2]
    z = np.column_stack([z, np.full(4000, 3.0)])
    spread = z.std(axis=0)
    assert_allclose(noise_of(z), [*1e-3 / spread[:2], 0.05 * spread[2], 0], atol=1e-15)
    small = z[:, 2:3].astype(np.float32)  # the recipe's noise, 1, would hide it
    layer = quantile_scaling(1, 100)
    found = layer.apply(layer.init_on_data(0, small), small)[:, 0]
    shares = (np.argsort(np.argsort(small[:, 0])) + 0.5) / len(small)
    inner = abs(shares - 0.5) < 0.45
    assert_allclose(found[inner], ndtri(shares[inner]), atol=0.1)


def test_equal_quantiles_and_constant_columns():
    X = np.full((50, 2), 1e6, np.float32)
    X[:10, 1] += 1  # the noise is lost in float32
    layer = quantile_scaling(2, 11)
    z = layer.apply(layer.init_on_data(0, X), X)
    assert_array_equal(z[:, 0], 0)
    assert_allclose(np.unique(z[:, 1]), ndtri([0.35, 0.95]), atol=1e-5)


def test_shares_below_and_above_are_exact_at_their_own_ends():
    quantiles = np.array([[0.0, 1.0, 3.0, 3.0, 3.0, 4.0]], np.float32)
    x = np.array([[-1, 0, 1e-9, 2, 3, 4 - 2**-22, 4, 9]], np.float32).T
    below, above = places(quantiles, x)
    assert_allclose(below[:, 0], [0, 0, 1e-9, 1.5, 3, 5, 5, 5], rtol=1e-6)
    assert_allclose(above[:, 0], [5, 5, 5, 3.5, 2, 2**-22, 0, 0], rtol=1e-6)


def test_odd_numbers():
    X = np.array([[9e29, 1e-45], [-9e29, 0.0], [1.0, 0.0], [2.0, 1.0]], np.float32)
    layer = quantile_scaling(2, 4)
    params = layer.init_on_data(0, X)
    odd = np.array([[np.inf, -np.inf], [np.nan, np.nan], [3e38, -3e38]], np.float32)
    for rows in (odd, jnp.asarray(odd)):
        found = np.asarray(layer.apply(params, rows))
        assert np.isnan(found[1]).all()
        assert_allclose(found[[0, 2]], [[MOST, -MOST]] * 2, rtol=1e-6)
    assert np.isfinite(layer.apply(params, X)).all()


def test_slopes_are_finite_and_those_of_the_interpolation():
    layer = quantile_scaling(1, 3)
    params = QuantileParameters(Fixed(np.array([[0.0, 1.0, 3.0]], np.float32)))

    def scaled(x):
        return layer.apply(params, x.reshape(1, 1))[0, 0]

    slope = jax.jit(jax.grad(scaled))
    for x in (-1.0, 0.0, 1.0, 3.0, 5.0):
        assert np.isfinite(slope(jnp.float32(x)))
    for x in (0.02, 0.5, 2.0, 2.9):
        share = x / 2 if x < 1 else 0.5 + (x - 1) / 4
        density = np.exp(-(ndtri(share) ** 2) / 2) / np.sqrt(2 * np.pi)
        assert slope(jnp.float32(x)) == pytest.approx((0.5 if x < 1 else 0.25) / density, rel=1e-4)


# The quantile function of the normal distribution ------------------------------------------------


def test_normal_quantiles_in_float64_and_float32():
    shares = np.concatenate([np.geomspace(LEAST_SHARE, 0.5, 3000), np.linspace(1e-3, 0.5, 3000)])
    expected = ndtri(shares)
    rest = 1 - shares
    assert_allclose(normal_quantile(shares, rest), expected, rtol=2e-7, atol=1e-15)
    assert_allclose(normal_quantile(rest, shares), -expected, rtol=2e-7, atol=1e-15)
    below, above = shares.astype(np.float32), rest.astype(np.float32)
    for pair in ((below, above), (jnp.asarray(below), jnp.asarray(above))):
        assert_allclose(normal_quantile(*pair), expected, atol=2e-6)
    assert_allclose(normal_quantile(np.zeros(1), np.ones(1)), -MOST, rtol=2e-7)
