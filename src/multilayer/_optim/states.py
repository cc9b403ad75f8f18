"""What update rules remember between steps, in plain tuples: the same arrays for every engine.

The names, the nesting and the order of the arrays are those of the Optax rules in ``rules.py``, so
that a state of one engine is one of another: in a checkpoint, by the names of its arrays, and in a
warm start, by their order. A test compares the two. Importing this module starts no JAX.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np

from multilayer._core.pytrees import Tree, leaves, map_leaves
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


def _zeros(params: Tree) -> Tree:
    return map_leaves(np.zeros_like, params)


def _moments(params: Tree) -> AdamState:
    return AdamState(np.int32(0), _zeros(params), _zeros(params))


def _flat_moments(params: Tree) -> AdamState:
    """Of all arrays as one vector, in their order."""
    parts = [np.ravel(leaf) for leaf in leaves(params)]
    return _moments(np.zeros_like(np.concatenate(parts)))


def _accumulator(params: Tree, numbers: Mapping[str, Array]) -> SumOfSquares:
    first = numbers["initial_accumulator_value"]
    return SumOfSquares(map_leaves(lambda leaf: np.full_like(leaf, first), params))


First: TypeAlias = Callable[[Tree, Mapping[str, Array]], Tree]

STATES: dict[str, First] = {
    "sgd": lambda params, _: (Velocity(_zeros(params)), Nothing()),
    "plain_sgd": lambda params, _: Nothing(),
    "adam": lambda params, _: (_moments(params), Nothing()),
    "corrected_adam": lambda params, _: (_flat_moments(params), Nothing()),
    "adamw": lambda params, _: (_moments(params), Decay(), Nothing()),
    "adagrad": lambda params, numbers: (_accumulator(params, numbers), Nothing()),
    "rmsprop": lambda params, _: (
        MeanOfSquares(_zeros(params)),
        Nothing(),
        Velocity(_zeros(params)),
    ),
}
"""By the names in ``rules.RULES``: parameters and the numbers of the rule to its first state."""


def first_optimizer_state(rule: str, params: Tree, numbers: Mapping[str, Array]) -> Tree:
    """Return the state of a rule with a name before its first update, in arrays of NumPy.

    ``params`` are those that are learnt, without running moments.
    """
    return STATES[rule](params, numbers)
