"""Embeddings of the columns of a table, as in RealMLP and TabM.

Columns that a layer does not read pass. Numbers are the first columns, codes of categories the
last: the order of an encoded table.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multilayer._core.checks import check_integer, check_real
from multilayer._core.types import Array
from multilayer._nn.column_layers import LARGEST, check_columns, looked_up
from multilayer._nn.model import Factor, Fixed
from multilayer._nn.tabular_layers import (
    Random,
    TabularLayer,
    beside,
    constant,
    counts,
    namespace,
    uniform,
)

SMALLEST = np.finfo(np.float32).tiny  # width of a bin whose reciprocal is finite

# Categories --------------------------------------------------------------------------------------


class CategoryParameters(NamedTuple):
    """Parameters of :class:`category_embedding`."""

    tables: tuple[Array, ...]  # (..., codes, size) of each category


@dataclass(frozen=True)
class category_embedding(TabularLayer):
    """Learnt embeddings in place of the last columns, which are integer codes of categories.

    Parameters
    ----------
    cardinalities : tuple of int
        Number of codes of each category: its column has the codes from 0 to one less, as floats.
        They are not checked.
    size : int, default=8
        Numbers that stand for each category.

    Raises
    ------
    InvalidArgumentError
        An argument is none of these; from ``init`` if there are fewer inputs (a ValueError).

    Notes
    -----
    The embeddings are drawn from a standard normal distribution, as in RealMLP (Holzmueller et al.,
    2024), and follow the columns that are no codes.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> layer = nn.category_embedding((3,), size=2)
    >>> params = layer.init(nn.key(0), n_inputs=2)
    >>> rows = layer.apply(params, np.array([[0.5, 2.0], [0.5, 2.0], [0.5, 0.0]]))
    >>> rows.shape, bool((rows[0] == rows[1]).all()), bool((rows[1] == rows[2]).all())
    ((3, 3), True, False)
    """

    cardinalities: tuple[int, ...]
    size: int = 8

    def __post_init__(self) -> None:
        object.__setattr__(self, "cardinalities", counts("cardinalities", self.cardinalities))
        check_integer("size", self.size, 1)

    def draw(self, rng: Random, x: np.ndarray) -> CategoryParameters:
        """Draw embeddings from a standard normal distribution."""
        check_columns("the number of cardinalities", len(self.cardinalities), x)
        drawn = (rng.standard_normal((n, self.size), np.float32) for n in self.cardinalities)
        return CategoryParameters(tuple(drawn))

    def apply(self, params: CategoryParameters, x: Array) -> Array:
        """Return the other columns, then the embeddings."""
        rest = x.shape[-1] - len(self.cardinalities)
        embedded = looked_up(params.tables, x[..., rest:])
        return beside(x[..., :rest], *embedded)


# Numbers -----------------------------------------------------------------------------------------


class PeriodicParameters(NamedTuple):
    """Parameters of :class:`periodic_embedding`."""

    frequencies: Array  # (..., n_columns, n_frequencies)
    phases: Array  # (..., n_columns, n_frequencies)
    kernel: Array  # (..., n_columns, n_frequencies, size)
    bias: Array  # (..., n_columns, size)


@dataclass(frozen=True)
class periodic_embedding(TabularLayer):
    """Numbers that cosines of learnt frequencies make of each of the first columns.

    Parameters
    ----------
    n_columns : int
        Number of columns that have embeddings.
    n_frequencies : int, default=16
        Cosines of each column.
    size : int, default=3
        Numbers for each column, beside itself.
    sigma : float, default=0.1
        Standard deviation of the first frequencies, in turns for a unit of the column.
    rate : float, default=0.1
        The parameters' share of the learning rate.

    Raises
    ------
    InvalidArgumentError
        An argument is none of these; from ``init`` if there are fewer inputs (a ValueError).

    Notes
    -----
    ``cos(2 pi frequencies x + phases) @ kernel + bias`` of each column, side by side, then all
    inputs as they are. The embedding "PBLD" of RealMLP (Holzmueller et al., 2024), for columns near
    a standard normal distribution.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> layer = nn.periodic_embedding(2)
    >>> params = layer.init(nn.key(0), n_inputs=5)
    >>> layer.apply(params, np.ones((10, 5), np.float32)).shape  # 2 * 3 + 5
    (10, 11)
    """

    n_columns: int
    n_frequencies: int = 16
    size: int = 3
    sigma: float = 0.1
    rate: float = 0.1

    def __post_init__(self) -> None:
        check_integer("n_columns", self.n_columns, 0)
        check_integer("n_frequencies", self.n_frequencies, 1)
        check_integer("size", self.size, 1)
        check_real("sigma", self.sigma, "[0, inf)")
        check_real("rate", self.rate, "[0, inf)")

    def draw(self, rng: Random, x: np.ndarray) -> PeriodicParameters:
        """Draw frequencies, phases and the numbers of the layer behind them."""
        check_columns("n_columns", self.n_columns, x)
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
        phases = params.phases[..., None, :] * np.float32(0.5 / np.pi)
        waves = cosine(z * params.frequencies[..., None, :] + phases)
        embedded = waves @ params.kernel + params.bias[..., None, :]
        return beside(side_by_side(embedded), x)

    def factors(self, params: PeriodicParameters) -> PeriodicParameters:
        """Say how the parameters learn."""
        return PeriodicParameters(*[Factor(self.rate, self.rate)] * 4)


SINE = [(-1) ** k * math.pi ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(7)]
"""Coefficients of the sine of half a turn, whose error up to a quarter of a turn is 1e-9."""


def cosine(turns: Array) -> Array:
    """Return ``cos(2 pi turns)``.

    XLA computes a cosine on a CPU by a call for each number (jax 0.10): a polynomial is 20 times
    as fast, and its derivative too.
    """
    xp = namespace(turns)
    if xp is np:
        return np.cos(2.0 * np.pi * turns)
    rest = turns - xp.round(turns)  # within half a turn
    square, sine = rest * rest, SINE[-1]
    for coefficient in SINE[-2::-1]:
        sine = sine * square + coefficient
    return 1.0 - 2.0 * xp.square(rest * sine)


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

    Parameters
    ----------
    n_columns : int
        Number of columns that have embeddings, which take their places.
    n_bins : int, default=48
        Bins of each column, between quantiles of training.
    size : int, default=16
        Numbers for each column.

    Raises
    ------
    InvalidArgumentError
        An argument is none of these; from ``init`` if there are fewer inputs (a ValueError).

    Notes
    -----
    ``x slope + offset + encoding(x) @ kernel`` of each column, where the encoding of a number is
    its place in each bin, from 0 to 1, below 0 in the first and above 1 in the last (Gorishniy et
    al., 2022; version "B", as in TabM). The kernel is 0 at first, the embedding linear. Quantiles
    that coincide make fewer bins. The quantiles are a node of the parameters that no optimizer
    touches: give the layer the rows of training by ``init_on_data``.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> X = np.random.default_rng(0).lognormal(size=(1000, 3))
    >>> layer = nn.piecewise_linear_embedding(2)
    >>> params = layer.init_on_data(nn.key(0), X)
    >>> layer.apply(params, X).shape  # 2 * 16 + 1
    (1000, 33)
    """

    n_columns: int
    n_bins: int = 48
    size: int = 16

    def __post_init__(self) -> None:
        check_integer("n_columns", self.n_columns, 0)
        check_integer("n_bins", self.n_bins, 1)
        check_integer("size", self.size, 1)

    def draw(self, rng: Random, x: np.ndarray) -> PiecewiseParameters:
        """Measure the bins, and draw a linear embedding."""
        check_columns("n_columns", self.n_columns, x)
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
        return beside(embedded, x[..., self.n_columns :])

    def factors(self, params: PiecewiseParameters) -> PiecewiseParameters:
        """Say how the parameters learn: the linear part without decay."""
        return params._replace(slope=Factor(decay=0.0), offset=Factor(decay=0.0), kernel=Factor())


