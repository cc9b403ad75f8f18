"""From an estimator's design and an input to a training run of the engine."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.errors import DataError
from multilayer._core.pytrees import Tree, map_leaves
from multilayer._core.types import computing_type
from multilayer._data.source import Put, Rows
from multilayer._engine import engines
from multilayer._engine.engines import Choice, Engine
from multilayer._engine.loop import Training
from multilayer._engine.state import FitConfig, TrainState, first_state
from multilayer._nn.model import Model
from multilayer._objectives.objective import LossNumbers
from multilayer._sklearn.arguments.architecture import check_architecture
from multilayer._sklearn.arguments.constructors import ClassifierArguments
from multilayer._sklearn.arguments.resolved import Resolved
from multilayer._sklearn.arguments.solver_arguments import is_ready, resolve_solver
from multilayer._sklearn.fit import assembly
from multilayer._sklearn.targets.class_outputs import classifier_numbers
from multilayer.estimator.design import Design
from multilayer.estimator.endless_source import ArraySource, EndlessSource, StreamSource
from multilayer.estimator.feature_reading import ArrayInput, Features, Input, n_rows
from multilayer.estimator.features import weights
from multilayer.estimator.learnt import (
    Parameters,
    dense_network,
    first_parameters,
    with_embeddings,
    without_embeddings,
)
from multilayer.estimator.optimizers import LEARNING_RATE

if TYPE_CHECKING:
    from multilayer._engine.xla.recognition import KnownRule  # starts JAX

# What is trained, and by which engine -------------------------------------------------------------


def network_of(design: Design, engine: str) -> Model:
    """Return the network of an estimator in training, as an engine takes it."""
    if engine == engines.NATIVE:
        return dense_network(design)
    # Late: it starts JAX.
    from multilayer.estimator.canned_network import CannedNetwork

    return CannedNetwork(dense_network(design), design.columns.n_plain, design.follows_sum)


@dataclass(frozen=True)
class Setup:
    """All of a run but its rows: what is trained, by which rule, and what computes it."""

    design: Design
    resolved: Resolved
    numbers: LossNumbers
    config: FitConfig
    choice: Choice
    seed: int
    optimizer: "NativeOptimizer | None" = None  # of Optax, where the native engine has it

    @property
    def engine(self) -> Engine:
        """What computes."""
        return engines.load(self.choice.engine)

    @property
    def is_native(self) -> bool:
        """Whether the native engine trains."""
        return self.choice.engine == engines.NATIVE

    def first_parameters(self) -> Tree:
        """Draw the first parameters, as the engine takes them."""
        drawn = first_parameters(self.design, self.seed, self.config.dtype)
        return drawn.layers if self.is_native else drawn

    def nested(self, state: TrainState) -> tuple[Parameters, Tree]:
        """Return the parameters and the optimizer's state by their names in checkpoints."""
        if not self.is_native:
            return state.params, state.opt_state
        like = None if self.optimizer is None else self.optimizer.state
        return with_embeddings(str(self.config.solver), state, like)

    def with_parameters(self, state: TrainState, params: Parameters, opt_state: Tree) -> TrainState:
        """Return a state with what :meth:`nested` gave of another."""
        if not self.is_native:
            return state._replace(params=params, opt_state=opt_state, best_params=params)
        return without_embeddings(str(self.config.solver), state, params, opt_state)


def set_up(design: Design, seed: int) -> Setup:
    """Check what the engine requires of a design, and choose the engine."""
    arguments = ClassifierArguments(
        design.hidden_units,
        alpha=0.0,
        learning_rate_init=LEARNING_RATE,
        dropout=design.dropout,
        n_iter_no_change=np.inf,
        **design.optimizer,
    )
    # Checked as a design already, by TensorFlow's rules: an epsilon of 0, for instance, is allowed.
    resolved = Resolved(arguments, check_architecture(arguments), resolve_solver(arguments))
    config = assembly.configuration(
        resolved,
        dense_network(design),
        design.head.objective(),
        weighted=design.weight_column is not None,
        validate=False,
        dtype=computing_type(),
    )
    optimizer = native_optimizer(design, config)
    if optimizer is not None:
        known = optimizer.known.rule
        config = replace(config, solver=known.name, nesterov=known.nesterov)
    choice = engine_for(design, config)
    if choice.engine != engines.NATIVE and optimizer is not None:
        config, optimizer = replace(config, solver=resolved.solver.rule, nesterov=False), None
    config = replace(config, network=network_of(design, choice.engine))
    numbers = classifier_numbers(arguments, config.dtype)
    return Setup(design, resolved, numbers, config, choice, seed, optimizer)


