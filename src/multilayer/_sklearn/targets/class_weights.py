"""Class weights: one for each class of each output."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from multilayer._core.checks import refuse
from multilayer._sklearn.targets.target_kinds import MULTILABEL, MULTIOUTPUT, Classes


def weights_of_classes(
    value: Any, y: np.ndarray, classes: Classes, kind: str
) -> list[np.ndarray] | None:
    """Weights ``(classes,)`` of each output, from ``class_weight`` and validated labels."""
    if value is None:
        return None
    several = kind in (MULTILABEL, MULTIOUTPUT)
    if not several:
        if isinstance(value, list | tuple):
            refuse("class_weight", "'balanced' or a dict for a single output", value)
        return [_weights(value, y, np.asarray(classes))]
    own: list[np.ndarray]
    own = classes if isinstance(classes, list) else [np.array([0, 1])] * len(classes)
    if isinstance(value, Mapping):
        refuse(
            "class_weight",
            f"'balanced' or a list of {len(own)} dicts, one for each output",
            value,
            "Repeat the dict if it is meant for all.",
        )
    values: Sequence[Any] = [value] * len(own) if isinstance(value, str) else value
    if len(values) != len(own):
        refuse("class_weight", f"a list of {len(own)} dicts, one for each output", value)
    return [_weights(*each) for each in zip(values, y.T, own, strict=True)]


def _weights(value: Any, y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Weights of the classes of one output; a class without samples weighs 1."""
    present = np.isin(classes, y)
    if isinstance(value, str):
        weights = np.ones(len(classes))
        if present.any():
            weights[present] = compute_class_weight(value, classes=classes[present], y=y)
        return weights
    labels = classes.tolist()
    unknown = [label for label in value if label not in labels]
    if unknown:
        refuse("class_weight", f"a dict of classes in {labels}", dict(value), f"Remove {unknown}.")
    return np.array([float(value.get(label, 1.0)) for label in labels])


def weights_of_rows(tables: list[np.ndarray], target: np.ndarray) -> np.ndarray:
    """What each row weighs by its classes ``(n,)``: the mean over the outputs."""
    numbers = target.reshape(len(target), -1).astype(int)  # (n, outputs)
    return np.mean([table[column] for table, column in zip(tables, numbers.T, strict=True)], axis=0)
