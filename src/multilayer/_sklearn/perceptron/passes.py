"""Passes of the perceptron's rule over the rows, until there is nothing more to learn."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multilayer._core.errors import DivergenceError
from multilayer._core.types import Report
from multilayer._sklearn.perceptron.penalty import Penalty, penalised_pass
from multilayer._sklearn.perceptron.rule import Lesson, Rule, Tally, Unit, one_pass


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


class Outcome(NamedTuple):
    """What training came to."""

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
    score: Callable[[Unit], float] | None = None,
    watch: Callable[[Report], None] | None = None,
) -> Outcome:
    """Train a unit in place.

    ``orders`` yields the order of the rows of each pass. ``score`` takes the place of the loss in
    the stopping rule, ``watch`` is called after each pass.

    Notes
    -----
    Without a penalty the weights are a sum of steps ``size * y * x``. If they return to an earlier
    value, some of these, of sizes above 0, add up to 0; by Gordan's theorem no weights then have
    ``y * (w @ x) > 0`` for all rows. So `inseparable` is a proof (where no sum was rounded), looked
    for after each pass.
    """
    visit, settle = passes_of(unit, lesson, rule)
    updates, inseparable, seen = 0, False, {fingerprint(unit)}
    for epoch in range(stopping.max_iter):
        order = next(orders)
        with np.errstate(over="ignore", invalid="ignore"):
            tally = visit(order)
        refuse_overflow(unit, epoch)
        updates += tally.updates
        if tally.updates and not rule.alpha:
            inseparable |= fingerprint(unit) in seen
            seen.add(fingerprint(unit))
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


def passes_of(
    unit: Unit, lesson: Lesson, rule: Rule
) -> tuple[Callable[[np.ndarray], Tally], Callable[[], None]]:
    """Return what visits the rows in an order, and what brings the weights up to date after it."""
    if not rule.alpha:
        return lambda order: one_pass(unit, lesson, order, rule), lambda: None
    penalty = Penalty.on(unit)
    return (
        lambda order: penalised_pass(unit, penalty, lesson, order, rule),
        lambda: penalty.settle(unit),
    )


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
