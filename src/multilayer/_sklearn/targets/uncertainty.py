"""What rows that a network was not trained on say of its probabilities and of its errors.

Conformal intervals, and temperatures. This module needs NumPy alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from multilayer._core.checks import check_real, refuse
from multilayer._objectives.objective import Objective
from multilayer._objectives.regression_losses import OutputKind
from multilayer._sklearn.targets.regression_targets import Units

NOT_CALIBRATED = (
    "predict_interval needs a calibrated network. Fit with calibration_fraction=0.1, or call "
    "calibrate(X, y) with rows that it was not trained on."
)

# The error that a share of further rows has at most ----------------------------------------------


def error_at(errors: np.ndarray, coverage: float, *, rows: str = "training rows") -> np.ndarray:
    """Return the error that at least this share of further ones has at most, of each output.

    Errors are ``(rows, outputs)``, each column sorted. A share that needs more rows is refused.
    """
    check_real("coverage", coverage, "(0, 1)")
    n_rows = len(errors)
    place = math.ceil((n_rows + 1) * coverage)
    if place > n_rows:
        _refuse_coverage(coverage, n_rows, f"{n_rows} {rows}")
    return np.asarray(errors[place - 1])


def weighted_error_at(errors: np.ndarray, weight: np.ndarray, coverage: float) -> np.ndarray:
    """Return the same of errors ``(rows, outputs)`` in any order, of rows with weights above 0.

    Rows of unlike weights promise what fewer of like weights would: as many as Kish's effective
    sample size says.
    """
    check_real("coverage", coverage, "(0, 1)")
    n_alike = effective_rows(weight)
    wanted = (n_alike + 1) * coverage
    if wanted > n_alike:
        shown = f"{len(errors)} calibration rows whose weights are those of {n_alike:.4g} alike"
        _refuse_coverage(coverage, n_alike, shown)
    order = np.argsort(errors, axis=0)
    reached = np.cumsum(weight[order] * (n_alike / weight.sum()), axis=0)
    places = np.minimum((reached < wanted).sum(axis=0), len(errors) - 1)
    places = np.take_along_axis(order, places[None, :], axis=0)
    return np.take_along_axis(errors, places, axis=0)[0]


def effective_rows(weight: np.ndarray) -> float:
    """Return how many rows of like weights say as much as these: Kish's effective sample size."""
    shares = weight / weight.max()
    return float(np.square(shares.sum()) / np.square(shares).sum())


def _refuse_coverage(coverage: float, n_rows: float, rows: str) -> None:
    # Rounded down, so that it is a coverage that is taken.
    most = math.floor(n_rows / (n_rows + 1) * 1e4) / 1e4
    refuse("coverage", f"at most {most:.4g} with {rows}", coverage)


# Calibration of classes --------------------------------------------------------------------------


@dataclass(frozen=True)
class Temperature:
    """What logits are divided by, so that probabilities are as large as the shares they stand for.

    One for all outputs (Guo et al., 2017). The order of the classes stays.
    """

    value: float
    n_rows: int  # that it was found on

    def applied(self, logits: list[np.ndarray]) -> list[np.ndarray]:
        """Return the logits of each head, divided."""
        return [each / each.dtype.type(self.value) for each in logits]


# Calibration of numbers --------------------------------------------------------------------------


def in_units(objective: Objective, units: Units, says: np.ndarray) -> np.ndarray:
    """Return what a network says of each target, in the units of y: ``(rows, targets, numbers)``.

    One prediction; the quantiles that were learnt; or a mean and a standard deviation.
    """
    says = says.astype(np.float64)
    output = objective.regression_loss.output
    says = says[:, :, None] if output == OutputKind.POINT else says
    values = says * units.scale[None, :, None]
    return values + _locations(output, says.shape[2]) * units.mean[None, :, None]


