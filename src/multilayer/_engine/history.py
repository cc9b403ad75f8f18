"""The curves of a training run: one row per finished epoch."""

import numpy as np

from multilayer._engine.stopping import EpochEnd

Report = dict[str, float]
"""Figures of one epoch by column name."""

COLUMNS = (
    "epoch",
    "loss",
    "validation_loss",
    "validation_score",
    "learning_rate",
    "steps",
    "seconds",
)


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

    def add(self, figures: EpochEnd, count: int, steps_per_epoch: int, seconds: float) -> None:
        """Append ``count`` epochs from the columns a program returned; ``seconds`` is the clock."""
        columns = [np.asarray(column)[:count].tolist() for column in figures]
        for loss, validation_loss, validation_score, rate in zip(*columns, strict=True):
            epoch = len(self.rows)
            self.rows.append(
                {
                    "epoch": epoch,
                    "loss": loss,
                    "validation_loss": validation_loss,
                    "validation_score": validation_score,
                    "learning_rate": rate,
                    "steps": (epoch + 1) * steps_per_epoch,
                    "seconds": seconds,
                }
            )

    def columns(self) -> dict[str, np.ndarray]:
        """Return all columns as a dictionary of arrays."""
        return {name: self[name] for name in COLUMNS}
