"""What update rules remember between steps, in plain tuples: the same arrays for every engine.

The names, the nesting and the order of the arrays are those of the Optax rules in ``rules.py``, so
that a state of one engine is one of another: in a checkpoint, by the names of its arrays, and in a
warm start, by their order. A test compares the two. Importing this module starts no JAX.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multilayer._core.pytrees import Tree, leaves, map_leaves, with_leaves
from multilayer._core.types import Array


class AdamState(NamedTuple):
    """Running moments of the gradient."""

    count: Array  # int32, updates so far
    mu: Tree  # mean of the gradient
    nu: Tree  # mean of its square


class Nothing(NamedTuple):
    """A part of a rule that remembers nothing."""


class Decay(NamedTuple):
    """Weight decay of some arrays, which remembers nothing."""

    inner_state: Nothing = Nothing()


class Velocity(NamedTuple):
    """Momentum."""

    trace: Tree


class SumOfSquares(NamedTuple):
    """The gradient's squares of all steps, for AdaGrad."""

    sum_of_squares: Tree


class MeanOfSquares(NamedTuple):
    """The gradient's squares, of late steps above all, for RMSprop."""

    nu: Tree


class Slots(NamedTuple):
    """What a rule remembers, whatever it calls that: trees like the parameters."""

    updates: Array | None = None  # int32, where the rule counts them
    first: Tree = None
    second: Tree = None


@dataclass(frozen=True)
class Memory:
    """What a rule remembers, and the containers that it is in."""

    n_slots: int
    contain: Callable[[Slots], Tree]
    counts: bool = False
    flat: bool = False  # whether all arrays are one vector, in their order
    filled_with: str = ""  # the number of the rule that its slots begin with; nothing for 0


def _adam(slots: Slots) -> AdamState:
    return AdamState(slots.updates, slots.first, slots.second)


MEMORIES = {
    "sgd": Memory(1, lambda slots: (Velocity(slots.first), Nothing())),
    "plain_sgd": Memory(0, lambda slots: Nothing()),
    "adam": Memory(2, lambda slots: (_adam(slots), Nothing()), counts=True),
    "corrected_adam": Memory(2, lambda slots: (_adam(slots), Nothing()), counts=True, flat=True),
    "adamw": Memory(2, lambda slots: (_adam(slots), Decay(), Nothing()), counts=True),
    "adagrad": Memory(
        1,
        lambda slots: (SumOfSquares(slots.first), Nothing()),
        filled_with="initial_accumulator_value",
    ),
    "rmsprop": Memory(
        2, lambda slots: (MeanOfSquares(slots.first), Nothing(), Velocity(slots.second))
    ),
}
"""By the names in ``rules.RULES``."""


def first_optimizer_state(rule: str, params: Tree, numbers: Mapping[str, Array]) -> Tree:
    """Return the state of a rule with a name before its first update, in arrays of NumPy.

    ``params`` are those that are learnt, ``numbers`` those of the rule.
    """
    memory = MEMORIES[rule]
    fill = numbers[memory.filled_with] if memory.filled_with else 0
    filled = [map_leaves(lambda leaf: np.full_like(leaf, fill), params)] * memory.n_slots
    return state_of(rule, Slots(np.int32(0) if memory.counts else None, *filled))


def slots_of(rule: str, state: Tree, params: Tree) -> Slots:
    """Return what is in a state of a rule that was made by this module, as trees like params."""
    memory = MEMORIES[rule]
    inside = [part for node in state for part in node if not isinstance(part, Nothing)]
    updates = inside.pop(0) if memory.counts else None
    if memory.flat:
        inside = [_like(params, vector) for vector in inside]
    return Slots(updates, *inside)


def state_of(rule: str, slots: Slots) -> Tree:
    """Return the state of a rule from what :func:`slots_of` returned."""
    memory = MEMORIES[rule]
    if memory.flat:
        slots = slots._replace(first=_flat(slots.first), second=_flat(slots.second))
    return memory.contain(slots)


def _flat(tree: Tree) -> np.ndarray:
    return np.concatenate([np.ravel(leaf) for leaf in leaves(tree)])


def _like(tree: Tree, vector: np.ndarray) -> Tree:
    shapes = [np.shape(leaf) for leaf in leaves(tree)]
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    parts = np.split(vector, ends[:-1])
    return with_leaves(
        tree, [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    )
