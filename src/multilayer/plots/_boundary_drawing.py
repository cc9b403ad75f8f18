"""Regions of classes, or a surface of values, and the samples on top."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer.plots._axes import legend_beside, pyplot
from multilayer.plots._colors import class_colors, class_markers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    from multilayer.plots._boundary import DecisionBoundaryDisplay

STRENGTHS = 0.1, 0.6  # of the colours where the classes are equally probable, and where one is sure
POINTS: dict[str, Any] = {"linewidths": 0.5, "s": 25}
WHITE = 1.0


def draw_classes(ax: "Axes", plane: "DecisionBoundaryDisplay", names: Sequence[str]) -> "AxesImage":
    """Draw regions (of a DecisionBoundaryDisplay), their boundaries, the samples and a legend."""
    colors, markers = class_colors(len(names)), class_markers(len(names))
    surface = _image(ax, plane, shades(plane.response, colors))
    for level in margins(plane.response, len(names)):
        if level.min() < 0 < level.max():
            ax.contour(plane.xx0, plane.xx1, level, levels=[0], colors="0.2", linewidths=1)
    if plane.X is not None and plane.y is not None and plane.classes is not None:
        for i, label in enumerate(plane.classes):
            rows = plane.X[plane.y == label]
            style = {"color": colors[i : i + 1], "marker": markers[i], **POINTS}
            ax.scatter(rows[:, 0], rows[:, 1], edgecolors="black", **style)
    shape: dict[str, Any] = {"linestyle": "", "markeredgecolor": "black", "markeredgewidth": 0.5}
    handles = [
        pyplot().Line2D(
            [], [], color=color, marker="s" if plane.y is None else marker, label=name, **shape
        )
        for color, marker, name in zip(colors, markers, names, strict=True)
    ]
    legend_beside(ax, handles)
    return surface


def draw_values(ax: "Axes", plane: "DecisionBoundaryDisplay", name: str) -> "AxesImage":
    """Draw a surface of values, the samples, and a bar that explains the colours."""
    shown = [plane.response.ravel()] + ([] if plane.y is None else [plane.y])
    limits = min(map(np.min, shown)), max(map(np.max, shown))
    surface = _image(ax, plane, plane.response)
    surface.set_clim(*limits)
    if plane.X is not None and plane.y is not None:
        ax.scatter(
            plane.X[:, 0], plane.X[:, 1], c=plane.y, clim=limits, edgecolors="white", **POINTS
        )
    ax.figure.colorbar(surface, ax=ax, label=name)
    return surface


def _image(ax: "Axes", plane: "DecisionBoundaryDisplay", pixels: np.ndarray) -> "AxesImage":
    """Draw an image whose pixels have the points of the grid in their centres."""
    sides = plane.xx0[0], plane.xx1[:, 0]
    (left, right), (low, high) = (
        (side[0] - half, side[-1] + half) for side in sides for half in [(side[1] - side[0]) / 2]
    )
    extent = left, right, low, high
    return ax.imshow(pixels, extent=extent, origin="lower", aspect="auto", interpolation="nearest")


def shades(response: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Return the colours of a classifier's predictions, shape ``(n, m, 3)``."""
    if response.ndim == 2:
        strength = np.full(response.shape, np.mean(STRENGTHS))
        region = response
    else:
        chance = 1 / response.shape[2]
        sure = (response.max(axis=2) - chance) / (1 - chance or 1)  # one class is always sure
        strength = STRENGTHS[0] + (STRENGTHS[1] - STRENGTHS[0]) * np.clip(sure, 0, 1)
        region = response.argmax(axis=2)
    strength = strength[..., np.newaxis]
    return strength * colors[region] + (1 - strength) * WHITE


def margins(response: np.ndarray, n_classes: int) -> list[np.ndarray]:
    """Return of each class by how much it is ahead of the best other one; 0 at its boundaries.

    Of two classes the first one's alone: the boundaries are the same.
    """
    if n_classes == 1:
        return []
    scores = np.eye(n_classes)[response] if response.ndim == 2 else response
    ahead = []
    for i in range(1 if n_classes == 2 else n_classes):
        others = np.delete(scores, i, axis=2)
        ahead.append(scores[..., i] - others.max(axis=2))
    return ahead
