"""A feed-forward network: its shape, its parameters and its forward pass."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from multilayer._core.types import Array
from multilayer._nn.activations import Activation, function_of
from multilayer._nn.initializers import draw_layer
from multilayer._nn.model import Disturbance
from multilayer._nn.normalization import (
    Moments,
    follow,
    layer_normalize,
    normalize,
    weighted_moments,
)
from multilayer._nn.products import product


class Dense(NamedTuple):
    """Layers of one layer: ``x @ kernel + bias``, normalised where the network says so."""

    kernel: Array  # (fan_in, fan_out)
    bias: Array  # (fan_out,)
    scale: Array | None = None  # (fan_out,), of a normalised layer
    shift: Array | None = None
    moments: Any = None  # running Moments of batch normalisation


Layers = tuple[Dense, ...]


@dataclass(frozen=True)
class Network:
    """The shape of a network: static, part of the key of a compiled program."""

    layer_sizes: tuple[int, ...]  # inputs, hidden layers, outputs
    activations: tuple[Activation, ...]  # of each hidden layer
    norm: str | None = None  # "batch" or "layer": hidden layers are normalised
    residual: bool = False  # whether a hidden layer as wide as the one before adds its input
    dropout: bool = False  # whether hidden units are dropped in training
    input_dropout: bool = False  # whether inputs are
    input_noise: bool = False  # whether inputs get Gaussian noise in training
    precision: str = "float32"  # of the operands of products in training
    n_frozen: int = 0  # first layers that training leaves as they are

    @property
    def random(self) -> bool:
        """Whether training draws random numbers."""
        return self.dropout or self.input_dropout or self.input_noise

    @property
    def n_hidden(self) -> int:
        """Number of hidden layers."""
        return len(self.layer_sizes) - 2

    def skips(self, i: int) -> bool:
        """Whether hidden layer ``i`` adds its input to its output (He et al., 2016)."""
        return self.residual and i > 0 and self.layer_sizes[i] == self.layer_sizes[i + 1]

    def at_prediction(self) -> "Network":
        """Return the network without what is a matter of training alone."""
        return replace(
            self,
            dropout=False,
            input_dropout=False,
            input_noise=False,
            precision="float32",
            n_frozen=0,
        )

    def apply(self, params: Layers, x: Array) -> Array:
        """Return the outputs before the output activation (logits), shape ``(rows, outputs)``."""
        return affine(self, params[-1], apply_hidden(self, params, x)[-1])

    def apply_in_training(
        self, params: Layers, x: Array, weight: Array, disturbance: Disturbance, key: Array
    ) -> tuple[Array, Layers]:
        """Forward pass of a batch in training, and the parameters with running moments moved.

        ``weight`` are the rows' weights, shape ``(rows,)``; ``key`` is the source of what is
        random, None where nothing is. Frozen layers are normalised as at prediction.
        """
        present = jnp.sum(weight) > 0
        layers = list(params)

        def normalise(i: int, layer: Dense, z: Array) -> Array:
            if self.norm != "batch" or i < self.n_frozen:
                return normalise_at_prediction(self, layer, z)
            met = weighted_moments(z, weight)
            layers[i] = layer._replace(moments=follow(layer.moments, met, present))
            return normalize(z, met, layer.scale, layer.shift)

        def disturb(i: int, a: Array) -> Array:
            a = drop(key, i, a, disturbance.dropout[i]) if self.dropout else a
            return lax.stop_gradient(a) if i < self.n_frozen else a

        x = disturb_inputs(self, x, disturbance, key)
        raw = affine(self, params[-1], hidden(self, params, x, normalise, disturb)[-1])
        return raw, tuple(layers)


def initialize(
    network: Network,
    rng: np.random.RandomState,
    *,
    weights: str,
    bias: str,
    output_like: Activation,
    dtype: str,
) -> Layers:
    """Draw initial parameters on the host.

    ``output_like`` is the activation whose scheme the output layer follows: in scikit-learn the
    hidden layers' one.
    """
    drawn = [
        draw_layer(rng, n, m, weights=weights, bias=bias, activation=activation)
        for (n, m), activation in zip(
            pairwise(network.layer_sizes), (*network.activations, output_like), strict=True
        )
    ]
    layers = [Dense(kernel.astype(dtype), b.astype(dtype)) for kernel, b in drawn]
    return (*(with_norm(network.norm, layer) for layer in layers[:-1]), layers[-1])


def with_norm(norm: str | None, layer: Dense) -> Dense:
    """Give a layer the initial parameters of its normalisation."""
    if norm is None:
        return layer
    one, zero = np.ones_like(layer.bias), np.zeros_like(layer.bias)
    layer = layer._replace(scale=one, shift=zero)
    return layer._replace(moments=Moments(zero, one)) if norm == "batch" else layer


Normalise = Callable[[int, Dense, Array], Array]  # (number of the hidden layer, its parameters, z)
Disturb = Callable[[int, Array], Array]  # (number of the hidden layer, its activations)


def hidden(
    network: Network, params: Layers, x: Array, normalise: Normalise, disturb: Disturb
) -> list[Array]:
    """Return the activations of each hidden layer, the inputs in front: ``(rows, units)``."""
    values = [x]
    for i, layer in enumerate(params[:-1]):
        z = normalise(i, layer, affine(network, layer, values[-1]))
        a = disturb(i, function_of(network.activations[i])(z))
        values.append(values[-1] + a if network.skips(i) else a)
    return values


def affine(network: Network, layer: Dense, x: Array) -> Array:
    """Return ``x @ kernel + bias``."""
    return product(x, layer.kernel, network.precision) + layer.bias[None, :]


def apply_hidden(network: Network, params: Layers, x: Array) -> list[Array]:
    """Activations of each layer at prediction, the inputs in front."""

    def normalise(i: int, layer: Dense, z: Array) -> Array:
        return normalise_at_prediction(network, layer, z)

    return hidden(network, params, x, normalise, lambda i, a: a)


def normalise_at_prediction(network: Network, layer: Dense, z: Array) -> Array:
    """Normalise a layer's sums by its running moments, or each row by itself, or not at all."""
    if network.norm == "batch":
        return normalize(z, layer.moments, layer.scale, layer.shift)
    return layer_normalize(z, layer.scale, layer.shift) if network.norm == "layer" else z


def disturb_inputs(network: Network, x: Array, disturbance: Disturbance, key: Array) -> Array:
    """Drop inputs and add noise to them, where asked for."""
    if network.input_dropout:
        x = drop(key, network.n_hidden, x, disturbance.input_dropout)
    if network.input_noise:
        noise = jax.random.normal(jax.random.fold_in(key, network.n_hidden + 1), x.shape, x.dtype)
        x = x + disturbance.input_noise * noise
    return x


def drop(key: Array, number: int, a: Array, rate: Array) -> Array:
    """Inverted dropout (Srivastava et al., 2014): each value is 0 with chance ``rate``.

    What is kept is divided by ``1 - rate``, so that nothing has to be rescaled at prediction.
    """
    keep = 1.0 - rate
    kept = jax.random.uniform(jax.random.fold_in(key, number), a.shape, jnp.float32) < keep
    return jnp.where(kept, a / keep, 0.0)
