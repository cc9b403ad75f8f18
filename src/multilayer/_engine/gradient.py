"""The gradient of one batch, for those who look on: training itself does not hand it out."""

import jax
import jax.numpy as jnp
import numpy as np

from multilayer._core.types import Array
from multilayer._data.source import Rows, Window
from multilayer._engine import cache
from multilayer._engine.config import FitConfig, Hyper
from multilayer._engine.step import add_penalty, batch_loss, gather
from multilayer._nn.model import Parameters
from multilayer._nn.moments import Moments


def batch_gradient(
    config: FitConfig, hyper: Hyper, params: Parameters, window: Window, step: int
) -> Parameters:
    """Gradient of what a step of a window lowers, at any parameters, before it is clipped.

    Returns a tree like the parameters, without their running moments, which have no gradient.
    """
    args = params, hyper, window.rows, window.order[step - window.first], np.int32(step)

    def gradient(
        params: Parameters, hyper: Hyper, rows: Rows, line: Array, step: Array
    ) -> Parameters:
        batch = gather(rows, line)
        slopes, _ = jax.grad(batch_loss, has_aux=True)(params, config, hyper, batch, step)
        if config.penalty:
            _, slopes = add_penalty(config, hyper, slopes, jnp.sum(batch.divisors), params)
        return without_moments(slopes)

    program = cache.get(
        ("gradient", config, cache.signature(args)), lambda: cache.compiled(gradient, *args)
    )
    return program(*args)


def without_moments(tree: Parameters) -> Parameters:
    """Return a tree with nothing in place of running moments."""
    return jax.tree.map(
        lambda node: None if isinstance(node, Moments) else node,
        tree,
        is_leaf=lambda node: isinstance(node, Moments),
    )
