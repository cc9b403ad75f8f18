"""The perceptron's rule under a penalty, which changes the weights at every row.

L2 shrinks all weights by a factor, kept apart as one number (L. Bottou, "Stochastic gradient
descent tricks", 2012, section 5.1). L1 is the cumulative penalty of Tsuruoka, Tsujii and Ananiadou
("Stochastic gradient descent training for L1-regularized log-linear models with cumulative
penalty", ACL 2009): each weight pays what it owes when its feature comes up, and stops at 0.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from multilayer._sklearn.perceptron.rule import Lesson, Rule, Tally, Unit, in_sequence

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
        """Shrink all weights by the L2 part; not beyond 0."""
        by = max(0.0, 1 - (1 - rule.l1_ratio) * rule.eta * rule.alpha)
        self.factor *= by
        self.square *= by**2
        self.absolute *= by
        if self.factor < SMALLEST_FACTOR:
            self.settle(unit)

    def collect(self, unit: Unit, columns: Any, rule: Rule) -> None:
        """Let the weights of some features pay the L1 part."""
        self.owed += rule.l1_ratio * rule.eta * rule.alpha
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
