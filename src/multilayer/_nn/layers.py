"""Layers: what one is, and those there are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from multilayer._core.activation_functions import floating
from multilayer._core.checks import check_choice, check_integer, check_real, refuse
from multilayer._core.environment import check_process
from multilayer._core.types import Array, comparable
from multilayer._nn.forward import drop, follow, layer_normalize, normalize, weighted_moments
from multilayer._nn.initializers import WEIGHT_INITIALIZERS, descriptions, draw_layer
from multilayer._nn.keys import as_key, generator
from multilayer._nn.model import Moments, Parameters

# The protocol of a layer, and the checks of a user's layers --------------------------------------


INTERFACE = "a layer with init(key, n_inputs) and apply(params, x), or a function of arrays"


class Layer(Protocol):
    """A layer or a whole network: immutable, with its parameters outside.

    One that behaves differently in training has a third method, see :func:`apply_in_training`.
    """

    def init(self, key: Array, n_inputs: int) -> Parameters:
        """Draw first parameters: a pytree of float32 arrays, ``()`` if there are none."""

    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the outputs ``(rows, units)`` for inputs ``(rows, n_inputs)``."""


@dataclass(frozen=True)
class Elementwise:
    """A function as a layer without parameters."""

    function: Callable[[Array], Array]
    broadcasts = True  # if the function does, which the first parameters of members show

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))

    def init(self, key: Array, n_inputs: int) -> tuple[()]:
        """Return no parameters."""
        return ()

    def apply(self, params: tuple[()], x: Array) -> Array:
        """Return the function's values."""
        return self.function(x)


def apply_in_training(
    layer: Layer, params: Parameters, x: Array, *, key: Array | None, weight: Array
) -> tuple[Array, Parameters]:
    """Return a layer's outputs in training, and its parameters with running moments moved.

    A layer without a method ``apply_in_training`` of its own does what it does at prediction.
    """
    method = getattr(layer, "apply_in_training", None)
    if method is None:
        return layer.apply(params, x), params
    return method(params, x, key=key, weight=weight)


def as_layer(name: str, given: Any) -> Layer:
    """Return a layer as it is, and a function as a layer; refuse all else."""
    methods = [callable(getattr(given, method, None)) for method in ("init", "apply")]
    if isinstance(given, type):
        refuse(name, INTERFACE, given, "Give an instance of the class.")
    if any(methods) and not all(methods):
        missing = "apply" if methods[0] else "init"
        refuse(name, INTERFACE, given, f"It has no method {missing}.")
    if not any(methods) and not callable(given):
        refuse(name, INTERFACE, given, "Activations are functions, such as nn.relu.")
    try:
        hash(given)
    except TypeError:
        refuse(name, "hashable: it is part of what is compiled", given, "Freeze its class.")
    return given if all(methods) else Elementwise(comparable(given))


def initialize(name: str, layer: Layer, key: Array, n_inputs: int) -> tuple[Parameters, int]:
    """Return the first parameters of a layer, checked, and the number of its outputs."""
    check_integer("n_inputs", n_inputs, 1)
    params = layer.init(key, n_inputs)
    return params, checked_shape(name, layer, params, (3, n_inputs))[-1]