def _locations(output: OutputKind, n_numbers: int) -> np.ndarray:
    """Return 1 for numbers that are on the axis of y, 0 for a spread."""
    is_spread = np.arange(n_numbers) == 1
    return np.where(is_spread & (output == OutputKind.MEAN_AND_SPREAD), 0.0, 1.0)


@dataclass(frozen=True)
class IntervalCalibration:
    """Rows by which the ends of intervals are moved: conformalised quantile regression.

    Romano et al. (2019). What a network says of a row are two ends, which for a point prediction
    are one; the score of a row is how far its y is beyond them, below 0 within.
    """

    relative: np.ndarray  # (rows, targets, numbers): what is said of each row, less its y
    weight: np.ndarray | None  # (rows,) above 0; None where all are alike

    @classmethod
    def of(
        cls, objective: Objective, said: np.ndarray, y: np.ndarray, weight: np.ndarray
    ) -> "IntervalCalibration":
        """Compare what was said, in the units of y, with y ``(rows, targets)``."""
        places = _locations(objective.regression_loss.output, said.shape[2])
        relative = said - places * y.astype(np.float64)[:, :, None]
        alike = bool((weight == weight[0]).all())
        return cls(relative, None if alike else weight.astype(np.float64))

    @property
    def n_alike(self) -> float:
        """How many rows of like weights they are worth."""
        return len(self.relative) if self.weight is None else effective_rows(self.weight)

    def correction(
        self, objective: Objective, learnt: Sequence[float], coverage: float
    ) -> np.ndarray:
        """Return how far the ends of intervals are moved outwards, of each target."""
        check_real("coverage", coverage, "(0, 1)")
        low, high = ends(objective, self.relative, learnt, coverage)
        scores = np.maximum(low, -high)
        if self.weight is not None:
            return weighted_error_at(scores, self.weight, coverage)
        return error_at(np.sort(scores, axis=0), coverage, rows="calibration rows")


def ends(
    objective: Objective, said: np.ndarray, learnt: Sequence[float], coverage: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends ``(rows, targets)`` that a network gives by itself.

    The quantiles at the levels wanted, where they were learnt or the network has any; the outermost
    ones of those that were learnt otherwise.
    """
    output = objective.regression_loss.output
    level = (1.0 - coverage) / 2
    if output == OutputKind.POINT:
        return said[..., 0], said[..., 0]
    if output == OutputKind.MEAN_AND_SPREAD:
        reach = -NormalDist().inv_cdf(level) * said[..., 1]
        return said[..., 0] - reach, said[..., 0] + reach
    matches = [np.isclose(learnt, wanted, rtol=0, atol=1e-9) for wanted in (level, 1 - level)]
    if all(match.any() for match in matches):
        first, last = (int(match.argmax()) for match in matches)
    else:
        first, last = 0, len(learnt) - 1
    return said[..., first], said[..., last]


def intervals(
    correction: np.ndarray,
    objective: Objective,
    units: Units,
    says: np.ndarray,
    learnt: Sequence[float],
    coverage: float,
) -> np.ndarray:
    """Return the lower and upper ends of intervals, in the shape of y with an axis more.

    Parameters
    ----------
    correction : ndarray of shape (targets,)
        How far the ends that the network gives are moved outwards.
    says : ndarray of shape (rows, targets) or (rows, targets, numbers)
        What the network says of rows, in the units trained in.
    learnt : sequence of float
        Levels of the quantiles, where it says those.
    """
    low, high = ends(objective, in_units(objective, units, says), learnt, coverage)
    low, high = low - correction, high + correction
    # Where calibration has narrowed an interval by more than its width, its middle is left.
    crossed, middle = low > high, (low + high) / 2
    low, high = np.where(crossed, middle, low), np.where(crossed, middle, high)
    if objective.regression_loss.nonnegative:
        low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
    both = np.stack([low, high], axis=-1).astype(says.dtype)
    return both[:, 0] if units.one_target else both
