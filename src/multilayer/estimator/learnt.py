"""What an estimator learns: first values, and their names in checkpoints, whoever computes."""

from typing import NamedTuple

import numpy as np

from multilayer._core.pytrees import Tree, leaves, with_leaves
from multilayer._core.types import Array
from multilayer._engine.state import TrainState
from multilayer._nn.initializers import WEIGHT_INITIALIZERS
from multilayer._nn.network import Layers, Network, initialize
from multilayer._optim.states import MEMORIES, Slots, slots_of, state_of
from multilayer.estimator.design import Design


class Parameters(NamedTuple):
    """What an estimator learns."""

    embeddings: tuple[Array, ...]  # one (n_buckets, dimension) for each embedded column
    layers: Layers


def dense_network(design: Design) -> Network:
    """Return the dense layers of an estimator in training."""
    return Network(
        layer_sizes=(design.columns.n_inputs, *design.hidden_units, design.head.n_units),
        activations=(design.activation,) * len(design.hidden_units),
        dropout=design.dropout > 0,
    )


def first_parameters(design: Design, seed: int, dtype: str) -> Parameters:
    """Draw the first parameters: Glorot and Bengio's weights (2010), biases of 0."""
    rng = np.random.RandomState(seed)
    layers = initialize(
        dense_network(design),
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


# The native engine knows dense layers alone; in checkpoints the names are the same for every engine


def with_embeddings(
    rule: str, state: TrainState, optax_state: Tree = None
) -> tuple[Parameters, Tree]:
    """Return parameters and optimizer's state of a native run, nested as XLA has them.

    ``optax_state`` is a state of the optimizer of Optax that the rule stands for, if it does.
    """

    def full(layers: Layers) -> Parameters | None:
        return None if layers is None else Parameters((), layers)

    slots = slots_of(rule, state.opt_state, state.params)
    nested = Slots(slots.updates, full(slots.first), full(slots.second))
    params = Parameters((), state.params)
    if optax_state is None:
        return params, state_of(rule, nested)
    return params, with_leaves(optax_state, leaves(nested))


def without_embeddings(
    rule: str, state: TrainState, params: Parameters, opt_state: Tree
) -> TrainState:
    """Put what was nested as XLA has it into a native state."""
    layers, arrays = params.layers, leaves(opt_state)
    updates = arrays.pop(0) if MEMORIES[rule].counts else None
    n = len(leaves(layers))
    parts = [with_leaves(layers, arrays[i : i + n]) for i in range(0, len(arrays), n)]
    inside = state_of(rule, Slots(updates, *parts))
    return state._replace(params=layers, best_params=layers, opt_state=inside)
