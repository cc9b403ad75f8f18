"""Columns of a table on the scale of a normal distribution, by quantiles of training.

The layer is written once for NumPy and JAX, and for any axes in front, see
:mod:`multilayer._nn.tabular_layers`. The nodes of ``_onnx/layer_nodes.py`` use the same formula.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multilayer._core.checks import check_integer
from multilayer._core.types import Array
from multilayer._nn.column_layers import check_columns
from multilayer._nn.model import Fixed
from multilayer._nn.tabular_layers import Random, TabularLayer, beside, constant, namespace

WIDEST = 1e30  # beyond which numbers are all the same: the distance of more overflows float32
NOISE = 1e-3  # over the standard deviation of a column
MOST_NOISE = 0.05  # in standard deviations
LEAST_SHARE = 1e-7  # of a normal distribution, so that outputs lie within (-5.2, 5.2)

CENTRE = 0.425  # the distance of a share from 1/2 up to which the first fraction holds
CENTRAL = (
    (5.9109374720e1, 1.5929113202e2, 5.0434271938e1, 3.3871327179),
    (6.7187563600e1, 7.8757757664e1, 1.7895169469e1, 1.0),
)
TAIL = (
    (1.7023821103e-1, 1.3067284816, 2.7568153900, 1.4234372777),
    (1.2021132975e-1, 7.3700164250e-1, 1.0),
)
TAIL_START = 1.6
"""Numerators and denominators, from the highest power on, of the normal quantile function.

M. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics
37 (1988): PPND7, whose relative error is 1e-7. Its third fraction is for shares below 1e-10.
"""


class QuantileParameters(NamedTuple):
    """Parameters of :class:`quantile_scaling`."""

    quantiles: Fixed  # (..., n_columns, n_quantiles), ascending


@dataclass(frozen=True)
class quantile_scaling(TabularLayer):
    """Bring the first columns to a standard normal distribution, by quantiles of training.

    Parameters
    ----------
    n_columns : int
        Number of columns that are scaled; those that follow pass.
    n_quantiles : int, default=100
        Number of quantiles of each column, the smallest and the largest number among them, at
        least 2. TabM has one for 30 rows of training, at least 10 and at most 1,000.

    Raises
    ------
    InvalidArgumentError
        It is no such number; from ``init`` if there are fewer inputs (a ValueError).

    Notes
    -----
    The share of smaller numbers in training is interpolated linearly between quantiles, and becomes
    the quantile of the normal distribution, clipped to shares of 1e-7: outputs lie within -5.2 and
    5.2. A constant column becomes 0. A number that is equal to several quantiles stands in their
    middle; quantiles are measured with a little noise, so that this holds for numbers that occur
    often. It is the preprocessing of TabM (Gorishniy et al., 2024), whose noise is a thousandth
    over the standard deviation; here a twentieth of the standard deviation at most, for columns of
    small numbers. The quantile function of the normal distribution is a rational approximation
    (Wichura, 1988) with a relative error of 1e-7.

    The quantiles are a node of the parameters that no optimizer touches: give the layer the rows of
    training by ``init_on_data``.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> X = np.random.default_rng(0).lognormal(size=(10_000, 2))
    >>> layer = nn.quantile_scaling(1)
    >>> scaled = layer.apply(layer.init_on_data(nn.key(0), X), X.astype(np.float32))
    >>> bool(abs(scaled[:, 0].mean()) < 0.01), bool(abs(scaled[:, 0].std() - 1) < 0.02)
    (True, True)
    """

    n_columns: int
    n_quantiles: int = 100

    def __post_init__(self) -> None:
        check_integer("n_columns", self.n_columns, 0)
        check_integer("n_quantiles", self.n_quantiles, 2)

    def draw(self, rng: Random, x: np.ndarray) -> QuantileParameters:
        """Measure the quantiles."""
        check_columns("n_columns", self.n_columns, x)
        raw = x[:, : self.n_columns].astype(np.float64)
        raw += noise_of(raw) * rng.standard_normal(raw.shape)
        measured = np.quantile(raw, np.linspace(0.0, 1.0, self.n_quantiles), axis=0).T
        single = np.clip(measured, -WIDEST, WIDEST).astype(np.float32)
        return QuantileParameters(Fixed(np.maximum.accumulate(single, axis=-1)))

    def apply(self, params: QuantileParameters, x: Array) -> Array:
        """Return the columns, scaled, and those that follow."""
        quantiles = constant(params.quantiles.value, x)
        below, above = places(quantiles, x[..., : self.n_columns])
        z = normal_quantile(below / (self.n_quantiles - 1), above / (self.n_quantiles - 1))
        return beside(z, x[..., self.n_columns :])


def noise_of(raw: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the noise that parts equal numbers of each column."""
    spread = raw.std(axis=0)
    return np.minimum(NOISE / np.maximum(spread, NOISE), MOST_NOISE * spread)


