"""What is compiled into a program (`FitConfig`) and what is only handed to it (`Hyper`)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multilayer.nn.network import Network


@dataclass(frozen=True)
class FitConfig:
    """Everything static: with the shapes of the arrays it is the key of a compiled program."""

    network: Network
    loss: str  # a name in OBJECTIVES
    solver: str  # a name in SOLVERS
    schedule: str  # a name in DECAYS
    nesterov: bool = False
    penalty: bool = False  # whether alpha is above 0
    scaled: bool = False  # whether inputs are multiplied by input_scale
    weighted: bool = False  # whether a batch may be without weight
    validate: bool = False  # whether each epoch ends with a pass over validation rows
    monitor_score: bool = False  # stop on the validation score (else on the training loss)
    dtype: str = "float32"  # the type everything is computed in


class Hyper(NamedTuple):
    """Every number of a training run: traced, so that changing one compiles nothing."""

    solver: dict[str, np.ndarray]  # numbers of the update rule
    schedule: dict[str, np.ndarray]  # numbers of the schedule
    learning_rate: np.ndarray
    alpha: np.ndarray
    dropout: np.ndarray  # (hidden layers,)
    label_smoothing: np.ndarray
    input_scale: np.ndarray
    tol: np.ndarray
    n_iter_no_change: np.ndarray  # int32
    n_rows: np.ndarray  # int32, real training rows
    steps_per_epoch: np.ndarray  # int32
    total_steps: np.ndarray  # int32, what the schedule's progress is measured against
    seed: np.ndarray  # uint32, of dropout
