"""Figures on labelled rows, formed on the host in float64."""

import warnings
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logsumexp, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import d2_absolute_error_score, r2_score

from multilayer._core.environment import level_of_caller
from multilayer._core.errors import DataError
from multilayer._objectives.objective import ClassificationLoss, Objective
from multilayer._sklearn.targets.class_outputs import heads_of
from multilayer._sklearn.targets.metric_table import FIGURES_OF_NUMBERS, METRICS

if TYPE_CHECKING:
    from multilayer._sklearn.fit.samples import Samples
    from multilayer._sklearn.regressor import MLPRegressor


# From a classifier's logits to probabilities, head by head, on the host --------------------------


def yes_no_proba(logits: np.ndarray) -> np.ndarray:
    """Probabilities of independent yes/no outputs."""
    return expit(logits)


def yes_no_log_proba(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of independent yes/no outputs."""
    return -np.logaddexp(0.0, -logits).astype(logits.dtype)


def exclusive_proba(loss: ClassificationLoss, logits: np.ndarray) -> np.ndarray:
    """Probabilities of the classes of one head; they add up to 1."""
    return softmax(_scores(loss, logits), axis=1)


def exclusive_log_proba(loss: ClassificationLoss, logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of the classes of one head."""
    scores = _scores(loss, logits)
    return scores - logsumexp(scores, axis=1, keepdims=True)


def _scores(loss: ClassificationLoss, logits: np.ndarray) -> np.ndarray:
    """Unnormalised log-probabilities: one yes/no output per class is normalised over them."""
    return yes_no_log_proba(logits) if loss.one_vs_rest else logits


# Figures on labelled rows, formed on the host in float64 -----------------------------------------


MOST_JUDGED = 1024  # training rows that tell whether a regression has learnt anything


def of_classes(
    objective: Objective, raw: np.ndarray, target: np.ndarray, weight: np.ndarray
) -> dict[str, float]:
    """Accuracy and mean cross-entropy of raw outputs ``(rows, units)``."""
    raw = raw.astype(np.float64)
    loss = objective.classification_loss
    if loss.yes_no:
        right = np.all((raw > 0) == (target > 0), axis=1)
        losses = np.sum(np.logaddexp(0.0, raw) - target * raw, axis=1)
    else:
        pairs = _heads_and_labels(objective, raw, target)
        right = np.all([np.argmax(z, axis=1) == own for z, own in pairs], axis=0)
        losses = np.sum([_cross_entropy(loss, z, own) for z, own in pairs], axis=0)
    return {
        "accuracy": float(np.average(right, weights=weight)),
        "average_loss": float(np.average(losses, weights=weight)),
    }


def log_losses(objective: Objective, raw: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Negative log-likelihoods ``(rows,)`` of the probabilities, summed over the outputs."""
    loss = objective.classification_loss
    if loss.yes_no:
        return np.sum(np.logaddexp(0.0, raw) - target * raw, axis=1)
    rows = np.arange(len(target))
    pairs = _heads_and_labels(objective, raw, target)
    return -np.sum([exclusive_log_proba(loss, z)[rows, own] for z, own in pairs], axis=0)


def _heads_and_labels(
    objective: Objective, raw: np.ndarray, target: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the raw outputs of each head, and the class numbers of its column."""
    columns = target.reshape(len(target), -1).T
    return list(zip(heads_of(objective, raw), columns, strict=True))


def _cross_entropy(loss: ClassificationLoss, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Losses ``(rows,)`` of one head, as they are minimised."""
    rows = np.arange(len(labels))
    if not loss.one_vs_rest:
        return -exclusive_log_proba(loss, logits)[rows, labels]
    return np.sum(np.logaddexp(0.0, logits), axis=1) - logits[rows, labels]


def share_of_right_rows(
    predicted: np.ndarray, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None
) -> float:
    """Share of the rows of several outputs of which every output is right."""
    if np.shape(y) != predicted.shape:
        raise DataError(f"y must be of shape {predicted.shape}, got one of {np.shape(y)}.")
    right = np.all(np.asarray(y) == predicted, axis=1)
    weights = None if sample_weight is None else np.asarray(sample_weight)
    return float(np.average(right, weights=weights))


def of_numbers(predicted: np.ndarray, target: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """Figures of predictions ``(rows, targets)``, averaged over the targets."""
    return {name: METRICS[name].value(target, predicted, weight) for name in FIGURES_OF_NUMBERS}


def warn_of_worse_than_constant(regressor: "MLPRegressor", samples: "Samples") -> None:
    """Warn of a regressor that predicts its training rows worse than a constant would.

    The constant is the mean, and R2 below 0; for losses whose minimum is the median it is the
    median, and D2 of the absolute error below 0. Judged on at most 1024 rows, evenly spaced.
    """
    loss = regressor._trained.regression_loss
    if loss.loss_of_variance is not None:  # the last loss says it without a prediction
        deviations = samples.y - np.average(samples.y, axis=0, weights=samples.weight)
        variances = np.average(np.square(deviations), axis=0, weights=samples.weight)
        if regressor.loss_ <= loss.loss_of_variance * variances.mean():
            return
    weighted = np.flatnonzero(samples.weight)
    places = np.linspace(0, len(weighted) - 1, min(len(weighted), MOST_JUDGED)).astype(int)
    rows = samples.pick(weighted[places])
    if len(rows) < 2:  # neither figure is defined
        return
    predicted = regressor._point_predictions(rows.matrix())
    by_median = loss.minimised_by == "median"
    name, score = ("D2", d2_absolute_error_score) if by_median else ("R2", r2_score)
    value = score(rows.labels, predicted, sample_weight=rows.weight)
    if value >= 0:
        return
    y = rows.labels.astype(np.float64)
    mean, std = y.mean(), y.std()
    may_standardize = regressor._trained.out_activation == "identity"
    standard = regressor.standardize_target or (abs(mean) < std and 0.5 < std < 2)
    remedy = "Scale"
    if may_standardize and not standard:
        remedy = (
            f"y has mean {mean:.4g} and standard deviation {std:.4g}: set "
            "standardize_target=True, or scale y. Otherwise scale"
        )
    warnings.warn(
        f"The fitted network predicts its training data worse than a constant does ({name} = "
        f"{value:.3g}, below 0). {remedy} the columns of X, train longer (max_iter) or change "
        "learning_rate_init.",
        ConvergenceWarning,
        stacklevel=level_of_caller(),
    )
