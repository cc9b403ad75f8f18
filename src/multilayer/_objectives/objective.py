"""What training minimises, as plain data: nothing here computes, or needs JAX."""

from dataclasses import dataclass
from typing import NamedTuple

from multilayer._core.types import Array
from multilayer._objectives.regression_losses import REGRESSION_LOSSES, RegressionLoss

CLASSIFICATION = ("softmax", "one_vs_rest", "logistic")
"""Losses of classes."""


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
