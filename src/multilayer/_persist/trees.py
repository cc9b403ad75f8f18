"""Pytrees as named arrays and back: how parameters and optimizer states go into files."""

from collections.abc import Mapping

import numpy as np

from multilayer._core import pytrees
from multilayer._core.errors import ModelFileError
from multilayer._core.pytrees import Tree

MOST = 8
"""Names in a message."""


def named_leaves(prefix: str, tree: Tree) -> dict[str, np.ndarray]:
    """Return the arrays of a tree by the path to each, such as ``"params/0/kernel"``.

    Parameters
    ----------
    prefix : str
        What every name begins with.
    tree : pytree of arrays
        Its arrays are not copied: they must not be changed before they are written.

    Returns
    -------
    arrays : dict of str to ndarray
    """
    leaves = pytrees.named_leaves(tree)
    return {_name(prefix, path): np.asarray(leaf) for path, leaf in leaves}


def restored_tree(
    prefix: str, like: Tree, arrays: Mapping[str, np.ndarray], source: object
) -> Tree:
    """Return a tree with the structure of another, and the arrays stored under its names.

    Parameters
    ----------
    prefix : str
        What the names begin with.
    like : pytree of arrays
        Its structure, shapes and types are required.
    arrays : mapping of str to ndarray
        What :func:`named_leaves` returned, other names beside it.
    source : object
        Where the arrays come from, for the messages.

    Returns
    -------
    tree : pytree of ndarray

    Raises
    ------
    ModelFileError
        An array is missing, there is one more, or one has another shape or type (a ValueError).
    """
    wanted = {_name(prefix, path): leaf for path, leaf in pytrees.named_leaves(like)}
    stored = {name for name in arrays if name.startswith(f"{prefix}/") or name == prefix}
    if stored != set(wanted):
        missing, extra = sorted(set(wanted) - stored)[:MOST], sorted(stored - set(wanted))[:MOST]
        raise ModelFileError(
            f"{source} is of another model: it lacks {missing or 'nothing'} and has "
            f"{extra or 'nothing'} beyond the expected. Give the arguments of that model."
        )
    for name, leaf in wanted.items():
        mine, theirs = (np.shape(leaf), leaf.dtype), (arrays[name].shape, arrays[name].dtype)
        if mine != theirs:
            raise ModelFileError(
                f"{source} is of another model: its {name} has shape {theirs[0]} and type "
                f"{theirs[1]}, expected are {mine[0]} and {mine[1]}. Give the "
                "arguments of that model."
            )
    return pytrees.with_leaves(like, [arrays[name] for name in wanted])


def _name(prefix: str, path: str) -> str:
    return f"{prefix}/{path}" if path else prefix
