"""A second maker of programs, in NumPy: linear regression by plain gradient descent.

Run as a script it trains without JAX: ``python numpy_maker.py FOLDER``.
"""

import sys
from pathlib import Path

import numpy as np

from multilayer._core.pytrees import leaves, map_leaves
from multilayer._data.order import shuffled
from multilayer._data.source import ResidentSource, Rows, StreamedSource, as_they_are
from multilayer._engine import lbfgs, loop
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.callbacks.stop_rules import EarlyStopping, KeepBest
from multilayer._engine.checkpointer import Checkpointer, Interval
from multilayer._engine.loop import StreamedValidation
from multilayer._engine.program import EpochEnd, Validation
from multilayer._engine.state import (
    CONVERGED,
    RUNNING,
    VALIDATION_LOSS,
    FitConfig,
    Hyper,
    first_state,
)
from multilayer._engine.stopping import close_epoch
from multilayer._nn.model import Disturbance
from multilayer._nn.network import Dense, Network
from multilayer._objectives.objective import LossNumbers, Objective, score, score_scale
from multilayer._persist.checkpoints import newest_checkpoint, prepare_folder, read_checkpoint

EPOCHS, RATE, BATCH = 6, 0.1, 20
ONE = np.float32(1)


def loss_and_gradient(params, rows):
    """Weighted half squared errors over the sum of their divisors, without a penalty."""
    (layer,) = params
    X = np.asarray(rows.X, np.float32)
    error = X @ layer.kernel + layer.bias - rows.y
    total = rows.divisors.sum()
    slope = error * rows.weight[:, None] / total
    loss = (0.5 * np.square(error).sum(axis=1) * rows.weight).sum() / total
    return loss, (Dense(X.T @ slope, slope.sum(axis=0)),)


def sums(params, rows):
    (layer,) = params
    squared = np.square(rows.X @ layer.kernel + layer.bias - rows.y) * rows.weight[:, None]
    return 0.5 * squared.sum(), squared.sum(axis=0)


class NumpyMaker:
    """Keeps the promises of `multilayer._engine.program` for one layer."""

    pads = True

    def put(self, rows):
        return as_they_are(rows)

    def initial_state(self, config, hyper, params):
        assert config.solver == "plain_sgd"
        return first_state(config, params, ())

    def training_program(self, config, epochs, args):
        return lambda args: run(config, epochs, args)

    def sums_program(self, config, hyper, params, rows):
        return lambda params, hyper, rows: sums(params, rows)

    def loss_program(self, config, hyper, params, rows):
        return lambda params, hyper, rows: loss_and_gradient(params, rows)

    def batch_gradient(self, config, hyper, params, window, step):
        return loss_and_gradient(params, batch(window.rows, window.order[step - window.first]))[1]


def batch(rows, line):
    """Rows of one step; places without a row are left out."""
    return rows.map(lambda part: part[line[line >= 0]])


def run(config, epochs, args):
    state, per_epoch = args.state, int(args.hyper.steps_per_epoch)
    before = state.step // per_epoch
    lines = np.full((epochs, len(EpochEnd._fields)), np.nan, config.dtype)
    while state.step < args.stop and state.status == RUNNING:
        k = state.step - args.first
        rows = batch(args.rows, args.order[k])
        loss, gradient = loss_and_gradient(state.params, rows)
        slopes = iter(leaves(gradient))
        rate, divisor = args.rates[k], rows.divisors.sum()
        state = state._replace(
            params=map_leaves(lambda leaf, s=slopes, r=rate: leaf - r * next(s), state.params),
            step=np.int32(state.step + 1),
            loss_sum=state.loss_sum + loss * divisor,
            weight_sum=state.weight_sum + divisor,
        )
        if state.step % per_epoch == 0:
            figures = epoch_end(config, args, state, rate)
            lines[state.step // per_epoch - 1 - before] = figures
            if not config.closed_outside:
                state = close_epoch(config, args.hyper, state, figures)
    return state, lines


def epoch_end(config, args, state, rate):
    loss = figure = np.float32(np.nan)
    if args.validation is not None:
        blocks, scale = args.validation
        parts = [
            sums(state.params, Rows(blocks.X[i], blocks.y[i], blocks.weight[i]))
            for i in range(len(blocks.y))
        ]
        loss = np.float32(sum(part for part, _ in parts) / blocks.weight.sum())
        figure = np.float32(score(config.objective, sum(part for _, part in parts), scale))
    return EpochEnd(np.float32(state.loss_sum / state.weight_sum), loss, figure, rate)


# A run ------------------------------------------------------------------------------------------


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(130, 3)).astype(np.float32)
    y = X @ np.float32([[1], [-2], [0.5]]) + 0.3
    weight = rng.integers(0, 3, 130).astype(np.float32)
    return X, y, weight


