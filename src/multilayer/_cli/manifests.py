"""What a manifest says of the model in a file, however its steps lie within one another."""

from collections.abc import Iterator
from typing import Any

from multilayer._core.errors import ModelFileError

Node = dict[str, Any]
AROUND = ("FrozenEstimator", "TransformedTargetRegressor")
"""Compositions whose first member is what predicts; of the others it is the last."""


def kinds(steps: list[Node]) -> str:
    """Return the kinds of steps as text: those within a step stand behind it."""
    return " + ".join(_kind(step) for step in steps)


def _kind(step: Node) -> str:
    inner = step.get("steps")
    return f"{step['kind']}({kinds(inner)})" if inner else str(step["kind"])


def estimator(steps: list[Node]) -> Node:
    """Return the description of what predicts."""
    step = steps[-1]
    while step.get("steps"):
        step = step["steps"][0 if step["kind"] in AROUND else -1]
    return step


def inputs(steps: list[Node]) -> Node:
    """Return the fitted values of the first step that knows how many columns there are."""
    for fitted in _in_order(steps):
        if "n_features" in fitted or "layer_sizes" in fitted:
            return fitted
    raise ModelFileError("no step of it says how many columns it takes.")


def _in_order(steps: list[Node]) -> Iterator[Node]:
    for step in steps:
        yield step.get("fitted", {})
        yield from _in_order(step.get("steps", []))


def layer_sizes(node: Node) -> list[int]:
    """Return the sizes of the layers of what predicts; a perceptron has no hidden ones."""
    fitted = node["fitted"]
    if "layer_sizes" in fitted:
        sizes = fitted["layer_sizes"]
    else:
        n_classes = count(fitted["classes"])
        two = fitted["target_kind"] == "binary"
        sizes = [fitted["n_features"], 1 if two else n_classes]
    if not isinstance(sizes, list) or not all(type(size) is int for size in sizes):
        raise ModelFileError("the sizes of its layers must be integers.")
    return sizes


def labels(encoded: Any) -> list[Any] | None:
    """Return class labels, a list of them for several outputs; None where they are arrays."""
    if isinstance(encoded, list):
        several = [labels(each) for each in encoded]
        return None if None in several else several
    return None if encoded is None else encoded.get("values")


def count(encoded: Any) -> int | None:
    """Return how many classes there are, of how many columns for several outputs."""
    if encoded is None:
        return None
    if isinstance(encoded, list):
        return len(encoded)
    return len(encoded["values"]) if "values" in encoded else encoded["n"]
