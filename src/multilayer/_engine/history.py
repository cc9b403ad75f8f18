"""The curves of a training run: one row per finished epoch."""

import numpy as np

from multilayer._core.types import Report
from multilayer._engine.stopping import EpochEnd


class History:
    """Grows by one row per epoch; a column is read with ``history["loss"]``."""

    def __init__(self) -> None:
        self.rows: list[Report] = []

    def __len__(self) -> int:
        """Return the number of finished epochs."""
        return len(self.rows)

    def __getitem__(self, column: str) -> np.ndarray:
        """Return one column as a float64 array of shape ``(n_epochs,)``."""
        return np.array([row[column] for row in self.rows], np.float64)

    def add(self, report: np.ndarray, steps_per_epoch: int, seconds: float) -> None:
        """Append epochs, one line each as a program returned them; ``seconds`` is the clock."""
        for line in report.tolist():
            epoch = len(self.rows)
            self.rows.append(
                {
                    "epoch": epoch,
                    **dict(zip(EpochEnd._fields, line, strict=True)),
                    "steps": (epoch + 1) * steps_per_epoch,
                    "seconds": seconds,
                }
            )
