"""Parameters of networks built by hand, in files."""

from typing import Any

import jax
import numpy as np

from multilayer._core.checks import refuse
from multilayer._core.errors import ModelFileError
from multilayer._persist.tensors import PARAMETERS, PathLike, read_tensors, write_tensors
from multilayer._persist.trees import named_leaves, restored_tree

PREFIX = "tree"


def save(params: Any, path: PathLike) -> None:
    """Write parameters, or the whole state of a loop, to a file.

    Parameters
    ----------
    params : pytree of arrays
        ``state.params``, or ``state`` itself with the optimizer's state and the number of steps:
        all that a loop needs to go on.
    path : str or path-like
        File to write, ``.safetensors`` by custom; its folder must exist. An existing file is
        replaced at once, with its permissions: a reader, or a computer that loses power, finds the
        old one or the new. A link stays and its file is replaced; pipes and devices are written to.

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
        There is no such file, it is damaged or of another kind, or what it holds is not like
        `like` (a ValueError).

    Examples
    --------
    Training that goes on from where it was:

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
