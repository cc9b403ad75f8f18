"""Losses on logits, row by row, with the accuracy that belongs to each."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from multilayer._core.types import Array


@dataclass(frozen=True)
class Objective:
    """A loss per row, and whether a row is right.

    ``loss(logits, target, smoothing)`` and ``correct(logits, target)`` return shape ``(rows,)``.
    """

    loss: Callable[[Array, Array, Array], Array]
    correct: Callable[[Array, Array], Array]


def softmax_cross_entropy(logits: Array, labels: Array, smoothing: Array) -> Array:
    """Cross-entropy of exclusive classes; ``labels`` are class numbers of shape ``(rows,)``.

    With smoothing ``e`` and ``K`` classes the target is ``(1 - e) * onehot + e / K`` (Szegedy et
    al., 2016).
    """
    n_classes = logits.shape[1]
    log_p = jax.nn.log_softmax(logits, axis=1)  # (rows, classes)
    # A comparison and not a gather: the gradient of a gather is a scatter, slow on a CPU.
    hit = labels[:, None] == jnp.arange(n_classes)[None, :]
    target = jnp.where(hit, 1.0 - smoothing, 0.0) + smoothing / n_classes
    return -jnp.sum(target.astype(log_p.dtype) * log_p, axis=1)


def logistic_cross_entropy(logits: Array, target: Array, smoothing: Array) -> Array:
    """Cross-entropy of independent yes/no outputs, summed; ``target`` is 0/1 like the logits."""
    target = target.astype(logits.dtype)
    target = target * (1.0 - smoothing) + 0.5 * smoothing
    return jnp.sum(jax.nn.softplus(logits) - target * logits, axis=1)


def _most_likely(logits: Array, labels: Array) -> Array:
    return jnp.argmax(logits, axis=1) == labels


def _every_side(logits: Array, target: Array) -> Array:
    return jnp.all((logits > 0) == (target > 0), axis=1)


OBJECTIVES = {
    "softmax": Objective(softmax_cross_entropy, _most_likely),
    "logistic": Objective(logistic_cross_entropy, _every_side),
}
