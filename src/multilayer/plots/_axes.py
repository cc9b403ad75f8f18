"""Axes, colours and images that the displays share."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from multilayer._core.checks import refuse

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.image import AxesImage


# Colours and markers of classes ------------------------------------------------------------------


# M. A. Petroff, "Accessible color sequences for data visualization" (2021), the one of ten.
PETROFF_10 = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
MARKERS = "os^Dv<>Pph*Xd"


def class_colors(n_classes: int) -> np.ndarray:
    """Return a colour for each class, shape ``(n_classes, 3)``: red, green, blue in [0, 1]."""
    if n_classes <= len(PETROFF_10):
        return np.array([list(bytes.fromhex(color[1:])) for color in PETROFF_10[:n_classes]]) / 255
    return pyplot().get_cmap("gist_rainbow")(np.linspace(0, 1, n_classes))[:, :3]


def class_markers(n_classes: int) -> list[str]:
    """Return a marker for each class, so that not only colours distinguish them."""
    return [MARKERS[i % len(MARKERS)] for i in range(n_classes)]


# matplotlib, imported when something is drawn; the axes to draw in; the words in a plot ----------


AxesLike: TypeAlias = "Axes | Sequence[Axes] | np.ndarray | None"
"""Axes to draw in; None for those of a new figure."""


def pyplot() -> ModuleType:
    """Import ``matplotlib.pyplot``, or say how it is installed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "multilayer.plots draws with matplotlib, which cannot be imported. "
            "Install it: pip install matplotlib"
        ) from error
    return plt


def one_axes(ax: AxesLike) -> "Axes":
    """Return the axes given, or those of a new figure."""
    return row_of_axes(ax, 1, name="ax")[0]


def row_of_axes(axes: AxesLike, n: int, name: str = "axes") -> "list[Axes]":
    """Return the n axes given, or those of a new figure, side by side."""
    return given_axes(axes, n, name) or grid_of_axes(n, n, (6.4 if n == 1 else 4.8, 4.8 - n / 2))


def given_axes(axes: AxesLike, n: int, name: str = "axes") -> "list[Axes]":
    """Return the first n of the axes given, an empty list where there are none."""
    plt = pyplot()
    if axes is None:
        return []
    found = list(np.ravel(np.asarray(axes, dtype=object)))
    if len(found) < n or not all(isinstance(ax, plt.Axes) for ax in found):
        what = "a matplotlib Axes" if n == 1 else f"{n} matplotlib axes, or more"
        refuse(name, f"{what}, or None for a new figure", axes)
    return found[:n]


def grid_of_axes(n: int, n_columns: int, cell: tuple[float, float]) -> "list[Axes]":
    """Return n axes in rows of a new figure; ``cell`` is the size of each, in inches."""
    n_columns = min(n, n_columns)
    n_rows = -(-n // n_columns)
    figure, axes = pyplot().subplots(
        n_rows,
        n_columns,
        figsize=(cell[0] * n_columns, cell[1] * n_rows),
        layout="constrained",
        squeeze=False,
    )
    for unused in axes.flat[n:]:
        figure.delaxes(unused)
    return list(axes.flat[:n])


def legend_beside(ax: "Axes", handles: "Sequence[Artist] | None" = None) -> None:
    """Draw a legend to the right of the axes, where it hides nothing."""
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def size_of(figure: "Figure | SubFigure", text: str, fontsize: float) -> tuple[float, float]:
    """Return the width and the height of a text in inches, as the figure would draw it."""
    artist = figure.text(0, 0, text, fontsize=fontsize)
    extent = artist.get_window_extent()
    artist.remove()
    return extent.width / figure.dpi, extent.height / figure.dpi


def shortened(text: str, most: int) -> str:
    """Return a text of so many characters at most, with its middle left out."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def words(defaults: Mapping[str, str], given: Mapping[str, str] | None) -> dict[str, str]:
    """Return the words of a picture, the user's in place of the defaults."""
    given = {} if given is None else given
    if not isinstance(given, Mapping) or not given.keys() <= defaults.keys():
        refuse("texts", f"a dict with keys among {sorted(defaults)}", given)
    return {**defaults, **given}


# Small images side by side, each with words above it ---------------------------------------------


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
    """Draw images, shape ``(n, height, width)``; ``look`` is passed to ``imshow``."""
    drawn = []
    for ax, image, title in zip(axes, images, titles, strict=True):
        drawn.append(ax.imshow(image, interpolation="nearest", **look))
        ax.set_title(title, fontsize=FONT_SIZE)
        ax.set_axis_off()
    return drawn
