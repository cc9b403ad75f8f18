"""Several networks of the same layers side by side: an ensemble that trains as one network.

Parameters have an axis of the members in front. What is written for one network broadcasts over it,
see :mod:`multilayer._nn.tabular_layers`, so that all are one program.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from multilayer._core.pytrees import leaves, map_leaves, with_leaves
from multilayer._core.types import Array
from multilayer._nn.model import Disturbance, Factor, Parameters
from multilayer._nn.tabular_layers import TabularLayer, mixed, namespace


@dataclass(frozen=True)
class Members:
    """The shape of an ensemble: as many networks of the same layers.

    Rows are those of each member, one member after another, in training; at prediction all members
    are applied to the same rows, and their outputs stand side by side.
    """

    layers: tuple[TabularLayer, ...]
    n_members: int
    own_rows: bool = True
    n_frozen = 0

    @property
    def random(self) -> bool:
        """Whether training draws random numbers."""
        return any(hasattr(layer, "apply_in_training") for layer in self.layers)

    def at_prediction(self) -> "Members":
        """Return the ensemble as it predicts: all members the same rows."""
        return replace(self, own_rows=False)

    def apply(self, params: tuple[Parameters, ...], x: Array) -> Array:
        """Return the raw outputs ``(rows, units)``, or ``(rows, members * units)``."""
        x = self._spread(x)
        for layer, own in zip(self.layers, params, strict=True):
            x = layer.apply(own, x)
        if self.own_rows:
            return x.reshape(-1, x.shape[-1])
        return namespace(x).swapaxes(x, 0, 1).reshape(x.shape[1], -1)

    def apply_in_training(
        self,
        params: tuple[Parameters, ...],
        x: Array,
        weight: Array,
        disturbance: Disturbance,
        key: Array | None,
    ) -> tuple[Array, tuple[Parameters, ...]]:
        """Return the raw outputs of a batch in training, and the parameters as they are."""
        del disturbance  # the layers have their own
        x = self._spread(x)
        for i, (layer, own) in enumerate(zip(self.layers, params, strict=True)):
            method = getattr(layer, "apply_in_training", None)
            if method is None:
                x = layer.apply(own, x)
            else:
                x, _ = method(own, x, key=layer_counter(key, i), weight=weight)
        return x.reshape(-1, x.shape[-1]), params

    def factors(self, params: tuple[Parameters, ...]) -> tuple[Parameters, ...]:
        """Return how each array learns: a tree of :class:`Factor`."""
        return tuple(
            layer.factors(own) if hasattr(layer, "factors") else map_leaves(lambda _: Factor(), own)
            for layer, own in zip(self.layers, params, strict=True)
        )

    def _spread(self, x: Array) -> Array:
        """Return inputs ``(members, rows, n_inputs)``."""
        if self.own_rows:
            return x.reshape(self.n_members, -1, x.shape[-1])
        return namespace(x).broadcast_to(x, (self.n_members, *x.shape))


def stacked(members: Sequence[tuple[Parameters, ...]]) -> tuple[Parameters, ...]:
    """Return the parameters of several networks as those of an ensemble."""
    same = zip(*map(leaves, members), strict=True)
    return with_leaves(members[0], [np.stack(parts) for parts in same])


def init_layers(
    layers: Sequence[TabularLayer], rng: np.random.Generator, x: np.ndarray
) -> tuple[Parameters, ...]:
    """Draw the first parameters of one network, layer by layer on data."""
    params = []
    for layer in layers:
        params.append(layer.init(rng, x))
        x = layer.apply(params[-1], x)
    return tuple(params)


def layer_counter(key: Array, number: int) -> Array:
    """Return what the random numbers of a layer in a step are a hash of: uint32."""
    word = sys.modules["jax"].random.key_data(key)[-1]
    return mixed(word + np.uint32(number))
