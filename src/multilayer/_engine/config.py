"""What is part of a program (`FitConfig`) and what is only an argument of it (`Hyper`)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from multilayer._core.types import Array
from multilayer._nn.model import Disturbance, Model
from multilayer._objectives.objective import LossNumbers, Objective

if TYPE_CHECKING:
    from multilayer._optim.rules import Rule  # starts JAX

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
