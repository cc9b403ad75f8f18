"""From an estimator's arguments and checked data to a training run of the engine."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.environment import level_of_caller
from multilayer._data.order import shuffled, unshuffled
from multilayer._data.rows import compact
from multilayer._data.source import (
    ResidentSource,
    Rows,
    Source,
    StreamedSource,
    pad_rows,
    rows_bucket,
    rows_within,
)
from multilayer._engine import engines
from multilayer._engine.engines import Choice, Engine
from multilayer._engine.loop import Scorer, StreamedValidation, Training
from multilayer._engine.native.threads import follow_threadpoolctl
from multilayer._engine.program import Maker, Validation
from multilayer._engine.state import (
    LOSS,
    VALIDATION_LOSS,
    VALIDATION_SCORE,
    FitConfig,
    Hyper,
)
from multilayer._nn.model import Disturbance, Model, Parameters
from multilayer._nn.network import widest
from multilayer._objectives.objective import LossNumbers, Objective, score_scale
from multilayer._optim.schedules import Rates, make_rates
from multilayer._sklearn.arguments.constructors import NetworkArguments
from multilayer._sklearn.arguments.resolved import Resolved
from multilayer._sklearn.fit.samples import Samples, divisors, set_aside
from multilayer._sklearn.fit.scorer import network_scorer
from multilayer._sklearn.fit.start import NOTHING_SEEN, Start

if TYPE_CHECKING:
    from multilayer._engine.checkpointer import Checkpointer
    from multilayer._sklearn.base import BaseMLP
    from multilayer._sklearn.fit.checkpointing import CheckpointedFit

if not engines.native_problem():
    follow_threadpoolctl()  # now, not in the first fit: it limits what is loaded when it is called

VALIDATION_BLOCK = 1024  # most rows of a block of validation data
NEVER = 2**31 - 1  # epochs without gain that stand for infinity


def batch_size(arguments: NetworkArguments, n_rows: int) -> int:
    """Rows per batch: ``"auto"`` is scikit-learn's ``min(200, n_samples)``."""
    return min(200 if arguments.batch_size == "auto" else int(arguments.batch_size), n_rows)


@dataclass(frozen=True)
class Plan:
    """What is trained, from where, and by which loss: all of a fit but its rows."""

    resolved: Resolved
    start: Start
    objective: Objective
    numbers: LossNumbers
    config: FitConfig
    choice: Choice  # of the engine: it trains, and predicts
    given: Mapping[str, object] = field(default_factory=dict)  # the arguments, for callbacks


def prepare(
    estimator: "BaseMLP",
    resolved: Resolved,
    start: Start,
    objective: Objective,
    samples: Samples,
    validation: Samples | None,
    checkpointed: "CheckpointedFit | None" = None,
    *,
    one_epoch: bool = False,
) -> tuple[Plan, Training]:
    """Return a plan and a training run over checked samples.

    Samples are set aside where early stopping needs them and there are no validation data, not for
    one epoch (partial_fit); rows are weighted by their classes and by `weight_normalization`.
    """
    full_batch = resolved.solver.full_batch
    if estimator.early_stopping and validation is None and not one_epoch and not full_batch:
        fraction, strata = estimator.validation_fraction, estimator._strata(samples)
        samples, validation = set_aside(samples, fraction, seed=start.seed, strata=strata)
    given = samples.weight
    samples, validation, class_weights = estimator._weighed(samples, validation)
    if not full_batch:
        seen = (start.seen if one_epoch else NOTHING_SEEN).after(given, samples.weight)
        start = replace(start, seen=seen)
        by_class, rule = class_weights is not None, estimator.weight_normalization
        divisor = divisors(rule, given, seen, by_class=by_class)
        samples = replace(samples, divisor=divisor)
    scored = validation is not None and estimator.scoring not in (None, "loss")
    plan = planned(
        resolved,
        start,
        objective,
        estimator._loss_numbers(samples.dtype, class_weights),
        samples,
        validation,
        scored=scored,
        one_epoch=one_epoch,
        given=estimator.get_params(deep=False),
    )
    scorer = None
    if validation is not None and scored:
        scorer = network_scorer(estimator, plan, validation)
    make = None if checkpointed is None else checkpointed.checkpointer
    return plan, assemble(plan, samples, validation, scorer, make, one_epoch=one_epoch)


