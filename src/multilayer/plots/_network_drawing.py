"""The diagram of a network: connections, numbers on them, units, words around them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer.plots._axes import pyplot
from multilayer.plots._network_frame import FONT_SIZE, PAD, Captions, Frame
from multilayer.plots._network_layout import (
    RADIUS,
    Connections,
    DrawnLayer,
    lowest_of,
    place_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

POSITIVE, NEGATIVE = "#2b6cb0", "#c53030"
INPUT, UNIT, BIAS = "#dce8f5", "white", "#fff3c4"  # fills
NUMBER_SIZE = 8
POINTS = 72  # in an inch
LEGEND = 0.35  # height of the line that explains the colours, in inches
ABOVE, FRONT = 3, 4  # zorder of units, and of what is in them
CENTRED: dict[str, Any] = {"ha": "center", "va": "center"}


def draw_connections(ax: "Axes", connections: Connections, faintest: float) -> None:
    """Draw lines: the stronger a weight among those drawn, the broader and fuller."""
    from matplotlib.collections import LineCollection  # late: an extra
    from matplotlib.colors import to_rgba

    share = np.abs(connections.weight) / (np.abs(connections.weight).max() or 1.0)
    colors = [
        to_rgba(color_of(weight), alpha=faintest + (0.9 - faintest) * part)
        for weight, part in zip(connections.weight, share, strict=True)
    ]
    lines = list(zip(connections.start, connections.end, strict=True))
    ax.add_collection(LineCollection(lines, colors=colors, linewidths=0.5 + 2 * share))


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
