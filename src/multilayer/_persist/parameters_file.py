"""Parameters of any network in a file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from multilayer._core import pytrees
from multilayer._core.checks import refuse
from multilayer._core.errors import ModelFileError
from multilayer._core.pytrees import Tree
from multilayer._persist.tensors import PARAMETERS, PathLike, read_tensors, write_tensors

# Pytrees as named arrays and back: how parameters and optimizer states go into files -------------


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


# Parameters of networks built by hand, in files --------------------------------------------------


PREFIX = "tree"


def save(params: Any, path: PathLike) -> None:
    """Write parameters, or the whole state of a loop, to a file.

    Parameters
    ----------
    params : pytree of arrays
        ``state.params``, or ``state`` itself with the optimizer's state and the number of steps:
        all that a loop needs to resume.
    path : str or path-like
        File to write, ``.safetensors`` by convention; its folder must exist. An existing file is
        replaced atomically, with its permissions: a reader finds the old one or the new, also after
        a power cut. A link stays and its file is replaced; pipes and devices are written to.

    Raises
    ------
    InvalidArgumentError
        There is something else than arrays of numbers in the tree (a ValueError).
    ModelFileError
        The file cannot be written (a ValueError).

    Notes
    -----
    The file is in the safetensors format: the arrays, each named after its place in the tree, such
    as ``tree/0/kernel``. The network is code and is not in it.

    Examples
    --------
    >>> import os, tempfile
    >>> from multilayer import nn
    >>> network = nn.sequential(nn.dense(16), nn.relu, nn.dense(3))
    >>> params = network.init(nn.key(0), n_inputs=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "network.safetensors")
    ...     nn.save(params, path)
    ...     again = nn.restore(path, like=network.init(nn.key(1), n_inputs=4))
    >>> bool((again[0].kernel == params[0].kernel).all())
    True
    """
    import jax  # late: reading checkpoints starts no JAX

    leaves = jax.tree.leaves(params)
    for leaf in leaves:
        dtype = getattr(leaf, "dtype", np.dtype(object))
        if not any(jax.numpy.issubdtype(dtype, kind) for kind in (np.number, np.bool_)):
            remedy = "Of a JAX key, save jax.random.key_data(key)."
            refuse("params", "a pytree of arrays of numbers", params, remedy)
    arrays = named_leaves(PREFIX, params)
    if len(arrays) < len(leaves):
        refuse("params", "a pytree with one name for each array", params, "Leave out '/' in keys.")
    write_tensors(path, PARAMETERS, {}, arrays)


def restore(path: PathLike, like: Any) -> Any:
    """Read what :func:`save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file.
    like : pytree of arrays
        A tree of the same structure, shapes and types, such as new parameters of the same
        network, or the first state of the same loop. Its values do not matter.

    Returns
    -------
    params : pytree of ndarray
        A tree like `like`, with the arrays of the file.

    Raises
    ------
    ModelFileError
        There is no such file, it is damaged or of another kind, or its content is not like `like`
        (a ValueError).

    Examples
    --------
    Training that resumes where it stopped:

    >>> import os, tempfile
    >>> import numpy as np
    >>> import optax
    >>> from multilayer import nn
    >>> network = nn.dense(1)
    >>> step = nn.train_step(network, nn.squared_error, optax.adam(0.1))
    >>> first = step.init(network.init(nn.key(0), n_inputs=2))
    >>> X, y = np.ones((5, 2), np.float32), np.ones((5, 1), np.float32)
    >>> state, loss = step(first, X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "state.safetensors")
    ...     nn.save(state, path)
    ...     restored = nn.restore(path, like=first)
    >>> (_, loss), (_, again) = step(state, X, y), step(restored, X, y)
    >>> bool(loss == again)
    True
    """
    description, arrays = read_tensors(path, PARAMETERS)
    if unknown := sorted(set(description) - {"format", "protocol"}):
        raise ModelFileError(f"{path} is damaged: its description has {unknown}.")
    return restored_tree(PREFIX, like, arrays, path)
