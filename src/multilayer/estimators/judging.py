"""Figures on labelled rows, formed on the host in float64."""

import numpy as np

from multilayer._objectives.objective import Objective
from multilayer.estimators import probabilities
from multilayer.estimators.heads import heads_of


def of_classes(
    objective: Objective, raw: np.ndarray, target: np.ndarray, weight: np.ndarray
) -> dict[str, float]:
    """Accuracy and mean cross-entropy of raw outputs ``(rows, units)``."""
    raw = raw.astype(np.float64)
    if objective.loss == "logistic":
        right = np.all((raw > 0) == (target > 0), axis=1)
        losses = np.sum(np.logaddexp(0.0, raw) - target * raw, axis=1)
    else:
        columns = target.reshape(len(target), -1).T
        heads = heads_of(objective, raw)
        pairs = list(zip(heads, columns, strict=True))
        right = np.all([np.argmax(z, axis=1) == own for z, own in pairs], axis=0)
        losses = np.sum([_cross_entropy(objective.loss, z, own) for z, own in pairs], axis=0)
    return {
        "accuracy": float(np.average(right, weights=weight)),
        "average_loss": float(np.average(losses, weights=weight)),
    }


def _cross_entropy(loss: str, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Losses ``(rows,)`` of one head, as they are minimised."""
    rows = np.arange(len(labels))
    if loss == "softmax":
        return -probabilities.exclusive_log_proba(loss, logits)[rows, labels]
    return np.sum(np.logaddexp(0.0, logits), axis=1) - logits[rows, labels]


def of_numbers(predicted: np.ndarray, target: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """R2, root mean squared and mean absolute error of predictions ``(rows, targets)``."""
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    return {
        "r2": float(r2_score(target, predicted, sample_weight=weight)),
        "rmse": float(root_mean_squared_error(target, predicted, sample_weight=weight)),
        "mae": float(mean_absolute_error(target, predicted, sample_weight=weight)),
    }
