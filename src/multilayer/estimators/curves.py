"""The figures of training as attributes, read from the rows of its history."""

from typing import Any

import numpy as np

from multilayer._core.types import REPORT_COLUMNS


def _needs_training(estimator: Any, name: str) -> list[dict[str, float]]:
    if "_history_rows" not in vars(estimator):
        raise AttributeError(
            f"{type(estimator).__name__!r} object has no attribute {name!r}: it is not fitted"
        )
    return estimator._history_rows


class Curves:
    """History and what follows from it; nothing is copied before it is asked for."""

    _history_rows: list[dict[str, float]]
    _validated: bool  # whether the last call had validation data
    _stopped_by_score: bool  # whether validation decided over its end

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Figures of each epoch, one array per column."""
        rows = _needs_training(self, "history_")
        names = rows[0] if rows else REPORT_COLUMNS
        return {name: np.array([row[name] for row in rows], np.float64) for name in names}

    @property
    def loss_curve_(self) -> list[float]:
        """Loss of each epoch."""
        return [row["loss"] for row in _needs_training(self, "loss_curve_")]

    @property
    def best_loss_(self) -> float | None:
        """Lowest loss; None where validation decided."""
        losses = self.loss_curve_
        return None if self._stopped_by_score else float(np.min(losses, initial=np.inf))

    @property
    def validation_scores_(self) -> list[float] | None:
        """Validation score of each epoch; None without validation data."""
        rows = _needs_training(self, "validation_scores_")
        return [row["validation_score"] for row in rows] if self._validated else None

    @property
    def best_validation_score_(self) -> float | None:
        """Best validation score; None without validation data."""
        scores = self.validation_scores_
        return None if scores is None else float(np.max(scores, initial=-np.inf))
