"""Loss and score on validation rows that are streamed: too many to stay where programs are."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from multilayer._data.source import Rows, pad_rows
from multilayer._engine.config import FitConfig, Hyper
from multilayer._engine.program import Maker
from multilayer._nn.model import Parameters
from multilayer._objectives.objective import reported_share
from multilayer._objectives.scores import n_sums, score


@dataclass(frozen=True)
class StreamedValidation:
    """Rows that stay where they are; blocks of them are made dense in turn."""

    take: Callable[[slice], np.ndarray]
    y: np.ndarray
    weight: np.ndarray
    scale: np.ndarray
    block: int  # rows of a block


def validate_streamed(
    maker: Maker,
    config: FitConfig,
    hyper: Hyper,
    params: Parameters,
    validation: StreamedValidation,
    check_interrupts: Callable[[], None],
) -> tuple[float, float]:
    """Return the weighted mean loss and the score, summed up block by block in float64."""
    loss, total = 0.0, np.zeros(n_sums(config.objective))
    for start in range(0, len(validation.y), validation.block):
        check_interrupts()  # a pass over many rows takes long
        some = slice(start, min(start + validation.block, len(validation.y)))
        parts = validation.take(some), validation.y[some], validation.weight[some]
        # The last block is padded to the shape of the others, so that all share a program.
        rows = Rows(*(pad_rows(part, validation.block) for part in parts))
        part, sums = maker.sums_program(config, hyper, params, rows)(params, hyper, rows)
        loss += float(part)
        total += np.asarray(sums, np.float64)
    mean = loss / validation.weight.sum(dtype=np.float64) * reported_share(config.objective)
    scale = validation.scale
    return mean, float(score(config.objective, total.astype(scale.dtype), scale))
