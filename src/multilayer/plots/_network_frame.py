"""The axes of a network's diagram: how large it is, and how a network fills it.

Lengths are in inches, but for `distance`: that of two layers, in units of the layout (the distance
between two units of a layer).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer.plots._axes import one_axes, pyplot, size_of
from multilayer.plots._network_layout import RADIUS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