def hyper_parameters(source):
    nothing = np.zeros((), np.float32)
    return Hyper(
        solver={},
        learning_rate=np.float32(RATE),
        alpha=nothing,
        l1_ratio=nothing,
        disturbance=Disturbance(np.zeros(0, np.float32), nothing, nothing),
        loss=LossNumbers(nothing, ONE, np.zeros(0, np.float32), None),
        clip_norm=nothing,
        max_norm=nothing,
        ema_decay=nothing,
        layer_rates=np.zeros(0, np.float32),
        accumulate_steps=np.int32(1),
        input_scale=ONE,
        tol=np.float32(1e-4),
        n_iter_no_change=np.int32(10),
        steps_per_epoch=np.int32(source.steps_per_epoch),
        seed=np.uint32(0),
    )


def training(maker, *, streamed=False, validation=None, scorer=None, checkpointer=None, **changes):
    """A run of a maker on 100 rows; ``validation`` is None, "resident" or "streamed"."""
    X, y, weight = data()
    order = shuffled(100, 0)
    if streamed:
        source = StreamedSource(
            lambda rows: X[rows], y[:100], weight[:100], BATCH, order, put=maker.put
        )
    else:
        source = ResidentSource(X[:100], y[:100], weight[:100], BATCH, order, put=maker.put)
    config = FitConfig(
        network=Network((3, 1), ()),
        objective=Objective("squared_error", "identity", (1,)),
        solver="plain_sgd",
        weighted=True,
        validate=validation is not None,
        closed_outside=validation == "streamed" or scorer is not None,
        **changes,
    )
    parts = X[100:], y[100:], np.ones(30, np.float32)
    scale = score_scale(config.objective, *parts[1:]).astype(np.float32)
    judged = {
        None: None,
        "resident": Validation(
            Rows(*(part.reshape(2, 15, *part.shape[1:]) for part in parts)), scale
        ),
        "streamed": StreamedValidation(lambda rows: parts[0][rows], *parts[1:], scale, 16),
    }
    hyper = hyper_parameters(source)
    params = (Dense(np.zeros((3, 1), np.float32), np.zeros(1, np.float32)),)
    return loop.Training(
        maker=maker,
        config=config,
        hyper=hyper,
        source=source,
        schedule=lambda steps: np.full(len(steps), RATE),
        validation=judged[validation],
        state=maker.initial_state(config, hyper, params),
        scorer=scorer,
        checkpointer=checkpointer,
    )


def trained(maker, *, callbacks=(), budget=None, **more):
    made = training(maker, **more)
    stop = EPOCHS * made.source.steps_per_epoch
    if made.checkpointer is None:
        loop.train(made, stop, callbacks=callbacks, budget=budget)
        return made
    with made.checkpointer as checkpointer:
        checkpointer.restore(made)
        loop.train(made, stop, callbacks=callbacks, budget=budget)
    return made


def minimised(maker):
    made = training(maker)
    return lbfgs.minimise(
        maker, made.config, made.hyper, made.source, made.state.params, max_iter=50, max_fun=500
    )


# Without JAX ------------------------------------------------------------------------------------


class Interrupts(Callback):
    """Ends the process's run in mid-epoch, as Ctrl-C would."""

    def on_progress(self, progress):
        if progress.step >= 13:
            raise KeyboardInterrupt


def goes_on(maker, folder):
    """A run that is interrupted, and goes on from its checkpoint."""
    prepare_folder(folder)
    interval = Interval(steps=3, seconds=None)
    try:
        first = Checkpointer(folder, interval, 2, {}, None)
        trained(maker, checkpointer=first, validation="resident", callbacks=[Interrupts()])
    except KeyboardInterrupt:
        found = read_checkpoint(newest_checkpoint(folder))
        again = Checkpointer(folder, interval, 2, {}, found)
        return found.step, trained(maker, checkpointer=again, validation="resident")
    raise AssertionError("the first run was to be interrupted")


def main(folder):
    maker = NumpyMaker()
    whole = trained(maker, validation="resident")
    assert len(whole.history) == EPOCHS
    losses = whole.history["validation_loss"]
    assert losses[-1] < 0.02 * losses[0]
    step, resumed = goes_on(maker, Path(folder) / "run")
    assert step == 12
    for one, other in zip(leaves(whole.state), leaves(resumed.state), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(whole.history["loss"], resumed.history["loss"])
    early = trained(
        maker,
        validation="streamed",
        streamed=True,
        scorer=lambda network: float(-np.abs(network[0].bias - 0.3).sum()),
        callbacks=[EarlyStopping(patience=1, min_delta=0.05), KeepBest()],
    )
    assert early.stopped_by.reason == "early_stopping"
    assert len(early.history) < EPOCHS
    patient = training(maker, validation="resident", monitor=VALIDATION_LOSS)
    patient.hyper = patient.hyper._replace(tol=np.float32(9), n_iter_no_change=np.int32(1))
    loop.train(patient, 10**6)
    assert patient.status == CONVERGED
    assert minimised(maker).converged
    assert "jax" not in sys.modules
    assert "optax" not in sys.modules
    print("trained without JAX")


if __name__ == "__main__":
    main(sys.argv[1])
