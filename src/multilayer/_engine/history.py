"""The curves of a training run: one row per finished epoch."""

from collections.abc import Mapping

import numpy as np

from multilayer._core.types import REPORT_COLUMNS, WHOLE_NUMBERS, Report
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

    def columns(self) -> dict[str, np.ndarray]:
        """Return all columns, none where no epoch has ended."""
        return {name: self[name] for name in self.rows[0]} if self.rows else {}

    @classmethod
    def of_columns(cls, columns: Mapping[str, np.ndarray]) -> "History":
        """Make the history again that had these columns, in whatever order they are now."""
        history = cls()
        names = [name for name in REPORT_COLUMNS if name in columns]
        lists = [
            [int(value) for value in columns[name]]
            if name in WHOLE_NUMBERS
            else columns[name].tolist()
            for name in names
        ]
        history.rows = [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]
        return history
