"""What training leaves on an estimator: its network, and the figures of each epoch.

Without scikit-learn: the command line trains and saves a network before it is imported.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from multilayer._core.types import REPORT_COLUMNS
from multilayer._engine.history import History
from multilayer._nn.model import Parameters
from multilayer._nn.network import Network, n_parameters
from multilayer._objectives.objective import Objective
from multilayer._sklearn.fit.samples import Seen
from multilayer._sklearn.network.parameters import parameters_of, set_network

if TYPE_CHECKING:
    from multilayer._sklearn.arguments.resolved import Resolved
    from multilayer._sklearn.fit.assembly import Plan
    from multilayer._sklearn.fit.engine_run import FitResult
    from multilayer._sklearn.fit.start import Continuation
    from multilayer._sklearn.targets.class_outputs import Classes
    from multilayer._sklearn.targets.uncertainty import IntervalCalibration, Temperature


def _needs_training(estimator: "Trained", name: str) -> History:
    if "_history" not in vars(estimator):
        raise AttributeError(
            f"{type(estimator).__name__!r} object has no attribute {name!r}: it is not fitted"
        )
    return estimator._history


class Trained:
    """A network, its history and what follows from it; nothing is copied before it is read."""

    _network: Network  # the one that was trained
    _trained: Objective
    _dtype: str  # what it was trained, and is computed, in
    _history: History
    _resumable: "Continuation | None"
    _calibration: "Temperature | IntervalCalibration | None"
    _calibration_share: float  # of the rows of fit, set aside for it
    _seed: int
    _seen: Seen = Seen()  # the weights of the rows of partial_fit so far
    get_params: Callable[..., dict[str, Any]]
    _check_parameters: Callable[[], "Resolved"]
    _validated: bool  # whether the last call had validation data
    _stopped_by_score: bool  # whether validation decided over its end
    engine_: str
    fit_seconds_: float
    compile_seconds_: float
    loss_: float
    n_iter_: int
    n_outputs_: int
    n_reused_layers_: int
    stop_reason_: str
    t_: int
    input_scale: float | None  # an argument, as the next two
    network: object
    scoring: Any
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    params_: Parameters  # of a user's network

    def _take(self, plan: "Plan", result: "FitResult") -> None:
        """Set all that training leaves on an estimator."""
        set_network(self, plan, result.params)
        self._seed, self._seen = plan.start.seed, plan.start.seen
        self._history, self._resumable = result.history, result.continuation
        self._validated, self._stopped_by_score = result.validated, result.stopped_by_score
        self.loss_, self.n_iter_, self.stop_reason_ = result.loss, result.n_iter, result.stop_reason
        self.t_ = plan.start.n_rows_trained + result.n_iter * result.n_rows
        self.fit_seconds_, self.compile_seconds_ = result.fit_seconds, result.compile_seconds

    @property
    def n_parameters_(self) -> int:
        """Number of weights, biases, and scales and shifts of normalised layers."""
        if "_network" not in vars(self):
            raise AttributeError("n_parameters_ is there once the network is: call fit first")
        return n_parameters(parameters_of(self, self._dtype))

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Figures of each epoch, one array per column."""
        columns = _needs_training(self, "history_").columns()
        return columns or {name: np.array([]) for name in REPORT_COLUMNS}

    @property
    def loss_curve_(self) -> list[float]:
        """Loss of each epoch."""
        return _needs_training(self, "loss_curve_")["loss"].tolist()

    @property
    def best_loss_(self) -> float | None:
        """Lowest loss; None where validation decided."""
        losses = self.loss_curve_
        return None if self._stopped_by_score else float(np.min(losses, initial=np.inf))

    @property
    def validation_scores_(self) -> list[float] | None:
        """Validation score of each epoch; None without validation data."""
        history = _needs_training(self, "validation_scores_")
        return history["validation_score"].tolist() if self._validated else None

    @property
    def best_validation_score_(self) -> float | None:
        """Best validation score; None without validation data."""
        scores = self.validation_scores_
        return None if scores is None else float(np.max(scores, initial=-np.inf))

    @property
    def _chosen_epochs(self) -> tuple[int, ...]:
        """The epoch whose network was restored, none where it is the latest or of an earlier call.

        It follows from the history by the rule of ``close_epoch`` in `_engine/stopping.py`.
        """
        history = _needs_training(self, "_chosen_epochs")
        interrupted = self.stop_reason_ in ("interrupted", "failed") and self._validated
        if not (self._stopped_by_score or interrupted) or self.n_iter_ != len(history):
            return ()
        loss = history["validation_loss"]
        by_loss = self._stopped_by_score and self.scoring == "loss"
        rank = loss if by_loss else -history["validation_score"]
        finite = np.isfinite(history["loss"]) & np.isfinite(loss) & np.isfinite(rank)
        order = np.lexsort((loss, np.where(finite, rank, np.inf)))
        return (int(order[0]),) if finite.any() else ()


class TrainedClassifier(Trained):
    """A network of classes."""

    classes_: "Classes"
    _target_kind: str
