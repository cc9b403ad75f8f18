"""What a fit is compiled for, its numbers, and the state that a resume needs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from multilayer._core.pytrees import Tree, map_leaves
from multilayer._core.types import Array
from multilayer._nn.model import Disturbance, Model, Parameters
from multilayer._objectives.objective import LossNumbers, Objective

if TYPE_CHECKING:
    from multilayer._optim.rules import Rule


# What is part of a program (`FitConfig`) and what is only an argument of it (`Hyper`) ------------


# FitConfig.monitor: what the stopping rule watches.
LOSS, VALIDATION_LOSS, VALIDATION_SCORE = "loss", "validation_loss", "validation_score"


@dataclass(frozen=True)
class FitConfig:
    """Everything static: with the shapes of the arrays it is the key of a compiled program."""

    network: Model
    objective: Objective
    solver: "Rule"
    solver_options: tuple[tuple[str, object], ...] = ()  # of a factory, those that are no numbers
    nesterov: bool = False
    adaptive: bool = False  # whether a stalled epoch divides the rate by 5 before it stops
    penalty: bool = False  # whether alpha is above 0
    l1: bool = False  # whether a share of alpha is an L1 penalty
    clipped: bool = False  # whether gradients are shortened to clip_norm
    max_norm: bool = False  # whether incoming weights of hidden units are
    averaged: bool = False  # whether the network used is an average over the steps
    accumulated: bool = False  # whether an update waits for several batches
    layerwise: bool = False  # whether layers learn at rates of their own
    scaled: bool = False  # whether inputs are multiplied by input_scale
    weighted: bool = False  # whether the divisor of a batch may be 0
    validate: bool = False  # whether each epoch ends with a pass over validation rows
    monitor: str = LOSS
    closed_outside: bool = False  # whether Python completes the figures of an epoch
    factored: bool = False  # whether arrays learn and decay by factors that their layers name
    annealed: bool = False  # whether dropout and weight decay end with training
    dtype: str = "float32"  # the type everything is computed in


class Hyper(NamedTuple):
    """Every number of a training run: traced, so that changing one compiles nothing."""

    solver: dict[str, Array]  # numbers of the update rule
    learning_rate: Array  # the base rate; that of each step comes with the steps
    alpha: Array
    l1_ratio: Array
    disturbance: Disturbance
    loss: LossNumbers
    clip_norm: Array
    max_norm: Array
    ema_decay: Array
    layer_rates: Array  # (layers,) factors of the rate
    accumulate_steps: Array  # int32
    input_scale: Array
    tol: Array
    n_iter_no_change: Array  # int32
    steps_per_epoch: Array  # int32
    seed: Array  # uint32, of what is drawn in the program
    weight_decay: Array | None = None  # (members,) of networks whose arrays have factors
    total_steps: Array | None = None  # that annealing spans


# The state of training: all that a resume needs, and nothing else --------------------------------


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
    average: Parameters | None  # over the steps, if requested
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

    def on_host(self) -> "TrainState":
        """Return the same state with its single numbers in NumPy; networks stay where they are."""
        return self._replace(
            best_kept=np.asarray(self.best_kept),
            best_loss=np.asarray(self.best_loss),
            best_value=np.asarray(self.best_value),
            no_improvement=np.asarray(self.no_improvement),
            divisor=np.asarray(self.divisor),
            status=np.asarray(self.status),
            step=np.asarray(self.step),
            loss_sum=np.asarray(self.loss_sum),
            weight_sum=np.asarray(self.weight_sum),
        )


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
