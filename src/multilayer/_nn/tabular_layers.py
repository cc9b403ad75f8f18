"""Layers of networks for tables: dense ones as in RealMLP and TabM, scaling, activations, dropout.

Each is written once for NumPy and JAX, so that a trained network predicts with either, and for any
axes in front: parameters ``(members, ...)`` with inputs ``(members, rows, n_inputs)`` are as many
networks at once. Layers that read the columns of a table are in
:mod:`multilayer._nn.column_layers`.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple, TypeAlias

import numpy as np

from multilayer._core.activations import AnyActivation
from multilayer._core.checks import check_integer
from multilayer._core.numpy_activations import ACTIVATIONS
from multilayer._core.types import Array
from multilayer._nn.model import Factor, Fixed, Parameters, Rate

Random: TypeAlias = np.random.Generator

SAMPLE = 1024  # rows that stand for data where a layer is initialised without


def namespace(x: Array) -> ModuleType:
    """Return NumPy for its arrays, else ``jax.numpy``."""
    return np if isinstance(x, np.ndarray) else sys.modules["jax.numpy"]


def constant(params: Parameters, x: Array) -> Parameters:
    """Return parameters that no gradient is computed for."""
    return params if isinstance(x, np.ndarray) else sys.modules["jax"].lax.stop_gradient(params)


def beside(*parts: Array) -> Array:
    """Return arrays ``(..., rows, units)`` beside each other, their axes in front broadcast."""
    xp = namespace(parts[0])
    front = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return xp.concatenate([xp.broadcast_to(p, (*front, p.shape[-1])) for p in parts], axis=-1)


class TabularLayer(ABC):
    """A layer that is initialised on data, for any axes in front of rows and units."""

    @abstractmethod
    def init_on_data(self, rng: Random, x: np.ndarray) -> Parameters:
        """Draw first parameters, given inputs ``(rows, n_inputs)`` of training."""

    @abstractmethod
    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the outputs ``(..., rows, units)``."""

    def init(self, key: Array, n_inputs: int) -> Parameters:
        """Draw first parameters as if each input had a standard normal distribution."""
        from multilayer._nn.keys import as_key, generator  # starts JAX

        check_integer("n_inputs", n_inputs, 1)
        rng = generator(as_key(key))
        return self.init_on_data(rng, rng.standard_normal((SAMPLE, n_inputs), np.float32))


# Dense layers, and what stands between them ------------------------------------------------------


class ScaleParameters(NamedTuple):
    """Parameters of :class:`scaling`."""

    scale: Array  # (..., n_inputs)
    used: Fixed  # (..., 1) 1, or 0 where inputs stay as they are


@dataclass(frozen=True)
class scaling(TabularLayer):
    """Multiply each input by a weight of its own, which learns at ``rate`` times the rate.

    The weights are 1 at first, or random, one number for each group of inputs side by side: members
    of an ensemble that differ in nothing else are different networks from then on.
    """

    rate: float = 6.0
    used: bool = True  # at first: a parameter that members differ in
    initial: str = "ones"
    groups: tuple[int, ...] = ()  # sizes of the groups; () for groups of one

    def init_on_data(self, rng: Random, x: np.ndarray) -> ScaleParameters:
        """Return the first weights."""
        used = np.full(1, self.used, np.float32)
        weights = first_scales(rng, self.initial, x.shape[-1], self.groups)
        return ScaleParameters(weights, Fixed(used))

    def apply(self, params: ScaleParameters, x: Array) -> Array:
        """Return the inputs, scaled."""
        used = constant(params.used.value, x)
        return x * (1.0 + used * (params.scale - 1.0))[..., None, :]

    def factors(self, params: ScaleParameters) -> ScaleParameters:
        """Say how the weights learn."""
        return params._replace(scale=Factor(self.rate, self.rate))


FIRST_SCALES: dict[str, Callable[[Random, int], np.ndarray]] = {
    "ones": lambda rng, n: np.ones(n, np.float32),
    "normal": lambda rng, n: rng.standard_normal(n, np.float32),
    "random_signs": lambda rng, n: rng.choice(np.array([-1.0, 1.0], np.float32), n),
}
"""What draws weights of inputs."""


def first_scales(
    rng: Random, initial: str, n_inputs: int, groups: tuple[int, ...] = ()
) -> np.ndarray:
    """Draw weights of inputs, the same for all inputs of a group."""
    if not groups:
        return FIRST_SCALES[initial](rng, n_inputs)
    return np.repeat(FIRST_SCALES[initial](rng, len(groups)), groups)


class NtkParameters(NamedTuple):
    """Parameters of :class:`ntk_dense`."""

    kernel: Array  # (..., n_inputs, n_units)
    bias: Array  # (..., n_units)


