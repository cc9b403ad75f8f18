"""matplotlib, imported when something is drawn; the axes to draw in; the words in a picture."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from multilayer._core.checks import refuse

if TYPE_CHECKING:  # matplotlib is an extra, and slow: nothing imports it before it draws
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

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
        what = "an axes of matplotlib" if n == 1 else f"{n} axes of matplotlib, or more"
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


def words(defaults: Mapping[str, str], given: Mapping[str, str] | None) -> dict[str, str]:
    """Return the words of a picture, the user's in place of the defaults."""
    given = {} if given is None else given
    if not isinstance(given, Mapping) or not given.keys() <= defaults.keys():
        refuse("texts", f"a dict with keys among {sorted(defaults)}", given)
    return {**defaults, **given}
