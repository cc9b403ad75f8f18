"""From encoded rows to networks trained by a published recipe."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from multilayer._core.pytrees import map_leaves
from multilayer._data.member_rows import MemberSource
from multilayer._data.source import Rows
from multilayer._engine import engines
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.engines import Engine
from multilayer._engine.loop import Training
from multilayer._engine.state import FitConfig, Hyper
from multilayer._nn.members import Members
from multilayer._sklearn.reference.held_out import HeldOut, SplitTargets, splits_of
from multilayer._sklearn.reference.recipes import ReferenceRecipe, learning_rates
from multilayer._sklearn.tabular.ensemble import (
    EncodedRows,
    Ensemble,
    EnsembleFit,
    EnsembleRun,
    ReferenceReport,
)
from multilayer._sklearn.tabular.ensemble_training import (
    BegunEnsemble,
    Phase,
    adam_numbers,
    objective_of,
    sampled,
)

MOST_INITIAL = 16_384  # rows that first parameters are drawn by


def begin_reference(
    recipe: ReferenceRecipe,
    rows: EncodedRows,
    run: EnsembleRun,
    *,
    by_loss: bool,
) -> "BegunReference":
    """Return the training of a recipe's networks; rows set aside choose the epoch.

    ``by_loss`` says whether their loss counts, not their error.
    """
    seed = run.first_seed
    splits = splits_of(recipe, rows, seed)
    everything = np.arange(len(rows.X), dtype=np.int32)
    trained = [np.setdiff1d(everything, own) for own in splits]
    members = [own for own in trained for _ in range(recipe.n_members)]
    network = Members(recipe.network.layers(rows.layout, rows.n_outputs), len(members))
    choice = engines.choose(run.device, config_of(recipe, rows, network))
    engine = engines.load(choice.engine)
    judge = judge_of(recipe, rows, splits, network, engine, by_loss=by_loss)
    training = assemble(recipe, rows, members, network, seed, judge, engine)
    training.checkpointer = run.checkpointer(training.source.steps_per_epoch, engine)
    watching = run.watching(choice.sentence)
    first = Phase(training, [*watching, judge], recipe.max_iter)
    return BegunReference(first, recipe, rows, judge, engine, network, seed, watching)


@dataclass(frozen=True)
class BegunReference(BegunEnsemble):
    """The training of a published recipe."""

    first: Phase
    recipe: ReferenceRecipe
    rows: EncodedRows
    judge: HeldOut
    engine: Engine
    network: Members
    seed: int
    watching: Sequence[Callback]

    @property
    def has_second(self) -> bool:
        """Whether networks are trained again on all rows."""
        return self.recipe.n_refits > 0

    def second(self) -> Phase | None:
        """Return the training of networks that see all rows, as long as the best ones did."""
        if not self.has_second:
            return None
        training = assemble_refit(self.recipe, self.rows, self.seed, self.engine)
        epochs = 1 + round(float(np.mean(self._judged().best_epochs)))
        return Phase(training, self.watching, epochs)

    def result(
        self, reason: str, error: BaseException | None = None, second: Phase | None = None
    ) -> EnsembleFit:
        """Return the networks of the best epochs, or those that have seen all rows."""
        network, judge, rows = self.network, self._judged(), self.rows
        if second is None:
            params = judge.stored.copied()
        else:
            network = replace(network, n_members=self.recipe.n_refits * self.recipe.n_members)
            params = map_leaves(np.asarray, second.training.network)
        shares = np.full(network.n_members, 1.0 / network.n_members)
        ensemble = Ensemble(network.at_prediction(), params, shares, 1.0, self.engine.name)
        errors = np.zeros((0, rows.n_outputs))
        if not rows.classification:
            errors = np.sort(np.abs(judge.residuals()), axis=0)
        training = self.first.training
        report = report_of(rows, training, judge, network.n_members, reason)
        return EnsembleFit(ensemble, report, training.history.continued(), errors, error)

    def _judged(self) -> HeldOut:
        """Return what has judged the networks; where training ended before, the first ones."""
        judge, training = self.judge, self.first.training
        if not judge.n_evaluations:
            judge = judge.anew()
            judge.judge(training, map_leaves(np.asarray, training.network))
        return judge


def report_of(
    rows: EncodedRows, training: Training, judge: HeldOut, n_members: int, reason: str
) -> ReferenceReport:
    """Return what the fit did."""
    return ReferenceReport(
        n_rows=len(rows.X),
        n_validation_rows=judge.n_rows,
        n_members=n_members,
        best_epochs=judge.best_epochs,
        n_epochs=len(training.history),
        n_steps=training.step,
        validation_loss=judge.mean("loss"),
        validation_score=judge.mean("score"),
        stop_reason=reason,
        fit_seconds=training.seconds,
        compile_seconds=training.compile_seconds,
    )


# What a run consists of --------------------------------------------------------------------------


def judge_of(
    recipe: ReferenceRecipe,
    rows: EncodedRows,
    splits: Sequence[np.ndarray],
    network: Members,
    engine: Engine,
    *,
    by_loss: bool,
) -> HeldOut:
    """Return what judges networks by the rows set aside."""
    targets = [
        SplitTargets(
            rows.targets_of(own),
            None if rows.scorer is None else partial(rows.scorer, numbers=own),
            by_loss,
        )
        for own in splits
    ]
    seen = [own for own in splits for _ in range(recipe.n_members)]
    return HeldOut(recipe, targets, engine.member_predictor(network, rows.X, seen))


def config_of(
    recipe: ReferenceRecipe, rows: EncodedRows, network: Members, *, judged: bool = True
) -> FitConfig:
    """Return what is computed; ``judged`` says whether rows set aside judge each epoch."""
    return FitConfig(
        network,
        objective_of(rows),
        "corrected_adam",
        factored=True,
        annealed=recipe.annealed,
        clipped=recipe.clip_norm is not None,
        closed_outside=judged,
        validate=judged,
    )


def assemble(
    recipe: ReferenceRecipe,
    rows: EncodedRows,
    members: Sequence[np.ndarray],
    network: Members,
    seed: int,
    judge: HeldOut | None,
    engine: Engine,
) -> Training:
    """Return a training run at its first step; each member has rows of its own."""
    counts = [len(own) for own in members]
    batch_size = min(recipe.batch_size, *counts)
    per_epoch = min(counts) // batch_size
    if not recipe.whole_batches:
        per_epoch = -(-max(counts) // batch_size)
    source = MemberSource(
        Rows(rows.X, rows.y, rows.weight),
        members,
        batch_size,
        per_epoch,
        seed,
        one_pass=True,
        same_order=recipe.same_batches,
        put=engine.maker.put,
    )
    rng = np.random.default_rng(seed)
    tables = [rows.X[sampled(rng, own, MOST_INITIAL)] for own in members]
    params = recipe.network.init(network.layers, rng, tables)
    config = config_of(recipe, rows, network, judged=judge is not None)
    total = recipe.max_iter * per_epoch
    hyper = numbers_of(recipe, per_epoch, total, seed)
    return Training(
        maker=engine.maker,
        config=config,
        hyper=hyper,
        source=source,
        schedule=lambda steps: learning_rates(recipe, steps, total),
        validation=judge,
        state=engine.maker.initial_state(config, hyper, params),
    )


def assemble_refit(
    recipe: ReferenceRecipe, rows: EncodedRows, seed: int, engine: Engine
) -> Training:
    """Return a training run of networks that see all rows."""
    everything = np.arange(len(rows.X), dtype=np.int32)
    members = [everything] * (recipe.n_refits * recipe.n_members)
    network = Members(recipe.network.layers(rows.layout, rows.n_outputs), len(members))
    return assemble(replace(recipe, n_splits=1), rows, members, network, seed + 1, None, engine)


def numbers_of(recipe: ReferenceRecipe, per_epoch: int, total_steps: int, seed: int) -> Hyper:
    """Return the traced numbers of training."""
    numbers = adam_numbers(recipe.learning_rate, recipe.beta_2, per_epoch, seed)
    smoothing = np.float32(recipe.label_smoothing)
    return numbers._replace(
        loss=numbers.loss._replace(label_smoothing=smoothing),
        clip_norm=np.float32(recipe.clip_norm or 0),
        weight_decay=np.full(1, recipe.weight_decay, np.float32),
        total_steps=np.float32(total_steps) if recipe.annealed else None,
    )
