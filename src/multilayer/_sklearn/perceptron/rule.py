"""The perceptron's learning rule: one threshold unit that learns from its errors.

All is NumPy in float64. A row that is classified rightly changes nothing, so the rows of a block
are scored by one product, and the work in Python is per update, not per row. Whether a row is an
error is decided on a sum taken feature by feature: a product by BLAS differs from it in the last
bits, and a score of 0 or nearly 0 decides over an update.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from multilayer._data.row_blocks import DenseBlock, RowBlocks, SparseBlock


@dataclass(frozen=True)
class Rule:
    """Numbers of the rule."""

    eta: float = 1.0
    learns_bias: bool = True
    bias_share: float = 1.0  # of a step, taken by the bias
    alpha: float = 0.0  # strength of the penalty
    l1_ratio: float = 0.0  # share of L1 in the penalty


@dataclass
class Unit:
    """A threshold unit; learning changes it in place."""

    weights: np.ndarray  # (features,) float64
    bias: float = 0.0

    def move(
        self, columns: Any, x: np.ndarray, step: float, rule: Rule, factor: float = 1.0
    ) -> None:
        """Add a step in the direction of a row; ``factor`` is still to multiply the weights."""
        self.weights[columns] += step / factor * x
        if rule.learns_bias:
            self.bias += step * rule.bias_share


@dataclass(frozen=True)
class Lesson:
    """Rows, and what one unit has to learn about them."""

    rows: RowBlocks
    targets: np.ndarray  # (n,) float64, -1 or 1
    sizes: np.ndarray  # (n,) of the steps, not negative: eta times the weight of the row

    def blocks(self, order: np.ndarray) -> Iterator[tuple[np.ndarray, DenseBlock | SparseBlock]]:
        """Yield numbers of rows in this order, and the rows."""
        for first in range(0, len(order), self.rows.block_rows):
            numbers = order[first : first + self.rows.block_rows]
            yield numbers, self.rows.take(numbers)


class Tally(NamedTuple):
    """What a pass came to."""

    loss: float  # sum over the rows of max(0, -target * score), each before its update
    updates: int


def one_pass(unit: Unit, lesson: Lesson, order: np.ndarray, rule: Rule) -> Tally:
    """Visit rows in the order of ``order``; each error moves the unit.

    A row of target y is an error where ``y * (w @ x + b) <= 0``. It moves the weights by
    ``size * y * x`` and the bias by ``size * y * bias_share``; one of size 0 moves nothing.
    """
    # Two ways of adding up a score are each off by at most about n * eps / 2 * (|w| |x| + |b|), so
    # that a margin above doubt * length has its sign for sure; length is at least |w| + |b|.
    rounding = 4 * (lesson.rows.n_features + 2) * np.finfo(float).eps
    length = np.sqrt(unit.weights @ unit.weights) + abs(unit.bias)
    loss, updates = 0.0, 0
    for numbers, block in lesson.blocks(order):
        targets, sizes = lesson.targets[numbers], lesson.sizes[numbers]
        reach = lesson.rows.norms[numbers] + 1
        doubt, start = rounding * reach, 0
        while start < len(numbers):
            margins = targets[start:] * (block.products(start, unit.weights) + unit.bias)
            sure = margins > doubt[start:] * length
            error = first_error(unit, block, targets, sure, start)
            if error is None:
                break
            row, margin = error
            unit.move(*block.row(row), targets[row] * sizes[row], rule)
            length += sizes[row] * reach[row]
            loss -= margin
            updates += bool(sizes[row])
            start = row + 1
    return Tally(loss, updates)


def first_error(
    unit: Unit, block: DenseBlock | SparseBlock, targets: np.ndarray, sure: np.ndarray, start: int
) -> tuple[int, float] | None:
    """Return the first row that is an error, and its margin; None if there is none.

    ``sure`` says of the rows from ``start`` on whether they need no look; it is changed.
    """
    while not sure[(ahead := sure.argmin())]:
        row = start + int(ahead)
        columns, x = block.row(row)
        margin = targets[row] * (in_sequence(x, unit.weights[columns]) + unit.bias)
        if margin <= 0:
            return row, margin
        sure[ahead] = True
    return None


def in_sequence(x: np.ndarray, weights: np.ndarray) -> float:
    """Inner product, added up from the first feature to the last."""
    return np.add.accumulate(x * weights)[-1] if len(x) else 0.0
