"""Kinds of class targets, and what the outputs of their heads say. NumPy alone."""

from collections.abc import Callable, Sequence

import numpy as np

from multilayer._objectives.objective import ClassificationLoss, LossNumbers, Objective
from multilayer._sklearn.arguments.constructors import ClassifierArguments

# Kinds of class targets, and the objective of each. This module needs NumPy alone ----------------


BINARY, MULTICLASS, MULTILABEL, MULTIOUTPUT = "binary", "multiclass", "multilabel", "multioutput"
KINDS = (BINARY, MULTICLASS, MULTILABEL, MULTIOUTPUT)
"""One column of two or of more classes, yes/no columns, columns of classes."""

Classes = np.ndarray | list[np.ndarray]
"""Sorted classes; a list with those of each column for several columns of classes."""


def objective(kind: str, classes: Classes, out_activation: str) -> Objective:
    """Return what is minimised for such a target; ``out_activation`` may be "auto"."""
    if kind in (BINARY, MULTILABEL) and out_activation != "softmax":
        return Objective("logistic", "logistic", (1,) * (1 if kind == BINARY else len(classes)))
    if kind == MULTILABEL:  # two units, no and yes, for each column
        return Objective("softmax", "softmax", (2,) * len(classes))
    columns = classes if isinstance(classes, list) else [classes]
    heads = tuple(len(column) for column in columns)
    if out_activation == "logistic":
        return Objective("one_vs_rest", "logistic", heads)
    return Objective("softmax", "softmax", heads)


def classifier_numbers(
    arguments: ClassifierArguments, dtype: str, class_weights: Sequence[np.ndarray] | None = None
) -> LossNumbers:
    """Return the numbers of a classifier's loss; ``class_weights`` are those of several heads."""
    real = np.dtype(dtype).type
    return LossNumbers(
        label_smoothing=real(arguments.label_smoothing),
        huber_delta=real(1),
        quantiles=np.zeros(0, dtype),
        class_weights=None
        if class_weights is None
        else tuple(w.astype(dtype) for w in class_weights),
    )


# From the outputs of classifier heads or threshold units to predictions, on the host -------------
#
# This module needs NumPy alone.


def heads_of(objective: Objective, raw: np.ndarray) -> list[np.ndarray]:
    """Cut raw outputs ``(rows, units)`` into those of each head."""
    return np.split(raw, np.cumsum(objective.heads)[:-1], axis=1)


def logits_of(kind: str, objective: Objective, raw: np.ndarray) -> list[np.ndarray]:
    """Return the logits of each head; all of a multilabel network are one."""
    if kind == MULTILABEL and not objective.classification_loss.yes_no:
        return [raw[:, 1::2] - raw[:, ::2]]  # two units of each label: its one logit
    return heads_of(objective, raw) if kind == MULTIOUTPUT else [raw]


def labels_of(kind: str, classes: Classes, logits: list[np.ndarray]) -> np.ndarray:
    """Return the labels of the highest logits, or scores: ``(rows,)``, or ``(rows, outputs)``."""
    if kind == MULTILABEL:
        return (logits[0] > 0).astype(int)
    if kind == MULTIOUTPUT:
        chosen = [np.argmax(each, axis=1) for each in logits]
        return np.column_stack([own[c] for own, c in zip(classes, chosen, strict=True)])
    one_unit = kind == BINARY and logits[0].shape[1] == 1
    best = (logits[0][:, 0] > 0).astype(int) if one_unit else np.argmax(logits[0], axis=1)
    return classes[best]  # one array, as there is one head


def of_each(
    kind: str,
    objective: Objective,
    logits: list[np.ndarray],
    yes_no: Callable[[np.ndarray], np.ndarray],
    exclusive: Callable[[ClassificationLoss, np.ndarray], np.ndarray],
) -> np.ndarray | list[np.ndarray]:
    """Apply one of two functions, from logits to probabilities, to each head."""
    if kind == MULTILABEL:
        return yes_no(logits[0])
    if objective.classification_loss.yes_no:
        return yes_no(both_sides(logits[0]))
    each = [exclusive(objective.classification_loss, head) for head in logits]
    return each if kind == MULTIOUTPUT else each[0]


def both_sides(logit: np.ndarray) -> np.ndarray:
    """Logits of no and yes ``(rows, 2)`` from that of yes ``(rows, 1)``.

    Both from the logit: 1 - p would round small chances to 0.
    """
    return np.column_stack([-logit[:, 0], logit[:, 0]])