def planned(
    resolved: Resolved,
    start: Start,
    objective: Objective,
    numbers: LossNumbers,
    samples: Samples,
    validation: Samples | None,
    *,
    scored: bool = False,
    one_epoch: bool = False,
    given: Mapping[str, object] = MappingProxyType({}),
) -> Plan:
    """Return the plan of a fit, the engine that computes it included; no data are read.

    ``scored`` says that Python computes a score of the validation data.
    """
    config = configuration(
        resolved,
        start.in_training,
        objective,
        weighted=one_epoch or bool((samples.divisors == 0).any()),
        validate=validation is not None,
        closed_outside=scored,
        dtype=samples.dtype,
    )
    choice = engines.choose(resolved.arguments.device, config)
    if validation is not None and is_streamed(validation, config, choice.engine):
        config = replace(config, closed_outside=True)
    if start.continuation is not None and start.engine != choice.engine:
        warn_of_change(start.engine, choice.engine)
    return Plan(resolved, start, objective, numbers, config, choice, given)


def is_streamed(samples: Samples, config: FitConfig, engine: str) -> bool:
    """Whether an engine gets chunks of rows, made dense in turn."""
    reads = samples.sparse and engines.reads_sparse(engine, config.network)
    return samples.streamed and not reads


def warn_of_change(before: str, now: str) -> None:
    """Warn that one engine continues what another has begun."""
    warnings.warn(
        f"The network was trained by the engine {before!r} and continues by {now!r}: results "
        "differ from those of one engine in rounding and in the random numbers of dropout and "
        "noise.",
        stacklevel=level_of_caller(),
    )


def assemble(
    plan: Plan,
    samples: Samples,
    validation: Samples | None,
    scorer: Scorer | None = None,
    checkpointer: "Callable[[int, Engine], Checkpointer] | None" = None,
    *,
    one_epoch: bool = False,
) -> Training:
    """Return a training run at its first step, where it was left, or at its checkpoint.

    ``one_epoch`` is for samples that one epoch is trained on, among others of any number: a
    schedule then spans max_iter such epochs from the first, otherwise those done and max_iter more.
    ``checkpointer`` makes what writes and restores checkpoints, given the steps of an epoch and
    the engine.
    """
    arguments, start, config = plan.resolved.arguments, plan.start, plan.config
    engine = engines.load(plan.choice.engine)
    maker = engine.maker
    streamed = is_streamed(samples, config, engine.name)
    seed, dtype = start.seed, config.dtype
    source = training_source(
        arguments, samples, seed, dtype, maker, once=one_epoch, streamed=streamed
    )
    hyper = hyper_parameters(plan.resolved, plan.numbers, config, source, start.seed)
    state, done = maker.initial_state(config, hyper, start.params), len(start.history)
    if start.continuation is not None:
        state = start.continuation.onto(state, done * source.steps_per_epoch)
    judged = None
    if validation is not None:
        streamed = is_streamed(validation, config, engine.name)
        judged = validation_of(config, validation, start.params, maker.put, streamed=streamed)
    training = Training(
        maker=maker,
        config=config,
        hyper=hyper,
        source=source,
        schedule=schedule(plan.resolved, source, arguments.max_iter + (0 if one_epoch else done)),
        validation=judged,
        state=state,
        scorer=scorer,
        arguments=plan.given,
        begun=done,
        reported=done,
        checkpointer=None if checkpointer is None else checkpointer(source.steps_per_epoch, engine),
        history=start.history.continued(),
    )
    if training.checkpointer is not None:
        training.checkpointer.restore(training)
    return training


def configuration(
    resolved: Resolved,
    network: Model,
    objective: Objective,
    *,
    weighted: bool,
    validate: bool,
    closed_outside: bool = False,
    dtype: str,
) -> FitConfig:
    """Return the static part of a fit."""
    arguments, solver = resolved.arguments, resolved.solver
    monitor = LOSS  # what the stopping rule watches
    if arguments.early_stopping and validate:
        by_loss = isinstance(arguments.scoring, str) and arguments.scoring == "loss"
        monitor = VALIDATION_LOSS if by_loss else VALIDATION_SCORE
    return FitConfig(
        network=network,
        objective=objective,
        solver=solver.rule,
        solver_options=solver.options,
        nesterov=solver.nesterov,
        adaptive=solver.schedule.divides_on_plateau,
        penalty=arguments.alpha > 0 and not solver.full_batch,
        l1=arguments.l1_ratio > 0 and arguments.alpha > 0,
        clipped=arguments.clip_norm is not None,
        max_norm=arguments.max_norm is not None,
        averaged=arguments.ema_decay is not None,
        accumulated=arguments.accumulate_steps > 1,
        layerwise=arguments.layer_learning_rates is not None,
        scaled=arguments.input_scale is not None,
        weighted=weighted,
        validate=validate,
        monitor=monitor,
        closed_outside=closed_outside,
        factored=hasattr(network, "factors"),
        dtype=dtype,
    )


