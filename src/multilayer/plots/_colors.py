"""Colours and markers of classes."""

import numpy as np

from multilayer.plots._axes import pyplot

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
    """Return a marker for each class, so that colours are not all that distinguishes them."""
    return [MARKERS[i % len(MARKERS)] for i in range(n_classes)]
