"""From an estimator's arguments and checked data to a training run of the engine."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from multilayer._core.errors import DataError
from multilayer._data.buckets import rows_bucket
from multilayer._data.order import shuffled, unshuffled
from multilayer._data.rows import Matrix, compact, row_taker
from multilayer._data.source import ResidentSource, Rows, Source, StreamedSource, pad_rows
from multilayer._engine.config import FitConfig, Hyper
from multilayer._engine.loop import Training
from multilayer._engine.state import initial_state
from multilayer._optim.schedules import Schedule, make_schedule
from multilayer.estimators import parameters
from multilayer.estimators.arguments import NetworkArguments
from multilayer.nn.network import Network

VALIDATION_BLOCK = 1024  # rows of a block of validation data


@dataclass
class Samples:
    """Checked rows: inputs, encoded targets, weights."""

    X: Matrix
    y: np.ndarray  # (n,) int32 class numbers, or (n, outputs) 0/1
    weight: np.ndarray  # (n,)
    streamed: bool = False

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.y)

    def pick(self, rows: np.ndarray) -> "Samples":
        """Return some of the rows."""
        return Samples(self.X[rows], self.y[rows], self.weight[rows], self.streamed)


def batch_size(estimator: NetworkArguments, n_rows: int) -> int:
    """Rows per batch: ``"auto"`` is scikit-learn's ``min(200, n_samples)``."""
    return min(200 if estimator.batch_size == "auto" else int(estimator.batch_size), n_rows)


@dataclass(frozen=True)
class Plan:
    """What a fit is made of besides data: arguments, and what the estimator made of them."""

    arguments: NetworkArguments
    layer_sizes: tuple[int, ...]
    loss: str
    seed: int


def assemble(
    plan: Plan, samples: Samples, validation: Samples | None, params: Any, epochs: int
) -> Training:
    """Return a training run at its first step; ``epochs`` is what the schedule spans."""
    config = configuration(
        plan.arguments,
        plan.layer_sizes,
        plan.loss,
        weighted=bool((samples.weight == 0).any()),
        validate=validation is not None,
    )
    source = training_source(plan.arguments, samples, plan.seed, config.dtype)
    hyper = hyper_parameters(plan.arguments, config, source, plan.seed)
    return Training(
        config=config,
        hyper=hyper,
        source=source,
        schedule=schedule(plan.arguments, source, epochs),
        validation=None if validation is None else validation_blocks(validation, config.dtype),
        state=initial_state(config, hyper, params),
    )


def configuration(
    estimator: NetworkArguments,
    layer_sizes: tuple[int, ...],
    loss: str,
    *,
    weighted: bool,
    validate: bool,
) -> FitConfig:
    """Return the static part of a fit."""
    solver = estimator.solver
    # "lbfgs" updates nothing in the program; sgd without momentum has no velocity to keep.
    plain = solver == "lbfgs" or (solver == "sgd" and estimator.momentum == 0)
    rates = parameters.dropout_rates(estimator.dropout, len(layer_sizes) - 2)
    return FitConfig(
        network=Network(layer_sizes, estimator.activation, dropout=any(rates)),
        loss=loss,
        solver="plain_sgd" if plain else solver,
        nesterov=bool(estimator.nesterovs_momentum) and solver == "sgd" and not plain,
        adaptive=parameters.schedule_name(estimator) == "adaptive",
        penalty=estimator.alpha > 0 and solver != "lbfgs",
        scaled=estimator.input_scale is not None,
        weighted=weighted,
        validate=validate,
        monitor_score=bool(estimator.early_stopping) and validate,
        dtype=computing_type(),
    )


def computing_type() -> str:
    """Everything is computed in float32, or in float64 where JAX was told to (jax_enable_x64)."""
    return str(jax.dtypes.canonicalize_dtype(np.float64))


def hyper_parameters(
    estimator: NetworkArguments, config: FitConfig, source: Source, seed: int
) -> Hyper:
    """Return the traced part of a fit."""
    real = np.dtype(config.dtype).type
    solver = parameters.solver_numbers(estimator) if estimator.solver != "lbfgs" else {}
    patience = min(estimator.n_iter_no_change, parameters.NEVER)
    n_hidden = len(config.network.layer_sizes) - 2
    return Hyper(
        solver={name: real(value) for name, value in solver.items()},
        learning_rate=real(estimator.learning_rate_init),
        alpha=real(estimator.alpha),
        dropout=np.array(parameters.dropout_rates(estimator.dropout, n_hidden), config.dtype),
        label_smoothing=real(estimator.label_smoothing),
        input_scale=real(1.0 if estimator.input_scale is None else estimator.input_scale),
        tol=real(estimator.tol),
        n_iter_no_change=np.int32(parameters.NEVER if patience == math.inf else patience),
        steps_per_epoch=np.int32(source.steps_per_epoch),
        seed=np.uint32(seed),
    )


def schedule(estimator: NetworkArguments, source: Source, epochs: int) -> Schedule:
    """Return the learning rates of a fit; ``epochs`` is what they span."""
    return make_schedule(
        parameters.schedule_name(estimator),
        parameters.schedule_numbers(estimator),
        base_rate=float(estimator.learning_rate_init),
        total_steps=epochs * source.steps_per_epoch,
        steps_per_epoch=source.steps_per_epoch,
        n_rows=source.n_rows,
    )


def training_source(estimator: NetworkArguments, samples: Samples, seed: int, dtype: str) -> Source:
    """Return the batches of a fit: whole on the device, or streamed."""
    n = len(samples)
    order = shuffled(n, seed) if estimator.shuffle else unshuffled(n)
    size = batch_size(estimator, n)
    if samples.streamed:
        take = row_taker(samples.X, dtype)
        return StreamedSource(take, samples.y, samples.weight, size, order)
    return ResidentSource(compact(samples.X, dtype), samples.y, samples.weight, size, order)


def validation_blocks(samples: Samples, dtype: str) -> Rows:
    """Validation rows on the device, in padded blocks ``(blocks, rows, ...)``."""
    n = len(samples)
    block = min(rows_bucket(n), VALIDATION_BLOCK)
    n_blocks = -(-n // block)
    X = row_taker(samples.X, dtype)(slice(0, n))
    parts = (pad_rows(part, n_blocks * block) for part in (X, samples.y, samples.weight))
    return Rows(*(jax.device_put(p.reshape(n_blocks, block, *p.shape[1:])) for p in parts))


def require_validation(samples: Samples) -> None:
    """Refuse a validation set that says nothing."""
    if len(samples) < 2:
        raise DataError(
            f"The validation set is too small ({len(samples)} sample). Increase "
            "'validation_fraction' or the size of your dataset, or give X_val and y_val."
        )
