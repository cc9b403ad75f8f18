"""Kinds of class targets, and the objective that each asks for. This module needs NumPy alone."""

import numpy as np

from multilayer._objectives.objective import Objective

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
