"""Figures of evaluation, formed on the host in float64."""

import numpy as np


def mean(values: np.ndarray, weight: np.ndarray) -> float:
    """Weighted mean."""
    return float(np.average(values, weights=weight))


def ratio(part: float, whole: float) -> float:
    """Return a share, 0 of nothing."""
    return float(part / whole) if whole > 0 else 0.0


def positives_by_threshold(
    label: np.ndarray, score: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the true and the false positives at each threshold, from the highest one down.

    The first entry is 0: nothing is positive. Rows of equal score are one threshold.
    """
    order = np.argsort(-score, kind="stable")
    last_of_equals = np.flatnonzero(np.diff(score[order], append=np.inf))
    true = np.cumsum((weight * label)[order])[last_of_equals]
    false = np.cumsum((weight * (1 - label))[order])[last_of_equals]
    return np.append(0.0, true), np.append(0.0, false)


def roc_auc(label: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    """Area under the ROC curve; NaN where there is one class only."""
    true, false = positives_by_threshold(label, score, weight)
    if true[-1] == 0 or false[-1] == 0:
        return float("nan")
    return float(np.trapezoid(true / true[-1], false / false[-1]))


def precision_recall_auc(label: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    """Area under the precision-recall curve; NaN where there are no positives.

    Between two thresholds true and false positives grow in proportion (Davis and Goadrich, 2006),
    so that with ``t`` true positives of ``t + f`` on a line ``t = a + b * (t + f)`` the precision
    ``t / (t + f)`` integrates to ``b * (t1 - t0 + a * log((t1 + f1) / (t0 + f0)))``.
    """
    true, false = positives_by_threshold(label, score, weight)
    if true[-1] == 0:
        return float("nan")
    found = true + false
    t0, t1, p0, p1 = true[:-1], true[1:], found[:-1], found[1:]
    slope = np.divide(t1 - t0, p1 - p0, out=np.zeros_like(t0), where=p1 > p0)
    intercept = t0 - slope * p0
    growth = np.divide(p1, p0, out=np.ones_like(p0), where=p0 > 0)
    return float(np.sum(slope * (t1 - t0 + intercept * np.log(growth))) / true[-1])
