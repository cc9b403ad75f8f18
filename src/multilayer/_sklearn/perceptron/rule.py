"""Rosenblatt's rule over rows: updates, penalties, passes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from multilayer._core.errors import DivergenceError
from multilayer._core.types import Report
from multilayer._data.row_blocks import DenseBlock, RowBlocks, SparseBlock

# The perceptron's learning rule: one threshold unit that learns from its errors ------------------
#
# All is NumPy in float64, in place of the native engine (``native_rule.py``) where that is not
# available, and for its tests. A row that is classified correctly changes nothing, so the rows of a
# block are scored by one product, and the work in Python is per update, not per row. Whether a row
# is an error is decided on a sum taken feature by feature: a product by BLAS differs from it in the
# last bits, and a score of 0 or nearly 0 decides over an update.


@dataclass(frozen=True)
class Rule:
    """Numbers of the rule."""

    eta: float = 1.0
    learns_bias: bool = True
    bias_share: float = 1.0  # of a step, taken by the bias
    alpha: float = 0.0  # strength of the penalty
    l1_ratio: float = 0.0  # share of L1 in the penalty

    @property
    def owed(self) -> float:
        """What L1 asks of each weight for a row."""
        return self.l1_ratio * self.eta * self.alpha

    @property
    def shrunk(self) -> float:
        """What L2 leaves of each weight after a row: not beyond 0."""
        return max(0.0, 1 - (1 - self.l1_ratio) * self.eta * self.alpha)


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
    """Result of a pass."""

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


# The perceptron's rule under a penalty, which changes the weights at every row -------------------
#
# L2 shrinks all weights by a factor, stored apart as one number (L. Bottou, "Stochastic gradient
# descent tricks", 2012, section 5.1). L1 is the cumulative penalty of Tsuruoka, Tsujii and
# Ananiadou ("Stochastic gradient descent training for L1-regularized log-linear models with
# cumulative penalty", ACL 2009): each weight pays what it owes when its feature comes up, and
# stops at 0.


SMALLEST_FACTOR = 1e-9  # below it the factor is multiplied into the weights


@dataclass
class Penalty:
    """What a penalty has done to a unit so far; its weights are ``factor * unit.weights``."""

    paid: np.ndarray  # (features,) what L1 has taken from each weight, with the sign of the change
    square: float  # of the norm of the weights after the last update, shrunk since
    absolute: float  # sum of the weights' sizes, likewise
    factor: float = 1.0
    owed: float = 0.0  # what L1 has asked of each weight

    @classmethod
    def on(cls, unit: Unit) -> "Penalty":
        """Start with a unit."""
        penalty = cls(np.zeros_like(unit.weights), 0.0, 0.0)
        penalty.measure(unit)
        return penalty

    def measure(self, unit: Unit) -> None:
        """Take the norms of the weights."""
        self.square = float(unit.weights @ unit.weights) * self.factor**2
        self.absolute = float(np.abs(unit.weights).sum()) * self.factor

    def value(self, rule: Rule) -> float:
        """The term that is added to the loss of a row."""
        l2, l1 = (1 - rule.l1_ratio) * 0.5 * self.square, rule.l1_ratio * self.absolute
        return rule.alpha * (l2 + l1)

    def shrink(self, unit: Unit, rule: Rule) -> None:
        """Shrink all weights by the L2 part."""
        by = rule.shrunk
        self.factor *= by
        self.square *= by**2
        self.absolute *= by
        if self.factor < SMALLEST_FACTOR:
            self.settle(unit)

    def collect(self, unit: Unit, columns: Any, rule: Rule) -> None:
        """Let the weights of some features pay the L1 part."""
        self.owed += rule.owed
        before, paid = unit.weights[columns], self.paid[columns]
        lowered = np.maximum(before - (self.owed + paid) / self.factor, 0)
        raised = np.minimum(before + (self.owed - paid) / self.factor, 0)
        after = np.where(before > 0, lowered, np.where(before < 0, raised, before))
        self.paid[columns] = paid + self.factor * (after - before)
        unit.weights[columns] = after

    def settle(self, unit: Unit) -> None:
        """Multiply the factor into the weights."""
        unit.weights *= self.factor
        self.factor = 1.0


def penalised_pass(
    unit: Unit, penalty: Penalty, lesson: Lesson, order: np.ndarray, rule: Rule
) -> Tally:
    """Visit rows as ``one_pass`` does; each also brings the penalty, which the loss contains.

    Afterwards the weights are those of the unit times the penalty's factor, until that is settled.
    """
    loss, updates = 0.0, 0
    for numbers, block in lesson.blocks(order):
        for j, (target, size) in enumerate(
            zip(lesson.targets[numbers], lesson.sizes[numbers], strict=True)
        ):
            columns, x = block.row(j)
            score = in_sequence(x, unit.weights[columns]) * penalty.factor + unit.bias
            loss += max(0.0, -target * score) + penalty.value(rule)
            if rule.l1_ratio < 1:
                penalty.shrink(unit, rule)
            if target * score <= 0 and size > 0:
                unit.move(columns, x, target * size, rule, penalty.factor)
                penalty.measure(unit)
                updates += 1
            if rule.l1_ratio > 0:
                penalty.collect(unit, columns, rule)
    return Tally(loss, updates)


# Passes of the perceptron's rule over the rows, until there is nothing more to learn -------------


@dataclass
class Stopping:
    """When training ends, beside ``max_iter``.

    With a number as ``tol``, after ``n_iter_no_change`` passes in a row that did not bring the
    loss more than that below the lowest so far; without one, after a pass that changed nothing.
    """

    max_iter: int
    tol: float | None = None
    n_iter_no_change: int = 5
    lowest: float = np.inf
    stale: int = 0

    def is_over(self, loss: float, *, unchanged: bool) -> bool:
        """Take the loss of a pass, and say whether it was the last one."""
        if self.tol is None:
            return unchanged
        self.stale = self.stale + 1 if loss > self.lowest - self.tol else 0
        self.lowest = min(self.lowest, loss)
        return self.stale >= self.n_iter_no_change


Passes: TypeAlias = tuple[Callable[[np.ndarray], Tally], Callable[[], None]]
"""What visits the rows in an order, and what brings the weights up to date after it."""


def passes_of(unit: Unit, lesson: Lesson, rule: Rule) -> Passes:
    """Return the passes of a unit in NumPy."""
    if not rule.alpha:
        return lambda order: one_pass(unit, lesson, order, rule), lambda: None
    penalty = Penalty.on(unit)
    return (
        lambda order: penalised_pass(unit, penalty, lesson, order, rule),
        lambda: penalty.settle(unit),
    )


class Outcome(NamedTuple):
    """Result of training."""

    passes: int
    updates: int
    converged: bool  # whether the last pass was without an error
    inseparable: bool  # whether it is proven that there will always be errors


def train(
    unit: Unit,
    lesson: Lesson,
    orders: Iterator[np.ndarray],
    rule: Rule,
    stopping: Stopping,
    *,
    passes: Callable[[Unit, Lesson, Rule], Passes] = passes_of,
    score: Callable[[Unit], float] | None = None,
    watch: Callable[[Report], None] | None = None,
) -> Outcome:
    """Train a unit in place.

    ``orders`` yields the order of the rows of each pass. ``passes`` says what makes them: NumPy, or
    the native engine. ``score`` takes the place of the loss in the stopping rule, ``watch`` is
    called after each pass.

    Notes
    -----
    Without a penalty the weights are a sum of steps ``size * y * x``. If they return to an earlier
    value, some of these, of sizes above 0, add up to 0; by Gordan's theorem no weights then have
    ``y * (w @ x) > 0`` for all rows. So `inseparable` is a proof (where no sum was rounded), looked
    for after each pass.
    """
    visit, settle = passes(unit, lesson, rule)
    updates, inseparable, seen = 0, False, {fingerprint(unit)}
    for epoch in range(stopping.max_iter):
        order = next(orders)
        with np.errstate(over="ignore", invalid="ignore"):
            tally = visit(order)
        refuse_overflow(unit, epoch)
        updates += tally.updates
        if tally.updates and not rule.alpha:
            now = fingerprint(unit)
            inseparable |= now in seen
            seen.add(now)
        loss, scored = tally.loss / len(order), np.nan
        if score is not None:
            settle()
            scored = score(unit)
        if watch is not None:
            watch({"epoch": epoch, "loss": loss, "validation_score": scored})
        unchanged = not (tally.updates or rule.alpha)
        if stopping.is_over(loss if score is None else -scored, unchanged=unchanged):
            break
    settle()
    return Outcome(epoch + 1, updates, tally.updates == 0, inseparable)


def fingerprint(unit: Unit) -> int:
    """Number of 64 bits that stands for a unit's weights and bias."""
    # Of bytes, since hash(-1.0) == hash(-2.0); plus 0, which makes one zero of -0 and 0.
    return hash((np.append(unit.weights, unit.bias) + 0.0).tobytes())


def refuse_overflow(unit: Unit, epoch: int) -> None:
    """Raise where weights are not finite."""
    if not (np.isfinite(unit.weights).all() and np.isfinite(unit.bias)):
        raise DivergenceError(
            f"the weights overflowed float64 in pass {epoch + 1}. Scale the columns of X first, "
            "for example with sklearn.preprocessing.StandardScaler."
        )
