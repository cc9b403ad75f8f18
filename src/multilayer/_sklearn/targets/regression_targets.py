"""Targets of regression: checks, numbers of the loss, and outputs in the units of y."""

import itertools
import textwrap
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from multilayer._core.checks import check_bool, check_choice, check_real, refuse
from multilayer._core.errors import DataError
from multilayer._objectives.objective import CLASSIFICATION, LossNumbers, Objective
from multilayer._objectives.regression_losses import (
    OUT_ACTIVATIONS,
    REGRESSION_LOSSES,
    OutputKind,
    RegressionLoss,
    find_loss,
    loss_of,
    names_of,
)
from multilayer._sklearn.arguments.constructors import RegressorArguments

# Targets of regression: checks, units, and the objective they ask for ----------------------------


MEDIAN = 0.5


def regressor_numbers(
    arguments: RegressorArguments, dtype: str, quantiles: Sequence[float]
) -> LossNumbers:
    """Return the numbers of a regressor's loss."""
    real = np.dtype(dtype).type
    return LossNumbers(
        label_smoothing=real(0),
        huber_delta=real(arguments.huber_delta),
        quantiles=np.array(quantiles, dtype),
        class_weights=None,
    )


def check_loss(arguments: RegressorArguments) -> None:
    """Check the loss, and what goes with it."""
    if not isinstance(arguments.loss, RegressionLoss):
        check_choice("loss", arguments.loss, REGRESSION_LOSSES, "a multilayer.RegressionLoss")
    check_choice("out_activation", arguments.out_activation, ("auto", *OUT_ACTIVATIONS))
    check_real("huber_delta", arguments.huber_delta, "(0, inf)")
    check_bool("standardize_target", arguments.standardize_target)
    check_quantiles(arguments.quantiles)
    record, activation = loss_of(arguments.loss), arguments.out_activation
    if record.is_own:
        _check_own_loss(record, len(levels(arguments)))
    if activation not in ("auto", *record.out_activations):
        *first, last = (repr(name) for name in ("auto", *record.out_activations))
        rule = f"{', '.join(first)} or {last} with loss={record.name!r}"
        refuse("out_activation", rule, activation)
    # Another activation bounds predictions: standardised targets may be out of its range.
    if arguments.standardize_target and record.out_activation(activation) != "identity":
        refuse(
            "standardize_target",
            f"False with loss={record.name!r} and out_activation={activation!r}, which need y as "
            "it is",
            arguments.standardize_target,
        )


def _check_own_loss(record: RegressionLoss, n_levels: int) -> None:
    """Check a user's record: its name, and what its function returns."""
    from multilayer._objectives.losses import problem_of  # late: it starts JAX

    taken = (*CLASSIFICATION, *REGRESSION_LOSSES)
    if record.name in taken:
        refuse("loss", f"a record with a name other than {list(taken)}", record)
    if isinstance(record.row_loss, str):
        refuse("loss", "a name, or a record whose row_loss is a function", record)
    problem = problem_of(record, n_levels)
    if problem:
        rule = f"a record whose row_loss makes losses (rows, targets) of its arrays ({problem})"
        refuse("loss", rule, record, "Form it from JAX operations; training adds the losses up.")


def check_quantiles(value: Sequence[float]) -> None:
    """Check levels: in (0, 1), ascending."""
    rule = "a sequence of ascending numbers in (0, 1)"
    try:
        levels = [float(level) for level in value]
    except (TypeError, ValueError):
        refuse("quantiles", rule, value)
    inside = all(0 < level < 1 for level in levels)
    if not levels or not inside or any(a >= b for a, b in itertools.pairwise(levels)):
        refuse("quantiles", rule, value)


def levels(arguments: RegressorArguments) -> tuple[float, ...]:
    """Levels that are trained: those requested, and the median."""
    asked = tuple(float(level) for level in arguments.quantiles)
    return asked if MEDIAN in asked else tuple(sorted((*asked, MEDIAN)))


