"""The score of validation, in sums that can be formed block by block: accuracy, or R2."""

import jax.numpy as jnp
import numpy as np

from multilayer._core.types import Array
from multilayer._objectives import classification
from multilayer._objectives.losses import distribution, point
from multilayer._objectives.objective import Objective


def score_sums(objective: Objective, raw: Array, target: Array, weight: Array) -> Array:
    """Weight of the rows that are right ``(1,)``; or each target's squared errors ``(heads,)``."""
    if objective.classifies:
        right = classification.correct(objective.classification_loss, objective.heads, raw, target)
        return jnp.sum(right * weight)[None]
    error = target.astype(raw.dtype) - point(objective, distribution(objective, raw))
    return jnp.sum(jnp.square(error) * weight[:, None], axis=0)


def score_scale(objective: Objective, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return what the sums are divided by, formed on the host in float64.

    The weight of all rows ``(1,)``; or each target's squared deviations from its mean ``(heads,)``.
    """
    weight = weight.astype(np.float64)
    if objective.classifies:
        return np.array([weight.sum()])
    # Less its first row, so that the mean of equal numbers is one of them.
    target = target.astype(np.float64) - target[:1]
    mean = np.average(target, axis=0, weights=weight)
    return np.sum(weight[:, None] * np.square(target - mean[None, :]), axis=0)


def n_sums(objective: Objective) -> int:
    """Number of the sums."""
    return 1 if objective.classifies else len(objective.heads)


def score(objective: Objective, sums: Array, scale: Array) -> Array:
    """Return the accuracy, or the mean R2 of the targets.

    A constant target counts 1 when it is met and 0 when it is not, as in scikit-learn.
    """
    share = sums / jnp.where(scale > 0, scale, 1.0)
    if objective.classifies:
        return share[0]
    constant = jnp.where(sums > 0, 0.0, 1.0)
    return jnp.mean(jnp.where(scale > 0, 1.0 - share, constant))
