"""What an estimator keeps of a training run so that the next call goes on with it."""

from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from multilayer._core.types import Array
from multilayer._engine.state import CONVERGED, RUNNING, TrainState
from multilayer._nn.model import Parameters


class Start(Protocol):
    """Where training goes on from, besides the parameters that are the estimator's attributes."""

    def onto(self, fresh: TrainState, step: int) -> TrainState:
        """Continue from a fresh state of the same solver, at the given step."""


class Raw(NamedTuple):
    """Parameters behind an average: training goes on from these, prediction from the average."""

    params: Parameters
    shown: Parameters  # what the estimator's attributes had when these were kept


class Resumable(NamedTuple):
    """A training state on the host, without the parameters that are the estimator's attributes."""

    opt_state: Any
    raw: Raw | None
    best_kept: Array
    best_value: Array
    no_improvement: Array
    divisor: Array
    best_loss: Array = np.float32(np.inf)  # estimators pickled by earlier releases lack it

    @classmethod
    def of(cls, state: TrainState, shown: Parameters) -> "Resumable":
        """Take what a state holds; patience starts anew after a run that ended by itself."""
        patience = 0 if state.status == CONVERGED else state.no_improvement
        return cls(
            opt_state=state.opt_state,
            raw=None if state.average is None else Raw(state.params, shown),
            best_kept=state.best_kept,
            best_value=state.best_value,
            no_improvement=np.int32(patience),
            divisor=state.divisor,
            best_loss=state.best_loss,
        )

    def onto(self, fresh: TrainState, step: int) -> TrainState:
        """Continue from a fresh state of the same solver, at the given step.

        A solver that has changed since starts with an optimizer state of its own.
        """
        params = fresh.params
        if self.raw is not None and fresh.average is not None and alike(self.raw.shown, params):
            params = self.raw.params
        return fresh._replace(
            params=params,
            opt_state=self.opt_state
            if compatible(self.opt_state, fresh.opt_state)
            else fresh.opt_state,
            best_kept=self.best_kept,
            best_value=self.best_value,
            no_improvement=self.no_improvement,
            divisor=self.divisor,
            best_loss=np.asarray(self.best_loss, fresh.best_loss.dtype),
            step=np.int32(step),
            status=np.int32(RUNNING),
        )


def compatible(mine: Any, theirs: Any) -> bool:
    """Whether two optimizer states have the same structure and shapes."""
    structures = [repr(jax.tree.structure(state)) for state in (mine, theirs)]
    shapes = [[np.shape(leaf) for leaf in jax.tree.leaves(state)] for state in (mine, theirs)]
    return structures[0] == structures[1] and shapes[0] == shapes[1]


def alike(one: Parameters, other: Parameters) -> bool:
    """Whether two sets of parameters are the same: users may have changed the attributes."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)
