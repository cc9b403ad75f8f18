"""Layers for tables: fixed encodings of columns, embeddings, and dense layers of RealMLP's kind.

Each is written once for NumPy and JAX, so that a trained network predicts with either, and for any
axes in front: parameters ``(members, ...)`` with inputs ``(members, rows, n_inputs)`` are as many
networks at once.
"""

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from multilayer._core.activations import AnyActivation
from multilayer._core.numpy_activations import ACTIVATIONS
from multilayer._core.types import Array
from multilayer._nn.model import Factor, Fixed, Parameters, Rate

Random: TypeAlias = np.random.Generator

CLIP = 3.0  # numbers are clipped smoothly into (-3, 3)
LARGEST = 1e9  # beyond which they are all the same: the square of more overflows float32
NARROWEST = 1e-4  # width of a bin whose places float32 still tells apart


def namespace(x: Array) -> ModuleType:
    """Return NumPy for its arrays, else ``jax.numpy``."""
    return np if isinstance(x, np.ndarray) else sys.modules["jax.numpy"]


def constant(params: Parameters, x: Array) -> Parameters:
    """Return parameters that no gradient is computed for."""
    return params if isinstance(x, np.ndarray) else sys.modules["jax"].lax.stop_gradient(params)


class TabularLayer(Protocol):
    """A layer that is initialised on data, for any axes in front of rows and units."""

    def init(self, rng: Random, x: np.ndarray) -> Parameters:
        """Draw first parameters, given inputs ``(rows, n_inputs)`` of training."""

    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the outputs ``(..., rows, units)``."""


# Columns of a table as inputs --------------------------------------------------------------------


class ColumnStatistics(NamedTuple):
    """What the rows of training say of the numeric columns and their bins."""

    centre: Array  # (..., n_numeric)
    factor: Array  # (..., n_numeric)
    low: Array  # (..., bins) where each begins, of the clipped column
    slope: Array  # (..., bins) 1 / width, 0 where it has none
    mean: Array  # (..., bins) of the encoded values
    gain: Array  # (..., 1) of all bins


class TableParameters(NamedTuple):
    """Parameters of :class:`table_inputs`."""

    statistics: Fixed  # ColumnStatistics
    embeddings: tuple[Array, ...]  # (..., codes, embedding_size) of each category


@dataclass(frozen=True)
class table_inputs:
    """The columns of a table as inputs of a network.

    Numbers are centred by their median, divided by the range of their middle half and clipped
    smoothly (the preprocessing of RealMLP, Holzmueller et al., 2024); beside them stands their
    piecewise linear encoding (Gorishniy et al., 2022); codes of categories become learnt
    embeddings.
    """

    n_numeric: int
    n_flags: int
    cardinalities: tuple[int, ...] = ()
    bins: tuple[int, ...] = ()  # of each numeric column, 0 for none
    embedding_size: int = 8
    gain: float = 2.0  # of the encoding at first: a parameter that members differ in

    @property
    def sources(self) -> np.ndarray:
        """The numeric column that each bin is of."""
        return np.repeat(np.arange(len(self.bins)), self.bins)

    @property
    def n_bins(self) -> int:
        """Bins of all columns."""
        return sum(self.bins)

    @property
    def n_outputs(self) -> int:
        """Numbers for each row."""
        embedded = len(self.cardinalities) * self.embedding_size
        return self.n_numeric + self.n_bins + self.n_flags + embedded

    def init(self, rng: Random, x: np.ndarray) -> TableParameters:
        """Measure the columns of rows ``(rows, n_columns)``, and draw embeddings."""
        raw = x[:, : self.n_numeric].astype(np.float64)
        low, middle, high = np.quantile(raw, (0.25, 0.5, 0.75), axis=0)
        width = high - low
        width = np.where(width > 0, width, np.ptp(raw, axis=0) / 2)
        factor = np.divide(1.0, width, out=np.zeros_like(width), where=width > 0)
        z = smooth_clip((raw - middle) * factor)
        edges = [bin_edges(column, n) for column, n in zip(z.T, self.bins, strict=True) if n]
        starts = np.concatenate([e[:-1] for e in edges]) if edges else np.zeros(0)
        widths = np.concatenate([np.diff(e) for e in edges]) if edges else np.zeros(0)
        slopes = np.divide(1.0, widths, out=np.zeros_like(widths), where=widths > NARROWEST)
        encoded = np.clip((z[:, self.sources] - starts) * slopes, 0.0, 1.0)
        statistics = ColumnStatistics(
            middle, factor, starts, slopes, encoded.mean(axis=0), np.full(1, self.gain)
        )
        single = ColumnStatistics(*(part.astype(np.float32) for part in statistics))
        tables = tuple(
            rng.standard_normal((n, self.embedding_size), np.float32) for n in self.cardinalities
        )
        return TableParameters(Fixed(single), tables)

    def apply(self, params: TableParameters, x: Array) -> Array:
        """Return numbers, their encoding, flags and embeddings side by side."""
        xp = namespace(x)
        known: ColumnStatistics = constant(params.statistics.value, x)
        rest = self.n_numeric + self.n_flags
        z = x[..., : self.n_numeric]
        z = smooth_clip((z - known.centre[..., None, :]) * known.factor[..., None, :])
        v = (z[..., self.sources] - known.low[..., None, :]) * known.slope[..., None, :]
        v = (xp.clip(v, 0.0, 1.0) - known.mean[..., None, :]) * known.gain[..., None, :]
        codes = x[..., rest:].astype(np.int32)
        embedded = [
            xp.take_along_axis(table, codes[..., j, None], axis=-2)
            for j, table in enumerate(params.embeddings)
        ]
        return xp.concatenate([z, v, x[..., self.n_numeric : rest], *embedded], axis=-1)


def smooth_clip(z: Array) -> Array:
    """Return ``z / sqrt(1 + (z / 3)**2)``, within (-3, 3)."""
    xp = namespace(z)
    z = xp.clip(z, -LARGEST, LARGEST)
    return z / xp.sqrt(1.0 + (z / CLIP) ** 2)


def bin_edges(column: np.ndarray, n_bins: int) -> np.ndarray:
    """Return ``n_bins + 1`` edges, from smallest to largest: values if there are few, or quantiles.

    Edges that coincide make bins without width.
    """
    values = np.unique(column)
    if len(values) <= n_bins + 1:
        return np.concatenate([values, np.full(n_bins + 1 - len(values), values[-1])])
    return np.quantile(column, np.linspace(0.0, 1.0, n_bins + 1))


def n_bins(column: np.ndarray, most: int) -> int:
    """Return how many bins a column needs: none where the number itself says everything."""
    n_values = len(np.unique(column))
    return 0 if n_values <= 2 else min(most, n_values - 1)


# Layers of RealMLP -------------------------------------------------------------------------------


class ScaleParameters(NamedTuple):
    """Parameters of :class:`scaling`."""

    scale: Array  # (..., n_inputs)
    used: Fixed  # (..., 1) 1, or 0 where inputs stay as they are


@dataclass(frozen=True)
class scaling:
    """Multiply each input by a weight of its own, 1 at first, that learns at ``rate`` the rate."""

    rate: float = 6.0
    used: bool = True  # at first: a parameter that members differ in

    def init(self, rng: Random, x: np.ndarray) -> ScaleParameters:
        """Return weights of 1."""
        used = np.full(1, self.used, np.float32)
        return ScaleParameters(np.ones(x.shape[-1], np.float32), Fixed(used))

    def apply(self, params: ScaleParameters, x: Array) -> Array:
        """Return the inputs, scaled."""
        used = constant(params.used.value, x)
        return x * (1.0 + used * (params.scale - 1.0))[..., None, :]

    def factors(self, params: ScaleParameters) -> ScaleParameters:
        """Say how the weights learn."""
        return params._replace(scale=Factor(self.rate, self.rate))


class NtkParameters(NamedTuple):
    """Parameters of :class:`ntk_dense`."""

    kernel: Array  # (..., n_inputs, n_units)
    bias: Array  # (..., n_units)


@dataclass(frozen=True)
class ntk_dense:
    """A dense layer in NTK parametrisation: ``x @ kernel / sqrt(n_inputs) + bias``.

    The kernel is drawn from a standard normal distribution and scaled on data, so that every unit
    has a standard deviation of 1; each bias puts the unit's zero at a random mixture of five rows.
    """

    n_units: int
    bias_rate: float = 0.1

    def init(self, rng: Random, x: np.ndarray) -> NtkParameters:
        """Draw first parameters by inputs ``(rows, n_inputs)`` of the layer."""
        n = x.shape[-1]
        kernel = rng.standard_normal((n, self.n_units), np.float32)
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


class MixtureParameters(NamedTuple):
    """Parameters of :class:`parametric`."""

    share: Array  # (..., n_units)


@dataclass(frozen=True)
class parametric:
    """An activation function of which each unit learns its share: ``x + share * (f(x) - x)``."""

    activation: AnyActivation
    rate: float = 0.1

    def init(self, rng: Random, x: np.ndarray) -> MixtureParameters:
        """Return shares of 1: the activation function itself."""
        return MixtureParameters(np.ones(x.shape[-1], np.float32))

    def apply(self, params: MixtureParameters, x: Array) -> Array:
        """Return the activations."""
        return x + params.share[..., None, :] * (activated(self.activation, x) - x)

    def factors(self, params: MixtureParameters) -> MixtureParameters:
        """Say how the shares learn."""
        return MixtureParameters(Factor(self.rate, self.rate))


@dataclass(frozen=True)
class activate:
    """An activation function as a layer."""

    activation: AnyActivation

    def init(self, rng: Random, x: np.ndarray) -> tuple[()]:
        """Return no parameters."""
        return ()

    def apply(self, params: tuple[()], x: Array) -> Array:
        """Return the activations."""
        return activated(self.activation, x)


def activated(activation: AnyActivation, x: Array) -> Array:
    """Return the values of an activation function, in NumPy or JAX."""
    if isinstance(x, np.ndarray):
        return ACTIVATIONS[str(activation)](x)
    from multilayer._core.activation_functions import function_of  # starts JAX

    return function_of(activation)(x)


# Dropout whose rate is a parameter ---------------------------------------------------------------


@dataclass(frozen=True)
class scheduled_dropout:
    """Dropout whose rate is among the parameters: members differ in it, and it may be annealed.

    Members share their masks. Random numbers are a hash of a counter, which costs a fraction of
    those of JAX.
    """

    rate: float

    def init(self, rng: Random, x: np.ndarray) -> Rate:
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
        shape = x.shape[-2:]  # members share their masks
        bits = random_bits(key, shape).reshape((1,) * (x.ndim - 2) + shape)
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
