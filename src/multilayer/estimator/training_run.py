"""From an estimator's design and an input to a training run of the engine."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from multilayer._core.errors import DataError
from multilayer._core.types import Array, computing_type
from multilayer._data.source import Rows
from multilayer._engine.loop import Training
from multilayer._engine.xla.maker import XLA
from multilayer._nn.initializers import WEIGHT_INITIALIZERS
from multilayer._nn.model import Disturbance
from multilayer._nn.network import Layers, Network, initialize
from multilayer._sklearn.arguments.architecture import check_architecture
from multilayer._sklearn.arguments.constructors import ClassifierArguments
from multilayer._sklearn.arguments.resolved import Resolved
from multilayer._sklearn.arguments.solver_arguments import resolve_solver
from multilayer._sklearn.fit import assembly
from multilayer._sklearn.targets.class_outputs import classifier_numbers
from multilayer.estimator.design import Design
from multilayer.estimator.endless_source import ArraySource, EndlessSource, StreamSource
from multilayer.estimator.feature_reading import ABSENT, ArrayInput, Features, Input, n_rows
from multilayer.estimator.features import weights
from multilayer.estimator.optimizers import LEARNING_RATE

# The network of an estimator: vectors looked up for categories, then dense layers ----------------


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


# From an estimator's design and an input to a training run of the engine, new or resumed ---------


STREAM = "stream"  # the mark of an input that is an iterator


@dataclass(frozen=True)
class Place:
    """Which input training reads, and where in it: a later call continues there."""

    begun: int  # the global step of the input's first batch
    mark: object  # what distinguishes inputs, as JSON


def rows_of(design: Design, features: Features, labels: np.ndarray, dtype: str) -> Rows:
    """Return rows as the engine takes them, of NumPy."""
    X = design.columns.matrix(features, dtype)
    weight = weights(design.weight_column, features, n_rows(features), dtype)
    # A weighted batch is divided by its rows, as in TensorFlow: by its weights, rare heavy rows
    # would count for less than they weigh. The sum over a batch is not divided at all.
    counted = design.weight_column is not None and not design.follows_sum
    divisor = np.ones_like(weight) if counted else None
    return Rows(X, design.head.encode(labels), weight, divisor)


def make_source(
    design: Design, given: Input, start: int, seed: int, stored: object, dtype: str
) -> tuple[EndlessSource, Place]:
    """Return the batches from a global step on, and their place in the input.

    ``stored`` is the place in the last checkpoint. If it is in the same input, and before its end,
    reading continues there; otherwise it starts from the beginning.
    """
    if isinstance(given, ArrayInput):
        assert given.labels is not None  # checked by read_input
        rows = rows_of(design, given.features, given.labels, dtype)
        passes = given.passes(seed)
        mark = [passes.n_rows, passes.batch_size, passes.number, passes.shuffle]
        place = continued(stored, [*mark, zlib.crc32(rows.y.tobytes())], start)
        if passes.n_steps is not None and place.begun + passes.n_steps <= start:
            place = Place(start, place.mark)  # it had been read to its end
        # Each reading of an input has an order of its own.
        passes = given.passes(seed + (place.begun << 32))
        return ArraySource(rows, passes, place.begun, put=XLA.put), place
    place = continued(stored, STREAM, start)

    def batches() -> Iterator[Rows]:
        for features, labels in islice(given.batches, start - place.begun, None):
            assert labels is not None
            yield rows_of(design, features, labels, dtype)

    source = StreamSource(batches(), start, put=XLA.put)
    if source.end == place.begun:
        raise DataError("input_fn must return at least one batch, its iterator has none.")
    return source, place


def continued(stored: object, mark: object, start: int) -> Place:
    """Return the place of an input: as it is stored, or at its beginning."""
    match stored:
        case {"mark": before, "begun": int(begun)} if before == mark:
            return Place(begun, mark)
    return Place(start, mark)


def assemble(design: Design, source: EndlessSource, seed: int) -> Training:
    """Return a training run at its first step."""
    arguments = ClassifierArguments(
        design.hidden_units,
        alpha=0.0,
        learning_rate_init=LEARNING_RATE,
        dropout=design.dropout,
        n_iter_no_change=np.inf,
        **design.optimizer,
    )
    network, objective = network_of(design), design.head.objective()
    # Checked as a design already, by TensorFlow's rules: an epsilon of 0, for instance, is allowed.
    resolved = Resolved(arguments, check_architecture(arguments), resolve_solver(arguments))
    dtype = computing_type()
    config = assembly.configuration(
        resolved,
        network,
        objective,
        weighted=design.weight_column is not None,
        validate=False,
        dtype=dtype,
    )
    numbers = classifier_numbers(arguments, dtype)
    hyper = assembly.hyper_parameters(resolved, numbers, config, source, seed)
    params = first_parameters(design, network, seed, config.dtype)
    return Training(
        maker=XLA,
        config=config,
        hyper=hyper,
        source=source,
        schedule=lambda steps: np.full(len(steps), LEARNING_RATE),
        validation=None,
        state=XLA.initial_state(config, hyper, params),
    )
