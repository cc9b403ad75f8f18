"""Encoded rows, what predictions for them are compared with, and trained ensembles: plain data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from multilayer._core.numpy_activations import softmax
from multilayer._data.encoding import TableLayout
from multilayer._engine.callbacks.printing import PrintLoss
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.checkpointer import Checkpointer
from multilayer._engine.engines import Engine
from multilayer._engine.history import History
from multilayer._nn.members import Members
from multilayer._nn.model import Parameters
from multilayer._sklearn.tabular.probabilities import log_sum_exp

if TYPE_CHECKING:
    from multilayer._sklearn.fit.checkpointing import CheckpointedFit

TEMPERATURES = np.exp(np.linspace(-1.2, 0.5, 18))
"""Factors of the logarithms of probabilities that calibration tries."""

Scorer: TypeAlias = Callable[[np.ndarray], float]
"""Score of a table of predictions ``(rows, outputs)``, higher is better."""


# Tables of predictions, and their losses ---------------------------------------------------------


@dataclass(frozen=True)
class Targets:
    """What predictions are compared with."""

    y: np.ndarray  # (rows,) class numbers, or (rows, outputs)
    weight: np.ndarray  # (rows,)
    classification: bool

    def predicted(self, raw: np.ndarray) -> np.ndarray:
        """Return what raw outputs ``(..., outputs)`` of a network predict."""
        return softmax(raw) if self.classification else raw

    def loss(self, predicted: np.ndarray) -> float:
        """Return the loss of a table: the log loss after calibration, or the squared error."""
        if self.classification:
            return self.calibrated(predicted)[1]
        return self._mean(np.square(predicted - self.y).mean(axis=1))

    def plain_loss(self, predicted: np.ndarray) -> float:
        """Return the log loss of probabilities as they are, or the squared error."""
        if not self.classification:
            return self.loss(predicted)
        right = predicted[np.arange(len(predicted)), self.y]
        return self._mean(-np.log(np.maximum(right, 1e-9)))

    def score(self, predicted: np.ndarray) -> float:
        """Return the accuracy, or the share of the variance that is explained."""
        if self.classification:
            return self._mean(predicted.argmax(axis=1) == self.y)
        mean = np.average(self.y, axis=0, weights=self.weight)
        spread = self._mean(np.square(self.y - mean).mean(axis=1))
        return 1.0 - self.loss(predicted) / spread if spread else 0.0

    def calibrated(self, probabilities: np.ndarray) -> tuple[float, float]:
        """Return the temperature of the lowest log loss, and that loss.

        The loss is a convex function of the temperature: a walk from 1 downhill finds the lowest.
        """
        logs = np.log(np.maximum(probabilities, 1e-9))
        right = logs[np.arange(len(logs)), self.y]

        def loss(number: int) -> float:
            factor = TEMPERATURES[number]
            return self._mean(log_sum_exp(factor * logs) - factor * right)

        best = int(np.argmin(np.abs(TEMPERATURES - 1.0)))
        lowest = loss(best)
        for step in (1, -1):
            while 0 <= best + step < len(TEMPERATURES) and (near := loss(best + step)) < lowest:
                best, lowest = best + step, near
        return float(TEMPERATURES[best]), lowest

    def _mean(self, values: np.ndarray) -> float:
        return float(np.average(values, weights=self.weight))


# Rows, and ensembles -----------------------------------------------------------------------------


@dataclass(frozen=True)
class EncodedRows:
    """A table for training: encoded columns and targets."""

    X: np.ndarray  # (rows, layout.n_columns) float32
    layout: TableLayout
    y: np.ndarray  # (rows,) int32 class numbers, or (rows, outputs) float32
    weight: np.ndarray  # (rows,) float32, above 0
    n_outputs: int  # of the network
    groups: npt.ArrayLike | None = None  # rows of one group stay in one fold
    scorer: Callable[..., float] | None = None  # of (table, numbers of its rows), for the loss

    @property
    def classification(self) -> bool:
        """Whether targets are classes."""
        return self.y.ndim == 1

    def targets_of(self, numbers: np.ndarray) -> Targets:
        """Return what predictions for some rows are compared with."""
        return Targets(self.y[numbers], self.weight[numbers], self.classification)


@dataclass(frozen=True)
class Ensemble:
    """A trained ensemble."""

    network: Members
    params: Parameters
    weights: np.ndarray  # (members,) of their predictions, 1 in sum
    temperature: float  # factor of the logarithms of their mean probabilities
    engine: str  # what trained it, and predicts with it


@dataclass(frozen=True)
class TabularReport:
    """What a fit did.

    Attributes
    ----------
    n_rows : int
        Rows trained on; those without weight are left out.
    n_members, n_folds : int
        Networks of the ensemble, and folds of the rows.
    views : tuple of str
        How the columns are seen: each view has as many members.
    view_weights : tuple of float
        What the predictions of each view count.
    best_epochs : tuple of int
        Epoch whose networks each view uses.
    n_epochs, n_steps : int
        Trained: epochs (evaluations) and steps of every member.
    temperature : float
        What the logarithms of the probabilities are divided by; 1 in regression.
    out_of_fold_loss, out_of_fold_score : float
        Log loss after calibration and accuracy, or the mean squared error of the standardised
        target and R2, of predictions for rows that the networks have not seen.
    stop_reason : str
        "converged", "max_iter", "time_budget", "interrupted" or what a callback gave.
    fit_seconds, compile_seconds : float
        In training steps, and for the compilation of programs: 0 where it is native.
    """

    n_rows: int
    n_members: int
    n_folds: int
    views: tuple[str, ...]
    view_weights: tuple[float, ...]
    best_epochs: tuple[int, ...]
    n_epochs: int
    n_steps: int
    temperature: float
    out_of_fold_loss: float
    out_of_fold_score: float
    stop_reason: str
    fit_seconds: float
    compile_seconds: float

    @property
    def unseen(self) -> tuple[float, float]:
        """Loss and score for rows that the networks have not been trained on."""
        return self.out_of_fold_loss, self.out_of_fold_score

    @property
    def chosen_epochs(self) -> tuple[int, ...]:
        """Epochs whose networks count in the predictions, ascending."""
        found = zip(self.best_epochs, self.view_weights, strict=True)
        return tuple(sorted({epoch for epoch, weight in found if weight > 0}))


@dataclass(frozen=True)
class ReferenceReport:
    """What the fit of a published recipe did.

    Attributes
    ----------
    n_rows : int
        Rows trained on, those set aside included; those without weight are left out.
    n_validation_rows : int
        Rows set aside that chose the epoch; all rows where every fold is set aside once.
    n_members : int
        Networks that predict.
    best_epochs : tuple of int
        Epoch whose network is used, of each split of the rows; counted from 0.
    n_epochs, n_steps : int
        Trained: epochs and steps of every network. Those of networks trained again on all rows are
        not among them.
    validation_loss, validation_score : float
        Log loss and accuracy, or the mean squared error of the standardised target and R2 (or the
        score of `scoring`), of the networks used for the rows set aside.
    stop_reason : str
        "max_iter", "converged" (early stopping), "interrupted", "failed" or what a callback gave.
    fit_seconds, compile_seconds : float
        In training steps, and for the compilation of programs: 0 where it is native.
    """

    n_rows: int
    n_validation_rows: int
    n_members: int
    best_epochs: tuple[int, ...]
    n_epochs: int
    n_steps: int
    validation_loss: float
    validation_score: float
    stop_reason: str
    fit_seconds: float
    compile_seconds: float

    @property
    def unseen(self) -> tuple[float, float]:
        """Loss and score for rows that the networks have not been trained on."""
        return self.validation_loss, self.validation_score

    @property
    def chosen_epochs(self) -> tuple[int, ...]:
        """Epochs whose networks count in the predictions, ascending."""
        return tuple(sorted(set(self.best_epochs)))


@dataclass(frozen=True)
class EnsembleRun:
    """How a fit is run, beside its recipe."""

    seed: int
    callbacks: Sequence[Callback] = ()
    began: float = 0.0  # when the fit did, of ``time.monotonic()``
    checkpointed: "CheckpointedFit | None" = None
    device: str = "auto"
    verbose: bool = False

    def checkpointer(self, steps_per_epoch: int, engine: Engine) -> Checkpointer | None:
        """Return what writes checkpoints, if requested."""
        if self.checkpointed is None:
            return None
        return self.checkpointed.checkpointer(steps_per_epoch, engine)

    def watching(self, first_line: str) -> list[Callback]:
        """Return the callbacks, with one that prints a line and then each epoch if requested."""
        return [*self.callbacks, *([PrintLoss(first_line)] if self.verbose else [])]

    @property
    def first_seed(self) -> int:
        """The seed, or that of the checkpoint that is resumed."""
        return self.seed if self.checkpointed is None else self.checkpointed.seed


@dataclass(frozen=True)
class EnsembleFit:
    """What training has made, however it ended."""

    ensemble: Ensemble
    report: TabularReport | ReferenceReport
    history: History
    errors: np.ndarray  # (rows, outputs) absolute ones of unseen numbers, each column sorted
    error: BaseException | None  # to be raised once the ensemble is in place