def hyper_parameters(
    resolved: Resolved, numbers: LossNumbers, config: FitConfig, source: Source, seed: int
) -> Hyper:
    """Return the traced part of a fit."""
    arguments = resolved.arguments
    real = np.dtype(config.dtype).type
    patience = min(arguments.n_iter_no_change, NEVER)
    rates = arguments.layer_learning_rates  # none where all layers learn alike
    return Hyper(
        solver={name: real(value) for name, value in resolved.solver.numbers.items()},
        learning_rate=real(arguments.learning_rate_init),
        alpha=real(arguments.alpha),
        l1_ratio=real(arguments.l1_ratio),
        disturbance=Disturbance(
            dropout=np.array(resolved.architecture.dropout, config.dtype),
            input_dropout=real(arguments.input_dropout),
            input_noise=real(arguments.input_noise),
        ),
        loss=numbers,
        clip_norm=real(arguments.clip_norm or 0),
        max_norm=real(arguments.max_norm or 0),
        ema_decay=real(arguments.ema_decay or 0),
        layer_rates=np.array(() if rates is None else rates, config.dtype),
        accumulate_steps=np.int32(arguments.accumulate_steps),
        input_scale=real(1.0 if arguments.input_scale is None else arguments.input_scale),
        tol=real(arguments.tol),
        n_iter_no_change=np.int32(patience),
        steps_per_epoch=np.int32(source.steps_per_epoch),
        seed=np.uint32(seed),
    )


def schedule(resolved: Resolved, source: Source, epochs: int) -> Rates:
    """Return the learning rates of a fit; ``epochs`` is what they span."""
    return make_rates(
        resolved.solver.schedule,
        resolved.solver.schedule_numbers,
        base_rate=float(resolved.arguments.learning_rate_init),
        total_steps=epochs * source.steps_per_epoch,
        steps_per_epoch=source.steps_per_epoch,
        n_rows=source.n_rows,
    )


def training_source(
    arguments: NetworkArguments,
    samples: Samples,
    seed: int,
    dtype: str,
    maker: Maker,
    *,
    once: bool = False,
    streamed: bool = False,
) -> Source:
    """Return the batches of a fit: whole where the maker's programs read them; or streamed."""
    n = len(samples)
    # Asked for, not what is there: chunks of all sizes share a program.
    size = batch_size(arguments, NEVER if once else n)
    # A batch of all rows is the same one in any order.
    order = shuffled(n, seed) if arguments.shuffle and size < n else unshuffled(n)
    if streamed:
        take, targets = samples.taker(dtype), samples.y
        weight, divisor = samples.weight, samples.divisor
        put = maker.put
        return StreamedSource(take, targets, weight, size, order, divisor, once=once, put=put)
    X = samples.csr_rows(dtype) if samples.sparse else compact(samples.X, dtype)
    divisor = samples.divisor
    parts = X, samples.y, samples.weight, size, order, divisor
    return ResidentSource(*parts, once=once, pad=maker.pads, put=maker.put)


def validation_of(
    config: FitConfig,
    samples: Samples,
    params: Parameters,
    put: Callable[[Rows], Rows],
    *,
    streamed: bool = False,
) -> Validation | StreamedValidation:
    """Validation rows on the device, in padded blocks ``(blocks, rows, ...)``; or streamed.

    Sparse rows that are not streamed are one block.
    """
    scale = score_scale(config.objective, samples.y, samples.weight).astype(config.dtype)
    if samples.sparse and not streamed:
        X = samples.csr_rows(config.dtype)
        return Validation(put(Rows(X, samples.y[np.newaxis], samples.weight[np.newaxis])), scale)
    n, take = len(samples), samples.taker(config.dtype)
    width = max(samples.X.shape[1], widest(params))
    most = rows_within(width, np.dtype(config.dtype).itemsize)
    # A power of two, so that rows of nearly the same number share a program.
    block = min(rows_bucket(n), VALIDATION_BLOCK, 1 << (most.bit_length() - 1))
    if streamed:
        return StreamedValidation(take, samples.y, samples.weight, scale, block)
    n_blocks = -(-n // block)
    parts = take(slice(0, n)), samples.y, samples.weight
    padded = (pad_rows(part, n_blocks * block) for part in parts)
    blocks = (part.reshape(n_blocks, block, *part.shape[1:]) for part in padded)
    return Validation(put(Rows(*blocks)), scale)
