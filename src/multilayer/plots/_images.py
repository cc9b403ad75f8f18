"""Small images side by side, each with words above it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer.plots._axes import AxesLike, given_axes, grid_of_axes, size_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

FONT_SIZE = 9
GAP = 0.2  # between the images, in inches


def axes_for_images(
    axes: AxesLike, titles: Sequence[str], n_columns: int, side: float
) -> "list[Axes]":
    """Return an axes for each image, those given or a new grid in which the titles have room."""
    given = given_axes(axes, len(titles))
    if given:
        return given
    made = grid_of_axes(len(titles), n_columns, (side, side))
    figure: Any = made[0].figure  # a new one, no part of another
    width, height = np.max([size_of(figure, title, FONT_SIZE) for title in titles], axis=0)
    n_columns = min(len(titles), n_columns)
    n_rows = -(-len(titles) // n_columns)
    figure.set_size_inches(
        n_columns * (max(side, width) + GAP),
        n_rows * (side + height + GAP),
    )
    return made


def draw_images(
    axes: "Sequence[Axes]", images: np.ndarray, titles: Sequence[str], **look: Any
) -> "list[AxesImage]":
    """Draw images, shape ``(n, height, width)``; ``look`` is handed to ``imshow``."""
    drawn = []
    for ax, image, title in zip(axes, images, titles, strict=True):
        drawn.append(ax.imshow(image, interpolation="nearest", **look))
        ax.set_title(title, fontsize=FONT_SIZE)
        ax.set_axis_off()
    return drawn
