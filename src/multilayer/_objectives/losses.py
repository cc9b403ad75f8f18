"""What an objective makes of the raw outputs of a network: losses of rows, and predictions."""

from collections.abc import Callable

from multilayer._core.types import Array
from multilayer._objectives import classification, regression
from multilayer._objectives.objective import LossNumbers, Objective

CLASSIFICATION_LOSSES: dict[str, Callable[..., Array]] = {
    "softmax": classification.softmax_cross_entropy,
    "one_vs_rest": classification.one_vs_rest_cross_entropy,
    "logistic": classification.logistic_cross_entropy,
}
REGRESSION_LOSSES: dict[str, Callable[..., Array]] = {
    "squared_error": regression.squared_error,
    "absolute_error": regression.absolute_error,
    "huber": regression.huber,
    "poisson": regression.poisson,
    "quantile": regression.pinball,
    "gaussian_nll": regression.gaussian_nll,
}


def row_losses(objective: Objective, raw: Array, target: Array, numbers: LossNumbers) -> Array:
    """Return the loss of each row, shape ``(rows,)``, from ``raw`` outputs ``(rows, units)``.

    Classes are numbers ``(rows,)``, or ``(rows, heads)`` where there are several heads; yes/no
    targets and numbers to regress are ``(rows, heads)``. The losses of several heads are added up;
    see :func:`reported_share` for what is told of them.
    """
    if objective.classifies:
        losses = CLASSIFICATION_LOSSES[objective.loss](
            objective.heads, raw, target, numbers.label_smoothing, numbers.class_weights
        )
        return losses.sum(axis=1)
    target = target.astype(raw.dtype)
    loss = REGRESSION_LOSSES[objective.loss]
    if objective.loss == "poisson":
        return loss(raw, target, objective.out_activation).sum(axis=1)
    predicted = distribution(objective, raw)
    number = {"quantile": numbers.quantiles, "huber": numbers.huber_delta}.get(objective.loss)
    losses = loss(predicted, target) if number is None else loss(predicted, target, number)
    return losses.sum(axis=1)


def reported_share(objective: Objective) -> float:
    """Return the factor under which losses are told.

    scikit-learn follows the gradient of the sum over the targets of a regression, and tells their
    mean; of the Poisson deviance it tells the sum, as of the losses of classification.
    """
    mean = not objective.classifies and objective.loss != "poisson"
    return 1.0 / len(objective.heads) if mean else 1.0


def distribution(objective: Objective, raw: Array) -> Array:
    """What a regression network says of each target.

    ``(rows, heads)``, or ``(rows, heads, units)``: the quantiles in ascending order, or the mean
    and the standard deviation of "gaussian_nll".
    """
    if objective.loss == "quantile":
        return regression.ordered_quantiles(raw, len(objective.heads), objective.middle)
    if objective.loss == "gaussian_nll":
        return regression.mean_and_spread(raw, len(objective.heads))
    return regression.OUT_FUNCTIONS[objective.out_activation](raw)


def point(objective: Objective, predicted: Array) -> Array:
    """Return the one number ``(rows, heads)`` that a distribution is summed up by."""
    return predicted[..., objective.middle] if predicted.ndim == 3 else predicted
