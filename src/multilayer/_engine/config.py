"""What is compiled into a program (`FitConfig`) and what is only handed to it (`Hyper`)."""

from dataclasses import dataclass
from typing import NamedTuple

from multilayer._core.types import Array
from multilayer.nn.network import Network


@dataclass(frozen=True)
class FitConfig:
    """Everything static: with the shapes of the arrays it is the key of a compiled program."""

    network: Network
    loss: str  # a name in OBJECTIVES
    solver: str  # a name in SOLVERS
    nesterov: bool = False
    adaptive: bool = False  # whether a stalled epoch divides the rate by 5 before it stops
    penalty: bool = False  # whether alpha is above 0
    scaled: bool = False  # whether inputs are multiplied by input_scale
    weighted: bool = False  # whether a batch may be without weight
    validate: bool = False  # whether each epoch ends with a pass over validation rows
    monitor_score: bool = False  # stop on the validation score (else on the training loss)
    dtype: str = "float32"  # the type everything is computed in


class Hyper(NamedTuple):
    """Every number of a training run: traced, so that changing one compiles nothing."""

    solver: dict[str, Array]  # numbers of the update rule
    learning_rate: Array  # the base rate; that of each step comes with the steps
    alpha: Array
    dropout: Array  # (hidden layers,)
    label_smoothing: Array
    input_scale: Array
    tol: Array
    n_iter_no_change: Array  # int32
    steps_per_epoch: Array  # int32
    seed: Array  # uint32, of dropout