@dataclass(frozen=True)
class NativeOptimizer:
    """An optimizer of Optax whose rule the native engine has."""

    known: "KnownRule"
    state: Tree  # before the first step, of all that an estimator learns


def native_optimizer(design: Design, config: FitConfig) -> NativeOptimizer | None:
    """Return an optimizer of Optax as the native engine has it; None where it has not."""
    if isinstance(config.solver, str):
        return None
    # Late: it starts JAX, which an optimizer of Optax has started.
    from multilayer._engine.xla.recognition import recognised_rule

    given = config.solver
    optimizer = given if is_ready(given) else given(learning_rate=LEARNING_RATE)
    if not is_ready(optimizer):
        return None
    params = first_parameters(design, 0, config.dtype)  # for their shapes
    state = map_leaves(np.asarray, optimizer.init(params))
    known = recognised_rule(optimizer, params, state)
    return None if known is None else NativeOptimizer(known, state)


def engine_for(design: Design, config: FitConfig) -> Choice:
    """Return the engine of a run; ``config`` has the dense layers alone."""
    if design.columns.embedded:
        return Choice(engines.XLA, "there are columns with embeddings")
    if design.follows_sum:
        return Choice(engines.XLA, "loss_reduction is 'sum'")
    return engines.choose("auto", config)


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
    factor = design.gradient_factor
    counted = design.weight_column is not None or factor != 1
    divisor = np.ones_like(weight) if counted and not design.follows_sum else None
    # The gradient of a multiple of a loss is that of rows which weigh so much more.
    weight = weight if factor == 1 else weight * weight.dtype.type(factor)
    return Rows(X, design.head.encode(labels), weight, divisor)


def make_source(
    setup: Setup, given: Input, start: int, stored: object
) -> tuple[EndlessSource, Place]:
    """Return the batches from a global step on, and their place in the input.

    ``stored`` is the place in the last checkpoint. If it is in the same input, and before its end,
    reading continues there; otherwise it starts from the beginning.
    """
    design, seed, dtype = setup.design, setup.seed, setup.config.dtype
    put: Put = setup.engine.maker.put
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
        return ArraySource(rows, passes, place.begun, put=put), place
    place = continued(stored, STREAM, start)

    def batches() -> Iterator[Rows]:
        for features, labels in islice(given.batches, start - place.begun, None):
            assert labels is not None
            yield rows_of(design, features, labels, dtype)

    source = StreamSource(batches(), start, put=put)
    if source.end == place.begun:
        raise DataError("input_fn must return at least one batch, its iterator has none.")
    return source, place


def continued(stored: object, mark: object, start: int) -> Place:
    """Return the place of an input: as it is stored, or at its beginning."""
    match stored:
        case {"mark": before, "begun": int(begun)} if before == mark:
            return Place(begun, mark)
    return Place(start, mark)


def assemble(setup: Setup, source: EndlessSource) -> Training:
    """Return a training run at its first step."""
    config, maker = setup.config, setup.engine.maker
    resolved, numbers, real = setup.resolved, setup.numbers, np.dtype(setup.config.dtype).type
    hyper = assembly.hyper_parameters(resolved, numbers, config, source, setup.seed)
    rate, optimizer, params = LEARNING_RATE, setup.optimizer, setup.first_parameters()
    if optimizer is not None:
        rate = optimizer.known.rate
        known = {name: real(value) for name, value in optimizer.known.numbers.items()}
        hyper = hyper._replace(solver=known)
        state = first_state(config, params, None)
        state = setup.with_parameters(state, Parameters((), params), optimizer.state)
    else:
        state = maker.initial_state(config, hyper, params)
    return Training(
        maker=maker,
        config=config,
        hyper=hyper,
        source=source,
        schedule=lambda steps: np.full(len(steps), rate),
        validation=None,
        state=state,
    )
