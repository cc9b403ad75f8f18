"""Drawing a network: places of the units, frame, lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer.plots._axes import one_axes, pyplot, size_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text


# Where the units of a network are drawn, and where the numbers on its connections fit ------------
#
# The unit of length is the distance between two units of a layer; y goes up.


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


# The axes of a network's diagram: how large it is, and how a network fills it --------------------
#
# Lengths are in inches, but for `distance`: that of two layers, in units of the layout (the
# distance between two units of a layer).


FONT_SIZE = 9
PAD = 0.1  # between words and what they belong to
LARGEST, SMALLEST = 0.85, 0.42  # of the unit of length in a figure of our own
CLOSEST = 1.8  # of two layers, in units of length
HEIGHT = 5.5  # of such a figure, if the unit can be that small


@dataclass(frozen=True)
class Captions:
    """What is written around a network."""

    inputs: Sequence[str]  # left of the first layer: its units drawn, and its bias neuron
    outputs: Sequence[str]  # right of the last one
    layers: Sequence[str]  # below each


@dataclass(frozen=True)
class Frame:
    """Space for the words around a network, and the size of what is inside."""

    left: float
    right: float
    bottom: float
    scale: float  # of the unit of length
    distance: float
    own: bool  # whether the figure is ours, which may grow


def frame_network(ax: "Axes | None", captions: Captions, n_rows: float) -> "tuple[Axes, Frame]":
    """Return the axes, of a new figure if there are none, and what fits in."""
    plt = pyplot()
    figure: Any = plt.figure(layout="constrained") if ax is None else one_axes(ax).figure
    left, right = (
        max(size_of(figure, name, FONT_SIZE)[0] for name in names) + 2 * PAD
        for names in (captions.inputs, captions.outputs)
    )
    widest, bottom = np.max([size_of(figure, text, FONT_SIZE) for text in captions.layers], axis=0)
    room = (max(left, widest / 2 + PAD), max(right, widest / 2 + PAD), bottom + PAD)
    n_gaps = len(captions.layers) - 1
    own = ax is None
    if ax is None:
        scale = min(max(HEIGHT / n_rows, SMALLEST), LARGEST)
        pitch = max(2.2 if n_gaps <= 4 else 9 / n_gaps, widest + 2 * PAD)
        width = room[0] + room[1] + 2 * RADIUS * scale + n_gaps * pitch
        height = room[2] + n_rows * scale
        figure.set_size_inches(width + PAD, height + PAD)
        ax = figure.subplots()
    else:
        width, height = _size_in_layout(ax)
    # What is left for the network, where axes are not too small for the words.
    across = width - room[0] - room[1]
    scale = max(0.05, min((height - room[2]) / n_rows, across / (2 * RADIUS + CLOSEST * n_gaps)))
    distance = max(CLOSEST, (across / scale - 2 * RADIUS) / n_gaps)
    return ax, Frame(*room, scale, distance, own)


def _size_in_layout(ax: "Axes") -> tuple[float, float]:
    """Return the width and the height that the layout of its figure leaves to the axes."""
    figure = ax.figure.canvas.figure  # the outermost one, which has the layout
    ax.set_axis_off()
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
    extent = ax.get_window_extent()
    return extent.width / figure.dpi, extent.height / figure.dpi


# The diagram of a network: connections, numbers on them, units, words around them ----------------


POSITIVE, NEGATIVE = "#2b6cb0", "#c53030"
INPUT, UNIT, BIAS = "#dce8f5", "white", "#fff3c4"  # fills
NUMBER_SIZE = 8
POINTS = 72  # in an inch
LEGEND = 0.35  # height of the line that explains the colours, in inches
ABOVE, FRONT = 3, 4  # zorder of units, and of what is in them
CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}


def draw_connections(ax: "Axes", connections: Connections, faintest: float) -> None:
    """Draw lines: the stronger a weight among those drawn, the broader and fuller."""
    from matplotlib import collections, colors  # late: an extra

    share = np.abs(connections.weight) / (np.abs(connections.weight).max() or 1.0)
    shades = [
        colors.to_rgba(color_of(weight), alpha=faintest + (0.9 - faintest) * part)
        for weight, part in zip(connections.weight, share, strict=True)
    ]
    lines = list(zip(connections.start, connections.end, strict=True))
    ax.add_collection(collections.LineCollection(lines, colors=shades, linewidths=0.5 + 2 * share))


def color_of(weight: float) -> str:
    """Return the colour of a weight's sign."""
    return NEGATIVE if weight < 0 else POSITIVE


