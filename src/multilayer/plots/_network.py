"""A network of units and weights."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from multilayer._core.checks import check_integer, refuse
from multilayer._nn.logic import LogicNetwork
from multilayer.plots import _network_drawing as drawing
from multilayer.plots._axes import words
from multilayer.plots._network_drawing import (
    Captions,
    DrawnLayer,
    Frame,
    connections_of,
    drawn_layers,
    frame_network,
    height_of,
)
from multilayer.plots._weight_images import (
    activations_of,
    biases_of,
    network_of,
    output_names_of,
    weights_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# The data of a network's diagram, checked --------------------------------------------------------


Activations = Sequence[str | Sequence[str]]


def check_weights(weights: Sequence[npt.ArrayLike]) -> list[np.ndarray]:
    """Return the weights of each layer as arrays; a layer's outputs are the next one's inputs."""
    kernels = [np.asarray(kernel, float) for kernel in weights]
    shapes = [kernel.shape for kernel in kernels]
    if not shapes or any(len(shape) != 2 or 0 in shape for shape in shapes):
        refuse("weights", "a sequence of arrays of shape (n_inputs, n_units)", shapes)
    if not all(np.isfinite(kernel).all() for kernel in kernels):
        refuse("weights", "finite numbers", weights)
    if any(here[1] != there[0] for here, there in pairwise(shapes)):
        remedy = "A layer has as many inputs as the one before has units."
        refuse("weights", "of shapes that follow each other", shapes, remedy)
    return kernels


def check_biases(
    biases: Sequence[npt.ArrayLike] | None, sizes: Sequence[int]
) -> list[np.ndarray] | None:
    """Return the biases of each layer as arrays, None where there are none."""
    if biases is None:
        return None
    arrays = [np.asarray(bias, float) for bias in biases]
    shapes, expected = [bias.shape for bias in arrays], [(size,) for size in sizes]
    if shapes != expected:
        refuse("biases", f"arrays of the shapes {expected}", shapes)
    return arrays


def check_names(argument: str, names: Sequence[str] | None, letter: str, n: int) -> list[str]:
    """Return the names given, or a letter with numbers."""
    if names is None:
        return [f"{letter}{i}" for i in range(1, n + 1)]
    if isinstance(names, str) or len(names) != n:
        refuse(argument, f"None or a sequence of {n} name(s)", names)
    return [str(name) for name in names]


def check_activations(
    activations: Activations | None, sizes: Sequence[int]
) -> list[tuple[str, ...]]:
    """Return the name of each unit's activation function, "" where nothing is known."""
    if activations is None:
        return [("",) * size for size in sizes]
    if isinstance(activations, str) or len(activations) != len(sizes):
        refuse(
            "activations", f"None or a sequence of {len(sizes)}, one for each layer", activations
        )
    found = []
    for i, (size, own) in enumerate(zip(sizes, activations, strict=True)):
        units = (own,) * size if isinstance(own, str) else tuple(own)
        if len(units) != size:
            refuse(f"activations[{i}]", f"a name, or a sequence of {size}", own)
        found.append(units)
    return found


def captions(
    sizes: Sequence[int], activations: Sequence[tuple[str, ...]], text: Mapping[str, str]
) -> Iterator[str]:
    """Yield the caption of each layer: its name, its number of units, their activations."""
    hidden = [text["hidden"].format(i) for i in range(1, len(sizes) - 1)]
    names = [text["input"], *hidden, text["output"]]
    for name, size, own in zip(names, sizes, [(), *activations], strict=True):
        what = ", ".join(filter(None, dict.fromkeys(own)))  # each name once
        yield "\n".join([name, f"{size:,}", *what.split(", ")]).rstrip()


def symbol(activation: str) -> np.ndarray | None:
    """Return the curve of an activation function, x and y in [-1, 1]; None for other words."""
    from multilayer._core.activation_functions import ELEMENTWISE

    function = ELEMENTWISE.get(activation.split(",")[0])
    if function is None:
        return None
    z = np.linspace(-3, 3, 61)
    a = np.asarray(function(z))
    low, high = a.min(), a.max()
    return np.column_stack([z / 3, (2 * a - low - high) / (high - low)])


# The diagram of a network ------------------------------------------------------------------------