def checked_shape(
    name: str, layer: Layer, params: Parameters, inputs: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the shape of a layer's outputs, given that of its inputs.

    Refuse parameters that are no floats, and outputs that are not of shape ``(rows, units)``, or
    ``(members or 1, rows, units)`` for inputs of three axes.
    """
    for leaf in jax.tree.leaves(params):
        if not jnp.issubdtype(getattr(leaf, "dtype", object), jnp.floating):
            refuse(name, "a layer whose init returns arrays of floats", layer, f"It has {leaf!r}.")
    x = jax.ShapeDtypeStruct(inputs, jnp.float32)
    shape = getattr(jax.eval_shape(layer.apply, params, x), "shape", None)
    if shape is None or len(shape) != len(inputs) or shape[-2] != inputs[-2]:
        found = "no single array" if shape is None else f"shape {shape}"
        axes = "(rows, units)" if len(inputs) == 2 else "(members, rows, units)"
        rule = f"a layer with outputs of shape {axes}"
        n_rows, n_inputs = inputs[-2:]
        refuse(name, rule, layer, f"For {n_rows} rows of {n_inputs} inputs it returns {found}.")
    return shape


# The layers, each a small immutable object: equal ones share compiled programs -------------------


BIAS_INITIALIZERS = ("glorot_uniform", "zeros")


class Affine(NamedTuple):
    """Parameters of :class:`dense`."""

    kernel: Array  # (n_inputs, n_units)
    bias: Array  # (n_units,)


class Scaling(NamedTuple):
    """Parameters of :class:`layer_norm`."""

    scale: Array  # (n_inputs,)
    shift: Array


class Normalization(NamedTuple):
    """Parameters of :class:`batch_norm`."""

    scale: Array  # (n_inputs,)
    shift: Array
    moments: Moments  # running ones, moved by training's forward passes


@dataclass(frozen=True)
class dense:
    """A fully connected layer: ``x @ kernel + bias``, without an activation.

    Parameters
    ----------
    n_units : int
        Number of outputs.
    weight_init : str, default="glorot_uniform"
        Distribution of the first weights, see Notes.
    bias_init : {"zeros", "glorot_uniform"}, default="zeros"
        First biases; "glorot_uniform" draws them within the bounds of that name, as scikit-learn
        does.

    Raises
    ------
    InvalidArgumentError
        An argument is none of these (a ValueError).

    Notes
    -----
    With `n` inputs and `m` units the weights are drawn from

    <weight_inits>

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> layer = nn.dense(3)
    >>> params = layer.init(nn.key(0), n_inputs=2)
    >>> params.kernel.shape, params.bias.shape
    ((2, 3), (3,))
    >>> layer.apply(params, np.ones((5, 2), np.float32)).shape
    (5, 3)
    """

    n_units: int
    weight_init: str = "glorot_uniform"
    bias_init: str = "zeros"

    def __post_init__(self) -> None:
        check_integer("n_units", self.n_units, 1)
        check_choice("weight_init", self.weight_init, WEIGHT_INITIALIZERS)
        check_choice("bias_init", self.bias_init, BIAS_INITIALIZERS)

    def init(self, key: Array, n_inputs: int) -> Affine:
        """Draw first weights and biases, on the host."""
        check_integer("n_inputs", n_inputs, 1)
        kernel, bias = draw_layer(
            generator(as_key(key)),
            n_inputs,
            self.n_units,
            weights=self.weight_init,
            bias=self.bias_init,
            activation="identity",
        )
        return Affine(kernel.astype(np.float32), bias.astype(np.float32))

    def apply(self, params: Affine, x: Array) -> Array:
        """Return ``x @ kernel + bias``, shape ``(rows, n_units)``."""
        check_process()
        if x.ndim != 2 or x.shape[1] != params.kernel.shape[0]:
            refuse("x.shape", f"(rows, {params.kernel.shape[0]})", x.shape)
        return jnp.matmul(x, params.kernel) + params.bias[None, :]


if dense.__doc__:  # None under python -OO
    dense.__doc__ = dense.__doc__.replace("<weight_inits>", descriptions("    "))


@dataclass(frozen=True)
class dropout:
    """Dropout of inputs in training (Srivastava et al., 2014); no effect at prediction.

    Parameters
    ----------
    rate : float
        Probability of each value to become 0, in [0, 1). The others are divided by ``1 - rate``.

    Raises
    ------
    InvalidArgumentError
        The rate is not such a number, or training gives no key (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> layer, x, weight = nn.dropout(0.5), np.ones((2, 4), np.float32), np.ones(2)
    >>> bool((layer.apply((), x) == x).all())
    True
    >>> dropped, _ = layer.apply_in_training((), x, key=nn.key(0), weight=weight)
    >>> sorted({float(value) for value in dropped.ravel()})
    [0.0, 2.0]
    """

    rate: float
    broadcasts = True

    def __post_init__(self) -> None:
        check_real("rate", self.rate, "[0, 1)")

    def init(self, key: Array, n_inputs: int) -> tuple[()]:
        """Return no parameters."""
        return ()

    def apply(self, params: tuple[()], x: Array) -> Array:
        """Return the inputs."""
        return x

    def apply_in_training(
        self, params: tuple[()], x: Array, *, key: Array | None, weight: Array
    ) -> tuple[Array, tuple[()]]:
        """Return the inputs, some of them dropped."""
        x = floating(x)
        return drop(_needed(key, self), 0, x, jnp.asarray(self.rate, x.dtype)), params


@dataclass(frozen=True)
class gaussian_noise:
    """Gaussian noise added in training; no effect at prediction.

    Parameters
    ----------
    std : float
        Standard deviation, at least 0.

    Raises
    ------
    InvalidArgumentError
        The standard deviation is not such a number, or training gives no key (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> layer, x = nn.gaussian_noise(0.1), np.zeros((100, 100), np.float32)
    >>> noisy, _ = layer.apply_in_training((), x, key=nn.key(0), weight=np.ones(100))
    >>> round(float(noisy.std()), 2)
    0.1
    """

    std: float
    broadcasts = True

    def __post_init__(self) -> None:
        check_real("std", self.std, "[0, inf)")

    def init(self, key: Array, n_inputs: int) -> tuple[()]:
        """Return no parameters."""
        return ()

    def apply(self, params: tuple[()], x: Array) -> Array:
        """Return the inputs."""
        return x

    def apply_in_training(
        self, params: tuple[()], x: Array, *, key: Array | None, weight: Array
    ) -> tuple[Array, tuple[()]]:
        """Return the inputs with noise."""
        x = floating(x)
        return x + self.std * jax.random.normal(_needed(key, self), x.shape, x.dtype), params


@dataclass(frozen=True)
class batch_norm:
    """Batch normalisation (Ioffe and Szegedy, 2015), to stand before an activation.

    Training normalises each unit by its mean and variance over the rows of the batch, and updates
    running ones, ``0.9 * old + 0.1 * batch``, which prediction uses.

    Notes ----- ``(z - mean) / sqrt(variance + 1e-5) * scale + shift``. Rows are weighted: one of
    weight 0 is ignored, one of weight 2 counts as two rows. The running moments are a node of the
    parameters, moved by ``apply_in_training`` and by no optimizer.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> layer, x = nn.batch_norm(), np.array([[1.0], [3.0]], np.float32)
    >>> params = layer.init(nn.key(0), n_inputs=1)
    >>> z, params = layer.apply_in_training(params, x, key=None, weight=np.ones(2, np.float32))
    >>> [round(float(value), 3) for value in z.ravel()]
    [-1.0, 1.0]
    >>> round(float(params.moments.mean[0]), 3)
    0.2
    """

    def init(self, key: Array, n_inputs: int) -> Normalization:
        """Return a scale of 1, a shift of 0 and the moments of a standard normal distribution."""
        one, zero = _one_and_zero(n_inputs)
        return Normalization(one, zero, Moments(zero.copy(), one.copy()))

    def apply(self, params: Normalization, x: Array) -> Array:
        """Normalise by the running moments."""
        check_process()
        return normalize(x, params.moments, params.scale, params.shift)

    def apply_in_training(
        self, params: Normalization, x: Array, *, key: Array | None, weight: Array
    ) -> tuple[Array, Normalization]:
        """Normalise by the moments of the batch, and move the running ones towards them."""
        check_process()
        met = weighted_moments(x, weight)
        running = follow(params.moments, met, jnp.sum(weight) > 0)
        return normalize(x, met, params.scale, params.shift), params._replace(moments=running)


@dataclass(frozen=True)
class layer_norm:
    """Layer normalisation (Ba et al., 2016): each row by the mean and variance of its units.

    Notes
    -----
    ``(z - mean) / sqrt(variance + 1e-5) * scale + shift``, the same in training and prediction.

    Examples
    --------
    >>> import numpy as np
    >>> from multilayer import nn
    >>> layer = nn.layer_norm()
    >>> params = layer.init(nn.key(0), n_inputs=2)
    >>> z = layer.apply(params, np.array([[1.0, 3.0]], np.float32))
    >>> [round(float(value), 3) for value in z.ravel()]
    [-1.0, 1.0]
    """

    def init(self, key: Array, n_inputs: int) -> Scaling:
        """Return a scale of 1 and a shift of 0."""
        return Scaling(*_one_and_zero(n_inputs))

    def apply(self, params: Scaling, x: Array) -> Array:
        """Normalise each row."""
        check_process()
        return layer_normalize(x, params.scale, params.shift)


def _one_and_zero(n_inputs: int) -> tuple[np.ndarray, np.ndarray]:
    check_integer("n_inputs", n_inputs, 1)
    return np.ones(n_inputs, np.float32), np.zeros(n_inputs, np.float32)


def _needed(key: Array | None, layer: object) -> Array:
    """Return the key that a layer draws from in training."""
    if key is None:
        refuse("key", f"a JAX key: {layer} draws random numbers in training", key)
    return key
