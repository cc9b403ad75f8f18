"""Cross-entropies on logits: one column of losses for each head, shape ``(rows, heads)``.

A head is the group of output units that one column of y has. ``class_weights`` has for each head
the weights of its classes; in a row they divide the weight of the whole row, which is the row's own
weight, among the heads.
"""

from collections.abc import Callable
from itertools import accumulate

import jax
import jax.numpy as jnp

from multilayer._core.types import Array
from multilayer._objectives.objective import ClassificationLoss

Heads = tuple[int, ...]
ClassWeights = tuple[Array, ...] | None


def split(raw: Array, heads: Heads) -> list[Array]:
    """Cut the output units into those of each head."""
    if len(heads) == 1:
        return [raw]
    return jnp.split(raw, list(accumulate(heads))[:-1], axis=1)


def column(labels: Array, head: int) -> Array:
    """Class numbers of one head, shape ``(rows,)``."""
    return labels if labels.ndim == 1 else labels[:, head]


def one_hot(labels: Array, n_classes: int) -> Array:
    """Whether a class is the row's own, ``(rows, classes)``.

    A comparison and not a gather: the gradient of a gather is a scatter, slow on a CPU.
    """
    return labels[:, None] == jnp.arange(n_classes)[None, :]


def softmax_cross_entropy(
    heads: Heads, raw: Array, labels: Array, smoothing: Array, class_weights: ClassWeights
) -> Array:
    """Cross-entropy of exclusive classes.

    With smoothing ``e`` and ``K`` classes the target is ``(1 - e) * onehot + e / K`` (Szegedy et
    al., 2016).
    """

    def loss(logits: Array, labels: Array) -> Array:
        log_p = jax.nn.log_softmax(logits, axis=1)  # (rows, classes)
        n_classes = logits.shape[1]
        hit = one_hot(labels, n_classes)
        target = jnp.where(hit, 1.0 - smoothing, 0.0) + smoothing / n_classes
        return -jnp.sum(target.astype(log_p.dtype) * log_p, axis=1)

    return _of_heads(loss, heads, raw, labels, class_weights)


def one_vs_rest_cross_entropy(
    heads: Heads, raw: Array, labels: Array, smoothing: Array, class_weights: ClassWeights
) -> Array:
    """Cross-entropy of one yes/no output for each class, added up over the classes."""

    def loss(logits: Array, labels: Array) -> Array:
        target = one_hot(labels, logits.shape[1]).astype(logits.dtype)
        return jnp.sum(_yes_no(logits, target, smoothing), axis=1)

    return _of_heads(loss, heads, raw, labels, class_weights)


def logistic_cross_entropy(
    heads: Heads, raw: Array, target: Array, smoothing: Array, class_weights: ClassWeights
) -> Array:
    """Cross-entropy of independent yes/no outputs; ``target`` is 0/1, ``(rows, outputs)``."""
    losses = _yes_no(raw, target.astype(raw.dtype), smoothing)
    if class_weights is None:
        return losses
    table = jnp.stack(class_weights)  # (outputs, 2)
    return losses * shares(jnp.where(target > 0, table[None, :, 1], table[None, :, 0]))


def _yes_no(logits: Array, target: Array, smoothing: Array) -> Array:
    target = target * (1.0 - smoothing) + 0.5 * smoothing
    return jax.nn.softplus(logits) - target * logits


def _of_heads(
    loss: Callable[[Array, Array], Array],
    heads: Heads,
    raw: Array,
    labels: Array,
    weights: ClassWeights,
) -> Array:
    columns = [column(labels, h) for h in range(len(heads))]
    losses = jnp.stack(
        [loss(logits, labels) for logits, labels in zip(split(raw, heads), columns, strict=True)],
        axis=1,
    )
    if weights is None:
        return losses
    picked = [
        jnp.sum(jnp.where(one_hot(labels, len(table)), table[None, :], 0.0), axis=1)
        for labels, table in zip(columns, weights, strict=True)
    ]
    return losses * shares(jnp.stack(picked, axis=1))


def shares(weights: Array) -> Array:
    """Weights of a row's heads over their mean; 0 where a row has no weight at all."""
    mean = jnp.mean(weights, axis=1, keepdims=True)
    return jnp.where(mean > 0, weights / jnp.where(mean > 0, mean, 1.0), 0.0)


def correct(loss: ClassificationLoss, heads: Heads, raw: Array, target: Array) -> Array:
    """Whether every head of a row is right, shape ``(rows,)``."""
    if loss.yes_no:
        return jnp.all((raw > 0) == (target > 0), axis=1)
    right = [
        jnp.argmax(logits, axis=1) == column(target, h)
        for h, logits in enumerate(split(raw, heads))
    ]
    return jnp.all(jnp.stack(right, axis=1), axis=1)
