"""A feed-forward network: its shape and its first parameters.

Its forward pass is imported when it is applied: a shape alone starts no JAX.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from types import ModuleType
from typing import NamedTuple

import numpy as np

from multilayer._core import pytrees
from multilayer._core.activations import AnyActivation
from multilayer._core.types import Array
from multilayer._nn.initializers import draw_layer
from multilayer._nn.model import Disturbance, Moments, Parameters, is_fixed


class Dense(NamedTuple):
    """Parameters of one layer: ``x @ kernel + bias``, normalised where the network says so."""

    kernel: Array  # (fan_in, fan_out)
    bias: Array  # (fan_out,)
    scale: Array | None = None  # (fan_out,), of a normalised layer
    shift: Array | None = None
    moments: Moments | None = None  # running ones, of batch normalisation


Layers = tuple[Dense, ...]

NORMS = ("batch", "layer")
"""What hidden layers can be normalised by."""


@dataclass(frozen=True)
class Network:
    """The shape of a network: static, part of the key of a compiled program."""

    layer_sizes: tuple[int, ...]  # inputs, hidden layers, outputs
    activations: tuple[AnyActivation, ...]  # of each hidden layer
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
        """Whether layer ``i`` adds its input to its output (He et al., 2016).

        Hidden layers alone do, from the second on, where both are as wide: what comes in and what
        goes out are not hidden units, however many there are of them.
        """
        if not 0 <= i <= self.n_hidden:
            raise IndexError(f"i must be from 0 to {self.n_hidden}, the output layer, got i={i}")
        hidden = 0 < i < self.n_hidden
        return self.residual and hidden and self.layer_sizes[i] == self.layer_sizes[i + 1]

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
        return _forward().apply(self, params, x)

    def apply_in_training(
        self, params: Layers, x: Array, weight: Array, disturbance: Disturbance, key: Array
    ) -> tuple[Array, Layers]:
        """Return the outputs of a batch, and the parameters with running moments moved."""
        return _forward().apply_in_training(self, params, x, weight, disturbance, key)


def _forward() -> ModuleType:
    """Return the module of the forward pass, which starts JAX."""
    from multilayer._nn import forward

    return forward


def initialize(
    network: Network,
    rng: np.random.RandomState,
    *,
    weights: str,
    bias: str,
    output_like: AnyActivation,
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
    if network.norm is None:
        return tuple(layers)
    return (*(with_norm(network.norm, layer) for layer in layers[:-1]), layers[-1])


def with_norm(norm: str, layer: Dense) -> Dense:
    """Give a layer the initial parameters of its normalisation."""
    one, zero = np.ones_like(layer.bias), np.zeros_like(layer.bias)
    layer = layer._replace(scale=one, shift=zero)
    return layer._replace(moments=Moments(zero, one)) if norm == "batch" else layer


# Sizes of any network ---------------------------------------------------------------------------


def n_parameters(params: Parameters) -> int:
    """Count the numbers that are learnt: all but running moments and fixed numbers."""
    if is_fixed(params):
        return 0
    below = pytrees.parts(params)
    return params.size if below is None else sum(map(n_parameters, below))


def widest(params: Parameters) -> int:
    """Return the most numbers that a network has for a row between two of its layers."""
    return max((leaf.shape[-1] for leaf in pytrees.leaves(params) if leaf.ndim), default=1)
