"""Keys: the source of random numbers in networks built by hand."""

from numbers import Integral

import jax
import numpy as np

from multilayer._core.checks import check_integer, refuse
from multilayer._core.environment import check_process
from multilayer._core.types import Array


def key(seed: int) -> Array:
    """Return the JAX key of a seed.

    Parameters
    ----------
    seed : int
        A number from 0 to 2**32 - 1. The same seed gives the same weights.

    Returns
    -------
    key : jax.Array
        The result of :func:`jax.random.key`.

    Raises
    ------
    InvalidArgumentError
        The seed is not such a number (a ValueError).

    Examples
    --------
    >>> from multilayer import nn
    >>> network = nn.dense(3)
    >>> a, b = (network.init(nn.key(0), n_inputs=2) for _ in range(2))
    >>> bool((a.kernel == b.kernel).all())
    True
    """
    check_integer("seed", seed, 0, 2**32 - 1)
    check_process()
    return jax.random.key(int(seed))


def as_key(given: Array | int) -> Array:
    """Return a key as it is, or the key of a seed."""
    check_process()
    made = key(int(given)) if isinstance(given, Integral) else given
    dtype = getattr(made, "dtype", None)
    if dtype is None or not jax.numpy.issubdtype(dtype, jax.dtypes.prng_key):
        refuse("key", "a JAX key or an integer", given, "Make one with nn.key(0).")
    if isinstance(made, jax.core.Tracer):
        refuse("key", "known when weights are drawn", given, "Call init outside compiled code.")
    return made


def generator(key: Array) -> np.random.Generator:
    """Return a NumPy generator seeded with a key: it compiles nothing, unlike JAX."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


def keys_of_layers(key: Array, number: int) -> list[Array]:
    """Return a key for each of so many layers, made on the host."""
    words = np.asarray(jax.random.key_data(key))
    drawn = np.random.SeedSequence(words.tolist()).generate_state(number * words.size)
    parts: list[Array] = np.split(drawn, number)
    return [jax.random.wrap_key_data(part, impl=jax.random.key_impl(key)) for part in parts]