def asked(arguments: RegressorArguments) -> list[int]:
    """Places of the requested levels among those that are trained."""
    learnt = levels(arguments)
    return [learnt.index(float(level)) for level in arguments.quantiles]


def objective(arguments: RegressorArguments, n_targets: int) -> Objective:
    """Return what is minimised for so many targets."""
    record, learnt = loss_of(arguments.loss), levels(arguments)
    heads = (record.output.units(len(learnt)),) * n_targets
    middle = learnt.index(MEDIAN) if record.output == OutputKind.QUANTILES else 0
    activation = record.out_activation(arguments.out_activation)
    return Objective(record.name, activation, heads, middle, record if record.is_own else None)


def check_targets(y: np.ndarray, loss: RegressionLoss) -> np.ndarray:
    """Validate numbers of shape ``(n,)`` or ``(n, targets)``, in float64."""
    if y.ndim == 2 and y.shape[1] == 1:
        from sklearn.utils.validation import column_or_1d

        y = column_or_1d(y, warn=True)
    y = np.asarray(y, np.float64)
    if not loss.nonnegative:
        return y
    if (y < 0).any() or (y.reshape(len(y), -1).sum(axis=0) <= 0).any():
        raise DataError(
            f"y must be at least 0, and not 0 everywhere, with loss={loss.name!r}. Some value(s) "
            "of y are out of the valid range of the loss: choose another loss, or shift y."
        )
    return y


def check_r2_is_defined(y: np.ndarray) -> None:
    """Refuse validation targets that are all equal where R2 would decide when training stops."""
    if not np.ptp(y, axis=0).any():
        raise DataError(
            f"y_val must not be constant under early_stopping: R2 is not defined on its {len(y)} "
            "equal value(s). Give more validation rows, or set scoring='loss'."
        )


def moments(
    y: np.ndarray, weight: np.ndarray, *, standardize: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and standard deviation of each target, 1 for a constant one."""
    if not standardize:
        return np.zeros(y.shape[1]), np.ones(y.shape[1])
    weights = weight.astype(np.float64)
    # From the first row on, so that the mean of equal numbers is one of them.
    offset = y - y[:1]
    mean = np.average(offset, axis=0, weights=weights)
    spread = np.sqrt(np.average(np.square(offset - mean[None, :]), axis=0, weights=weights))
    return mean + y[0], np.where(spread > 0, spread, 1.0)


def to_train(y: np.ndarray, mean: np.ndarray, scale: np.ndarray, dtype: str) -> np.ndarray:
    """Targets ``(n, targets)`` as the network is trained on them."""
    with np.errstate(over="ignore"):
        target = ((y - mean[None, :]) / scale[None, :]).astype(dtype)
    if not np.isfinite(target).all():
        raise DataError(
            f"y contains a value too large for dtype('{dtype}'). Divide y by its size, or set "
            "standardize_target=True."
        )
    return target


def out_activations_text() -> str:
    """Return the end of the docstring's sentence about `out_activation`."""
    losses = REGRESSION_LOSSES.values()
    autos = {loss.name: loss.out_activation("auto") for loss in losses}
    others = {f'"{out}" for ``loss="{name}"``' for name, out in autos.items() if out != "identity"}
    further = [f'"{name}"' for name in OUT_ACTIVATIONS if name not in autos.values()]
    own = [f'"{loss.name}"' for loss in losses if loss.out_activations == ("identity",)]
    text = (
        f'"identity", and {" and ".join(sorted(others))}. Others: {", ".join(further)}; '
        f"{' and '.join(own)} have their own."
    )
    return textwrap.fill(text, 96, initial_indent=" " * 35).strip().replace("\n", "\n    ")


# What a regressor's network says, in the units of y, on the host. This module needs NumPy alone
#
# A network predicts ``(rows, targets)``, or ``(rows, targets, units)``: the quantiles in ascending
# order, or the mean and the standard deviation.


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
        refuse("return_std", "False where quantiles are requested", wanted)
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
