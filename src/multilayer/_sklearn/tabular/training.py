"""From encoded rows to a trained ensemble."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from multilayer._core.pytrees import map_leaves
from multilayer._data.encoding import TableLayout
from multilayer._data.member_rows import MemberSource
from multilayer._data.source import Rows
from multilayer._engine import loop
from multilayer._engine.history import History
from multilayer._engine.loop import Training
from multilayer._engine.state import FitConfig, Hyper
from multilayer._engine.xla.inference import prediction_program
from multilayer._engine.xla.maker import XLA
from multilayer._nn.members import Members, init_layers, stacked
from multilayer._nn.model import Disturbance, Parameters
from multilayer._nn.tabular_layers import TabularLayer
from multilayer._objectives.objective import LossNumbers, Objective
from multilayer._sklearn.tabular.out_of_fold import OutOfFold, Targets, view_weights
from multilayer._sklearn.tabular.recipe import Recipe, layers_of, learning_rates

NEVER = 2**31 - 1
BLOCK = 1024  # rows of each member that are predicted at once


@dataclass(frozen=True)
class Ensemble:
    """A trained ensemble."""

    network: Members
    params: Parameters
    weights: np.ndarray  # (members,)
    temperature: float


def fold_rows(recipe: Recipe, targets: Targets, seed: int) -> list[np.ndarray]:
    """Return the rows that the members of each fold are judged by."""
    n = len(targets.weight)
    stratified = targets.classification and np.bincount(targets.y).min() >= 2
    kind = StratifiedKFold if stratified else KFold
    splits = kind(recipe.n_folds, shuffle=True, random_state=seed)
    return [rows for _, rows in splits.split(np.zeros(n), targets.y)]


def first_parameters(
    layers: Sequence[tuple[TabularLayer, ...]],
    X: np.ndarray,
    members: Sequence[np.ndarray],
    seed: int,
) -> Parameters:
    """Draw the first parameters of all members, each on its own rows."""
    rng = np.random.default_rng(seed)
    return stacked(
        [
            init_layers(own, rng, X[sample(rng, rows)])
            for own, rows in zip(layers, members, strict=True)
        ]
    )


def sample(rng: np.random.Generator, rows: np.ndarray, most: int = 4096) -> np.ndarray:
    """Return some of the rows."""
    return rows if len(rows) <= most else rng.choice(rows, most, replace=False)


def train_ensemble(
    recipe: Recipe,
    layout: TableLayout,
    X: np.ndarray,
    y: np.ndarray,
    targets: Targets,
    n_outputs: int,
    seed: int,
) -> tuple[Ensemble, OutOfFold, Training]:
    """Train an ensemble on encoded rows."""
    folds = fold_rows(recipe, targets, seed)
    everything = np.arange(len(X))
    members = [np.setdiff1d(everything, rows) for rows in folds] * len(recipe.views)
    by_view = [layers_of(recipe, view, layout, X, n_outputs) for view in recipe.views]
    layers = [own for own in by_view for _ in range(recipe.n_folds)]
    network = Members(layers[0], recipe.n_members)
    loss = "softmax" if targets.classification else "squared_error"
    heads = (n_outputs,) if targets.classification else (1,) * n_outputs
    objective = Objective(loss, "softmax" if targets.classification else "identity", heads)
    config = FitConfig(
        network, objective, "adam", factored=True, closed_outside=True, validate=True
    )
    source = MemberSource(
        Rows(X, y, targets.weight.astype(np.float32)),
        members,
        recipe.batch_size,
        recipe.first_cycle,
        seed,
        put=XLA.put,
    )
    hyper = numbers(recipe, source, seed)
    params = first_parameters(layers, X, members, seed)
    judge = OutOfFold(recipe, folds, targets, predictor(network, X, folds, len(recipe.views)))
    training = Training(
        maker=XLA,
        config=config,
        hyper=hyper,
        source=source,
        schedule=lambda steps: learning_rates(recipe, steps),
        validation=judge,
        state=XLA.initial_state(config, hyper, params),
    )
    loop.train(training, recipe.most_steps, callbacks=[judge])
    tables = [view.table for view in judge.views]
    shares = view_weights(tables, targets)
    weights = np.repeat(shares / recipe.n_folds, recipe.n_folds)
    temperature = 1.0
    if targets.classification:
        found, _ = targets.calibrated(np.tensordot(shares, tables, 1))
        temperature = float(np.sqrt(found))
    return Ensemble(network, judge.best_params, weights, temperature), judge, training


def predictor(
    network: Members, X: np.ndarray, folds: Sequence[np.ndarray], n_views: int
) -> Callable[[Parameters], list[np.ndarray]]:
    """Return the function that predicts, with each member, the rows of its fold."""
    longest = max(map(len, folds))
    padded = np.stack([np.pad(rows, (0, longest - len(rows)), mode="edge") for rows in folds])
    size = min(BLOCK, longest)

    def predict(params: Parameters) -> list[np.ndarray]:
        parts = []
        for start in range(0, longest, size):
            places = np.minimum(np.arange(start, start + size), longest - 1)
            rows = np.tile(padded[:, places], (n_views, 1))
            block = X[rows.ravel()]
            scale = np.float32(1)
            program = prediction_program(network, None, "float32", (params, block, scale))
            raw = np.asarray(program(params, block, scale))
            parts.append(raw.reshape(len(rows), size, -1))
        together = np.concatenate(parts, axis=1)
        return [
            together[view * len(folds) + fold, : len(rows)]
            for view in range(n_views)
            for fold, rows in enumerate(folds)
        ]

    return predict


def numbers(recipe: Recipe, source: MemberSource, seed: int) -> Hyper:
    """Return the traced numbers of training."""
    one, zero = np.float32(1), np.float32(0)
    return Hyper(
        solver={
            "epsilon": np.float32(1e-8),
            "beta_1": np.float32(0.9),
            "beta_2": np.float32(recipe.beta_2),
        },
        learning_rate=np.float32(recipe.learning_rate),
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
        steps_per_epoch=np.int32(source.steps_per_epoch),
        seed=np.uint32(seed),
        weight_decay=np.float32(recipe.weight_decay),
    )
