"""The diagram of a network."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy.typing as npt
from sklearn.base import BaseEstimator

from multilayer._core.checks import check_integer, refuse
from multilayer._nn.logic import LogicNetwork
from multilayer.plots import _network_data as data
from multilayer.plots import _network_drawing as drawing
from multilayer.plots._axes import words
from multilayer.plots._network_frame import Captions, Frame, frame_network
from multilayer.plots._network_layout import DrawnLayer, connections_of, drawn_layers, height_of
from multilayer.plots._weights import (
    activations_of,
    biases_of,
    network_of,
    output_names_of,
    weights_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class NetworkDisplay:
    """The diagram of a network: units, bias neurons, and connections with their weights.

    From left to right the inputs, the hidden layers and the outputs. A circle with a 1 is a bias
    neuron, which always puts out 1; the curve in a unit is its activation function. Positive
    weights are blue, negative ones red, strong ones (among those drawn between the same two
    layers) broad. The weights are written on their connections if there is room for all of them;
    of layers with many units the first and the last ones are drawn.

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
        activations: data.Activations | None = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
    ) -> None:
        self.weights = data.check_weights(weights)
        self._sizes = [len(self.weights[0]), *(kernel.shape[1] for kernel in self.weights)]
        self.biases = data.check_biases(biases, self._sizes[1:])
        self.activations = data.check_activations(activations, self._sizes[1:])
        self.input_names = data.check_names("input_names", input_names, "x", self._sizes[0])
        self.output_names = data.check_names("output_names", output_names, "y", self._sizes[-1])

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
            A fitted network of dense layers, or a pipeline that ends in one. Of normalised layers
            the scales and shifts, of residual ones the connections past a layer are not drawn: the
            words below the layer describe them.
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
            list(data.captions(self._sizes, self.activations, text)),
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
            curves = {name: data.symbol(name) for name in set(names)}
            symbols = [curves[names[i]] for i in layer.units]
            drawing.draw_units(ax, layer, drawing.UNIT, symbols, frame.scale)
