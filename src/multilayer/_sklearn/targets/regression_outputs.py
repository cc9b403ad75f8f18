"""What a regressor's network says, in the units of y, on the host. This module needs NumPy alone.

A network predicts ``(rows, targets)``, or ``(rows, targets, units)``: the quantiles in ascending
order, or the mean and the standard deviation.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from multilayer._core.checks import refuse
from multilayer._objectives.objective import Objective
from multilayer._objectives.regression_losses import OutputKind, find_loss, names_of
from multilayer._sklearn.targets.regression import check_quantiles


class Units(NamedTuple):
    """The units of y, and its shape."""

    mean: np.ndarray  # of each target
    scale: np.ndarray
    one_target: bool  # whether y has one axis

    def values(self, said: np.ndarray) -> np.ndarray:
        """Bring values ``(rows, targets)`` to the units and the shape of y."""
        return self._shaped((said * self.scale + self.mean).astype(said.dtype))

    def spreads(self, said: np.ndarray) -> np.ndarray:
        """Bring standard deviations ``(rows, targets)`` to them."""
        return self._shaped((said * self.scale).astype(said.dtype))

    def _shaped(self, values: np.ndarray) -> np.ndarray:
        return values[:, 0] if self.one_target else values


def point_of(objective: Objective, units: Units, says: np.ndarray) -> np.ndarray:
    """Return the mean or median of each target."""
    return units.values(says[..., objective.middle] if says.ndim == 3 else says)


def numbers_of(
    objective: Objective, units: Units, says: np.ndarray, *, spread: bool
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Return the mean or median of each target; with `spread` its standard deviation too."""
    point = point_of(objective, units, says)
    return (point, units.spreads(says[..., 1])) if spread else point


def quantiles_of(units: Units, says: np.ndarray, asked: Sequence[int]) -> np.ndarray:
    """Return the quantiles at some places of those learnt, on a last axis."""
    return np.stack([units.values(says[..., i]) for i in asked], axis=-1)


def quantiles_at(
    objective: Objective,
    units: Units,
    says: np.ndarray,
    learnt: Sequence[float],
    wanted: Sequence[float],
) -> np.ndarray:
    """Return the quantiles at levels of the caller's choice, on a last axis.

    Of a loss that learns quantiles they are among those learnt; of one that learns a mean and a
    spread any, those of a normal distribution.
    """
    check_quantiles(wanted)
    levels = [float(level) for level in wanted]
    output = objective.regression_loss.output
    if output == OutputKind.MEAN_AND_SPREAD:
        mean, spread = units.values(says[..., 0]), units.spreads(says[..., 1])
        steps = [says.dtype.type(NormalDist().inv_cdf(level)) for level in levels]
        return np.stack([mean + step * spread for step in steps], axis=-1)
    if output != OutputKind.QUANTILES:
        refuse(
            "quantiles",
            f"None with loss={objective.loss!r}",
            wanted,
            f"{_fit_with(OutputKind.QUANTILES, OutputKind.MEAN_AND_SPREAD)} to predict quantiles.",
        )
    if not set(levels) <= set(learnt):
        refuse(
            "quantiles",
            f"among the levels that were learnt, {tuple(learnt)}",
            wanted,
            "Fit with the argument quantiles naming them.",
        )
    return quantiles_of(units, says, [list(learnt).index(level) for level in levels])


def check_spread(objective: Objective, wanted: bool, quantiles: Sequence[float] | None) -> None:
    """Refuse standard deviations that were not learnt, or beside quantiles."""
    if wanted and quantiles is not None:
        refuse("return_std", "False where quantiles are asked for", wanted)
    if wanted and objective.regression_loss.output != OutputKind.MEAN_AND_SPREAD:
        refuse(
            "return_std",
            f"False with loss={objective.loss!r}",
            wanted,
            f"{_fit_with(OutputKind.MEAN_AND_SPREAD)} to predict a standard deviation.",
        )


def check_predicts_quantiles(loss: object) -> None:
    """Refuse quantiles that were not learnt: there is no such method (AttributeError)."""
    record = find_loss(loss)  # None before `fit` has refused a wrong argument
    if record is None or record.output != OutputKind.QUANTILES:
        those = " or ".join(f"loss={name!r}" for name in names_of(OutputKind.QUANTILES))
        shown = loss if record is None else record.name
        raise AttributeError(f"predict_quantiles is there with {those}, got loss={shown!r}.")


def _fit_with(*kinds: OutputKind) -> str:
    """Name the losses with such outputs, as the beginning of a remedy."""
    return "Fit with " + " or ".join(f"loss={name!r}" for name in names_of(*kinds))
