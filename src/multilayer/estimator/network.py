"""The network of an estimator: vectors looked up for categories, then dense layers."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from multilayer._core.types import Array
from multilayer._nn.initializers import WEIGHT_INITIALIZERS
from multilayer._nn.model import Disturbance
from multilayer._nn.network import Layers, Network, initialize
from multilayer.estimator.categories import ABSENT
from multilayer.estimator.design import Design


class Parameters(NamedTuple):
    """What an estimator learns."""

    embeddings: tuple[Array, ...]  # one (n_buckets, dimension) for each embedded column
    layers: Layers


@dataclass(frozen=True)
class CannedNetwork:
    """A model of the engine's: static and hashable.

    The engine follows the gradient of the mean over a batch. The gradient of another multiple of
    it is had exactly by multiplying, on the way back, what arrives at the outputs.
    """

    dense: Network
    n_plain: int  # inputs before the ids of embedded columns
    summed: bool = False  # whether the sum over a batch is minimised in place of the mean
    loss_factor: float = 1.0

    n_frozen = 0

    @property
    def random(self) -> bool:
        """Whether training draws random numbers."""
        return self.dense.random

    def at_prediction(self) -> "CannedNetwork":
        """Return the network without what is a matter of training alone."""
        return replace(self, dense=self.dense.at_prediction(), summed=False, loss_factor=1.0)

    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the outputs before the output activation, shape ``(rows, outputs)``."""
        return self.dense.apply(params.layers, self.inputs(params, x))

    def apply_in_training(
        self, params: Parameters, x: Array, weight: Array, disturbance: Disturbance, key: Array
    ) -> tuple[Array, Parameters]:
        """Return the outputs of a batch, and the parameters."""
        x = self.inputs(params, x)
        raw, _ = self.dense.apply_in_training(params.layers, x, weight, disturbance, key)
        total = jnp.sum(weight) if self.summed else 1.0
        return multiply_gradient(raw, jnp.asarray(total * self.loss_factor, raw.dtype)), params

    def inputs(self, params: Parameters, x: Array) -> Array:
        """Return the inputs of the first layer: ids give way to their vectors."""
        if not params.embeddings:
            return x
        vectors = [
            look_up(table, x[:, self.n_plain + i]) for i, table in enumerate(params.embeddings)
        ]
        return jnp.concatenate([x[:, : self.n_plain], *vectors], axis=1)


@jax.custom_vjp
def multiply_gradient(x: Array, factor: Array) -> Array:
    """Return ``x``; the gradient of what is made of it is multiplied by a factor."""
    return x


def _forward(x: Array, factor: Array) -> tuple[Array, Array]:
    return x, factor


def _backward(factor: Array, gradient: Array) -> tuple[Array, Array]:
    return factor * gradient, jnp.zeros_like(factor)


multiply_gradient.defvjp(_forward, _backward)


def look_up(table: Array, ids: Array) -> Array:
    """Rows ``(rows, dimension)`` of a table, 0 where an id is absent."""
    there = ids != ABSENT
    vectors = table[jnp.where(there, ids, 0).astype(jnp.int32)]
    return jnp.where(there[:, None], vectors, 0.0)


def network_of(design: Design) -> CannedNetwork:
    """Return the network of an estimator in training."""
    sizes = (design.columns.n_inputs, *design.hidden_units, design.head.n_units)
    return CannedNetwork(
        Network(
            layer_sizes=sizes,
            activations=(design.activation,) * len(design.hidden_units),
            dropout=design.dropout > 0,
        ),
        n_plain=design.columns.n_plain,
        summed=design.follows_sum,
        loss_factor=design.head.loss_factor / (1 if design.follows_sum else design.head.n_outputs),
    )


def first_parameters(design: Design, network: CannedNetwork, seed: int, dtype: str) -> Parameters:
    """Draw the first parameters: Glorot and Bengio's weights (2010), biases of 0."""
    rng = np.random.RandomState(seed)
    layers = initialize(
        network.dense,
        rng,
        weights="glorot_uniform",
        bias="zeros",
        output_like="identity",
        dtype=dtype,
    )
    embeddings = (
        _first_vectors(rng, column.column.n_buckets, column.dimension).astype(dtype)
        for column in design.columns.embedded
    )
    return Parameters(tuple(embeddings), layers)


def _first_vectors(rng: np.random.RandomState, n_buckets: int, dimension: int) -> np.ndarray:
    # The initialiser's standard deviation is 2 / sqrt(fan_in); wanted is 1 / sqrt(dimension).
    drawn = WEIGHT_INITIALIZERS["truncated_normal"].draw(rng, n_buckets, dimension)
    return drawn * np.sqrt(n_buckets / dimension) / 2
