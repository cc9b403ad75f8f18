"""Layers one after another, and networks of the user as the engine sees them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from multilayer._core.activations import Function
from multilayer._core.checks import refuse
from multilayer._core.types import Array, comparable
from multilayer._nn.keys import as_key, keys_of_layers
from multilayer._nn.layers import Layer, apply_in_training, as_layer, checked_shape, initialize
from multilayer._nn.members import factors_of
from multilayer._nn.model import Disturbance, Parameters
from multilayer._nn.tabular_layers import checked_rows

# A user's network, as the engine sees it ---------------------------------------------------------


@dataclass(frozen=True)
class UserNetwork:
    """Any layer or network with ``init`` and ``apply``; equal ones share their programs."""

    layer: Layer
    n_frozen = 0

    @property
    def random(self) -> bool:
        """Whether training may draw random numbers."""
        return hasattr(self.layer, "apply_in_training")

    def at_prediction(self) -> "UserNetwork":
        """Return the network itself: how it predicts is its own matter."""
        return self

    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the outputs before the output activation, shape ``(rows, outputs)``."""
        return self.layer.apply(params, x)

    def apply_in_training(
        self, params: Parameters, x: Array, weight: Array, disturbance: Disturbance, key: Array
    ) -> tuple[Array, Parameters]:
        """Return the outputs of a batch, and the parameters with running moments moved."""
        del disturbance  # the layers disturb themselves
        return apply_in_training(self.layer, params, x, key=key, weight=weight)

    def factors(self, params: Parameters) -> Parameters:
        """Return how each array learns: a tree of :class:`Factor`."""
        return factors_of(self.layer, params)


# First parameters on data ------------------------------------------------------------------------


def initialize_on_data(
    name: str, layer: Layer, key: Array, x: Array
) -> tuple[Parameters, np.ndarray]:
    """Return the first parameters of a layer, checked, and what it makes of data in training.

    A layer without a method ``init_on_data`` is initialised by the number of its inputs.
    """
    method = getattr(layer, "init_on_data", None)
    if method is None:
        params, _ = initialize(name, layer, key, x.shape[1])
    else:
        params = method(key, x)
        checked_shape(name, layer, params, x.shape)
    return params, outputs_in_training(layer, key, params, x)


def outputs_in_training(layer: Layer, key: Array, params: Parameters, x: Array) -> np.ndarray:
    """Return what a layer makes of data ``(..., rows, n_inputs)`` in training."""
    weight, own_key = np.ones(x.shape[-2], np.float32), jax.random.fold_in(key, 1)
    outputs, _ = apply_in_training(layer, params, x, key=own_key, weight=weight)
    return np.asarray(outputs)


# Networks of layers, each itself a layer ---------------------------------------------------------


@dataclass(frozen=True, init=False, repr=False)
class sequential:
    """Layers one after the other: a network.

    Parameters
    ----------
    *layers : layers or functions
        Each an object with ``init(key, n_inputs)`` and ``apply(params, x)``, or a function of
        arrays, such as :func:`relu`, which stands for a layer without parameters.

    Attributes
    ----------
    layers : tuple
        The layers, functions made into layers.

    Raises
    ------
    InvalidArgumentError
        There are no layers, or one is neither (a ValueError); and from ``init`` when a layer's
        parameters are no arrays of floats, or its outputs not of shape ``(rows, units)``.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> network = nn.sequential(nn.dense(16), nn.relu, nn.dense(3))
    >>> params = network.init(nn.key(0), n_inputs=4)  # a tuple: the parameters of each layer
    >>> params[0].kernel.shape, params[2].kernel.shape
    ((4, 16), (16, 3))
    >>> network.apply(params, np.ones((5, 4), np.float32)).shape
    (5, 3)
    """

    layers: tuple[Layer, ...]

    def __init__(self, *layers: Layer | Function) -> None:
        if not layers:
            refuse("layers", "at least one layer", layers)
        found = tuple(as_layer(f"layers[{i}]", layer) for i, layer in enumerate(layers))
        object.__setattr__(self, "layers", found)  # the way of a frozen dataclass

    def __repr__(self) -> str:
        return f"sequential({', '.join(map(repr, self.layers))})"

    def init(self, key: Array, n_inputs: int) -> tuple[Parameters, ...]:
        """Draw first parameters: a tuple of those of each layer."""
        params, width = [], n_inputs
        keys = keys_of_layers(as_key(key), len(self.layers))
        for i, (layer, own_key) in enumerate(zip(self.layers, keys, strict=True)):
            drawn, width = initialize(f"layers[{i}]", layer, own_key, width)
            params.append(drawn)
        return tuple(params)

    def init_on_data(self, key: Array, X: Array) -> tuple[Parameters, ...]:
        """Draw first parameters layer by layer, by what training passes to each of some rows."""
        params, x = [], checked_rows(X)
        keys = keys_of_layers(as_key(key), len(self.layers))
        for i, (layer, own_key) in enumerate(zip(self.layers, keys, strict=True)):
            drawn, x = initialize_on_data(f"layers[{i}]", layer, own_key, x)
            params.append(drawn)
        return tuple(params)

    def factors(self, params: tuple[Parameters, ...]) -> tuple[Parameters, ...]:
        """Return how each array learns: a tree of :class:`Factor`."""
        return tuple(map(factors_of, self.layers, params))

    def apply(self, params: tuple[Parameters, ...], x: Array) -> Array:
        """Return the outputs of the last layer."""
        for layer, own in zip(self.layers, params, strict=True):
            x = layer.apply(own, x)
        return x

    def apply_in_training(
        self, params: tuple[Parameters, ...], x: Array, *, key: Array | None, weight: Array
    ) -> tuple[Array, tuple[Parameters, ...]]:
        """Return the outputs in training, and the parameters with running moments moved."""
        moved = []
        for i, (layer, own) in enumerate(zip(self.layers, params, strict=True)):
            own_key = None if key is None else jax.random.fold_in(key, i)
            x, own = apply_in_training(layer, own, x, key=own_key, weight=weight)
            moved.append(own)
        return x, tuple(moved)


