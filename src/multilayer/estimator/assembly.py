"""From an estimator's design and an input to a training run of the engine, new or resumed."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from multilayer._core.errors import DataError
from multilayer._core.types import computing_type
from multilayer._data.source import Rows
from multilayer._engine.loop import Training
from multilayer._engine.xla.maker import XLA
from multilayer._sklearn.arguments.architecture import check_architecture
from multilayer._sklearn.arguments.checks import Resolved
from multilayer._sklearn.arguments.constructors import ClassifierArguments
from multilayer._sklearn.arguments.solver_arguments import resolve_solver
from multilayer._sklearn.fit import assembly
from multilayer._sklearn.targets.loss_numbers import classifier_numbers
from multilayer.estimator.design import Design
from multilayer.estimator.features import weights
from multilayer.estimator.network import first_parameters, network_of
from multilayer.estimator.optimizers import LEARNING_RATE
from multilayer.estimator.reading import ArrayInput, Features, Input, n_rows
from multilayer.estimator.source import ArraySource, EndlessSource, StreamSource

STREAM = "stream"  # the mark of an input that is an iterator


@dataclass(frozen=True)
class Place:
    """Where in which input training is: with this a later call goes on there."""

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

    ``stored`` is the place that the last checkpoint holds. If it is in the same input, and that
    has not come to its end, reading goes on there; otherwise it begins anew.
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
