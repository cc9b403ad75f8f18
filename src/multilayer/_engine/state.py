"""The state of training: all that a resume needs, and nothing else."""

from typing import NamedTuple

import numpy as np

from multilayer._core.pytrees import Tree, map_leaves
from multilayer._core.types import Array
from multilayer._engine.config import FitConfig
from multilayer._nn.model import Parameters

RUNNING, CONVERGED, DIVERGED = 0, 1, 2  # TrainState.status


class Pending(NamedTuple):
    """What the batches since the last update have gathered."""

    gradient: Parameters  # sum of divisor * gradient
    loss: Array  # sum of divisor * loss
    weight: Array  # sum of the divisors


class TrainState(NamedTuple):
    """Evolving state; every leaf is an array, of NumPy or of whoever made the program."""

    params: Parameters
    opt_state: Tree  # of the update rule, as the maker of the program lays it out
    average: Parameters | None  # over the steps, where asked for
    pending: Pending | None  # where updates wait for several batches
    best_params: Parameters  # at the best epoch so far
    best_kept: Array  # the figure that best_params were chosen by, lower is better
    best_loss: Array  # their validation loss: among epochs of the same score the lower one counts
    best_value: Array  # the best of what the stopping rule watches, lower is better
    no_improvement: Array  # int32, epochs since the monitored value improved by tol
    divisor: Array  # what the "adaptive" schedule has divided the rate by
    status: Array  # int32
    step: Array  # int32, steps done
    loss_sum: Array  # weighted losses of the steps of the present epoch
    weight_sum: Array  # sum of what those were divided by (the name is that in checkpoints)

    @property
    def model(self) -> Parameters:
        """The parameters to predict with: the average where there is one."""
        return self.params if self.average is None else self.average


def first_state(config: FitConfig, params: Parameters, opt_state: Tree) -> TrainState:
    """State before the first step, in arrays of NumPy.

    ``opt_state`` is that of the update rule, which is a matter of who makes the program.
    """
    real = np.dtype(config.dtype).type
    return TrainState(
        params=params,
        opt_state=opt_state,
        average=params if config.averaged else None,
        pending=Pending(map_leaves(np.zeros_like, params), real(0), real(0))
        if config.accumulated
        else None,
        best_params=params,
        best_kept=real(np.inf),
        best_loss=real(np.inf),
        best_value=real(np.inf),
        no_improvement=np.int32(0),
        divisor=real(1),
        status=np.int32(RUNNING),
        step=np.int32(0),
        loss_sum=real(0),
        weight_sum=real(0),
    )
