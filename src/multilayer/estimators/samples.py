"""Rows that were checked: inputs, encoded targets, weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from multilayer._core.errors import DataError
from multilayer._data.rows import Matrix, row_taker


@dataclass(frozen=True)
class Samples:
    """Checked rows."""

    X: Matrix
    y: np.ndarray  # (n,) or (n, heads) int32 class numbers, (n, heads) 0/1 or numbers
    weight: np.ndarray  # (n,)
    labels: np.ndarray  # (n,) or (n, outputs), the targets as the user gave them
    streamed: bool = False  # whether X stays where it is, and chunks of it are made dense
    rows: np.ndarray | None = None  # numbers of the rows of a streamed X that are meant, or all
    divisor: np.ndarray | None = None  # (n,) of a batch's loss, None where it is the weight

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.y)

    @property
    def divisors(self) -> np.ndarray:
        """What each row adds to the number that the losses of its batch are divided by."""
        return self.weight if self.divisor is None else self.divisor

    def pick(self, rows: np.ndarray) -> "Samples":
        """Return some of the rows; of a streamed X nothing is copied."""
        parts = self.y[rows], self.weight[rows], self.labels[rows]
        if not self.streamed:
            return Samples(self.X[rows], *parts)
        return Samples(self.X, *parts, streamed=True, rows=self._numbers(rows))

    def weighing(self, weight: np.ndarray) -> "Samples":
        """Return the same rows with other weights."""
        return replace(self, weight=weight)

    def dividing(self, divisor: np.ndarray | None) -> "Samples":
        """Return the same rows with what each adds to the divisor of its batch's loss."""
        return replace(self, divisor=divisor)

    def taker(self, dtype: str) -> Callable[[Any], np.ndarray]:
        """Return a function that takes rows, by numbers or a slice, dense and compact."""
        take = row_taker(self.X, dtype)
        return lambda rows: take(self._numbers(rows))

    def matrix(self) -> Matrix:
        """Return the inputs as one matrix, in their own type."""
        return self.X if self.rows is None else self.X[self.rows]

    def _numbers(self, rows: Any) -> Any:
        """Numbers in X of some of the rows."""
        return rows if self.rows is None else self.rows[rows]


def set_aside(
    samples: Samples, fraction: float, *, seed: int, strata: np.ndarray | None
) -> tuple[Samples, Samples]:
    """Set a fraction of the samples aside: the same ones for the same seed.

    ``strata`` are groups to keep in proportion. Returns the rest and what was set aside.
    """
    # Late, for what needs the class above while scikit-learn is being imported.
    from sklearn.model_selection import train_test_split

    try:
        train, held_out = train_test_split(
            np.arange(len(samples)), random_state=seed, test_size=fraction, stratify=strata
        )
    except ValueError as error:
        raise DataError(
            f"validation_fraction={fraction!r} cannot set a part of {len(samples)} samples aside: "
            f"{error} Change validation_fraction, or give X_val and y_val."
        ) from error
    if len(held_out) < 2:
        raise DataError(
            f"The validation set is too small ({len(held_out)} sample). Increase "
            "'validation_fraction' or the size of your dataset, or give X_val and y_val."
        )
    return samples.pick(train), samples.pick(held_out)
