"""What stands between the dense layers of networks for tables: activation functions and dropout."""

import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multilayer._core.activations import Activation, AnyActivation
from multilayer._core.checks import check_choice, check_real
from multilayer._core.numpy_activations import ACTIVATIONS
from multilayer._core.types import Array, comparable
from multilayer._nn.model import Factor, Rate
from multilayer._nn.tabular_layers import Random, TabularLayer, check_width, constant, namespace

# Activation functions ----------------------------------------------------------------------------


class MixtureParameters(NamedTuple):
    """Parameters of :class:`parametric`."""

    share: Array  # (..., n_units)


@dataclass(frozen=True)
class parametric(TabularLayer):
    """An activation function of which each unit learns its share: ``x + share * (f(x) - x)``.

    Parameters
    ----------
    activation : str or function
        The name of an activation function, or a function such as :func:`selu`, of arrays.
    rate : float, default=0.1
        The shares' part of the learning rate.

    Raises
    ------
    InvalidArgumentError
        An argument is none of these (a ValueError).

    Notes
    -----
    The shares are 1 at first: the activation function itself. RealMLP (Holzmueller et al., 2024).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> layer = nn.parametric(nn.relu)
    >>> params = layer.init(nn.key(0), n_inputs=2)
    >>> half = params._replace(share=params.share / 2)
    >>> np.asarray(layer.apply(half, np.array([[-2.0, 2.0]], np.float32)))
    array([[-1.,  2.]], dtype=float32)
    """

    activation: AnyActivation
    rate: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", checked_activation(self.activation))
        check_real("rate", self.rate, "[0, inf)")

    def draw(self, rng: Random, x: np.ndarray) -> MixtureParameters:
        """Return shares of 1: the activation function itself."""
        return MixtureParameters(np.ones(x.shape[-1], np.float32))

    def apply(self, params: MixtureParameters, x: Array) -> Array:
        """Return the activations."""
        check_width(x, params.share.shape[-1])
        return x + params.share[..., None, :] * (activated(self.activation, x) - x)

    def factors(self, params: MixtureParameters) -> MixtureParameters:
        """Say how the shares learn."""
        return MixtureParameters(Factor(self.rate, self.rate))


@dataclass(frozen=True)
class activate(TabularLayer):
    """An activation function as a layer."""

    activation: AnyActivation

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", checked_activation(self.activation))

    def draw(self, rng: Random, x: np.ndarray) -> tuple[()]:
        """Return no parameters."""
        return ()

    def apply(self, params: tuple[()], x: Array) -> Array:
        """Return the activations."""
        return activated(self.activation, x)


def checked_activation(given: AnyActivation) -> AnyActivation:
    """Return the name or the function of an activation function; refuse all else."""
    if isinstance(given, Activation) and given.function is None:
        given = given.name
    if callable(given):
        functions = sys.modules.get("multilayer._core.activation_functions")  # if JAX is running
        known = {} if functions is None else functions.ELEMENTWISE
        names = (name for name in ACTIVATIONS if known.get(name) is given)
        return next(names, comparable(given))
    if not isinstance(given, Activation):
        check_choice("activation", given, ACTIVATIONS, "a function of arrays")
    return given


def activated(activation: AnyActivation, x: Array) -> Array:
    """Return the values of an activation function, in NumPy or JAX; functions are those of JAX."""
    if isinstance(x, np.ndarray) and isinstance(activation, str):
        return ACTIVATIONS[activation](x)
    from multilayer._core.activation_functions import function_of  # starts JAX

    return function_of(activation)(x)


# Dropout whose rate is a parameter ---------------------------------------------------------------


@dataclass(frozen=True)
class scheduled_dropout(TabularLayer):
    """Dropout whose rate is among the parameters: members differ in it, and it may be annealed.

    Random numbers are a hash of a counter, which costs a fraction of those of JAX.
    """

    rate: float
    shared_mask: bool = True  # by all members

    def draw(self, rng: Random, x: np.ndarray) -> Rate:
        """Return the rate."""
        return Rate(np.full((), self.rate, np.float32))

    def apply(self, params: Rate, x: Array) -> Array:
        """Return the inputs."""
        return x

    def apply_in_training(
        self, params: Rate, x: Array, *, key: Array, weight: Array
    ) -> tuple[Array, Rate]:
        """Return the inputs, some of them dropped; ``key`` is a number of uint32."""
        rate = constant(params.value, x)[..., None, None]
        shape = x.shape[-2:] if self.shared_mask else x.shape
        bits = random_bits(key, shape).reshape((1,) * (x.ndim - len(shape)) + shape)
        threshold = (rate * np.float32(2**32 - 256)).astype(np.uint32)
        return namespace(x).where(bits >= threshold, x / (1.0 - rate), 0.0), params


def random_bits(counter: Array, shape: tuple[int, ...]) -> Array:
    """Return uint32 numbers: a hash of the counter and of each place."""
    xp = namespace(counter)
    places = xp.arange(int(np.prod(shape)), dtype=np.uint32).reshape(shape)
    return mixed(places + mixed(counter))


def mixed(x: Array) -> Array:
    """Return a hash of uint32 numbers.

    C. Wellons, "Prospecting for hash functions" (2018): two multiplications, low bias.
    """
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))
