"""Losses and metrics of networks built by hand: one value per row, means left to the caller."""

import jax
import jax.numpy as jnp
import optax

from multilayer._core.checks import check_integer, check_real, refuse
from multilayer._core.environment import check_process
from multilayer._core.types import Array
from multilayer._objectives import regression
from multilayer._objectives.classification import one_hot


def sparse_softmax_cross_entropy(logits: Array, labels: Array) -> Array:
    """Cross-entropy of the softmax of logits, the classes given as numbers.

    Parameters
    ----------
    logits : array of shape (rows, classes)
        A network's outputs, before any activation.
    labels : array of int, shape (rows,)
        Each row's class, from 0 to ``classes - 1``.

    Returns
    -------
    losses : array of shape (rows,)
        ``log(sum_j exp(logits_j)) - logits_label``; NaN for a label that is no class.

    Raises
    ------
    InvalidArgumentError
        The shapes do not fit, or the labels are no integers (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> logits, labels = np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([0, 1])
    >>> losses = nn.sparse_softmax_cross_entropy(logits, labels)
    >>> [round(float(loss), 3) for loss in losses]
    [0.127, 0.693]
    """
    logits, labels = _classes(logits, labels)
    own = one_hot(labels, logits.shape[1])
    losses = -jnp.sum(jnp.where(own, jax.nn.log_softmax(logits, axis=1), 0.0), axis=1)
    return jnp.where(jnp.any(own, axis=1), losses, jnp.nan)


def softmax_cross_entropy(logits: Array, targets: Array) -> Array:
    """Cross-entropy of the softmax of logits, the classes given as probabilities.

    Parameters
    ----------
    logits : array of shape (rows, classes)
        A network's outputs, before any activation.
    targets : array of shape (rows, classes)
        Probabilities of each row's classes: 0 and 1, or any that add up to 1.

    Returns
    -------
    losses : array of shape (rows,)
        ``-sum_j targets_j * log(softmax(logits)_j)``.

    Raises
    ------
    InvalidArgumentError
        The shapes differ (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> losses = nn.softmax_cross_entropy(np.array([[2.0, 0.0]]), np.array([[0.5, 0.5]]))
    >>> round(float(losses[0]), 3)
    1.127
    """
    return optax.losses.softmax_cross_entropy(*_pair("logits", logits, targets))


def sigmoid_cross_entropy(logits: Array, targets: Array) -> Array:
    """Cross-entropy of independent yes/no outputs, added up over the outputs.

    Parameters
    ----------
    logits : array of shape (rows, outputs)
        A network's outputs, before any activation.
    targets : array of shape (rows, outputs)
        0 or 1, or probabilities of 1.

    Returns
    -------
    losses : array of shape (rows,)
        ``sum_j log(1 + exp(logits_j)) - targets_j * logits_j``.

    Raises
    ------
    InvalidArgumentError
        The shapes differ (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> losses = nn.sigmoid_cross_entropy(np.array([[2.0, 0.0]]), np.array([[1, 0]]))
    >>> round(float(losses[0]), 3)
    0.82
    """
    return optax.losses.sigmoid_binary_cross_entropy(*_pair("logits", logits, targets)).sum(axis=1)


def squared_error(outputs: Array, targets: Array) -> Array:
    """Half the squared error, added up over the outputs, as in ``MLPRegressor``.

    Parameters
    ----------
    outputs : array of shape (rows, outputs)
        A network's outputs.
    targets : array of shape (rows, outputs)
        Numbers to predict; a single one of each row as a column, ``y[:, None]``.

    Returns
    -------
    losses : array of shape (rows,)
        ``0.5 * sum_j (outputs_j - targets_j)**2``.

    Raises
    ------
    InvalidArgumentError
        The shapes differ (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> float(nn.squared_error(np.array([[3.0]]), np.array([[1.0]]))[0])
    2.0
    """
    return regression.squared_error(*_pair("outputs", outputs, targets)).sum(axis=1)


def absolute_error(outputs: Array, targets: Array) -> Array:
    """The absolute error, added up over the outputs: its minimum is the median.

    Parameters
    ----------
    outputs : array of shape (rows, outputs)
        A network's outputs.
    targets : array of shape (rows, outputs)
        Numbers to predict; a single one of each row as a column, ``y[:, None]``.

    Returns
    -------
    losses : array of shape (rows,)
        ``sum_j |outputs_j - targets_j|``.

    Raises
    ------
    InvalidArgumentError
        The shapes differ (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> float(nn.absolute_error(np.array([[3.0]]), np.array([[1.0]]))[0])
    2.0
    """
    return regression.absolute_error(*_pair("outputs", outputs, targets)).sum(axis=1)


