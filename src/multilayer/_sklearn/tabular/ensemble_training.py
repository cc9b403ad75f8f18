"""From encoded rows to a trained ensemble."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np

from multilayer._core.errors import DivergenceError
from multilayer._core.pytrees import map_leaves
from multilayer._data.member_rows import MemberSource
from multilayer._data.source import Rows
from multilayer._engine import engines, loop
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.engines import Engine
from multilayer._engine.loop import Training
from multilayer._engine.state import FitConfig, Hyper
from multilayer._nn.members import Members, init_layers, stacked
from multilayer._nn.model import Disturbance
from multilayer._nn.tabular_layers import TabularLayer
from multilayer._objectives.objective import LossNumbers, Objective
from multilayer._sklearn.fit.checkpointing import checkpointed_ensemble as checkpointed_ensemble
from multilayer._sklearn.fit.engine_run import take_interrupt
from multilayer._sklearn.tabular.ensemble import (
    EncodedRows,
    Ensemble,
    EnsembleFit,
    EnsembleRun,
    TabularReport,
)
from multilayer._sklearn.tabular.out_of_fold import OutOfFold, fold_rows, view_shares
from multilayer._sklearn.tabular.recipe import EnsembleRecipe, bins_of, layers_of, learning_rates

NEVER = 2**31 - 1  # epochs without gain that stand for infinity
SAMPLE = 4096  # rows that first parameters are drawn by
MOST_JUDGED = 32_768  # rows that an ensemble is judged by


def folds_of(recipe: EnsembleRecipe, rows: EncodedRows, seed: int) -> list[np.ndarray]:
    """Return the rows that the members of a view are judged by, one array for each member."""
    found = []
    for repeat in range(recipe.n_repeats):
        found += fold_rows(rows, recipe.n_folds, seed + repeat)
    return found


# Training, for all estimators of raw tables ------------------------------------------------------


@dataclass(frozen=True)
class Phase:
    """A training run of networks side by side, and when it ends at the latest."""

    training: Training
    callbacks: Sequence[Callback]
    most_epochs: int

    @property
    def most_steps(self) -> int:
        """Steps of all epochs."""
        return self.most_epochs * self.training.source.steps_per_epoch

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to train."""
        return not loop.under_way(self.training, self.most_steps)

    @property
    def reason(self) -> str:
        """Why it ended, or would end if that were now."""
        if self.training.diverged:
            return "diverged"
        stop = self.training.stopped_by
        return "max_iter" if stop is None else stop.reason


class BegunEnsemble(ABC):
    """The training of an ensemble: its phases, and what it has made at any time."""

    first: Phase

    @property
    def has_second(self) -> bool:
        """Whether networks are trained again then, which predict instead."""
        return False

    def second(self) -> Phase | None:
        """Return the training of these networks, begun anew; None where there are none."""
        return None

    @abstractmethod
    def result(
        self, reason: str, error: BaseException | None = None, second: Phase | None = None
    ) -> EnsembleFit:
        """Return the best networks so far, or those of the second phase; training may go on.

        ``reason`` is why it ended, ``error`` what is to be raised once the result is in place.
        """


def run_to_end(begun: BegunEnsemble) -> EnsembleFit:
    """Train an ensemble to its end, and return what that has made, however it ended."""
    reason, error = run_phase(begun.first)
    second = begun.second() if error is None and reason != "interrupted" else None
    if second is not None:
        end, error = run_phase(second)
        if end != "max_iter":  # the networks of the first phase are the result
            reason, second = end, None
    return begun.result(reason, error, second)


def run_phase(phase: Phase) -> tuple[str, BaseException | None]:
    """Train, and return why training ended and what is to be raised once its result is in place."""
    training = phase.training
    try:
        with training.checkpointer or nullcontext():
            if training.checkpointer is not None:
                training.checkpointer.restore(training)
            loop.train(training, phase.most_steps, callbacks=phase.callbacks)
    except KeyboardInterrupt as interrupt:
        return "interrupted", None if take_interrupt() else interrupt
    except Exception as failure:  # a callback's: the networks so far are the result
        return "failed", failure
    error = None
    if training.diverged:
        error = DivergenceError(
            "training diverged: the loss of a network is not finite. The estimator has the "
            "best networks so far. A lower learning rate helps, where there is an argument for "
            "it, or another random_state."
        )
    return phase.reason, error


