"""Weights of units as images."""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import check_integer, refuse
from multilayer._sklearn.base import BaseMLP
from multilayer._sklearn.network import drawing
from multilayer._sklearn.perceptron.estimator import Perceptron
from multilayer.plots._axes import AxesLike, axes_for_images, draw_images, words

# The weights of a fitted estimator, and the names of its layers and units ------------------------


def network_of(estimator: BaseEstimator) -> BaseMLP | Perceptron:
    """Return the fitted network of dense layers: the estimator given, or a pipeline's last."""
    network = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    rule = "a MLPClassifier, MLPRegressor or Perceptron of multilayer, or a pipeline with one"
    if not isinstance(network, BaseMLP | Perceptron):
        refuse("estimator", rule, type(network).__name__)
    check_is_fitted(network)
    if getattr(network, "network", None) is not None:
        remedy = "Pass the arrays of your own network to the constructor."
        refuse("estimator", "a network of dense layers", type(network).__name__, remedy)
    return network


def activations_of(network: BaseMLP | Perceptron) -> list[str]:
    """Return the activation of each layer."""
    if isinstance(network, Perceptron):
        return ["heaviside"]
    return [how for _, _, how, _ in drawing.rows_of(network)][1:]


def weights_of(network: BaseMLP | Perceptron) -> list[np.ndarray]:
    """Return the weights of each layer, shape ``(n_inputs, n_units)``."""
    if not isinstance(network, Perceptron):
        return network.coefs_
    coef = network.coef_
    return [(coef.toarray() if sparse.issparse(coef) else coef).T]


def biases_of(network: BaseMLP | Perceptron) -> list[np.ndarray]:
    """Return the biases of each layer, shape ``(n_units,)``."""
    return [network.intercept_] if isinstance(network, Perceptron) else network.intercepts_


def output_names_of(network: BaseMLP | Perceptron, n_outputs: int) -> list[str] | None:
    """Return the classes that outputs stand for, None where they do not match."""
    classes = getattr(network, "classes_", None)
    if classes is None:
        return None
    several = isinstance(classes, list)  # an array for each column of y
    labels = [str(label) for column in (classes if several else [classes]) for label in column]
    if n_outputs == 1 and len(labels) == 2:
        return labels[1:]  # one unit: the score of the second class
    return labels if len(labels) == n_outputs else None


def image_shape_of(image_shape: Sequence[int] | None, n_pixels: int) -> tuple[int, int]:
    """Return the shape of images of so many pixels: the one given, or a square."""
    if image_shape is None:
        side = round(n_pixels**0.5)
        if side * side != n_pixels:
            remedy = f"{n_pixels} pixels make no square."
            refuse("image_shape", "the height and width of an image", None, remedy)
        return side, side
    shape = tuple(image_shape)
    if len(shape) != 2 or shape[0] * shape[1] != n_pixels:
        refuse("image_shape", f"a height and a width with a product of {n_pixels}", image_shape)
    return shape


# The incoming weights of units as images ---------------------------------------------------------


class WeightImagesDisplay:
    """What the units of a layer look for: their incoming weights, as images of the inputs.

    All images share a scale that is symmetric about 0: weights of 0 are white, positive ones blue,
    negative ones red.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    images : array-like of shape (n_images, height, width)
        The weights of each unit.
    units : sequence of int, default=None
        Numbers of the units, counted from 0; None for the first ones.

    Attributes
    ----------
    images_ : list of AxesImage
        The images drawn.
    axes_ : ndarray of shape (n_images,), of Axes
        The axes drawn in.
    figure_ : Figure
        Their figure.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from multilayer import MLPClassifier, plots
    >>> X, y = load_digits(return_X_y=True)  # images of 8 x 8 pixels
    >>> clf = MLPClassifier((16,), solver="lbfgs", max_iter=1000, random_state=0).fit(X / 16, y)
    >>> display = plots.WeightImagesDisplay.from_estimator(clf, n_images=10)
    >>> display.images.shape
    (10, 8, 8)
    """

    TEXTS: Mapping[str, str] = {"unit": "unit {}"}

    def __init__(self, images: npt.ArrayLike, *, units: Sequence[int] | None = None) -> None:
        self.images = np.asarray(images, float)
        if self.images.ndim != 3 or not self.images.size:
            refuse("images.shape", "(n_images, height, width)", self.images.shape)
        n_images = len(self.images)
        self.units = list(range(n_images)) if units is None else list(units)
        if len(self.units) != n_images:
            refuse("units", f"a sequence of {n_images} numbers, one for each image", units)

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        image_shape: Sequence[int] | None = None,
        layer: int = 0,
        n_images: int = 20,
        axes: AxesLike = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Take the weights of the first units of a layer and draw them.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor, Perceptron or Pipeline
            A fitted network, or a pipeline that ends in one.
        image_shape : (int, int), default=None
            Height and width of the images whose pixels are the inputs, row after row; None
            for a square.
        layer : int, default=0
            Which layer's weights: 0 for those from the inputs to the first layer of units.
        n_images : int, default=20
            How many units, at most.
        axes, texts
            As in :meth:`plot`.

        Returns
        -------
        display : WeightImagesDisplay

        Raises
        ------
        InvalidArgumentError
            There is no such layer, or its inputs are no such image (a ValueError).
        """
        weights = weights_of(network_of(estimator))
        check_integer("layer", layer, 0, len(weights) - 1)
        check_integer("n_images", n_images, 1)
        shape = image_shape_of(image_shape, len(weights[layer]))
        images = weights[layer].T[:n_images].reshape(-1, *shape)
        return cls(images).plot(axes, texts=texts)

    def plot(self, axes: AxesLike = None, *, texts: Mapping[str, str] | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        axes : array-like of Axes, default=None
            An axes for each image; None for a new figure with up to ten in a row.
        texts : dict of str, default=None
            Words in place of "unit {}", above each image; ``{}`` becomes the number.

        Returns
        -------
        self : WeightImagesDisplay
        """
        unit = words(self.TEXTS, texts)["unit"]
        titles = [unit.format(number) for number in self.units]
        drawn = axes_for_images(axes, titles, 10, 0.9)
        strongest = np.abs(self.images).max() or 1.0
        self.images_ = draw_images(
            drawn, self.images, titles, cmap="RdBu", vmin=-strongest, vmax=strongest
        )
        self.axes_ = np.array(drawn, dtype=object)
        self.figure_ = drawn[0].figure
        self.figure_.colorbar(self.images_[0], ax=drawn, aspect=30)
        return self
