"""Loss and score on validation rows: on the device inside the program, or streamed around it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from multilayer._core.types import Array
from multilayer._data.source import Rows, pad_rows
from multilayer._engine import cache
from multilayer._engine.config import FitConfig, Hyper
from multilayer._engine.step import prepare, reciprocal
from multilayer._nn.model import Parameters
from multilayer._objectives.losses import reported_share, row_losses
from multilayer._objectives.scores import n_sums, score, score_sums

Sums = tuple[Array, Array]  # of the losses, and those that the score is made of


class Validation(NamedTuple):
    """Rows that each epoch is judged by, and what their score is measured against."""

    blocks: Rows  # (blocks, rows of a block, ...)
    scale: Array  # of score_scale()


@dataclass(frozen=True)
class StreamedValidation:
    """Rows that stay where they are; blocks of them are made dense in turn."""

    take: Callable[[slice], np.ndarray]
    y: np.ndarray
    weight: np.ndarray
    scale: np.ndarray
    block: int  # rows of a block


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
    return mean, score(config.objective, sums, validation.scale)


def validate_streamed(
    config: FitConfig,
    hyper: Hyper,
    params: Parameters,
    validation: StreamedValidation,
    check_interrupts: Callable[[], None],
) -> tuple[float, float]:
    """Do the same over streamed rows, in calls of a program for one block."""
    loss, total = 0.0, np.zeros(n_sums(config.objective))
    for start in range(0, len(validation.y), validation.block):
        check_interrupts()
        some = slice(start, min(start + validation.block, len(validation.y)))
        parts = validation.take(some), validation.y[some], validation.weight[some]
        rows = Rows(*(pad_rows(part, validation.block) for part in parts))
        sums = block_program(config, hyper, params, rows)(params, hyper, rows)
        loss += float(sums[0])
        total += np.asarray(sums[1], np.float64)
    mean = loss / validation.weight.sum(dtype=np.float64) * reported_share(config.objective)
    return mean, float(score(config.objective, total, validation.scale))


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