def huber(outputs: Array, targets: Array, delta: float = 1.0) -> Array:
    """Half the squared error near 0, straight beyond `delta` (Huber, 1964), added up over outputs.

    Parameters
    ----------
    outputs : array of shape (rows, outputs)
        A network's outputs.
    targets : array of shape (rows, outputs)
        Numbers to predict; a single one of each row as a column, ``y[:, None]``.
    delta : float, default=1.0
        Where the straight line begins, above 0. For another one in training:
        ``functools.partial(nn.huber, delta=2.0)``.

    Returns
    -------
    losses : array of shape (rows,)
        Of ``d = |outputs - targets|``: ``d**2 / 2`` up to `delta`, ``delta * (d - delta / 2)``
        beyond.

    Raises
    ------
    InvalidArgumentError
        The shapes differ, or `delta` is not above 0 (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> float(nn.huber(np.array([[3.0]]), np.array([[1.0]]))[0])
    1.5
    """
    check_real("delta", delta, "(0, inf)")
    return regression.huber(*_pair("outputs", outputs, targets), delta).sum(axis=1)


def in_top_k(logits: Array, labels: Array, k: int) -> Array:
    """Return for each row whether its class is among the `k` with the largest logits.

    Parameters
    ----------
    logits : array of shape (rows, classes)
        A network's outputs, before or after a softmax.
    labels : array of int, shape (rows,)
        Each row's class, from 0 to ``classes - 1``.
    k : int
        How many classes count, at least 1.

    Returns
    -------
    hits : array of bool, shape (rows,)
        Fewer than `k` logits are larger than that of the row's class: of classes with equal logits
        all are among them, as in TensorFlow. False where that logit is not finite.

    Raises
    ------
    InvalidArgumentError
        The shapes do not fit, the labels are no integers, or `k` is below 1 (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> logits = np.array([[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]])
    >>> nn.in_top_k(logits, np.array([2, 0]), k=2).tolist()
    [True, False]
    """
    check_integer("k", k, 1)
    logits, labels = _classes(logits, labels)
    own = jnp.max(jnp.where(one_hot(labels, logits.shape[1]), logits, -jnp.inf), axis=1)
    larger = jnp.sum(logits > own[:, None], axis=1)
    return (larger < k) & jnp.isfinite(own)


def accuracy(logits: Array, labels: Array) -> Array:
    """Share of the rows whose class has the largest logit.

    Parameters
    ----------
    logits : array of shape (rows, classes)
        A network's outputs, before or after a softmax.
    labels : array of int, shape (rows,)
        Each row's class, from 0 to ``classes - 1``.

    Returns
    -------
    share : array of shape ()
        From 0 to 1; of equal logits the first one counts as the largest.

    Raises
    ------
    InvalidArgumentError
        The shapes do not fit, or the labels are no integers (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> float(nn.accuracy(np.array([[0.1, 0.7], [0.6, 0.4]]), np.array([1, 1])))
    0.5
    """
    logits, labels = _classes(logits, labels)
    return jnp.mean(jnp.argmax(logits, axis=1) == labels)


def _classes(logits: Array, labels: Array) -> tuple[Array, Array]:
    """Return logits and labels as JAX arrays, their shapes checked."""
    check_process()
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    if logits.ndim != 2:
        refuse("logits.shape", "(rows, classes)", logits.shape)
    if labels.shape != logits.shape[:1]:
        remedy = "Of one-hot targets take the argmax, or softmax_cross_entropy."
        refuse("labels.shape", f"{logits.shape[:1]}, a class per row", labels.shape, remedy)
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        refuse("labels.dtype", "a type of integers", str(labels.dtype), "Number the classes.")
    return logits, labels


def _pair(name: str, outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Return outputs and targets as JAX arrays of one type, their shapes checked.

    Of ``(rows, 1)`` and ``(rows,)`` a difference would have the shape ``(rows, rows)``.
    """
    check_process()
    outputs, targets = jnp.asarray(outputs), jnp.asarray(targets)
    if outputs.ndim != 2:
        refuse(f"{name}.shape", "(rows, outputs)", outputs.shape)
    if targets.shape != outputs.shape:
        remedy = "Make it a column: y[:, None]." if targets.ndim == 1 else ""
        refuse("targets.shape", f"that of the {name}, {outputs.shape}", targets.shape, remedy)
    return outputs, targets.astype(outputs.dtype)
