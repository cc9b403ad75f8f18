"""Loss and score on validation rows, inside a training program or block by block."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from multilayer._core.types import Array
from multilayer._data.source import Rows
from multilayer._engine.config import FitConfig, Hyper
from multilayer._engine.program import Sums, Validation
from multilayer._engine.xla import cache
from multilayer._engine.xla.step import prepare, reciprocal
from multilayer._nn.model import Parameters
from multilayer._objectives.losses import row_losses, score_sums
from multilayer._objectives.objective import reported_share
from multilayer._objectives.scores import n_sums, score


def block_sums(config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows) -> Sums:
    """Return the weighted sums over a block of rows."""
    network = config.network.at_prediction()
    plain = hyper.loss._replace(label_smoothing=jnp.zeros((), config.dtype), class_weights=None)
    raw = network.apply(params, prepare(config, hyper, rows.X))
    losses = row_losses(config.objective, raw, rows.y, plain)
    sums = score_sums(config.objective, raw, rows.y, rows.weight)
    return jnp.sum(losses * rows.weight), sums


def validate(
    config: FitConfig, hyper: Hyper, params: Parameters, validation: Validation
) -> tuple[Array, Array]:
    """Weighted mean loss and score over validation rows, block by block."""

    def add(i: Array, sums: Sums) -> Sums:
        more = block_sums(config, hyper, params, jax.tree.map(lambda p: p[i], validation.blocks))
        return sums[0] + more[0], sums[1] + more[1]

    weights = validation.blocks.weight
    zeros = jnp.zeros((), config.dtype), jnp.zeros(n_sums(config.objective), config.dtype)
    loss, sums = lax.fori_loop(0, weights.shape[0], add, zeros)
    mean = loss * reciprocal(jnp.sum(weights)) * reported_share(config.objective)
    return mean, score(config.objective, sums, validation.scale, jnp)


def block_program(config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows) -> Callable:
    """Return the compiled sums of a block."""

    def build() -> Callable:
        return cache.compiled(
            lambda params, hyper, rows: block_sums(config, hyper, params, rows),
            params,
            hyper,
            rows,
        )

    return cache.get(("validate", config, cache.signature((params, hyper, rows))), build)
