"""A fully connected network: its shape, its parameters and its forward pass."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from multilayer._core.types import Array
from multilayer.nn.activations import ACTIVATIONS
from multilayer.nn.initializers import draw_layer


class Dense(NamedTuple):
    """Parameters of one layer: ``x @ kernel + bias``."""

    kernel: Array  # (fan_in, fan_out)
    bias: Array  # (fan_out,)


Parameters = tuple[Dense, ...]


@dataclass(frozen=True)
class Network:
    """The shape of a network: static, part of the key of a compiled program."""

    layer_sizes: tuple[int, ...]  # inputs, hidden layers, outputs
    activation: str
    dropout: bool = False  # whether hidden units are dropped in training


def initialize(
    network: Network, rng: np.random.RandomState, *, weights: str, bias: str, dtype: str
) -> Parameters:
    """Draw initial parameters on the host."""
    sizes = network.layer_sizes
    layers = [
        draw_layer(rng, n, m, weights=weights, bias=bias, activation=network.activation)
        for n, m in pairwise(sizes)
    ]
    return tuple(Dense(kernel.astype(dtype), b.astype(dtype)) for kernel, b in layers)


def apply(network: Network, params: Parameters, x: Array) -> Array:
    """Return the outputs before the output activation (logits), shape ``(rows, outputs)``."""
    activation = ACTIVATIONS[network.activation]
    for layer in params[:-1]:
        x = activation(x @ layer.kernel + layer.bias[None, :])
    return x @ params[-1].kernel + params[-1].bias[None, :]


def apply_in_training(
    network: Network, params: Parameters, x: Array, rates: Array, key: Array
) -> Array:
    """Forward pass with dropout: hidden layer ``i`` loses each unit with chance ``rates[i]``.

    Inverted dropout (Srivastava et al., 2014): what is kept is divided by ``1 - rate``, so that
    nothing has to be rescaled at prediction.
    """
    activation = ACTIVATIONS[network.activation]
    for i, layer in enumerate(params[:-1]):
        x = activation(x @ layer.kernel + layer.bias[None, :])
        keep = 1.0 - rates[i]
        kept = jax.random.uniform(jax.random.fold_in(key, i), x.shape, jnp.float32) < keep
        x = jnp.where(kept, x / keep, 0.0)
    return x @ params[-1].kernel + params[-1].bias[None, :]
