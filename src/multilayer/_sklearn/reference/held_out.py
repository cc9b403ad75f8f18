"""Rows set aside: how they are chosen, and how they choose the epoch of networks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

from multilayer._core.pytrees import map_leaves
from multilayer._core.types import Report
from multilayer._engine.callbacks.protocol import Callback, CallbackState, Stop
from multilayer._engine.loop import Training
from multilayer._nn.model import Parameters
from multilayer._sklearn.reference.recipes import ReferenceRecipe
from multilayer._sklearn.tabular.ensemble import EncodedRows, Scorer, Targets
from multilayer._sklearn.tabular.out_of_fold import BestMembers, fold_rows


def splits_of(recipe: ReferenceRecipe, rows: EncodedRows, seed: int) -> list[np.ndarray]:
    """Return the rows set aside of each split, whole groups where there are groups."""
    if recipe.n_splits > 1:
        return [np.sort(own) for own in fold_rows(rows, recipe.n_splits, seed)]
    share = {"test_size": recipe.validation_fraction, "random_state": seed}
    if rows.groups is not None:
        split = GroupShuffleSplit(1, **share)
    elif rows.classification and _can_stratify(rows.y, recipe.validation_fraction):
        split = StratifiedShuffleSplit(1, **share)
    else:
        split = ShuffleSplit(1, **share)
    return [np.sort(own) for _, own in split.split(rows.X, rows.y, rows.groups)]


def _can_stratify(y: np.ndarray, fraction: float) -> bool:
    """Whether each class has rows on both sides of a split."""
    counts = np.bincount(y)
    counts = counts[counts > 0]
    fewest = min(np.ceil(fraction * len(y)), np.floor((1 - fraction) * len(y)))
    return bool(counts.min() >= 2 and fewest >= len(counts))


# What chooses the epoch --------------------------------------------------------------------------


@dataclass(frozen=True)
class SplitEvaluation:
    """The networks of a split at one point of training."""

    number: int
    rank: float  # lower is better
    loss: float
    score: float
    table: np.ndarray  # (rows, outputs) predicted


@dataclass(frozen=True)
class SplitTargets:
    """The rows set aside of a split, and what counts as a better prediction of them."""

    targets: Targets
    scorer: Scorer | None  # higher is better; None for the error
    by_loss: bool = False  # whether the log loss counts, not the error

    def evaluate(self, number: int, table: np.ndarray) -> SplitEvaluation:
        """Judge a table of predictions."""
        if not np.isfinite(table).all():  # of networks that diverge
            return SplitEvaluation(number, np.inf, np.inf, -np.inf, table)
        loss = self.targets.plain_loss(table)
        score = (self.scorer or self.targets.score)(table)
        errors = not self.by_loss and self.targets.classification
        rank = -score if self.scorer is not None or errors else loss
        return SplitEvaluation(number, rank, loss, score, table)


class HeldOut(Callback):
    """Judges networks after each epoch by rows set aside, and stores the best of each split.

    Parameters
    ----------
    recipe : ReferenceRecipe
        Of the networks.
    splits : sequence of SplitTargets
        What each split is judged by.
    predict : callable
        Returns, for parameters, the raw outputs of each member for the rows of its split.
    """

    def __init__(
        self,
        recipe: ReferenceRecipe,
        splits: Sequence[SplitTargets],
        predict: Callable[[Parameters], list[np.ndarray]],
    ) -> None:
        self._recipe, self._splits, self._predict = recipe, splits, predict
        self.best: list[SplitEvaluation | None] = [None] * len(splits)
        self.stored = BestMembers(recipe.n_members)
        self.n_evaluations = 0

    def anew(self) -> "HeldOut":
        """Return the same before its first evaluation."""
        return HeldOut(self._recipe, self._splits, self._predict)

    @np.errstate(over="ignore", invalid="ignore")  # of networks that diverge
    def judge(self, training: Training, network: Parameters) -> tuple[float, float]:
        """Return the mean loss and score of all splits, and store those that are better."""
        del training
        found, better = [], []
        tables = self._tables(network)
        for number, (split, table) in enumerate(zip(self._splits, tables, strict=True)):
            found.append(split.evaluate(self.n_evaluations, table))
            if self._is_better(found[-1], self.best[number]):
                self.best[number] = found[-1]
                better.append(number)
        self.stored.store(network, better)
        self.n_evaluations += 1
        losses, scores = zip(*((each.loss, each.score) for each in found), strict=True)
        return float(np.mean(losses)), float(np.mean(scores))

    def _tables(self, network: Parameters) -> list[np.ndarray]:
        """Return the mean prediction of the members of each split for its rows."""
        outputs, size = self._predict(network), self._recipe.n_members
        tables = []
        for number, split in enumerate(self._splits):
            members = outputs[number * size : (number + 1) * size]
            tables.append(np.mean([split.targets.predicted(raw) for raw in members], axis=0))
        return tables

    def _is_better(self, found: SplitEvaluation, best: SplitEvaluation | None) -> bool:
        if best is None:
            return True
        if self._ended(best):
            return False
        return found.rank < best.rank or (self._recipe.latest_best and found.rank == best.rank)

    def _ended(self, best: SplitEvaluation) -> bool:
        """Whether a split had no better epoch for too long when this evaluation began."""
        patience = self._recipe.patience
        return patience is not None and self.n_evaluations - best.number > patience + 1

    def state(self) -> CallbackState:
        """Return the best networks, and which evaluations they are of."""
        found: CallbackState = {"n_evaluations": self.n_evaluations}
        if self.n_evaluations:
            found["params"] = self.stored.params
        for i, epoch in enumerate(self.best_epochs):
            found[f"number_{i}"] = epoch
        return found

    def set_state(self, state: CallbackState) -> None:
        """Continue from a state; what the best networks predict is computed again."""
        self.n_evaluations = state["n_evaluations"]
        if not self.n_evaluations:
            return
        self.stored.params = map_leaves(np.array, state["params"])
        for i, table in enumerate(self._tables(self.stored.params)):
            self.best[i] = self._splits[i].evaluate(state[f"number_{i}"], table)

    def on_epoch_end(self, report: Report) -> Stop | None:
        """End training where no split has had a better epoch for long enough."""
        ended = all(best is not None and self._ended(best) for best in self.best)
        return Stop("converged") if ended else None

    @property
    def best_epochs(self) -> tuple[int, ...]:
        """The best epoch of each split, from 0."""
        return tuple(best.number for best in self.best if best is not None)

    @property
    def n_rows(self) -> int:
        """Rows set aside, in all splits."""
        return sum(len(split.targets.weight) for split in self._splits)

    def mean(self, figure: str) -> float:
        """Return the mean over the splits of "loss" or "score" at their best epochs."""
        return float(np.mean([getattr(best, figure) for best in self.best]))

    def residuals(self) -> np.ndarray:
        """Return targets less predictions of the best epochs, ``(rows, outputs)``."""
        pairs = zip(self._splits, self.best, strict=True)
        return np.concatenate([split.targets.y - best.table for split, best in pairs if best])