def by_column(x: Array, n_columns: int) -> Array:
    """Return the first columns as ``(..., n_columns, rows, 1)``."""
    return x[..., :n_columns].swapaxes(-1, -2)[..., None]


def side_by_side(embedded: Array) -> Array:
    """Return embeddings ``(..., n_columns, rows, size)`` as ``(..., rows, n_columns * size)``."""
    by_row = embedded.swapaxes(-2, -3)
    return by_row.reshape(*by_row.shape[:-2], by_row.shape[-2] * by_row.shape[-1])


def open_bins(column: np.ndarray, n_bins: int) -> tuple[np.ndarray, ...]:
    """Return low, factor, floor and ceiling of the bins of a column.

    Bins lie between quantiles; those that coincide make no bin, and fewer bins are followed by
    some without width. Edges are float32 numbers, as the columns are: narrower bins have no places.
    """
    quantiles = np.quantile(column, np.linspace(0.0, 1.0, n_bins + 1))
    edges = np.unique(quantiles.astype(np.float32)).astype(np.float64)
    if len(edges) == 1:  # a constant column
        edges = np.repeat(edges, 2)
    n = len(edges) - 1
    low, factor = np.full(n_bins, edges[-1]), np.zeros(n_bins)
    floor, ceiling = np.zeros(n_bins), np.ones(n_bins)
    low[:n], width = edges[:-1], np.diff(edges)
    factor[:n] = np.divide(1.0, width, out=np.zeros(n), where=width > SMALLEST)
    floor[0], ceiling[n - 1] = -LARGEST, LARGEST
    return low, factor, floor, ceiling
