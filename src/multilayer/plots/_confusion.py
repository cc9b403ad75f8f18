"""scikit-learn's confusion matrix, in a figure where its labels have room."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from sklearn import metrics

from multilayer.plots._axes import given_axes, grid_of_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDE = 0.55  # of a field of the matrix in inches: four digits fit in


class ConfusionMatrixDisplay(metrics.ConfusionMatrixDisplay):
    """How often each class was predicted as each: scikit-learn's, with room for its labels.

    Everything but the figure is :class:`sklearn.metrics.ConfusionMatrixDisplay`: parameters,
    ``from_estimator``, ``from_predictions``, attributes. The figure grows with the number of
    classes, labels are not cut off, and those below that would run into each other stand upright.
    Words are replaced through ``ax_``: ``display.ax_.set(xlabel=..., ylabel=...)``.

    Examples
    --------
    >>> from multilayer import plots
    >>> display = plots.ConfusionMatrixDisplay.from_predictions(["a", "b", "b"], ["a", "a", "b"])
    >>> display.confusion_matrix
    array([[1, 0],
           [1, 1]])
    """

    def plot(self, *, ax: "Axes | None" = None, **options: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw in; None for a new figure.
        **options
            Those of scikit-learn: `include_values`, `cmap`, `xticks_rotation`, `values_format`,
            `colorbar`, `im_kw`, `text_kw`.

        Returns
        -------
        self : ConfusionMatrixDisplay
        """
        side = max(4.8, SIDE * len(self.confusion_matrix))
        (ax,) = given_axes(ax, 1, "ax") or grid_of_axes(1, 1, (side * 4 / 3, side))
        super().plot(ax=ax, **options)
        if options.get("xticks_rotation", "horizontal") == "horizontal":
            self.figure_.canvas.draw()  # puts the labels where they will be
            boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
            if any(left.overlaps(right) for left, right in pairwise(boxes)):
                ax.tick_params(axis="x", labelrotation=90)
        return self
