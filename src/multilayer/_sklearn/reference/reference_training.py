"""From encoded rows to networks trained by a published recipe."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from multilayer._core.pytrees import map_leaves
from multilayer._data.member_rows import MemberSource
from multilayer._data.source import Rows
from multilayer._engine import engines
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
    adam_numbers,
    objective_of,
    run_to_end,
    sampled,
)

MOST_INITIAL = 16_384  # rows that first parameters are drawn by


def train_reference(
    recipe: ReferenceRecipe,
    rows: EncodedRows,
    run: EnsembleRun,
    *,
    by_loss: bool,
) -> EnsembleFit:
    """Train the networks of a recipe; rows set aside choose the epoch, by the loss or the error."""
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
    per_epoch = training.source.steps_per_epoch
    training.checkpointer = run.checkpointer(per_epoch, engine)
    callbacks = run.watching(choice.sentence)
    reason, error = run_to_end(training, recipe.max_iter * per_epoch, [*callbacks, judge])
    if not judge.n_evaluations:  # ended before the first
        judge.judge(training, map_leaves(np.asarray, training.network))
    params = judge.stored.params
    if recipe.n_refits and error is None and reason != "interrupted":
        again = assemble_refit(recipe, rows, seed, engine)
        epochs = 1 + round(float(np.mean(judge.best_epochs)))
        end, error = run_to_end(again, epochs * again.source.steps_per_epoch, callbacks)
        if end == "max_iter":  # otherwise the networks of the splits are the result
            network = replace(network, n_members=recipe.n_refits * recipe.n_members)
            params = map_leaves(np.asarray, again.network)
        else:
            reason = end
    shares = np.full(network.n_members, 1.0 / network.n_members)
    ensemble = Ensemble(network.at_prediction(), params, shares, 1.0, engine.name)
    errors = np.zeros((0, rows.n_outputs))
    if not rows.classification:
        errors = np.sort(np.abs(judge.residuals()), axis=0)
    report = report_of(rows, training, judge, network.n_members, reason)
    return EnsembleFit(ensemble, report, training.history, errors, error)


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
