"""What training minimises, as plain data, and what a score is measured against."""

from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

import numpy as np

from multilayer._core.types import Array
from multilayer._objectives.regression_losses import REGRESSION_LOSSES, RegressionLoss

# What training minimises, as plain data: nothing here computes, or needs JAX ---------------------


@dataclass(frozen=True)
class ClassificationLoss:
    """A classification loss, with everything that depends on it."""

    name: str
    row_loss: str  # name of its function in `_objectives/classification.py`, as that needs JAX
    yes_no: bool = False  # whether a unit stands for yes in a column of y, and targets are 0 or 1
    one_vs_rest: bool = False  # whether a class has a unit for yes, normalised over the classes


CLASSIFICATION = {
    loss.name: loss
    for loss in (
        ClassificationLoss("softmax", "softmax_cross_entropy"),
        ClassificationLoss("one_vs_rest", "one_vs_rest_cross_entropy", one_vs_rest=True),
        ClassificationLoss("logistic", "logistic_cross_entropy", yes_no=True),
    )
}
"""Every loss of classes by its name."""


WEIGHT_NORMALIZATIONS = ("batch", "data")
"""What the losses of a batch are divided by: its own weights, or the mean weight of all rows."""


@dataclass(frozen=True)
class Objective:
    """The loss and the meaning of the output units: static, part of a program's key."""

    loss: str  # a name in CLASSIFICATION or REGRESSION_LOSSES, or that of `own_loss`
    out_activation: str
    heads: tuple[int, ...]  # output units of each target: of each column of y
    middle: int = 0  # of the units of a quantile head, the one that is the median
    own_loss: RegressionLoss | None = None  # the record that a user made, of the name `loss`

    @property
    def classifies(self) -> bool:
        """Whether targets are classes."""
        return self.loss in CLASSIFICATION

    @property
    def classification_loss(self) -> ClassificationLoss:
        """The record of the loss, where targets are classes."""
        return CLASSIFICATION[self.loss]

    @property
    def regression_loss(self) -> RegressionLoss:
        """The record of the loss, where targets are numbers."""
        return self.own_loss or REGRESSION_LOSSES[self.loss]


class LossNumbers(NamedTuple):
    """Numbers of the losses: traced."""

    label_smoothing: Array
    huber_delta: Array
    quantiles: Array  # (levels,), ascending
    # One array (classes,) for each head; None where no head weighs its classes.
    class_weights: tuple[Array, ...] | None


def reported_share(objective: Objective) -> float:
    """Return the factor applied to losses when they are reported.

    scikit-learn follows the gradient of the sum over the targets of a regression, and reports their
    mean; of the Poisson deviance it reports the sum, as of the losses of classification.
    """
    mean = not objective.classifies and objective.regression_loss.reported == "mean"
    return 1.0 / len(objective.heads) if mean else 1.0


# The score of validation, in sums that can be formed block by block: accuracy, or R2 -------------


def score_scale(objective: Objective, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return what the sums are divided by, formed on the host in float64.

    The weight of all rows ``(1,)``; or each target's squared deviations from its mean ``(heads,)``.
    """
    weight = weight.astype(np.float64)
    if objective.classifies:
        return np.array([weight.sum()])
    # Less its first row, so that the mean of equal numbers is one of them.
    target = target.astype(np.float64) - target[:1]
    mean = np.average(target, axis=0, weights=weight)
    return np.sum(weight[:, None] * np.square(target - mean[None, :]), axis=0)


def n_sums(objective: Objective) -> int:
    """Number of the sums."""
    return 1 if objective.classifies else len(objective.heads)


def score(objective: Objective, sums: Array, scale: Array, xp: ModuleType = np) -> Array:
    """Return the accuracy, or the mean R2 of the targets.

    A constant target counts 1 when it is met and 0 when it is not, as in scikit-learn. ``xp`` is
    NumPy, or ``jax.numpy`` inside a program.
    """
    share = sums / xp.where(scale > 0, scale, 1.0)
    if objective.classifies:
        return share[0]
    constant = xp.where(sums > 0, 0.0, 1.0).astype(share.dtype)
    return xp.mean(xp.where(scale > 0, 1.0 - share, constant))
