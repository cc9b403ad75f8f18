"""What an estimator keeps of a training run so that the next call goes on with it."""

from typing import Any, NamedTuple

import jax
import numpy as np

from multilayer._core.types import Array
from multilayer._engine.state import CONVERGED, RUNNING, TrainState


class Resumable(NamedTuple):
    """A training state on the host, without the parameters (the estimator's attributes)."""

    opt_state: Any
    best_kept: Array
    best_value: Array
    no_improvement: Array
    divisor: Array

    @classmethod
    def of(cls, state: TrainState) -> "Resumable":
        """Take what a state holds; patience starts anew after a run that ended by itself."""
        patience = 0 if state.status == CONVERGED else state.no_improvement
        return cls(
            opt_state=state.opt_state,
            best_kept=state.best_kept,
            best_value=state.best_value,
            no_improvement=np.int32(patience),
            divisor=state.divisor,
        )

    def onto(self, fresh: TrainState, step: int) -> TrainState:
        """Continue from a fresh state of the same solver, at the given step.

        A solver that has changed since starts with an optimizer state of its own.
        """
        mine, theirs = (repr(jax.tree.structure(t)) for t in (self.opt_state, fresh.opt_state))
        same = mine == theirs
        return fresh._replace(
            opt_state=self.opt_state if same else fresh.opt_state,
            best_kept=self.best_kept,
            best_value=self.best_value,
            no_improvement=self.no_improvement,
            divisor=self.divisor,
            step=np.int32(step),
            status=np.int32(RUNNING),
        )