def draw_numbers(
    ax: "Axes", layers: Iterable[Connections], values_format: str, scale: float
) -> "list[Text]":
    """Write each weight on its connection, if there is room for all of them; else none."""
    size = NUMBER_SIZE / POINTS / scale
    box = {"boxstyle": "square,pad=0.2", "facecolor": "white", "edgecolor": "none"}
    placed: list[tuple[Connections, list[str], np.ndarray]] = []
    for connections in layers:
        texts = [pyplot().Formatter.fix_minus(format(w, values_format)) for w in connections.weight]
        widths = np.array([size * (0.6 * len(text) + 0.4) for text in texts])
        centres = place_numbers(connections, widths, 1.5 * size)
        if centres is None:
            return []
        placed.append((connections, texts, centres))
    return [
        ax.text(
            centre[0],
            centre[1],
            text,
            color=color_of(weight),
            fontsize=NUMBER_SIZE,
            bbox=box,
            **CENTRED,
        )
        for connections, texts, centres in placed
        for weight, text, centre in zip(connections.weight, texts, centres, strict=True)
    ]


def draw_units(
    ax: "Axes", layer: DrawnLayer, fill: str, symbols: Sequence[np.ndarray | None], scale: float
) -> None:
    """Draw the units of a layer with their symbols, the dots and the bias neuron."""
    for y, symbol in zip(layer.y, symbols, strict=True):
        _circle(ax, layer.x, y, fill)
        if symbol is not None:
            x, up = 0.55 * RADIUS * symbol.T
            ax.plot(layer.x + x, y + up, color="black", linewidth=1.2, zorder=FRONT)
    if layer.dots is not None:
        heights = layer.dots + np.array([-0.2, 0.0, 0.2])
        ax.plot([layer.x] * 3, heights, ".", color="0.3", markersize=4, zorder=FRONT)
    if layer.bias is not None:
        _circle(ax, layer.x, layer.bias, BIAS)
        size = min(FONT_SIZE, RADIUS * scale * POINTS)
        ax.text(layer.x, layer.bias, "1", fontsize=size, zorder=FRONT, **CENTRED)


def draw_words(ax: "Axes", layers: Sequence[DrawnLayer], captions: Captions, frame: Frame) -> None:
    """Write the names beside the first and the last layer, and below each what it is."""
    size = min(FONT_SIZE, 0.9 * frame.scale * POINTS)
    beside = RADIUS + PAD / frame.scale
    first, last = layers[0], layers[-1]
    heights = first.y if first.bias is None else [*first.y, first.bias]
    for y, name in zip(heights, captions.inputs, strict=True):
        ax.text(first.x - beside, y, name, fontsize=size, ha="right", va="center")
    for y, name in zip(last.y, captions.outputs, strict=True):
        ax.text(last.x + beside, y, name, fontsize=size, ha="left", va="center")
    below = lowest_of(layers) - 0.5
    for layer, caption in zip(layers, captions.layers, strict=True):
        ax.text(layer.x, below, caption, fontsize=FONT_SIZE, color="0.3", ha="center", va="top")


def set_view(ax: "Axes", layers: Sequence[DrawnLayer], frame: Frame) -> None:
    """Show the network and the words around it, in one scale to the side and up."""
    left, right = RADIUS + frame.left / frame.scale, RADIUS + frame.right / frame.scale
    top = max(layer.y[0] for layer in layers)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_xlim(-left, layers[-1].x + right)
    ax.set_ylim(lowest_of(layers) - 0.5 - frame.bottom / frame.scale, top + 0.5)


def draw_legend(ax: "Axes", names: Sequence[str], frame: Frame) -> None:
    """Say which colour is which sign, in a line above the network."""
    handles = [
        pyplot().Line2D([], [], color=color, linewidth=2, label=name)
        for color, name in zip((POSITIVE, NEGATIVE), names, strict=True)
    ]
    ax.set_ylim(top=ax.get_ylim()[1] + LEGEND / frame.scale)
    if frame.own:
        figure: Any = ax.figure  # a new one, no part of another
        figure.set_figheight(figure.get_figheight() + LEGEND)
    ax.legend(handles=handles, loc="upper center", ncols=2, frameon=False, fontsize=FONT_SIZE)


def _circle(ax: "Axes", x: float, y: float, fill: str) -> None:
    ax.add_patch(pyplot().Circle((x, y), RADIUS, facecolor=fill, edgecolor="0.3", zorder=ABOVE))
