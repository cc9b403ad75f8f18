"""The network of an estimator as XLA computes it: vectors for categories, then dense layers.

What the native engine computes is the dense layers alone, so this is imported where XLA is chosen.
"""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from multilayer._core.types import Array
from multilayer._nn.model import Disturbance
from multilayer._nn.network import Network
from multilayer.estimator.feature_reading import ABSENT
from multilayer.estimator.learnt import Parameters


@dataclass(frozen=True)
class CannedNetwork:
    """A model of the engine's: static and hashable.

    The engine follows the gradient of the mean over a batch. The gradient of the sum is had exactly
    by multiplying, on the way back, what arrives at the outputs.
    """

    dense: Network
    n_plain: int  # inputs before the ids of embedded columns
    summed: bool = False  # whether the sum over a batch is minimised in place of the mean

    n_frozen = 0

    @property
    def random(self) -> bool:
        """Whether training draws random numbers."""
        return self.dense.random

    def at_prediction(self) -> "CannedNetwork":
        """Return the network without what is a matter of training alone."""
        return replace(self, dense=self.dense.at_prediction(), summed=False)

    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the outputs before the output activation, shape ``(rows, outputs)``."""
        return self.dense.apply(params.layers, self.inputs(params, x))

    def apply_in_training(
        self, params: Parameters, x: Array, weight: Array, disturbance: Disturbance, key: Array
    ) -> tuple[Array, Parameters]:
        """Return the outputs of a batch, and the parameters."""
        x = self.inputs(params, x)
        raw, _ = self.dense.apply_in_training(params.layers, x, weight, disturbance, key)
        if self.summed:
            raw = multiply_gradient(raw, jnp.sum(weight).astype(raw.dtype))
        return raw, params

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
    """Return ``x``; its gradient is multiplied by a factor."""
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