# The recipe that the data choose -----------------------------------------------------------------


def begin_ensemble(
    recipe: EnsembleRecipe,
    rows: EncodedRows,
    run: EnsembleRun,
    deadline: float = math.inf,
) -> "BegunByData":
    """Return the training of an ensemble: all members at once, judged by rows they have not seen.

    ``deadline`` is a time of ``time.monotonic()``.
    """
    layers = member_layers(recipe, rows)
    choice = engines.choose(run.device, config_of(layers, rows))
    engine = engines.load(choice.engine)
    training, judge = assemble(recipe, rows, layers, run.first_seed, deadline, engine)
    training.checkpointer = run.checkpointer(training.source.steps_per_epoch, engine)
    first = Phase(training, [*run.watching(choice.sentence), judge], recipe.most_epochs)
    return BegunByData(first, recipe, rows, judge, engine)


@dataclass(frozen=True)
class BegunByData(BegunEnsemble):
    """The training of an ensemble whose recipe the data have chosen."""

    first: Phase
    recipe: EnsembleRecipe
    rows: EncodedRows
    judge: OutOfFold
    engine: Engine

    def result(
        self, reason: str, error: BaseException | None = None, second: Phase | None = None
    ) -> EnsembleFit:
        """Return the best members of each view, mixed and calibrated by the rows out of fold."""
        training, judge = self.first.training, self.judge
        if not judge.n_evaluations:  # ended before the first
            judge = judge.anew()
            judge.judge(training, map_leaves(np.asarray, training.network))
        return result_of(self.recipe, self.rows, training, judge, self.engine, reason, error)