def places(quantiles: Array, x: Array) -> tuple[Array, Array]:
    """Return how many intervals between quantiles lie below and above numbers, as real numbers.

    Their sum is the number of intervals; each is exact near its own end.

    Parameters
    ----------
    quantiles : array of shape (..., n_columns, n_quantiles)
        Ascending.
    x : array of shape (..., rows, n_columns)
        Numbers.
    """
    xp = namespace(x)
    by_column, last = quantiles.swapaxes(-1, -2), quantiles.shape[-1] - 1
    x = xp.clip(x, -WIDEST, WIDEST)
    first, end = _count(by_column, x, equal=False), _count(by_column, x, equal=True)
    low = xp.take_along_axis(by_column, xp.clip(end - 1, 0, last), axis=-2)
    high = xp.take_along_axis(by_column, xp.clip(first, 0, last), axis=-2)
    first, end = first.astype(x.dtype), end.astype(x.dtype)
    width = xp.where(high > low, high - low, 1.0)
    among, middle = x == low, (end - first - 1.0) * 0.5
    below = xp.where(among, first + middle, end - 1.0 + (x - low) / width)
    above = xp.where(among, last + 1.0 - end + middle, last - first + (high - x) / width)
    return xp.clip(below, 0.0, last), xp.clip(above, 0.0, last)


def _count(by_column: Array, x: Array, *, equal: bool) -> Array:
    """Return how many quantiles of its column are smaller than a number, or as large, int32.

    By halving, as it needs no more memory than a few arrays of the shape of ``x``.
    """
    xp, n = namespace(x), by_column.shape[-2]
    count = xp.zeros(x.shape, np.int32)
    for step in halves(n):
        tried = count + np.int32(step)
        quantile = xp.take_along_axis(by_column, xp.minimum(tried, n) - 1, axis=-2)
        reached = quantile <= x if equal else quantile < x
        count = xp.where(reached & (tried <= n), tried, count)
    return count


def halves(n: int) -> list[int]:
    """Return powers of two in descending order whose sums are all counts up to ``n``."""
    return [1 << power for power in reversed(range(n.bit_length()))]


def normal_quantile(below: Array, above: Array) -> Array:
    """Return where the standard normal distribution has these shares below and above, 1 in sum."""
    xp = namespace(below)
    centre = (below - above) * 0.5
    square = CENTRE**2 - centre * centre
    inner = centre * _fraction(CENTRAL, square)
    share = xp.maximum(xp.minimum(below, above), LEAST_SHARE)
    outer = _fraction(TAIL, xp.sqrt(-xp.log(share)) - TAIL_START)
    outer = xp.where(centre < 0, -outer, outer)
    return xp.where(xp.abs(centre) <= CENTRE, inner, outer)


def _fraction(terms: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    numerator, denominator = (_polynomial(coefficients, x) for coefficients in terms)
    return numerator / denominator


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """Return a polynomial by Horner's rule; the dtype stays that of ``x``."""
    total = x * coefficients[0] + coefficients[1]
    for coefficient in coefficients[2:]:
        total = total * x + coefficient
    return total
