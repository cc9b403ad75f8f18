"""From an estimator's arguments and checked data to a training run of the engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from multilayer._data.buckets import rows_bucket, rows_within
from multilayer._data.order import shuffled, unshuffled
from multilayer._data.rows import compact
from multilayer._data.source import ResidentSource, Rows, Source, StreamedSource, pad_rows
from multilayer._engine.config import (
    LOSS,
    VALIDATION_LOSS,
    VALIDATION_SCORE,
    FitConfig,
    Hyper,
)
from multilayer._engine.loop import Scorer, Training
from multilayer._engine.program import Validation
from multilayer._engine.validation import StreamedValidation
from multilayer._engine.xla.maker import XLA
from multilayer._engine.xla.predict import widest
from multilayer._nn.model import Disturbance, Model, Parameters
from multilayer._objectives.objective import LossNumbers, Objective
from multilayer._objectives.scores import score_scale
from multilayer._optim.schedules import Rates, make_rates
from multilayer._sklearn.arguments import solver_arguments
from multilayer._sklearn.arguments.architecture import dropout_rates, hidden_sizes
from multilayer._sklearn.arguments.constructors import NetworkArguments
from multilayer._sklearn.fit.samples import Samples

VALIDATION_BLOCK = 1024  # most rows of a block of validation data
NEVER = 2**31 - 1  # epochs without gain that stand for infinity


def batch_size(estimator: NetworkArguments, n_rows: int) -> int:
    """Rows per batch: ``"auto"`` is scikit-learn's ``min(200, n_samples)``."""
    return min(200 if estimator.batch_size == "auto" else int(estimator.batch_size), n_rows)


@dataclass(frozen=True)
class Plan:
    """What a fit is made of besides data: arguments, and what the estimator made of them."""

    arguments: NetworkArguments
    network: Model
    objective: Objective
    numbers: LossNumbers
    seed: int


def assemble(
    plan: Plan,
    samples: Samples,
    validation: Samples | None,
    params: Any,
    epochs: int,
    scorer: Scorer | None = None,
    *,
    one_epoch: bool = False,
) -> Training:
    """Return a training run at its first step; ``epochs`` is what the schedule spans.

    ``one_epoch`` is for samples that one epoch is trained on, among others of any number.
    """
    config = configuration(
        plan.arguments,
        plan.network,
        plan.objective,
        weighted=one_epoch or bool((samples.divisors == 0).any()),
        validate=validation is not None,
        closed_outside=scorer is not None or (validation is not None and validation.streamed),
    )
    source = training_source(plan.arguments, samples, plan.seed, config.dtype, once=one_epoch)
    hyper = hyper_parameters(plan, config, source)
    return Training(
        maker=XLA,
        config=config,
        hyper=hyper,
        source=source,
        schedule=schedule(plan.arguments, source, epochs),
        validation=None if validation is None else validation_of(config, validation, params),
        state=XLA.initial_state(config, hyper, params),
        scorer=scorer,
    )


def configuration(
    arguments: NetworkArguments,
    network: Model,
    objective: Objective,
    *,
    weighted: bool,
    validate: bool,
    closed_outside: bool = False,
) -> FitConfig:
    """Return the static part of a fit."""
    solver = solver_arguments.engine_solver(arguments)
    full_batch = solver_arguments.is_full_batch(arguments)
    return FitConfig(
        network=network,
        objective=objective,
        solver=solver,
        solver_options=solver_arguments.solver_options(arguments),
        nesterov=solver_arguments.looks_ahead(arguments),
        adaptive=solver_arguments.schedule_in_force(arguments).divides_on_plateau,
        penalty=arguments.alpha > 0 and not full_batch,
        l1=arguments.l1_ratio > 0 and arguments.alpha > 0,
        clipped=arguments.clip_norm is not None,
        max_norm=arguments.max_norm is not None,
        averaged=arguments.ema_decay is not None,
        accumulated=arguments.accumulate_steps > 1,
        layerwise=arguments.layer_learning_rates is not None,
        scaled=arguments.input_scale is not None,
        weighted=weighted,
        validate=validate,
        monitor=monitor(arguments, validate=validate),
        closed_outside=closed_outside,
        dtype=computing_type(),
    )


def monitor(arguments: NetworkArguments, *, validate: bool) -> str:
    """Return what the stopping rule watches."""
    if not (arguments.early_stopping and validate):
        return LOSS
    by_loss = isinstance(arguments.scoring, str) and arguments.scoring == "loss"
    return VALIDATION_LOSS if by_loss else VALIDATION_SCORE


