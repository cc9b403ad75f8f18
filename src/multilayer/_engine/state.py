"""The state of training: all that a resume needs, and nothing else."""

from typing import NamedTuple

import jax
import numpy as np
import optax

from multilayer._core.types import Array
from multilayer._engine.config import FitConfig, Hyper
from multilayer._optim.solvers import SOLVERS
from multilayer.nn.network import Parameters

RUNNING, CONVERGED, DIVERGED = 0, 1, 2  # TrainState.status


class TrainState(NamedTuple):
    """Evolving state; every leaf is an array on the device."""

    params: Parameters
    opt_state: optax.OptState
    best_params: Parameters  # at the best epoch so far
    best_kept: Array  # what best_params were kept for, lower is better
    best_value: Array  # the best of what the stopping rule watches, lower is better
    no_improvement: Array  # int32, epochs since the monitored value improved by tol
    divisor: Array  # what the "adaptive" schedule has divided the rate by
    status: Array  # int32
    step: Array  # int32, steps done
    loss_sum: Array  # weighted losses of the steps of the present epoch
    weight_sum: Array  # weights of those steps


def initial_state(config: FitConfig, hyper: Hyper, params: Parameters) -> TrainState:
    """State before the first step.

    The optimizer's state is built on the host from its shapes: every Optax rule used here starts
    from zeros, apart from AdaGrad's accumulator.
    """
    rule = SOLVERS[config.solver](hyper.solver, hyper.learning_rate, config.nesterov)
    shapes = jax.eval_shape(rule.init, params)
    fill = hyper.solver.get("initial_accumulator_value", 0.0)
    opt_state = jax.tree.map(
        lambda leaf: np.full(leaf.shape, 0 if leaf.dtype == np.int32 else fill, leaf.dtype), shapes
    )
    real = np.dtype(config.dtype).type
    return TrainState(
        params=params,
        opt_state=opt_state,
        best_params=params,
        best_kept=real(np.inf),
        best_value=real(np.inf),
        no_improvement=np.int32(0),
        divisor=real(1),
        status=np.int32(RUNNING),
        step=np.int32(0),
        loss_sum=real(0),
        weight_sum=real(0),
    )
