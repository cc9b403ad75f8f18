"""What a graph returns, and what an estimator must say to become one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from multilayer._core.checks import refuse
from multilayer._onnx.graph import Graph, Keyed

Made: TypeAlias = str | Keyed
"""What becomes an output: a tensor by its name, or one of which each row becomes a dict."""


@dataclass(frozen=True)
class Output:
    """One tensor that a graph returns."""

    name: str
    dtype: np.dtype  # of text: str
    shape: tuple[int, ...]  # of one row
    keys: np.dtype | None = None  # of rows that are dicts: the type of their keys
    of_rows: bool = True  # whether there is one for each row


class Described(Protocol):
    """A fitted estimator as far as a graph is concerned."""

    def outputs(self) -> list[Output]:
        """What the graph returns, in order."""

    def build(self, graph: Graph, x: str) -> Sequence[Made]:
        """Add the nodes from rows ``x`` to the outputs; return their names."""


def labels_of(classes: np.ndarray) -> np.ndarray:
    """Return class labels in the type in which a graph gives them.

    int64 for whole numbers, float64 for others, bool and text as they are.
    """
    kind = classes.dtype.kind
    if kind in "iu":
        labels = classes.astype(np.int64)
        if (labels == classes).all():
            return labels
    elif kind == "f":
        return classes.astype(np.float64)
    elif kind == "b":
        return classes
    elif kind in "UO" and all(isinstance(label, str) for label in classes.tolist()):
        return classes.astype(str)
    refuse(
        "model.classes_",
        "whole numbers of 64 bits, other real numbers, bool or text for ONNX",
        classes,
        "Train on labels of such a kind.",
    )


def pick(graph: Graph, classes: np.ndarray, numbers: str) -> str:
    """Add the look-up of labels by the numbers of their classes ``(rows,)``."""
    return graph.node("Gather", classes, numbers, axis=0)


def highest(graph: Graph, scores: str) -> str:
    """Add the number of the highest score of each row, the first one among equals."""
    return graph.node("ArgMax", scores, axis=1, keepdims=0)


def positive(graph: Graph, scores: str, dtype: npt.DTypeLike) -> str:
    """Add whether scores are above 0, as int64."""
    return graph.cast(graph.node("Greater", scores, np.array(0.0, dtype)), "int64")


def flat(graph: Graph, column: str) -> str:
    """Add the change of a column ``(rows, 1)`` to ``(rows,)``."""
    return graph.node("Squeeze", column, np.array([1]))
