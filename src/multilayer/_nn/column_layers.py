"""Layers that read the columns of a table: scaling, encodings and embeddings.

Like all layers for tables they are written once for NumPy and JAX, and for any axes in front, see
:mod:`multilayer._nn.tabular_layers`. What they measure on the rows of training is among their
parameters, as :class:`Fixed` numbers.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multilayer._core.types import Array
from multilayer._nn.model import Factor, Fixed
from multilayer._nn.tabular_layers import (
    Random,
    TabularLayer,
    constant,
    namespace,
    uniform,
)

CLIP = 3.0  # numbers are clipped smoothly into (-3, 3)
LARGEST = 1e9  # beyond which they are all the same: the square of more overflows float32
NARROWEST = 1e-4  # width of a bin whose places float32 still tells apart


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
class table_inputs(TabularLayer):
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

    def init_on_data(self, rng: Random, x: np.ndarray) -> TableParameters:
        """Measure the columns of rows ``(rows, n_columns)``, and draw embeddings."""
        raw = x[:, : self.n_numeric].astype(np.float64)
        middle, factor = robust_scale(raw)
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
        embedded = looked_up(params.embeddings, x[..., rest:])
        return xp.concatenate([z, v, x[..., self.n_numeric : rest], *embedded], axis=-1)


def looked_up(tables: tuple[Array, ...], codes: Array) -> list[Array]:
    """Return for each column of codes the rows of its table."""
    numbers = codes.astype(np.int32)
    return [
        namespace(codes).take_along_axis(table, numbers[..., j, None], axis=-2)
        for j, table in enumerate(tables)
    ]


def robust_scale(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return of each column the median, and 1 over the range of its middle half.

    Over half of its whole range where that is 0; 0 for a constant column.
    """
    low, middle, high = np.quantile(raw, (0.25, 0.5, 0.75), axis=0)
    width = high - low
    width = np.where(width > 0, width, np.ptp(raw, axis=0) / 2)
    return middle, np.divide(1.0, width, out=np.zeros_like(width), where=width > 0)


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


# Steps of RealMLP and TabM, each a layer of its own: columns that one does not read pass ----------


class RobustParameters(NamedTuple):
    """Parameters of :class:`robust_scaling`."""

    centre: Fixed  # (..., n_columns)
    factor: Fixed  # (..., n_columns)


@dataclass(frozen=True)
class robust_scaling(TabularLayer):
    """Bring the first columns near a standard normal distribution, by the rows of training.

    Each is centred by its median, divided by the range of its middle half and clipped smoothly,
    the preprocessing of RealMLP (Holzmueller et al., 2024).
    """

    n_columns: int

    def init_on_data(self, rng: Random, x: np.ndarray) -> RobustParameters:
        """Measure the columns."""
        measured = robust_scale(x[:, : self.n_columns].astype(np.float64))
        return RobustParameters(*(Fixed(part.astype(np.float32)) for part in measured))

    def apply(self, params: RobustParameters, x: Array) -> Array:
        """Return the columns, scaled, and those that follow."""
        centre, factor = (constant(part.value, x)[..., None, :] for part in params)
        z = smooth_clip((x[..., : self.n_columns] - centre) * factor)
        return namespace(x).concatenate([z, x[..., self.n_columns :]], axis=-1)


class CategoryParameters(NamedTuple):
    """Parameters of :class:`category_embedding`."""

    tables: tuple[Array, ...]  # (..., codes, size) of each category


@dataclass(frozen=True)
class category_embedding(TabularLayer):
    """Learnt embeddings in place of the last columns, which are integer codes of categories."""

    cardinalities: tuple[int, ...]  # numbers of codes
    size: int = 8

    def init_on_data(self, rng: Random, x: np.ndarray) -> CategoryParameters:
        """Draw embeddings from a standard normal distribution."""
        drawn = (rng.standard_normal((n, self.size), np.float32) for n in self.cardinalities)
        return CategoryParameters(tuple(drawn))

    def apply(self, params: CategoryParameters, x: Array) -> Array:
        """Return the other columns, then the embeddings."""
        rest = x.shape[-1] - len(self.cardinalities)
        embedded = looked_up(params.tables, x[..., rest:])
        return namespace(x).concatenate([x[..., :rest], *embedded], axis=-1)


class PeriodicParameters(NamedTuple):
    """Parameters of :class:`periodic_embedding`."""

    frequencies: Array  # (..., n_columns, n_frequencies)
    phases: Array  # (..., n_columns, n_frequencies)
    kernel: Array  # (..., n_columns, n_frequencies, size)
    bias: Array  # (..., n_columns, size)


