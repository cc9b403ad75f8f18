"""The figures of training as attributes, read from its history."""

import numpy as np

from multilayer._core.types import REPORT_COLUMNS
from multilayer._engine.history import History


def _needs_training(estimator: "Curves", name: str) -> History:
    if "_history" not in vars(estimator):
        raise AttributeError(
            f"{type(estimator).__name__!r} object has no attribute {name!r}: it is not fitted"
        )
    return estimator._history


class Curves:
    """History and what follows from it; nothing is copied before it is asked for."""

    _history: History
    _validated: bool  # whether the last call had validation data
    _stopped_by_score: bool  # whether validation decided over its end

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
