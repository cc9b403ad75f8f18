"""Layers of networks for tables: dense ones as in RealMLP and TabM, scaling.

Each is written once for NumPy and JAX, so that a trained network predicts with either, and for any
axes in front: parameters ``(members, ...)`` with inputs ``(members, rows, n_inputs)`` are as many
networks at once. Layers that read the columns of a table are in
:mod:`multilayer._nn.column_layers`, activation functions and dropout in
:mod:`multilayer._nn.activation_layers`.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple, TypeAlias

import numpy as np

from multilayer._core.checks import check_bool, check_choice, check_integer, check_real, refuse
from multilayer._core.types import Array
from multilayer._nn.model import Factor, Fixed, Parameters

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
    """A layer for any axes in front of rows and units, written once for NumPy and JAX."""

    broadcasts = True
    """Whether inputs and parameters may be those of several members, see :class:`nn.members`."""

    @abstractmethod
    def draw(self, rng: Random, x: np.ndarray) -> Parameters:
        """Draw first parameters, given inputs ``(rows, n_inputs)`` of training."""

    @abstractmethod
    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the outputs ``(..., rows, units)``."""

    def init_on_data(self, key: Array | int | Random, X: Array) -> Parameters:
        """Draw first parameters by inputs of training, ``(rows, n_inputs)``.

        ``key`` is a JAX key, the seed of one, or a generator of NumPy.
        """
        return self.draw(generator_of(key), checked_rows(X))

    def init(self, key: Array, n_inputs: int) -> Parameters:
        """Draw first parameters as if each input had a standard normal distribution."""
        check_integer("n_inputs", n_inputs, 1)
        rng = generator_of(key)
        return self.draw(rng, rng.standard_normal((SAMPLE, n_inputs), np.float32))


def generator_of(key: Array | int | Random) -> Random:
    """Return the generator that a key or a seed stands for, or the one that is given."""
    if isinstance(key, np.random.Generator):
        return key
    from multilayer._nn.keys import as_key, generator  # starts JAX

    return generator(as_key(key))


def checked_rows(X: Array) -> np.ndarray:
    """Return rows as float32; refuse what is no matrix of numbers."""
    x = np.asarray(X)
    if x.dtype.kind not in "fiub":
        refuse("X.dtype", "a type of numbers", str(x.dtype))
    if x.ndim != 2 or not len(x):
        refuse("X.shape", "(rows, n_inputs), at least one row", x.shape)
    return x.astype(np.float32, copy=False)


def check_width(x: Array, n_inputs: int) -> None:
    """Refuse inputs of another width than the parameters have."""
    if x.ndim < 2 or x.shape[-1] != n_inputs:
        refuse("x.shape", f"(rows, {n_inputs})", x.shape)


# Scaling and dense layers -------------------------------------------------------------------------


class ScaleParameters(NamedTuple):
    """Parameters of :class:`scaling`."""

    scale: Array  # (..., n_inputs)
    used: Fixed  # (..., 1) 1, or 0 where inputs stay as they are


@dataclass(frozen=True)
class scaling(TabularLayer):
    """Multiply each input by a weight of its own, 1 at first or random.

    Parameters
    ----------
    rate : float, default=6.0
        The weights' share of the learning rate; in RealMLP they learn fast.
    used : bool, default=True
        Whether the weights are in use; False leaves the inputs as they are. It is among the
        parameters, so that members may differ in it.
    initial : {"ones", "normal", "random_signs"}, default="ones"
        First weights: 1, from a standard normal distribution, or -1 and 1 with equal chances.
        Members of an ensemble that differ in nothing else are different networks from then on.
    groups : tuple of int, default=()
        Numbers of inputs side by side that begin with the same weight, such as those of one
        feature; ``()`` draws one for each input.

    Raises
    ------
    InvalidArgumentError
        An argument is none of these; from ``init`` if there are other inputs than those of the
        groups (a ValueError).

    Notes
    -----
    ``x * scale``. The first layer of RealMLP (Holzmueller et al., 2024), and with random weights
    the adapter of TabM-mini (Gorishniy et al., 2024).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> layer = nn.scaling(initial="random_signs", groups=(2, 1))
    >>> params = layer.init(nn.key(0), n_inputs=3)
    >>> bool(params.scale[0] == params.scale[1]), layer.apply(params, np.ones((5, 3))).shape
    (True, (5, 3))
    """

    rate: float = 6.0
    used: bool = True  # at first
    initial: str = "ones"
    groups: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_real("rate", self.rate, "[0, inf)")
        check_bool("used", self.used)
        check_choice("initial", self.initial, FIRST_SCALES)
        object.__setattr__(self, "groups", counts("groups", self.groups))

    def draw(self, rng: Random, x: np.ndarray) -> ScaleParameters:
        """Return the first weights."""
        used = np.full(1, self.used, np.float32)
        weights = first_scales(rng, self.initial, x.shape[-1], self.groups)
        return ScaleParameters(weights, Fixed(used))

    def apply(self, params: ScaleParameters, x: Array) -> Array:
        """Return the inputs, scaled."""
        check_width(x, params.scale.shape[-1])
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
    if sum(groups) != n_inputs:
        refuse("groups", f"sizes that add up to the {n_inputs} inputs", groups)
    return np.repeat(FIRST_SCALES[initial](rng, len(groups)), groups)


