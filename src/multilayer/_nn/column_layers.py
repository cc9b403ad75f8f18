"""Layers that read the columns of a table: scaling and encodings.

Like all layers for tables they are written once for NumPy and JAX, and for any axes in front, see
:mod:`multilayer._nn.tabular_layers`. What they measure on the rows of training is among their
parameters, as :class:`Fixed` numbers. Embeddings of single columns are in
:mod:`multilayer._nn.embeddings`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multilayer._core.checks import check_integer, refuse
from multilayer._core.types import Array
from multilayer._nn.model import Fixed
from multilayer._nn.tabular_layers import Random, TabularLayer, beside, constant, namespace

CLIP = 3.0  # numbers are clipped smoothly into (-3, 3)
LARGEST = 1e9  # beyond which they are all the same: the square of more overflows float32
NARROWEST = 1e-4  # width of a bin whose places float32 still tells apart


def check_columns(name: str, n_columns: int, x: np.ndarray) -> None:
    """Refuse a layer that reads more columns than there are."""
    if n_columns > x.shape[-1]:
        refuse(name, f"at most the number of inputs, {x.shape[-1]}", n_columns)


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

    def draw(self, rng: Random, x: np.ndarray) -> TableParameters:
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
        return beside(z, v, x[..., self.n_numeric : rest], *embedded)


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


# Scaling as a layer of its own: columns that it does not read pass --------------------------------


class RobustParameters(NamedTuple):
    """Parameters of :class:`robust_scaling`."""

    centre: Fixed  # (..., n_columns)
    factor: Fixed  # (..., n_columns)


@dataclass(frozen=True)
class robust_scaling(TabularLayer):
    """Bring the first columns near a standard normal distribution, by the rows of training.

    Each is centred by its median, divided by the range of its middle half and clipped smoothly.

    Parameters
    ----------
    n_columns : int
        Number of columns that are scaled; those that follow pass.

    Raises
    ------
    InvalidArgumentError
        It is no such number; from ``init`` if there are fewer inputs (a ValueError).

    Notes
    -----
    ``z / sqrt(1 + (z / 3)**2)`` of ``z = (x - median) / (q3 - q1)``; half of the whole range stands
    for the range of the middle half where that is 0, and a constant column becomes 0. It is the
    preprocessing of RealMLP (Holzmueller et al., 2024). What it measures is a node of the
    parameters that no optimizer touches: give it the rows of training by ``init_on_data``.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> X = np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0], [4.0, 7.0], [1000.0, 7.0]])
    >>> layer = nn.robust_scaling(1)
    >>> layer.apply(layer.init_on_data(nn.key(0), X), X)[:, 0].round(2)
    array([-0.95, -0.49,  0.  ,  0.49,  3.  ])
    """

    n_columns: int

    def __post_init__(self) -> None:
        check_integer("n_columns", self.n_columns, 0)

    def draw(self, rng: Random, x: np.ndarray) -> RobustParameters:
        """Measure the columns."""
        check_columns("n_columns", self.n_columns, x)
        measured = robust_scale(x[:, : self.n_columns].astype(np.float64))
        return RobustParameters(*(Fixed(part.astype(np.float32)) for part in measured))

    def apply(self, params: RobustParameters, x: Array) -> Array:
        """Return the columns, scaled, and those that follow."""
        centre, factor = (constant(part.value, x)[..., None, :] for part in params)
        z = smooth_clip((x[..., : self.n_columns] - centre) * factor)
        return beside(z, x[..., self.n_columns :])
