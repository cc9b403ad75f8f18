"""Errors of a classifier: classes that it confuses, images that it misclassifies."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn import metrics
from sklearn.base import BaseEstimator

from multilayer._core.checks import check_integer, refuse
from multilayer.plots._axes import (
    AxesLike,
    axes_for_images,
    draw_images,
    given_axes,
    grid_of_axes,
    row_of_axes,
    words,
)
from multilayer.plots._weight_images import image_shape_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# scikit-learn's confusion matrix, in a figure where its labels have room -------------------------


SIDE = 0.55  # of a field of the matrix in inches: four digits fit in


class ConfusionMatrixDisplay(metrics.ConfusionMatrixDisplay):
    """How often each class was predicted as each: scikit-learn's, with room for its labels.

    Everything but the figure is :class:`sklearn.metrics.ConfusionMatrixDisplay`: parameters,
    ``from_estimator``, ``from_predictions``, attributes. The figure grows with the number of
    classes, labels are not cut off, and labels below that would overlap are vertical.
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


# The images that a classifier predicts wrong -----------------------------------------------------


class Errors(NamedTuple):
    """Images predicted wrong."""

    images: np.ndarray  # (n, height, width)
    y_true: np.ndarray  # (n,)
    y_pred: np.ndarray  # (n,)
    indices: np.ndarray  # (n,): rows of X


