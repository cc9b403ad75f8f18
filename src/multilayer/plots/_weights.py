"""The weights of a fitted estimator, and the names of its layers and units."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from multilayer._core.checks import refuse
from multilayer._sklearn.base import BaseMLP
from multilayer._sklearn.network import drawing
from multilayer._sklearn.perceptron.estimator import Perceptron


def network_of(estimator: BaseEstimator) -> BaseMLP | Perceptron:
    """Return the fitted network of dense layers: the estimator given, or a pipeline's last."""
    network = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    rule = "a MLPClassifier, MLPRegressor or Perceptron of multilayer, or a pipeline with one"
    if not isinstance(network, BaseMLP | Perceptron):
        refuse("estimator", rule, type(network).__name__)
    check_is_fitted(network)
    if getattr(network, "network", None) is not None:
        remedy = "Hand the arrays of a network of your own to the constructor."
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
