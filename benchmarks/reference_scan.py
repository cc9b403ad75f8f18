"""The yardstick: one epoch of mini-batch training as one compiled ``lax.scan``, nothing else."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def init_params(sizes: list[int], seed: int) -> list:
    """Glorot-uniform weights and zero biases, one ``(W, b)`` pair per layer, float32."""
    rng, params = np.random.default_rng(seed), []
    for fan_in, fan_out in pairwise(sizes):
        bound = (6.0 / (fan_in + fan_out)) ** 0.5
        weights = rng.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)
        params.append((jnp.array(weights), jnp.zeros(fan_out, jnp.float32)))
    return params


def loss(params: list, x: jax.Array, y: jax.Array) -> jax.Array:
    """Mean softmax cross-entropy of a ReLU network; ``x`` (n, d), ``y`` (n,) integers."""
    for weights, bias in params[:-1]:
        x = jax.nn.relu(x @ weights + bias)
    logits = x @ params[-1][0] + params[-1][1]
    picked = jnp.take_along_axis(logits, y[:, None], axis=1)[:, 0]
    return (jax.nn.logsumexp(logits, axis=1) - picked).mean()


def sgd(rate: float, params: list, moments: tuple, grads: list) -> tuple:
    """Plain gradient descent; ``moments`` is ``()``."""
    return jax.tree.map(lambda p, g: p - rate * g, params, grads), moments


def adam(rate: float, params: list, moments: tuple, grads: list) -> tuple:
    """Adam with beta 0.9, 0.999 and epsilon 1e-8; ``moments`` is ``(step, m, v)``."""
    step, m, v = moments[0] + 1, moments[1], moments[2]
    m = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, m, grads)
    v = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, v, grads)
    scale = rate * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    params = jax.tree.map(lambda p, a, b: p - scale * a / (jnp.sqrt(b) + 1e-8), params, m, v)
    return params, (step, m, v)


def init_moments(solver: str, params: list) -> tuple:
    """The optimizer's state before the first step."""
    if solver == "sgd":
        return ()
    zeros = partial(jax.tree.map, jnp.zeros_like)
    return jnp.float32(0), zeros(params), zeros(params)


@partial(jax.jit, static_argnames=("solver", "rate"), donate_argnums=(0, 1))
def epoch(params, moments, x, y, order, *, solver, rate):
    """Train on ``x[order[i]]`` for each row of ``order`` (steps, batch) in turn."""
    update = partial({"sgd": sgd, "adam": adam}[solver], rate)

    def step(carry, index):
        grads = jax.grad(loss)(carry[0], x[index], y[index])
        return update(*carry, grads), None

    return lax.scan(step, (params, moments), order)[0]