@dataclass(frozen=True)
class residual:
    """A layer whose inputs are added to its outputs (He et al., 2016): ``x + layer(x)``.

    Parameters
    ----------
    layer : layer or function
        What the inputs go around, as wide at its end as at its beginning; several layers are one
        in a :class:`sequential`.

    Raises
    ------
    InvalidArgumentError
        It is no layer (a ValueError); from ``init`` when it changes the width.

    Examples
    --------
    >>> from multilayer import nn
    >>> block = nn.residual(nn.sequential(nn.dense(16), nn.relu))
    >>> network = nn.sequential(nn.dense(16), nn.relu, block, nn.dense(3))
    >>> params = network.init(nn.key(0), n_inputs=4)
    """

    layer: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "layer", as_layer("layer", self.layer))

    def init(self, key: Array, n_inputs: int) -> Parameters:
        """Draw the layer's first parameters."""
        params, width = initialize("layer", self.layer, as_key(key), n_inputs)
        self._check_width(n_inputs, width)
        return params

    def init_on_data(self, key: Array, X: Array) -> Parameters:
        """Draw the layer's first parameters by some rows of inputs."""
        x = checked_rows(X)
        params, outputs = initialize_on_data("layer", self.layer, as_key(key), x)
        self._check_width(x.shape[1], outputs.shape[1])
        return params

    def factors(self, params: Parameters) -> Parameters:
        """Return how each array learns: a tree of :class:`Factor`."""
        return factors_of(self.layer, params)

    def _check_width(self, n_inputs: int, width: int) -> None:
        if width != n_inputs:
            refuse("layer", f"as wide as its {n_inputs} inputs", self.layer, f"It has {width}.")

    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the sum of inputs and outputs."""
        return x + self.layer.apply(params, x)

    def apply_in_training(
        self, params: Parameters, x: Array, *, key: Array | None, weight: Array
    ) -> tuple[Array, Parameters]:
        """Return the sum in training, and the parameters with running moments moved."""
        added, params = apply_in_training(self.layer, params, x, key=key, weight=weight)
        return x + added, params


@dataclass(frozen=True)
class Functions:
    """A layer built from functions."""

    init: Callable[[Array, int], Parameters]
    apply: Callable[[Parameters, Array], Array]


@dataclass(frozen=True)
class FunctionsInTraining(Functions):
    """A layer built from functions, with one more for training."""

    apply_in_training: Callable[..., tuple[Array, Parameters]]


def from_functions(
    init: Callable[[Array, int], Parameters],
    apply: Callable[[Parameters, Array], Array],
    apply_in_training: Callable[..., tuple[Array, Parameters]] | None = None,
) -> Layer:
    """Make a layer or a whole network from functions.

    Parameters
    ----------
    init : callable
        ``init(key, n_inputs) -> params``: a pytree of float32 arrays. `key` is a JAX key.
    apply : callable
        ``apply(params, x) -> outputs``, of shape ``(rows, units)``.
    apply_in_training : callable, default=None
        ``apply_in_training(params, x, *, key, weight) -> (outputs, params)``, where training
        differs from prediction: `key` is a JAX key, `weight` the rows' weights ``(rows,)``, 0 in
        padding. By default training does what prediction does.

    Returns
    -------
    layer : object
        With these functions as its methods. Layers of the same functions are equal.

    Raises
    ------
    InvalidArgumentError
        An argument is no function (a ValueError).

    Examples
    --------
    A layer that multiplies each input by a weight of its own:

    >>> import jax.numpy as jnp
    >>> from multilayer import nn
    >>> scale = nn.from_functions(
    ...     init=lambda key, n_inputs: jnp.ones(n_inputs),
    ...     apply=lambda params, x: x * params[None, :],
    ... )
    >>> network = nn.sequential(scale, nn.dense(3))
    >>> params = network.init(nn.key(0), n_inputs=4)
    """
    for name, function in (("init", init), ("apply", apply)):
        if not callable(function):
            refuse(name, "a function", function)
    if apply_in_training is None:
        return Functions(comparable(init), comparable(apply))
    if not callable(apply_in_training):
        refuse("apply_in_training", "a function or None", apply_in_training)
    functions = (comparable(f) for f in (init, apply, apply_in_training))
    return FunctionsInTraining(*functions)
