"""Losses of regression, one record each: plain data, importable without JAX.

A new loss is a record in the table here and its function in ``_objectives/regression.py``. Only
another kind of output needs more: an entry in each of the tables that read raw outputs, in
``_objectives/losses.py`` (JAX), ``_portable/regressor.py`` (NumPy) and ``_onnx/regressor.py``.
"""

from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Literal

OUT_ACTIVATIONS = ("identity", "exp", "softplus", "logistic", "tanh", "relu")
"""Output activations of a regression."""

SMALLEST_SPREAD = 1e-4  # added to standard deviations: a likelihood has no maximum at 0


class OutputKind(StrEnum):
    """How the output units of one target are read."""

    POINT = "point"  # one unit, under the output activation
    QUANTILES = "quantiles"  # a unit per level: the median, and distances from it
    MEAN_AND_SPREAD = "mean_and_spread"  # two units: a normal distribution

    def units(self, n_levels: int) -> int:
        """Output units of each target."""
        return {"point": 1, "quantiles": n_levels, "mean_and_spread": 2}[self]


@dataclass(frozen=True)
class RegressionLoss:
    """A loss of regression, and all that depends on which one it is."""

    name: str
    row_loss: str
    """Name of a function in ``_objectives/regression.py``, of (predicted, target) and the number,
    that returns a column of losses for each target."""
    _: KW_ONLY
    output: OutputKind = OutputKind.POINT
    number: Literal["huber_delta", "quantiles"] | None = None
    """The field of ``LossNumbers`` that the function takes."""
    takes_raw: bool = False
    """Whether the function takes raw outputs and the name of their activation, instead of
    predictions."""
    out_activations: tuple[str, ...] = OUT_ACTIVATIONS
    """Those possible; the first one is what "auto" stands for."""
    reported: Literal["mean", "sum"] = "mean"
    """What is reported of the losses of several targets; training minimises their sum."""
    minimised_by: Literal["mean", "median"] = "mean"
    """Which constant prediction the loss compares with best."""
    nonnegative: bool = False
    """Whether targets must be at least 0, and not 0 everywhere."""
    loss_of_variance: float | None = None
    """Reported loss of the mean as prediction, over the variance, where it depends on nothing
    else."""

    def out_activation(self, given: str) -> str:
        """Return the output activation that an argument stands for."""
        return self.out_activations[0] if given == "auto" else given


REGRESSION_LOSSES = {
    loss.name: loss
    for loss in (
        # As in scikit-learn, half the squared error.
        RegressionLoss("squared_error", "squared_error", loss_of_variance=0.5),
        RegressionLoss("absolute_error", "absolute_error", minimised_by="median"),
        # Between both; near the median for outliers.
        RegressionLoss("huber", "huber", number="huber_delta", minimised_by="median"),
        RegressionLoss(
            "poisson",
            "poisson",
            takes_raw=True,
            out_activations=("exp", "softplus"),  # the positive ones
            reported="sum",  # as in scikit-learn
            nonnegative=True,
        ),
        RegressionLoss(
            "quantile",
            "pinball",
            output=OutputKind.QUANTILES,
            number="quantiles",
            out_activations=("identity",),
            minimised_by="median",
        ),
        RegressionLoss(
            "gaussian_nll",
            "gaussian_nll",
            output=OutputKind.MEAN_AND_SPREAD,
            out_activations=("identity",),
        ),
    )
}


def find_loss(value: object) -> RegressionLoss | None:
    """Return the record that an argument `loss` names, None where there is none."""
    return REGRESSION_LOSSES.get(value) if isinstance(value, str) else None


def names_of(*kinds: OutputKind) -> list[str]:
    """Names of the losses with outputs of these kinds."""
    return [loss.name for loss in REGRESSION_LOSSES.values() if loss.output in kinds]