class NetworkDisplay:
    """The diagram of a network: units, bias neurons, and connections with their weights.

    From left to right the inputs, the hidden layers and the outputs. A circle with a 1 is a bias
    neuron, which always outputs 1; the curve in a unit is its activation function. Positive weights
    are blue, negative ones red, large ones (among those drawn between the same two layers) thick.
    The weights are written on their connections if there is room for all of them; of layers with
    many units the first and the last ones are drawn.

    It is recommended to use :meth:`from_estimator` or :meth:`from_logic`.

    Parameters
    ----------
    weights : sequence of array-like of shape (n_inputs, n_units)
        The weights of each layer.
    biases : sequence of array-like of shape (n_units,), default=None
        The biases of each layer; None for a network without.
    activations : sequence, default=None
        Of each layer the name of its activation function, or a sequence with that of each unit;
        names in :data:`multilayer.nn.ACTIVATIONS` have a curve. None shows nothing.
    input_names, output_names : sequence of str, default=None
        Names of the inputs and the outputs; None for "x1", "x2", ... and "y1", "y2", ...

    Attributes
    ----------
    weight_texts_ : list of Text
        The weights written on the connections, an empty list where there is no room.
    ax_ : Axes
        The axes drawn in.
    figure_ : Figure
        Its figure.

    Examples
    --------
    >>> from multilayer import nn, plots
    >>> display = plots.NetworkDisplay.from_logic(nn.logic.AND)
    >>> [text.get_text() for text in display.weight_texts_]  # of A, B and the bias neuron
    ['1', '1', '−2']
    """

    TEXTS: Mapping[str, str] = {
        "input": "input",
        "hidden": "hidden {}",
        "output": "output",
        "bias": "bias",
        "positive": "positive weight",
        "negative": "negative weight",
    }

    def __init__(
        self,
        weights: Sequence[npt.ArrayLike],
        biases: Sequence[npt.ArrayLike] | None = None,
        *,
        activations: Activations | None = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
    ) -> None:
        self.weights = check_weights(weights)
        self._sizes = [len(self.weights[0]), *(kernel.shape[1] for kernel in self.weights)]
        self.biases = check_biases(biases, self._sizes[1:])
        self.activations = check_activations(activations, self._sizes[1:])
        self.input_names = check_names("input_names", input_names, "x", self._sizes[0])
        self.output_names = check_names("output_names", output_names, "y", self._sizes[-1])

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        max_units: int = 10,
        values_format: str = ".3g",
        ax: "Axes | None" = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Draw a fitted network.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor, Perceptron or Pipeline
            A fitted network of dense layers, or a pipeline that ends in one. The scales and shifts
            of normalised layers and the skip connections of residual ones are not drawn: the words
            below the layer describe them.
        input_names : sequence of str, default=None
            Names of the inputs; None for the names of the features, else "x1", "x2", ...
        output_names : sequence of str, default=None
            Names of the outputs; None for the classes they stand for, else "y1", "y2", ...
        max_units, values_format, ax, texts
            As in :meth:`plot`.

        Returns
        -------
        display : NetworkDisplay
        """
        network = network_of(estimator)
        weights = weights_of(network)
        if input_names is None:
            input_names = getattr(network, "feature_names_in_", None)
        if output_names is None:
            output_names = output_names_of(network, weights[-1].shape[1])
        display = cls(
            weights,
            biases_of(network),
            activations=activations_of(network),
            input_names=input_names,
            output_names=output_names,
        )
        return display.plot(ax, max_units=max_units, values_format=values_format, texts=texts)

    @classmethod
    def from_logic(
        cls,
        network: LogicNetwork,
        *,
        max_units: int = 10,
        values_format: str = ".3g",
        ax: "Axes | None" = None,
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Draw a network of threshold logic units.

        Parameters
        ----------
        network : LogicNetwork
            One of :mod:`multilayer.nn.logic`.
        max_units, values_format, ax, texts
            As in :meth:`plot`.

        Returns
        -------
        display : NetworkDisplay
        """
        if not isinstance(network, LogicNetwork):
            refuse("network", "a LogicNetwork of multilayer.nn.logic", type(network).__name__)
        display = cls(
            network.weights,
            network.biases,
            activations=network.steps,
            input_names=network.input_names,
            output_names=network.output_names,
        )
        return display.plot(ax, max_units=max_units, values_format=values_format, texts=texts)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        max_units: int = 10,
        values_format: str = ".3g",
        texts: Mapping[str, str] | None = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw in; None for a new figure, as large as the network needs.
        max_units : int, default=10
            Units drawn of a layer, at least 2; dots stand for those between the first and the last
            ones.
        values_format : str, default=".3g"
            Format of the weights.
        texts : dict of str, default=None
            Words in place of "input", "hidden {}" (``{}`` becomes a number), "output", "bias",
            "positive weight" and "negative weight" (what the colours mean, where no weights are
            written).

        Returns
        -------
        self : NetworkDisplay
        """
        check_integer("max_units", max_units, 2)
        text, with_bias = words(self.TEXTS, texts), self.biases is not None
        layers = drawn_layers(self._sizes, with_bias=with_bias, max_units=max_units)
        beside = Captions(
            [self.input_names[i] for i in layers[0].units] + [text["bias"]] * with_bias,
            [self.output_names[i] for i in layers[-1].units],
            list(captions(self._sizes, self.activations, text)),
        )
        self.ax_, frame = frame_network(ax, beside, height_of(layers))
        layers = [replace(layer, x=layer.x * frame.distance) for layer in layers]
        self._draw(layers, beside, frame, values_format)
        if not self.weight_texts_:
            drawing.draw_legend(self.ax_, (text["positive"], text["negative"]), frame)
        self.figure_ = self.ax_.figure
        return self

    def _draw(
        self, layers: Sequence[DrawnLayer], beside: Captions, frame: Frame, values_format: str
    ) -> None:
        """Draw the network and the words around it."""
        ax = self.ax_
        connections = connections_of(layers, self.weights, self.biases)
        drawing.set_view(ax, layers, frame)
        drawing.draw_words(ax, layers, beside, frame)
        self.weight_texts_ = drawing.draw_numbers(ax, connections, values_format, frame.scale)
        for each in connections:
            drawing.draw_connections(ax, each, faintest=0.5 if self.weight_texts_ else 0.15)
        drawing.draw_units(ax, layers[0], drawing.INPUT, [None] * len(layers[0].units), frame.scale)
        for layer, names in zip(layers[1:], self.activations, strict=True):
            curves = {name: symbol(name) for name in set(names)}
            symbols = [curves[names[i]] for i in layer.units]
            drawing.draw_units(ax, layer, drawing.UNIT, symbols, frame.scale)