def counts(name: str, given: Iterable[int]) -> tuple[int, ...]:
    """Return several counts as a tuple, each of at least 1."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        refuse(name, "a tuple of integers", given)
    numbers = tuple(given)
    for number in numbers:
        check_integer(f"each of {name}", number, 1)
    return numbers


class NtkParameters(NamedTuple):
    """Parameters of :class:`ntk_dense`."""

    kernel: Array  # (..., n_inputs, n_units)
    bias: Array  # (..., n_units)


FIRST_KERNELS = ("data", "normal", "zeros")


@dataclass(frozen=True)
class ntk_dense(TabularLayer):
    """A dense layer in NTK parametrisation: ``x @ kernel / sqrt(n_inputs) + bias``.

    Parameters
    ----------
    n_units : int
        Number of outputs.
    bias_rate : float, default=0.1
        The biases' share of the learning rate.
    initial : {"data", "normal", "zeros"}, default="data"
        First parameters. "data": the kernel, standard normal, is divided by the standard deviation
        of each unit on data, and each bias puts the zero of its unit at a random mixture of five
        rows. "normal": both standard normal. "zeros": both 0.

    Raises
    ------
    InvalidArgumentError
        An argument is none of these (a ValueError).

    Notes
    -----
    The dense layers of RealMLP (Holzmueller et al., 2024), for which ``init_on_data`` of the
    network is made; ``init`` takes standard normal inputs for the data. Biases do not decay.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> X = np.random.default_rng(0).normal(3, 5, (100, 4))
    >>> params = nn.ntk_dense(8).init_on_data(nn.key(0), X)
    >>> nn.ntk_dense(8).apply(params, X).std(axis=0).round(3)
    array([1., 1., 1., 1., 1., 1., 1., 1.])
    """

    n_units: int
    bias_rate: float = 0.1
    initial: str = "data"

    def __post_init__(self) -> None:
        check_integer("n_units", self.n_units, 1)
        check_real("bias_rate", self.bias_rate, "[0, inf)")
        check_choice("initial", self.initial, FIRST_KERNELS)

    def draw(self, rng: Random, x: np.ndarray) -> NtkParameters:
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
        check_width(x, params.kernel.shape[-2])
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
    """A dense layer whose first parameters are uniform within ``1 / sqrt(n_inputs)``.

    Parameters
    ----------
    n_units : int
        Number of outputs.

    Raises
    ------
    InvalidArgumentError
        It is no such number (a ValueError).

    Notes
    -----
    ``x @ kernel + bias``, as the dense layers and the outputs of TabM (Gorishniy et al., 2024).
    Unlike :class:`dense` it may be among the layers of :class:`members`. Biases do not decay.

    Examples
    --------
    >>> from multilayer import nn
    >>> params = nn.linear(3).init(nn.key(0), n_inputs=4)
    >>> params.kernel.shape, bool(abs(params.kernel).max() <= 0.5)
    ((4, 3), True)
    """

    n_units: int

    def __post_init__(self) -> None:
        check_integer("n_units", self.n_units, 1)

    def draw(self, rng: Random, x: np.ndarray) -> LinearParameters:
        """Draw first parameters."""
        drawn = uniform(rng, (x.shape[-1] + 1, self.n_units), x.shape[-1])
        return LinearParameters(drawn[:-1], drawn[-1])

    def apply(self, params: LinearParameters, x: Array) -> Array:
        """Return the units' sums."""
        check_width(x, params.kernel.shape[-2])
        return x @ params.kernel + params.bias[..., None, :]

    def factors(self, params: LinearParameters) -> LinearParameters:
        """Say how kernel and bias learn: biases without decay."""
        return LinearParameters(Factor(), Factor(decay=0.0))


def uniform(rng: Random, shape: tuple[int, ...], n_inputs: int) -> np.ndarray:
    """Draw float32 numbers within ``1 / sqrt(n_inputs)``."""
    bound = 1.0 / np.sqrt(n_inputs)
    return rng.uniform(-bound, bound, shape).astype(np.float32)
