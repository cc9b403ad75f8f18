"""Where the units of a network are drawn, and where the numbers on its connections fit.

The unit of length is the distance between two units of a layer; y goes up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

RADIUS = 0.3  # of a unit
PLACES = np.array([0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75, 0.2, 0.8])
"""Where a number may be on its connection, as a share of the way, the first ones first."""


@dataclass(frozen=True)
class DrawnLayer:
    """The units of a layer that are drawn."""

    units: np.ndarray  # (n,): their numbers
    x: float
    y: np.ndarray  # (n,): from the top
    dots: float | None  # height of the dots that stand for the units left out
    bias: float | None  # height of the bias neuron


@dataclass(frozen=True)
class Connections:
    """The connections between two layers, those from the bias neuron too."""

    start: np.ndarray  # (n, 2)
    end: np.ndarray  # (n, 2)
    weight: np.ndarray  # (n,)


def shown_units(n_units: int, max_units: int) -> np.ndarray:
    """Return the numbers of the units drawn: all, or the first and the last ones."""
    if n_units <= max_units:
        return np.arange(n_units)
    first = -(-max_units // 2)
    return np.r_[:first, n_units - (max_units - first) : n_units]


def drawn_layers(sizes: Sequence[int], *, with_bias: bool, max_units: int) -> list[DrawnLayer]:
    """Return the layers, side by side, each centred at a height of 0, its bias neuron below."""
    layers = []
    for i, n_units in enumerate(sizes):
        units = shown_units(n_units, max_units)
        cut = len(units) < n_units
        heights = np.arange(len(units) + cut, dtype=float)
        heights = heights.mean() - heights
        gap = -(-max_units // 2) if cut else len(units)
        layers.append(
            DrawnLayer(
                units=units,
                x=float(i),
                y=np.delete(heights, gap) if cut else heights,
                dots=float(heights[gap]) if cut else None,
                bias=float(heights[-1]) - 1 if with_bias and i < len(sizes) - 1 else None,
            )
        )
    return layers


def lowest_of(layers: Sequence[DrawnLayer]) -> float:
    """Return the height of the lowest unit."""
    return min(layer.y[-1] if layer.bias is None else layer.bias for layer in layers)


def height_of(layers: Sequence[DrawnLayer]) -> float:
    """Return how high the drawing is, half a unit above and below included."""
    return max(layer.y[0] for layer in layers) - lowest_of(layers) + 1


def connections_of(
    layers: Sequence[DrawnLayer], weights: Sequence[np.ndarray], biases: Sequence[np.ndarray] | None
) -> list[Connections]:
    """Return the connections between the units that are drawn, layer by layer."""
    found = []
    for i, (here, there) in enumerate(pairwise(layers)):
        heights = here.y
        values = weights[i][np.ix_(here.units, there.units)]  # (from, to)
        if biases is not None and here.bias is not None:
            heights = np.append(heights, here.bias)
            values = np.vstack([values, biases[i][there.units]])
        rows, columns = np.indices(values.shape).reshape(2, -1)
        start = np.column_stack([np.full(len(rows), here.x), heights[rows]])
        end = np.column_stack([np.full(len(rows), there.x), there.y[columns]])
        found.append(Connections(start, end, values.ravel()))
    return found


def place_numbers(connections: Connections, widths: np.ndarray, height: float) -> np.ndarray | None:
    """Find a place for a number on each connection: where it covers no other, and is seen to be on.

    One number after the other takes the place that is farthest from the other connections, of those
    where it covers no number before it and no other connection goes through its middle.

    Parameters
    ----------
    connections : Connections
        Those between two layers.
    widths : ndarray of shape (n,)
        How broad each number is.
    height : float
        How high the numbers are.

    Returns
    -------
    centres : ndarray of shape (n, 2) or None
        None where there is no room for all.
    """
    start, way = connections.start, connections.end - connections.start
    centres = np.empty_like(way)
    for i, width in enumerate(widths):
        margin = (RADIUS + (width + height) / 2) / np.hypot(*way[i])
        places = PLACES[np.abs(PLACES - 0.5) < 0.5 - margin]
        found = start[i] + places[:, np.newaxis] * way[i]  # (places, 2)
        aside, up = np.abs(found[:, np.newaxis] - centres[:i]).transpose(2, 0, 1)
        covers = (aside < (width + widths[:i]) / 2) & (up < height)  # (places, i)
        others = np.delete(np.arange(len(way)), i)
        room = gaps(found, start[others], way[others]).min(axis=1, initial=1.5 * height)
        room[covers.any(axis=1) | (room < height / 2)] = 0
        if not room.any():
            return None
        centres[i] = found[np.argmax(room)]
    return centres


def gaps(points: np.ndarray, start: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Return the distance of each point, shape ``(m, 2)``, to each of n lines ``(n, 2)``."""
    off = points[:, np.newaxis] - start
    across = off[..., 0] * way[:, 1] - off[..., 1] * way[:, 0]
    return np.abs(across) / np.hypot(*way.T)