@dataclass(frozen=True)
class ntk_dense(TabularLayer):
    """A dense layer in NTK parametrisation: ``x @ kernel / sqrt(n_inputs) + bias``.

    With ``initial="data"`` the kernel is drawn from a standard normal distribution and scaled on
    data, so that every unit has a standard deviation of 1; each bias puts the unit's zero at a
    random mixture of five rows. "normal" draws both as they are, "zeros" are 0.
    """

    n_units: int
    bias_rate: float = 0.1
    initial: str = "data"

    def init_on_data(self, rng: Random, x: np.ndarray) -> NtkParameters:
        """Draw first parameters by inputs ``(rows, n_inputs)`` of the layer."""
        n = x.shape[-1]
        if self.initial == "zeros":
            zeros = np.zeros((n + 1, self.n_units), np.float32)
            return NtkParameters(zeros[:-1], zeros[-1])
        kernel = rng.standard_normal((n, self.n_units), np.float32)
        if self.initial == "normal":
            return NtkParameters(kernel, rng.standard_normal(self.n_units, np.float32))
        z = x @ kernel / np.float32(np.sqrt(n))
        spread = z.std(axis=0) + np.float32(1e-6)
        z = z / spread
        share = rng.exponential(size=(5, self.n_units))
        share /= share.sum(axis=0)
        rows = rng.integers(0, len(z), (5, self.n_units))
        bias = -(share * z[rows, np.arange(self.n_units)]).sum(axis=0)
        return NtkParameters(kernel / spread, bias.astype(np.float32))

    def apply(self, params: NtkParameters, x: Array) -> Array:
        """Return the units' sums."""
        factor = np.float32(1.0 / np.sqrt(x.shape[-1]))
        return x @ params.kernel * factor + params.bias[..., None, :]

    def factors(self, params: NtkParameters) -> NtkParameters:
        """Say how kernel and bias learn: biases slowly, without decay."""
        return NtkParameters(Factor(), Factor(self.bias_rate, 0.0))


class LinearParameters(NamedTuple):
    """Parameters of :class:`linear`."""

    kernel: Array  # (..., n_inputs, n_units)
    bias: Array  # (..., n_units)


@dataclass(frozen=True)
class linear(TabularLayer):
    """A dense layer whose first parameters are uniform within ``1 / sqrt(n_inputs)``."""

    n_units: int

    def init_on_data(self, rng: Random, x: np.ndarray) -> LinearParameters:
        """Draw first parameters."""
        drawn = uniform(rng, (x.shape[-1] + 1, self.n_units), x.shape[-1])
        return LinearParameters(drawn[:-1], drawn[-1])

    def apply(self, params: LinearParameters, x: Array) -> Array:
        """Return the units' sums."""
        return x @ params.kernel + params.bias[..., None, :]

    def factors(self, params: LinearParameters) -> LinearParameters:
        """Say how kernel and bias learn: biases without decay."""
        return LinearParameters(Factor(), Factor(decay=0.0))


def uniform(rng: Random, shape: tuple[int, ...], n_inputs: int) -> np.ndarray:
    """Draw float32 numbers within ``1 / sqrt(n_inputs)``."""
    bound = 1.0 / np.sqrt(n_inputs)
    return rng.uniform(-bound, bound, shape).astype(np.float32)


class MixtureParameters(NamedTuple):
    """Parameters of :class:`parametric`."""

    share: Array  # (..., n_units)


@dataclass(frozen=True)
class parametric(TabularLayer):
    """An activation function of which each unit learns its share: ``x + share * (f(x) - x)``."""

    activation: AnyActivation
    rate: float = 0.1

    def init_on_data(self, rng: Random, x: np.ndarray) -> MixtureParameters:
        """Return shares of 1: the activation function itself."""
        return MixtureParameters(np.ones(x.shape[-1], np.float32))

    def apply(self, params: MixtureParameters, x: Array) -> Array:
        """Return the activations."""
        return x + params.share[..., None, :] * (activated(self.activation, x) - x)

    def factors(self, params: MixtureParameters) -> MixtureParameters:
        """Say how the shares learn."""
        return MixtureParameters(Factor(self.rate, self.rate))


@dataclass(frozen=True)
class activate(TabularLayer):
    """An activation function as a layer."""

    activation: AnyActivation

    def init_on_data(self, rng: Random, x: np.ndarray) -> tuple[()]:
        """Return no parameters."""
        return ()

    def apply(self, params: tuple[()], x: Array) -> Array:
        """Return the activations."""
        return activated(self.activation, x)


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

    def init_on_data(self, rng: Random, x: np.ndarray) -> Rate:
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
