"""Predictions for rows that a member has not been trained on: what an ensemble is judged by."""

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from multilayer._core.pytrees import leaves, map_leaves
from multilayer._core.types import Report
from multilayer._engine.callbacks.protocol import Callback, CallbackState, Run, Stop
from multilayer._engine.loop import Training
from multilayer._nn.model import Parameters
from multilayer._sklearn.tabular.ensemble import EncodedRows, Scorer, Targets
from multilayer._sklearn.tabular.recipe import EnsembleRecipe

SHARES = np.linspace(0.0, 1.0, 5)
"""Weights of the second of two views that are tried."""


def fold_rows(rows: EncodedRows, n_folds: int, seed: int) -> list[np.ndarray]:
    """Return the rows of each fold: whole groups where there are groups, else by class."""
    stratified = rows.classification and np.bincount(rows.y).max() >= n_folds
    kinds = {
        (True, False): StratifiedKFold,
        (False, False): KFold,
        (True, True): StratifiedGroupKFold,
        (False, True): GroupKFold,
    }
    splits = kinds[stratified, rows.groups is not None](n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # of classes with fewer rows than folds
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return [own for _, own in splits.split(rows.X, rows.y, rows.groups)]


@dataclass(frozen=True)
class ViewEvaluation:
    """A view at one point of training."""

    number: int
    loss: float
    rank: tuple[float, ...]  # lower is better: the loss, or what a scorer says first
    table: np.ndarray  # (rows, outputs) out of fold


class BestMembers:
    """The parameters of an ensemble, each group of members as it was at its best.

    Parameters
    ----------
    size : int
        Members of a group: those side by side that are judged together.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.params: Parameters = None

    def store(self, network: Parameters, groups: Sequence[int]) -> None:
        """Copy the members of some groups; the first time of all."""
        if self.params is None:
            self.params = map_leaves(np.array, network)
            return
        for stored, new in zip(leaves(self.params), leaves(network), strict=True):
            for group in groups:
                some = slice(group * self._size, (group + 1) * self._size)
                stored[some] = np.asarray(new)[some]

    def copied(self) -> Parameters:
        """Return them as they are now; training may go on."""
        return map_leaves(np.array, self.params)


class OutOfFold(Callback):
    """Judges an ensemble by predictions for rows of other folds, and ends its training.

    Of each view the members of its best evaluation are stored. At the end of a cycle of the
    learning rate training ends, if no view has gained enough in it.

    Parameters
    ----------
    recipe : EnsembleRecipe
        Of the ensemble.
    folds : sequence of ndarray
        Rows that the members of a view have not been trained on, one array for each.
    targets : Targets
        Of all rows.
    predict : callable
        Returns, for parameters, the raw outputs of each member for its rows in `folds`.
    scorer : callable or None
        Score of a table of predictions, higher is better, that decides which evaluation of a view
        is the best; None where the loss does.
    deadline : float
        Time of ``time.monotonic()`` after which no cycle begins that would end later, and no
        evaluation follows.
    """

    def __init__(
        self,
        recipe: EnsembleRecipe,
        folds: Sequence[np.ndarray],
        targets: Targets,
        predict: Callable[[Parameters], list[np.ndarray]],
        scorer: Scorer | None = None,
        deadline: float = math.inf,
    ) -> None:
        self._recipe, self._folds, self.targets = recipe, folds, targets
        self._predict, self._scorer, self._deadline = predict, scorer, deadline
        self.best: list[ViewEvaluation | None] = [None] * len(recipe.views)
        self.stored = BestMembers(len(folds))
        self._before = [np.inf] * len(recipe.views)  # the best losses when this cycle began
        self.n_evaluations = 0
        self._cycle_began = 0.0

    def anew(self) -> "OutOfFold":
        """Return the same before its first evaluation."""
        parts = self._recipe, self._folds, self.targets, self._predict, self._scorer
        return OutOfFold(*parts, self._deadline)

    def on_train_begin(self, run: Run) -> None:
        """Note the time."""
        self._cycle_began = time.monotonic()

    @np.errstate(over="ignore", invalid="ignore")  # of networks that diverge
    def judge(self, training: Training, network: Parameters) -> tuple[float, float]:
        """Return loss and score of the mean of the views, and store those that are better."""
        del training
        tables = self.tables(self._predict(network))
        better = []
        for number, table in enumerate(tables):
            loss, score = self._figures(table)
            rank = (loss,) if self._scorer is None else (-score, loss)
            found = ViewEvaluation(self.n_evaluations, loss, rank, table)
            earlier = self.best[number]
            if earlier is None or found.rank <= earlier.rank:
                self.best[number] = found
                better.append(number)
        self.stored.store(network, better)
        self.n_evaluations += 1
        return self._figures(np.mean(tables, axis=0))

    def _figures(self, table: np.ndarray) -> tuple[float, float]:
        """Return loss and score of predictions; the worst for those of networks that diverge."""
        if not np.isfinite(table).all():
            return np.inf, -np.inf
        return self.targets.loss(table), (self._scorer or self.targets.score)(table)

    def tables(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """Return for each view what members that have not seen a row predict for it."""
        n_rows, n_folds = len(self.targets.weight), len(self._folds)
        tables = []
        for view in range(len(self._recipe.views)):
            table = np.zeros((n_rows, outputs[0].shape[-1]))
            for fold, rows in enumerate(self._folds):
                table[rows] += self.targets.predicted(outputs[view * n_folds + fold])
            tables.append(table / self._recipe.n_repeats)
        return tables

    def state(self) -> CallbackState:
        """Return the best networks, and which evaluations they are of."""
        found: CallbackState = {"n_evaluations": self.n_evaluations}
        if self.n_evaluations:
            found["params"] = self.stored.params
        for i, view in enumerate(self.best):
            if view is None:  # before the first evaluation
                continue
            found |= {f"number_{i}": view.number, f"before_{i}": self._before[i]}
            found |= {f"rank_{i}_{j}": part for j, part in enumerate(view.rank)}
        return found

    def set_state(self, state: CallbackState) -> None:
        """Continue from a state; what the best networks predict is computed again."""
        self.n_evaluations = state["n_evaluations"]
        if not self.n_evaluations:
            return
        self.stored.params = map_leaves(np.array, state["params"])
        for i, table in enumerate(self.tables(self._predict(self.stored.params))):
            rank = tuple(state[f"rank_{i}_{j}"] for j in range(1 + (self._scorer is not None)))
            self.best[i] = ViewEvaluation(state[f"number_{i}"], rank[-1], rank, table)
            self._before[i] = state[f"before_{i}"]

    def on_epoch_end(self, report: Report) -> Stop | None:
        """End training where a whole cycle has not brought any view forward enough."""
        now = time.monotonic()
        if now > self._deadline:
            return Stop("time_budget")
        cycles = (self.n_evaluations + 1).bit_length() - 1
        if self.n_evaluations + 1 != 2**cycles:  # cycles end after 1, 3, 7, 15, ... evaluations
            return None
        last, self._cycle_began = now - self._cycle_began, now
        if now + 2.0 * last > self._deadline:  # the next cycle takes twice as long
            return Stop("time_budget")
        losses = [view.loss for view in self.best if view is not None]
        gained = [
            loss < (1.0 - self._recipe.gain) * before
            for loss, before in zip(losses, self._before, strict=True)
        ]
        self._before = losses
        enough = cycles >= self._recipe.fewest_cycles and not any(gained)
        return Stop("converged") if enough else None


def view_shares(tables: Sequence[np.ndarray], targets: Targets) -> np.ndarray:
    """Return what each view counts in the mixture with the lowest loss."""
    if len(tables) == 1:
        return np.ones(1)
    tried = [np.array([1.0 - share, share]) for share in SHARES]
    losses = [targets.loss(np.tensordot(shares, tables, 1)) for shares in tried]
    return tried[int(np.argmin(losses))]
