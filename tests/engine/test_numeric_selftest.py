"""The installed JAX against NumPy float64, on the operations that this package stands on.

jax 0.10.2 summed rows wrongly under vmap on a CPU (https://github.com/jax-ml/jax/issues/39103):
a release that does so again fails here, by name, before anything else is doubted.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def compiled_as_for_users(optimized, monkeypatch):
    """Let every ``jax.jit`` here optimise."""
    monkeypatch.setattr(jax, "jit", partial(jax.jit, compiler_options=optimized))


AROUND_POWERS = sorted({2**k + d for k in (3, 5, 8, 10, 13, 15) for d in (-1, 0, 1)})


def whole_numbers(*shape):
    """Integers whose sums are exact in float32."""
    return np.random.default_rng(0).integers(-3, 4, shape).astype(np.float32)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def assert_close(found, expected, tolerance=1e-5):
    """Within a tolerance of the largest entry."""
    found = np.asarray(found, np.float64)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("n", AROUND_POWERS)
def test_vmapped_row_sums_are_exact(n):
    x = whole_numbers(3, n)
    assert_close(jax.jit(jax.vmap(jnp.sum))(x), x.sum(axis=1, dtype=np.float64), 0)


@pytest.mark.parametrize("n", [32_768, 32_769, 40_000])
def test_vmapped_sums_of_squares(n):
    x = normal(2, n)
    found = jax.jit(jax.vmap(lambda row: jnp.sum(jnp.square(row))))(x)
    assert_close(found, (x.astype(np.float64) ** 2).sum(axis=1))


def test_vmapped_sum_of_ones_is_the_count():
    ones = np.ones((4, 32_769, 2), np.float32)
    sums = jax.jit(jax.vmap(lambda a: jnp.sum(a, axis=0)))(ones)
    assert_close(sums, np.full((4, 2), 32_769.0), 0)


@pytest.mark.parametrize("n", [31, 32, 33, 1023, 1025])
@pytest.mark.parametrize("reduction", ["sum", "max", "mean", "argmax"])
def test_reductions_over_rows_under_vmap(n, reduction):
    x = whole_numbers(2, 5, n)
    found = jax.jit(jax.vmap(lambda a: getattr(jnp, reduction)(a, axis=1)))(x)
    assert_close(found, getattr(np, reduction)(x.astype(np.float64), axis=2), 1e-6)


@pytest.mark.parametrize("n", [31, 33, 1024, 1025])
def test_reductions_down_columns(n):
    x = normal(n, 7)
    assert_close(jax.jit(lambda a: a.sum(axis=0))(x), x.astype(np.float64).sum(axis=0))


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 5, 3), (50, 784, 300), (257, 33, 129)])
def test_products(shape):
    n, k, m = shape
    a, b = normal(n, k), normal(k, m, seed=1)
    expected = a.astype(np.float64) @ b.astype(np.float64)
    assert_close(jax.jit(jnp.matmul)(a, b), expected)
    assert_close(jax.jit(lambda x, y: x.T.T @ y.T.T)(a, b), expected)


def test_batched_products():
    a, b = normal(3, 17, 65), normal(3, 65, 9, seed=1)
    expected = a.astype(np.float64) @ b.astype(np.float64)
    assert_close(jax.jit(jax.vmap(jnp.matmul))(a, b), expected)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("exp", np.exp),
        ("tanh", np.tanh),
        ("softplus", lambda x: np.logaddexp(0, x)),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        ("log_softmax", lambda x: x - np.log(np.exp(x).sum(axis=-1, keepdims=True))),
    ],
)
def test_elementwise_functions(name, function):
    x = np.linspace(-30, 30, 4 * 257, dtype=np.float32).reshape(4, 257)
    found = np.asarray(jax.jit(getattr(jax.nn, name, None) or getattr(jnp, name))(x), np.float64)
    np.testing.assert_allclose(found, function(x.astype(np.float64)), rtol=1e-5, atol=1e-30)


def test_gradient_of_a_network_in_a_compiled_loop():
    """Twenty steps of gradient descent, forward, backward and update written out in NumPy."""
    x, y = normal(33, 5), normal(33, seed=1)
    start = normal(5, 8, seed=2), normal(8, seed=3), normal(8, seed=4)

    def loss(params):
        W, b, v = params
        return jnp.mean((jnp.tanh(x @ W + b[None, :]) @ v - y) ** 2)

    def step(_, params):
        return tuple(p - 0.1 * g for p, g in zip(params, jax.grad(loss)(params), strict=True))

    found = jax.jit(lambda params: jax.lax.fori_loop(0, 20, step, params))(start)
    W, b, v = (np.float64(p) for p in start)
    for _ in range(20):
        h = np.tanh(x @ W + b)
        d = 2 * (h @ v - y) / len(y)
        d_hidden = np.outer(d, v) * (1 - h**2)
        W, b, v = W - 0.1 * x.T @ d_hidden, b - 0.1 * d_hidden.sum(axis=0), v - 0.1 * h.T @ d
    for mine, theirs in zip(found, (W, b, v), strict=True):
        assert_close(mine, theirs)


def test_gather_and_masked_mean():
    x, weight = normal(40, 3), np.arange(40, dtype=np.float32)
    line = np.array([3, 39, 0, -1, 7], np.int32)

    def masked(rows):
        w = jnp.where(rows >= 0, weight[jnp.maximum(rows, 0)], 0.0)
        return jnp.sum(x[jnp.maximum(rows, 0)] * w[:, None], axis=0) / jnp.sum(w)

    weight, x = jnp.asarray(weight), jnp.asarray(x)
    kept = line[line >= 0]
    expected = np.average(np.float64(x)[kept], axis=0, weights=np.float64(weight)[kept])
    assert_close(jax.jit(masked)(line), expected)
