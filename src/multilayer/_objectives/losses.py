"""Losses and scores of batches, by the objective; penalties of parameters."""

from collections.abc import Callable
from functools import lru_cache, partial

import jax
import jax.numpy as jnp

from multilayer._core.activation_functions import function_of
from multilayer._core.types import Array
from multilayer._objectives import classification, regression
from multilayer._objectives.objective import LossNumbers, Objective
from multilayer._objectives.regression_losses import OutputKind, RegressionLoss

# Penalties on weights: L2, and a share of it L1 --------------------------------------------------


SMALL = 1 << 12  # entries of a matrix whose plain sum costs no more than starting another kernel


def penalty(kernel: Array, l1_ratio: Array | None) -> Array:
    """Return the elastic-net penalty ``l1_ratio * |W| + (1 - l1_ratio) * 0.5 * W**2``, summed.

    ``l1_ratio`` None is 0, without the work for it (Zou and Hastie, 2005).
    """
    squares = 0.5 * quick_sum(jnp.square(kernel))
    if l1_ratio is None:
        return squares
    return l1_ratio * quick_sum(jnp.abs(kernel)) + (1.0 - l1_ratio) * squares


def penalty_gradient(kernel: Array, l1_ratio: Array | None) -> Array:
    """Return the penalty's gradient, 0 for the L1 part of a weight of 0."""
    if l1_ratio is None:
        return kernel
    return l1_ratio * jnp.sign(kernel) + (1.0 - l1_ratio) * kernel


def quick_sum(values: Array) -> Array:
    """Sum of the entries of a matrix.

    Formed as a product with a row of eight ones: XLA on a CPU sums a plain reduction one
    number after the other, which takes four times as long.
    """
    if values.size < SMALL:
        return jnp.sum(values)
    values = values.reshape(-1)
    lanes = 8
    width = values.size // lanes
    head = values[: lanes * width].reshape(lanes, width)
    tail = values[lanes * width :]
    return jnp.sum(jnp.ones((1, lanes), values.dtype) @ head) + jnp.sum(tail)


# From the raw outputs of a network to losses of rows and predictions -----------------------------


def row_losses(objective: Objective, raw: Array, target: Array, numbers: LossNumbers) -> Array:
    """Return the loss of each row, shape ``(rows,)``, from ``raw`` outputs ``(rows, units)``.

    Classes are numbers ``(rows,)``, or ``(rows, heads)`` where there are several heads; yes/no
    targets and numbers to regress are ``(rows, heads)``. The losses of several heads are added up;
    see :func:`.objective.reported_share` for what is reported of them.
    """
    if objective.classifies:
        loss = getattr(classification, objective.classification_loss.row_loss)
        losses = loss(objective.heads, raw, target, numbers.label_smoothing, numbers.class_weights)
        return losses.sum(axis=1)
    return target_losses(objective, raw, target.astype(raw.dtype), numbers).sum(axis=1)


def target_losses(objective: Objective, raw: Array, target: Array, numbers: LossNumbers) -> Array:
    """Return the loss of each target of a regression, shape ``(rows, targets)``."""
    record = objective.regression_loss
    own = record.row_loss
    loss = getattr(regression, own) if isinstance(own, str) else own
    if record.takes_raw:
        return loss(raw, target, objective.out_activation)
    number = () if record.number is None else (getattr(numbers, record.number),)
    return loss(distribution(objective, raw), target, *number)


@lru_cache(maxsize=64)
def problem_of(record: RegressionLoss, n_levels: int) -> str:
    """Return what is wrong with the function of a user's record; nothing if it is right."""

    def shape(*sizes: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(sizes, jnp.float32)

    rows, targets, units = 3, 2, record.output.units(n_levels)
    objective = Objective(
        record.name, record.out_activation("auto"), (units,) * targets, own_loss=record
    )
    numbers = LossNumbers(shape(), shape(), shape(n_levels), None)
    arrays = shape(rows, targets * units), shape(rows, targets), numbers
    try:
        result = jax.eval_shape(partial(target_losses, objective), *arrays)
    except Exception as error:  # whatever it raises is the answer
        return f"called with these it raises {type(error).__name__}"
    found = getattr(result, "shape", None)
    if found != (rows, targets):
        return f"it returns {type(result).__name__ if found is None else f'the shape {found}'}"
    floating = jnp.issubdtype(result.dtype, jnp.floating)
    return "" if floating else f"it returns {result.dtype}"


def _point(objective: Objective, raw: Array) -> Array:
    return function_of(objective.out_activation)(raw)


def _quantiles(objective: Objective, raw: Array) -> Array:
    return regression.ordered_quantiles(raw, len(objective.heads), objective.middle)


def _mean_and_spread(objective: Objective, raw: Array) -> Array:
    return regression.mean_and_spread(raw, len(objective.heads))


READERS: dict[OutputKind, Callable[[Objective, Array], Array]] = {
    OutputKind.POINT: _point,
    OutputKind.QUANTILES: _quantiles,
    OutputKind.MEAN_AND_SPREAD: _mean_and_spread,
}
"""From raw outputs to predictions."""


def distribution(objective: Objective, raw: Array) -> Array:
    """Return what a regression network predicts of each target.

    ``(rows, heads)``, or ``(rows, heads, units)``: the quantiles in ascending order, or the mean
    and the standard deviation.
    """
    return READERS[objective.regression_loss.output](objective, raw)


def point(objective: Objective, predicted: Array) -> Array:
    """Return the one number ``(rows, heads)`` that a distribution is summed up by."""
    return predicted[..., objective.middle] if predicted.ndim == 3 else predicted


def score_sums(objective: Objective, raw: Array, target: Array, weight: Array) -> Array:
    """Return the sums over rows that :func:`.objective.score` is computed from.

    The weight of the rows that are right ``(1,)``; or each target's squared errors ``(heads,)``.
    """
    if objective.classifies:
        right = classification.correct(objective.classification_loss, objective.heads, raw, target)
        return jnp.sum(right * weight)[None]
    error = target.astype(raw.dtype) - point(objective, distribution(objective, raw))
    return jnp.sum(jnp.square(error) * weight[:, None], axis=0)