def member_layers(recipe: EnsembleRecipe, rows: EncodedRows) -> list[tuple[TabularLayer, ...]]:
    """Return the layers of each member, view by view."""
    bins = bins_of(recipe, rows.layout, rows.X)
    views = [layers_of(recipe, view, rows.layout, bins, rows.n_outputs) for view in recipe.views]
    return [own for own in views for _ in range(recipe.n_members // len(views))]


def config_of(layers: Sequence[tuple[TabularLayer, ...]], rows: EncodedRows) -> FitConfig:
    """Return what is computed for members with these layers."""
    return FitConfig(
        Members(layers[0], len(layers)),
        objective_of(rows),
        "adam",
        factored=True,
        closed_outside=True,
        validate=True,
    )


def assemble(
    recipe: EnsembleRecipe,
    rows: EncodedRows,
    layers: Sequence[tuple[TabularLayer, ...]],
    seed: int,
    deadline: float,
    engine: Engine,
) -> tuple[Training, OutOfFold]:
    """Return a training run at its first step, and what judges it."""
    folds = folds_of(recipe, rows, seed)
    everything = np.arange(len(rows.X), dtype=np.int32)
    members = [np.setdiff1d(everything, own) for own in folds] * len(recipe.views)
    config = config_of(layers, rows)
    network = config.network
    assert isinstance(network, Members)
    source = MemberSource(
        Rows(rows.X, rows.y, rows.weight),
        members,
        recipe.batch_size,
        recipe.first_cycle,
        seed,
        put=engine.maker.put,
    )
    rng = np.random.default_rng(seed)
    params = stacked(
        [
            init_layers(own, rng, rows.X[sampled(rng, seen, SAMPLE)])
            for own, seen in zip(layers, members, strict=True)
        ]
    )
    hyper = numbers_of(recipe, seed)
    judged = np.sort(sampled(rng, everything, MOST_JUDGED))
    own_judged = [np.intersect1d(own, judged) for own in folds]
    predict = engine.member_predictor(network, rows.X, own_judged * len(recipe.views))
    places = [np.searchsorted(judged, own) for own in own_judged]
    scorer = None if rows.scorer is None else partial(rows.scorer, numbers=judged)
    judge = OutOfFold(recipe, places, rows.targets_of(judged), predict, scorer, deadline)
    training = Training(
        maker=engine.maker,
        config=config,
        hyper=hyper,
        source=source,
        schedule=lambda steps: learning_rates(recipe, steps),
        validation=judge,
        state=engine.maker.initial_state(config, hyper, params),
    )
    return training, judge


def result_of(
    recipe: EnsembleRecipe,
    rows: EncodedRows,
    training: Training,
    judge: OutOfFold,
    engine: Engine,
    reason: str,
    error: BaseException | None,
) -> EnsembleFit:
    """Return the best members of each view, mixed and calibrated by the rows out of fold."""
    targets = judge.targets
    best = [view for view in judge.best if view is not None]
    tables = [view.table for view in best]
    shares = view_shares(tables, targets)
    mixture = np.tensordot(shares, tables, 1)
    temperature, errors = 1.0, np.zeros((0, rows.n_outputs))
    if not targets.classification:
        errors = np.sort(np.abs(targets.y - mixture), axis=0)
    else:
        # Single members predict out of fold; the mean of many is softer already.
        temperature = float(np.sqrt(targets.calibrated(mixture)[0]))
    per_view = recipe.n_members // len(recipe.views)
    weights = np.repeat(shares / per_view, per_view)
    network = training.config.network
    assert isinstance(network, Members)
    report = TabularReport(
        n_rows=len(rows.X),
        n_members=recipe.n_members,
        n_folds=recipe.n_folds,
        views=tuple(view.name for view in recipe.views),
        view_weights=tuple(shares.tolist()),
        best_epochs=tuple(view.number for view in best),
        n_epochs=len(training.history),
        n_steps=training.step,
        temperature=1.0 / temperature,
        out_of_fold_loss=targets.loss(mixture),
        out_of_fold_score=targets.score(mixture),
        stop_reason=reason,
        fit_seconds=training.seconds,
        compile_seconds=training.compile_seconds,
    )
    params = judge.stored.copied()
    ensemble = Ensemble(network.at_prediction(), params, weights, temperature, engine.name)
    return EnsembleFit(ensemble, report, training.history.continued(), errors, error)


def sampled(rng: np.random.Generator, rows: np.ndarray, most: int) -> np.ndarray:
    """Return the rows, or so many of them."""
    return rows if len(rows) <= most else rng.choice(rows, most, replace=False)


def member_outputs(ensemble: Ensemble, X: np.ndarray) -> np.ndarray:
    """Return the raw outputs of every member for encoded rows: ``(rows, members, outputs)``."""
    raw = engines.predictor(ensemble.engine, ensemble.network).outputs(
        ensemble.network,
        ensemble.params,
        lambda rows: X[rows],
        len(X),
        input_scale=1.0,
        dtype="float32",
    )
    return raw.reshape(len(raw), ensemble.network.n_members, -1).astype(np.float64)


def objective_of(rows: EncodedRows) -> Objective:
    """Return the loss that members minimise."""
    if rows.classification:
        return Objective("softmax", "softmax", (rows.n_outputs,))
    return Objective("squared_error", "identity", (1,) * rows.n_outputs)


def numbers_of(recipe: EnsembleRecipe, seed: int) -> Hyper:
    """Return the traced numbers of training."""
    decays = np.array([view.weight_decay for view in recipe.views], np.float32)
    numbers = adam_numbers(recipe.learning_rate, recipe.beta_2, recipe.first_cycle, seed)
    return numbers._replace(weight_decay=np.repeat(decays, recipe.n_members // len(decays)))


def adam_numbers(learning_rate: float, beta_2: float, steps_per_epoch: int, seed: int) -> Hyper:
    """Return the numbers of an ensemble that Adam trains, all others without effect."""
    one, zero = np.float32(1), np.float32(0)
    rule = {"epsilon": 1e-8, "beta_1": 0.9, "beta_2": beta_2}
    return Hyper(
        solver={name: np.float32(value) for name, value in rule.items()},
        learning_rate=np.float32(learning_rate),
        alpha=zero,
        l1_ratio=zero,
        disturbance=Disturbance(np.zeros(0, np.float32), zero, zero),
        loss=LossNumbers(zero, one, np.zeros(0, np.float32), None),
        clip_norm=zero,
        max_norm=zero,
        ema_decay=zero,
        layer_rates=np.zeros(0, np.float32),
        accumulate_steps=np.int32(1),
        input_scale=one,
        tol=zero,
        n_iter_no_change=np.int32(NEVER),
        steps_per_epoch=np.int32(steps_per_epoch),
        seed=np.uint32(seed),
    )