class MisclassifiedDisplay:
    """Images that were predicted wrong, with the true and the predicted label of each.

    It is recommended to use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    images : array-like of shape (n_images, height, width)
        The images, none of them if nothing was predicted wrong.
    y_true, y_pred : array-like of shape (n_images,)
        Their true and predicted labels.
    indices : array-like of shape (n_images,), default=None
        Which rows of the data they are; None if that is unknown.

    Attributes
    ----------
    images_ : list of AxesImage
        The images drawn.
    axes_ : ndarray of Axes
        The axes drawn in: one for each image.
    figure_ : Figure
        Their figure.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from multilayer import MLPClassifier, plots
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier((16,), solver="lbfgs", max_iter=1000, random_state=0)
    >>> clf = clf.fit(X[:1000] / 16, y[:1000])
    >>> display = plots.MisclassifiedDisplay.from_estimator(clf, X[1000:] / 16, y[1000:])
    >>> len(display.images), bool((display.y_true != display.y_pred).all())
    (20, True)
    """

    TEXTS: Mapping[str, str] = {
        "true": "true: {}",
        "predicted": "predicted: {}",
        "none": "nothing was predicted wrong",
    }

    def __init__(
        self,
        images: npt.ArrayLike,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        *,
        indices: npt.ArrayLike | None = None,
    ) -> None:
        self.images = np.asarray(images, float)
        self.y_true, self.y_pred = np.asarray(y_true), np.asarray(y_pred)
        self.indices = None if indices is None else np.asarray(indices)
        if self.images.ndim != 3:
            refuse("images.shape", "(n_images, height, width)", self.images.shape)
        for name in ("y_true", "y_pred"):
            shape = getattr(self, name).shape
            if shape != self.images.shape[:1]:
                refuse(f"{name}.shape", f"{self.images.shape[:1]}, a label for each image", shape)

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        image_shape: Sequence[int] | None = None,
        n_images: int = 20,
        axes: AxesLike = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Predict, and draw what was predicted wrong.

        Parameters
        ----------
        estimator : fitted classifier
            A network, a pipeline, or any other classifier. If it has ``predict_proba``, its most
            confident errors come first, else they are in the order of the rows.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_pixels)
            Images, a row of pixels for each.
        y : array-like of shape (n_samples,)
            True labels.
        image_shape, n_images
            As in :meth:`from_predictions`.
        axes, texts
            As in :meth:`plot`.

        Returns
        -------
        display : MisclassifiedDisplay
        """
        y_pred = estimator.predict(X)
        y_proba = estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else None
        return cls.from_predictions(
            X,
            y,
            y_pred,
            y_proba=y_proba,
            image_shape=image_shape,
            n_images=n_images,
            axes=axes,
            texts=texts,
        )

    @classmethod
    def from_predictions(
        cls,
        X: npt.ArrayLike,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        *,
        y_proba: npt.ArrayLike | None = None,
        image_shape: Sequence[int] | None = None,
        n_images: int = 20,
        axes: AxesLike = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Draw what was predicted wrong.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_pixels)
            Images, a row of pixels for each.
        y_true, y_pred : array-like of shape (n_samples,)
            True and predicted labels.
        y_proba : array-like of shape (n_samples, n_classes), default=None
            Probabilities of the classes: the errors with the highest one come first. None for the
            order of the rows.
        image_shape : (int, int), default=None
            Height and width of the images; None for a square.
        n_images : int, default=20
            How many images, at most.
        axes, texts
            As in :meth:`plot`.

        Returns
        -------
        display : MisclassifiedDisplay

        Raises
        ------
        InvalidArgumentError
            The lengths do not match, or the pixels make no such image (a ValueError).
        """
        errors = find_errors(X, y_true, y_pred, y_proba, image_shape, n_images)
        return cls(*errors[:3], indices=errors.indices).plot(axes, texts=texts)

    def plot(self, axes: AxesLike = None, *, texts: Mapping[str, str] | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        axes : array-like of Axes, default=None
            An axes for each image; None for a new figure with up to five in a row.
        texts : dict of str, default=None
            Words in place of "true: {}" and "predicted: {}" (above each image; ``{}`` becomes the
            label), and of "nothing was predicted wrong".

        Returns
        -------
        self : MisclassifiedDisplay
        """
        text = words(self.TEXTS, texts)
        titles = [
            f"{text['true'].format(true)}\n{text['predicted'].format(predicted)}"
            for true, predicted in zip(self.y_true, self.y_pred, strict=True)
        ]
        if titles:
            drawn = axes_for_images(axes, titles, 5, 1.1)
        else:
            drawn = row_of_axes(axes, 1)
            drawn[0].text(0.5, 0.5, text["none"], ha="center", transform=drawn[0].transAxes)
            drawn[0].set_axis_off()
        self.images_ = draw_images(drawn[: len(titles)], self.images, titles, cmap="gray_r")
        self.axes_ = np.array(drawn, dtype=object)
        self.figure_ = drawn[0].figure
        return self


def find_errors(
    X: npt.ArrayLike,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    y_proba: npt.ArrayLike | None,
    image_shape: Sequence[int] | None,
    n_images: int,
) -> Errors:
    """Return images predicted wrong, those of the highest probability first."""
    check_integer("n_images", n_images, 1)
    pixels: Any = sparse.csr_array(X) if sparse.issparse(X) else np.asarray(X)
    if pixels.ndim != 2:
        refuse("X.shape", "(n_samples, n_pixels), a row for each image", pixels.shape)
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    for name, y in (("y_true", y_true), ("y_pred", y_pred)):
        if y.shape != pixels.shape[:1]:
            refuse(f"{name}.shape", f"{pixels.shape[:1]}, a label for each row of X", y.shape)
    shape = image_shape_of(image_shape, pixels.shape[1])
    wrong = np.flatnonzero(y_true != y_pred)
    if y_proba is not None:
        y_proba = np.asarray(y_proba)
        if y_proba.ndim != 2 or len(y_proba) != len(y_true):
            refuse("y_proba.shape", f"({len(y_true)}, n_classes)", y_proba.shape)
        sure = y_proba.max(axis=1)
        wrong = wrong[np.argsort(-sure[wrong], kind="stable")]
    wrong = wrong[:n_images]
    shown = pixels[wrong]
    images = shown.toarray() if sparse.issparse(shown) else shown
    return Errors(images.reshape(-1, *shape), y_true[wrong], y_pred[wrong], wrong)