@dataclass(frozen=True)
class periodic_embedding(TabularLayer):
    """Numbers that cosines of learnt frequencies make of each of the first columns.

    ``cos(2 pi frequencies x + phases) @ kernel + bias`` for each column, and behind them the
    columns themselves: "PBLD" of RealMLP (Holzmueller et al., 2024).
    """

    n_columns: int
    n_frequencies: int = 16
    size: int = 3  # numbers for each column, beside itself
    sigma: float = 0.1  # standard deviation of the first frequencies
    rate: float = 0.1  # of learning, as a share of the network's

    def init_on_data(self, rng: Random, x: np.ndarray) -> PeriodicParameters:
        """Draw frequencies, phases and the numbers of the layer behind them."""
        waves = (self.n_columns, self.n_frequencies)
        return PeriodicParameters(
            rng.standard_normal(waves, np.float32) * np.float32(self.sigma),
            rng.uniform(-np.pi, np.pi, waves).astype(np.float32),
            uniform(rng, (*waves, self.size), self.n_frequencies),
            uniform(rng, (self.n_columns, self.size), self.n_frequencies),
        )

    def apply(self, params: PeriodicParameters, x: Array) -> Array:
        """Return the embeddings, then all columns."""
        z = by_column(x, self.n_columns)
        angles = np.float32(2.0 * np.pi) * z * params.frequencies[..., None, :]
        waves = namespace(x).cos(angles + params.phases[..., None, :])
        embedded = waves @ params.kernel + params.bias[..., None, :]
        return namespace(x).concatenate([side_by_side(embedded), x], axis=-1)

    def factors(self, params: PeriodicParameters) -> PeriodicParameters:
        """Say how the parameters learn."""
        return PeriodicParameters(*[Factor(self.rate, self.rate)] * 4)


class PiecewiseParameters(NamedTuple):
    """Parameters of :class:`piecewise_linear_embedding`."""

    bins: Fixed  # Bins
    slope: Array  # (..., n_columns, size)
    offset: Array  # (..., n_columns, size)
    kernel: Array  # (..., n_columns, n_bins, size)


class Bins(NamedTuple):
    """The places of numbers in their bins: ``clip((x - low) * factor, floor, ceiling)``."""

    low: Array  # (..., n_columns, n_bins) where each begins
    factor: Array  # 1 / width, 0 where it has none
    floor: Array  # 0, or far below: the first bin is open
    ceiling: Array  # 1, or far above: the last bin is open


@dataclass(frozen=True)
class piecewise_linear_embedding(TabularLayer):
    """Embeddings of the first columns that are piecewise linear functions of them.

    ``x slope + offset + encoding(x) @ kernel`` for each column, where the encoding of a number is
    its place in each of the bins between quantiles of training, from 0 to 1, with open ends
    (Gorishniy et al., 2022; version "B" of TabM's). The kernel is 0 at first.
    """

    n_columns: int
    n_bins: int = 48
    size: int = 16

    def init_on_data(self, rng: Random, x: np.ndarray) -> PiecewiseParameters:
        """Measure the bins, and draw a linear embedding."""
        columns = x[:, : self.n_columns].astype(np.float64)
        bins = [open_bins(column, self.n_bins) for column in columns.T]
        shape = (self.n_columns, self.n_bins)
        parts = np.asarray(bins, np.float32).reshape(-1, 4, self.n_bins).swapaxes(0, 1)
        slope, offset = uniform(rng, (2, self.n_columns, self.size), self.size)
        kernel = np.zeros((*shape, self.size), np.float32)
        return PiecewiseParameters(Fixed(Bins(*parts)), slope, offset, kernel)

    def apply(self, params: PiecewiseParameters, x: Array) -> Array:
        """Return the embeddings, then the columns that follow."""
        z = by_column(x, self.n_columns)
        known: Bins = constant(params.bins.value, x)
        low, factor, floor, ceiling = (part[..., None, :] for part in known)
        v = namespace(x).clip((z - low) * factor, floor, ceiling)
        linear = z * params.slope[..., None, :] + params.offset[..., None, :]
        embedded = side_by_side(linear + v @ params.kernel)
        return namespace(x).concatenate([embedded, x[..., self.n_columns :]], axis=-1)

    def factors(self, params: PiecewiseParameters) -> PiecewiseParameters:
        """Say how the parameters learn: the linear part without decay."""
        return params._replace(slope=Factor(decay=0.0), offset=Factor(decay=0.0), kernel=Factor())


def by_column(x: Array, n_columns: int) -> Array:
    """Return the first columns as ``(..., n_columns, rows, 1)``."""
    return x[..., :n_columns].swapaxes(-1, -2)[..., None]


def side_by_side(embedded: Array) -> Array:
    """Return embeddings ``(..., n_columns, rows, size)`` as ``(..., rows, n_columns * size)``."""
    by_row = embedded.swapaxes(-2, -3)
    return by_row.reshape(*by_row.shape[:-2], -1)


def open_bins(column: np.ndarray, n_bins: int) -> tuple[np.ndarray, ...]:
    """Return low, factor, floor and ceiling of the bins of a column.

    Bins lie between quantiles; those that coincide make no bin, and fewer bins are followed by
    some without width.
    """
    edges = np.unique(np.quantile(column, np.linspace(0.0, 1.0, n_bins + 1)))
    if len(edges) == 1:  # a constant column
        edges = np.repeat(edges, 2)
    n = len(edges) - 1
    low, factor = np.full(n_bins, edges[-1]), np.zeros(n_bins)
    floor, ceiling = np.zeros(n_bins), np.ones(n_bins)
    low[:n], width = edges[:-1], np.diff(edges)
    factor[:n] = np.divide(1.0, width, out=np.zeros(n), where=width > 0)
    floor[0], ceiling[n - 1] = -LARGEST, LARGEST
    return low, factor, floor, ceiling
