"""Trees of arrays without JAX: tuples, lists and dictionaries, nested in any way.

The names and the order of the leaves are those of JAX's pytrees, so that a state that JAX trained
and one that it never saw are the same arrays in a file. Classes that were registered with JAX are
left to it: where it has not been imported there are none.
"""

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Tree: TypeAlias = Any
"""A leaf (an array or a scalar), None, or a tuple, list or dictionary of trees."""

LEAVES = (np.ndarray, np.generic, bool, int, float, complex)


def children(tree: Tree) -> list[tuple[str, Tree]] | None:
    """Return the trees directly below, each with its name; None for a leaf."""
    if tree is None:
        return []
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return list(zip(tree._fields, tree, strict=True))
    if type(tree) is tuple or type(tree) is list:
        return [(str(i), part) for i, part in enumerate(tree)]
    if type(tree) is dict:
        return [(str(key), tree[key]) for key in sorted(tree)]
    return None


def parts(tree: Tree) -> list[Tree] | None:
    """Return the trees directly below, of classes registered with JAX too; None for a leaf."""
    below = children(tree)
    if below is not None:
        return [part for _, part in below]
    if not _is_registered(tree):
        return None
    flatten = sys.modules["jax"].tree_util.tree_flatten
    return flatten(tree, is_leaf=lambda node: node is not tree)[0]


def named_leaves(tree: Tree) -> Iterator[tuple[str, Tree]]:
    """Go through the leaves, each with the path to it, such as ``"0/kernel"``."""
    below = children(tree)
    if below is not None:
        for name, part in below:
            for path, leaf in named_leaves(part):
                yield f"{name}/{path}" if path else name, leaf
    elif _is_registered(tree):
        jax = sys.modules["jax"]
        for keys, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
            yield jax.tree_util.keystr(keys, simple=True, separator="/"), leaf
    else:
        yield "", tree


def outline(tree: Tree) -> object:
    """Return the names, the nesting and the shapes of a tree, whatever its classes are."""
    below = children(tree)
    if below is not None:
        return [(name, outline(part)) for name, part in below]
    if _is_registered(tree):
        return type(tree), [(name, np.shape(leaf)) for name, leaf in named_leaves(tree)]
    return np.shape(tree)


def leaves(tree: Tree) -> list[Tree]:
    """Return the leaves in order."""
    found: list[Tree] = []
    _collect(tree, found)
    return found


def _collect(tree: Tree, found: list[Tree]) -> None:
    if isinstance(tree, LEAVES):
        found.append(tree)
    elif type(tree) is dict:
        for key in sorted(tree):
            _collect(tree[key], found)
    elif type(tree) is list or (
        isinstance(tree, tuple) and (type(tree) is tuple or hasattr(tree, "_fields"))
    ):
        for part in tree:
            _collect(part, found)
    elif tree is not None:  # an array that is not NumPy's, or a class registered with JAX
        map_leaves(found.append, tree)


def map_leaves(function: Callable[[Tree], Tree], tree: Tree) -> Tree:
    """Return a tree of the same structure, the function applied to each leaf in order."""
    if isinstance(tree, LEAVES):
        return function(tree)
    if tree is None:
        return None
    if type(tree) is dict:
        return {key: map_leaves(function, tree[key]) for key in sorted(tree)}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_leaves(function, part) for part in tree))
    if type(tree) is tuple or type(tree) is list:
        return type(tree)([map_leaves(function, part) for part in tree])
    return sys.modules["jax"].tree.map(function, tree) if _is_registered(tree) else function(tree)


def without_nodes(tree: Tree, is_node: Callable[[Tree], bool]) -> Tree:
    """Return a tree with None in place of some nodes or leaves."""
    if is_node(tree) or tree is None:
        return None
    if type(tree) is dict:
        return {key: without_nodes(tree[key], is_node) for key in sorted(tree)}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(without_nodes(part, is_node) for part in tree))
    if type(tree) is tuple or type(tree) is list:
        return type(tree)([without_nodes(part, is_node) for part in tree])
    if not _is_registered(tree):
        return tree
    mapped = sys.modules["jax"].tree.map
    return mapped(lambda node: None if is_node(node) else node, tree, is_leaf=is_node)


def with_leaves(tree: Tree, new: list[Tree]) -> Tree:
    """Return a tree of the same structure with other leaves."""
    following = iter(new)
    return map_leaves(lambda _: next(following), tree)


def _is_registered(tree: Tree) -> bool:
    """Whether something that is no container of Python's is one of JAX's registered classes."""
    if isinstance(tree, LEAVES):
        return False
    jax = sys.modules.get("jax")
    return jax is not None and not jax.tree_util.all_leaves([tree])


# Arrays that an engine reads where they are ------------------------------------------------------


ALIGNMENT = 64
"""Bytes at multiples of which XLA reads an array of NumPy without a copy, on a CPU."""


def aligned_zeros(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
    """Return an array of zeros whose memory begins where an engine needs no copy of it."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.zeros(size + ALIGNMENT, np.uint8)
    start = -room.__array_interface__["data"][0] % ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)