def computing_type() -> str:
    """Everything is computed in float32, or in float64 under jax_enable_x64."""
    return str(jax.dtypes.canonicalize_dtype(np.float64))


def hyper_parameters(plan: Plan, config: FitConfig, source: Source) -> Hyper:
    """Return the traced part of a fit."""
    arguments = plan.arguments
    real = np.dtype(config.dtype).type
    solver = solver_arguments.solver_numbers(arguments)
    patience = min(arguments.n_iter_no_change, NEVER)
    rates = dropout_rates(arguments.dropout, len(hidden_sizes(arguments.hidden_layer_sizes)))
    return Hyper(
        solver={name: real(value) for name, value in solver.items()},
        learning_rate=real(arguments.learning_rate_init),
        alpha=real(arguments.alpha),
        l1_ratio=real(arguments.l1_ratio),
        disturbance=Disturbance(
            dropout=np.array(rates, config.dtype),
            input_dropout=real(arguments.input_dropout),
            input_noise=real(arguments.input_noise),
        ),
        loss=plan.numbers,
        clip_norm=real(arguments.clip_norm or 0),
        max_norm=real(arguments.max_norm or 0),
        ema_decay=real(arguments.ema_decay or 0),
        layer_rates=np.array(layer_rates(arguments), config.dtype),
        accumulate_steps=np.int32(arguments.accumulate_steps),
        input_scale=real(1.0 if arguments.input_scale is None else arguments.input_scale),
        tol=real(arguments.tol),
        n_iter_no_change=np.int32(patience),
        steps_per_epoch=np.int32(source.steps_per_epoch),
        seed=np.uint32(plan.seed),
    )


def layer_rates(arguments: NetworkArguments) -> Sequence[float]:
    """Return the factors of the layers' learning rates, none where all layers learn alike."""
    return () if arguments.layer_learning_rates is None else arguments.layer_learning_rates


def schedule(estimator: NetworkArguments, source: Source, epochs: int) -> Rates:
    """Return the learning rates of a fit; ``epochs`` is what they span."""
    return make_rates(
        solver_arguments.schedule_in_force(estimator),
        solver_arguments.schedule_numbers(estimator),
        base_rate=float(estimator.learning_rate_init),
        total_steps=epochs * source.steps_per_epoch,
        steps_per_epoch=source.steps_per_epoch,
        n_rows=source.n_rows,
    )


def training_source(
    estimator: NetworkArguments, samples: Samples, seed: int, dtype: str, *, once: bool = False
) -> Source:
    """Return the batches of a fit: whole on the device, or streamed."""
    n = len(samples)
    order = shuffled(n, seed) if estimator.shuffle else unshuffled(n)
    # Asked for, not what is there: chunks of all sizes share a program.
    size = batch_size(estimator, NEVER if once else n)
    if samples.streamed:
        take, targets = samples.taker(dtype), samples.y
        weight, divisor = samples.weight, samples.divisor
        return StreamedSource(take, targets, weight, size, order, divisor, once=once, put=XLA.put)
    X, divisor = compact(samples.X, dtype), samples.divisor
    parts = X, samples.y, samples.weight, size, order, divisor
    return ResidentSource(*parts, once=once, put=XLA.put)


def validation_of(
    config: FitConfig, samples: Samples, params: Parameters
) -> Validation | StreamedValidation:
    """Validation rows on the device, in padded blocks ``(blocks, rows, ...)``; or streamed."""
    n, take = len(samples), samples.taker(config.dtype)
    width = max(samples.X.shape[1], widest(params))
    most = rows_within(width, np.dtype(config.dtype).itemsize)
    # A power of two, so that rows of nearly the same number share a program.
    block = min(rows_bucket(n), VALIDATION_BLOCK, 1 << (most.bit_length() - 1))
    scale = score_scale(config.objective, samples.y, samples.weight).astype(config.dtype)
    if samples.streamed:
        return StreamedValidation(take, samples.y, samples.weight, scale, block)
    n_blocks = -(-n // block)
    parts = take(slice(0, n)), samples.y, samples.weight
    padded = (pad_rows(part, n_blocks * block) for part in parts)
    blocks = (jax.device_put(p.reshape(n_blocks, block, *p.shape[1:])) for p in padded)
    return Validation(Rows(*blocks), scale)
