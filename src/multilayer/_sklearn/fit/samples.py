"""Rows that were checked: inputs, encoded targets, weights."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multilayer._core.environment import level_of_caller
from multilayer._core.errors import DataError
from multilayer._data.csr_rows import CsrRows
from multilayer._data.rows import Matrix, row_taker

# By what the weighted losses of a batch are divided: the rule of `weight_normalization` ----------


class Seen(NamedTuple):
    """Total weights of rows: those of a fit, or of all calls of partial_fit so far."""

    n_rows: int = 0
    given: float = 0.0  # by their sample weights
    weighed: float = 0.0  # by those times the weights of their classes

    def after(self, given: np.ndarray, weighed: np.ndarray) -> "Seen":
        """Add rows to those seen."""
        return Seen(
            self.n_rows + len(given),
            self.given + float(given.sum(dtype=np.float64)),
            self.weighed + float(weighed.sum(dtype=np.float64)),
        )


def divisors(rule: str, given: np.ndarray, seen: Seen, *, by_class: bool) -> np.ndarray | None:
    """Return what each row adds to the divisor of its batch's loss; None where it is its weight.

    Under "data" that is the mean weight of all rows. Under "batch" it is the row's sample weight,
    times the mean weight of the classes: class weights say what each row counts in the whole,
    so a batch with rare rows of large weight must not be divided by their weights.

    Parameters
    ----------
    rule : {"batch", "data"}
        The argument `weight_normalization`.
    given : ndarray of shape (rows,)
        Sample weights.
    seen : Seen
        All rows, these among them.
    by_class : bool
        Whether there are weights of classes.
    """
    if rule == "data":
        return np.full_like(given, seen.weighed / seen.n_rows)
    return given * given.dtype.type(seen.weighed / seen.given) if by_class else None


# Checked rows: inputs, encoded targets, weights --------------------------------------------------


@dataclass(frozen=True)
class Samples:
    """Checked rows."""

    X: Matrix
    y: np.ndarray  # (n,) or (n, heads) int32 class numbers, (n, heads) 0/1 or numbers
    weight: np.ndarray  # (n,)
    labels: np.ndarray  # (n,) or (n, outputs), the targets as the user gave them
    streamed: bool = False  # whether X stays where it is, and is not copied as a whole
    rows: np.ndarray | None = None  # numbers of the rows of a streamed X that are meant, or all
    divisor: np.ndarray | None = None  # (n,) of a batch's loss, None where it is the weight

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.y)

    @property
    def sparse(self) -> bool:
        """Whether X is a sparse matrix."""
        return self.streamed and not isinstance(self.X, np.ndarray)

    @property
    def dtype(self) -> str:
        """The type that everything is computed in: that of the weights."""
        return str(self.weight.dtype)

    @property
    def divisors(self) -> np.ndarray:
        """What each row adds to the number that the losses of its batch are divided by."""
        return self.weight if self.divisor is None else self.divisor

    def pick(self, rows: np.ndarray) -> "Samples":
        """Return some of the rows; of a streamed X nothing is copied."""
        parts = self.y[rows], self.weight[rows], self.labels[rows]
        if not self.streamed:
            return Samples(self.X[rows], *parts)
        numbers = rows if self.rows is None else self.rows[rows]
        return Samples(self.X, *parts, streamed=True, rows=numbers)

    def taker(self, dtype: str) -> Callable[[np.ndarray | slice], np.ndarray]:
        """Return a function that takes rows, by numbers or a slice, dense and compact."""
        take, numbers = row_taker(self.X, dtype), self.rows
        return lambda rows: take(rows if numbers is None else numbers[rows])

    def matrix(self) -> Matrix:
        """Return the inputs as one matrix, in their own type."""
        if self.rows is None:
            return self.X
        return self.X.tocsr()[self.rows] if self.sparse else self.X[self.rows]

    def csr_rows(self, dtype: str) -> CsrRows:
        """Return the rows of a sparse X, which stay sparse."""
        return CsrRows.of(self.matrix(), dtype)


@dataclass(frozen=True)
class Purpose:
    """What rows are set aside for, in the words of messages."""

    name: str
    argument: str  # that gives their share
    cause: str  # the argument without which none are
    otherwise: str  # what to do in place of it


VALIDATION = Purpose("validation", "validation_fraction", "early_stopping", "give X_val and y_val")
CALIBRATION = Purpose(
    "calibration", "calibration_fraction", "calibration_fraction", "call calibrate(X, y) after fit"
)


def set_aside(
    samples: Samples,
    fraction: float,
    *,
    seed: int,
    strata: np.ndarray | None,
    purpose: Purpose = VALIDATION,
) -> tuple[Samples, Samples]:
    """Set a fraction of the samples aside: the same ones for the same seed.

    ``strata`` ``(n,)`` are groups to stratify by, as far as the numbers of rows allow it: a
    row that is alone in its group stays in training, and groups too small to be represented on
    both sides are split at random, with a warning. Returns the rest and what was set aside.
    """
    # Late: the command line trains on the digits without scikit-learn.
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(samples))
    alone = rows[:0]
    n_aside = math.ceil(len(samples) * fraction)  # as train_test_split rounds
    if n_aside < 2:
        single = strata is not None and 1 in np.unique(strata, return_counts=True)[1]
        raise DataError(
            f"The {purpose.name} set is too small ({n_aside} sample) with {purpose.argument}="
            f"{fraction!r} of {len(samples)}. "
            + ("The least populated class in y has only 1 member. " if single else "")
            + f"Increase {purpose.argument!r} or the size of your dataset, or {purpose.otherwise}."
        )
    if strata is not None and n_aside < len(samples):
        rows, strata, alone = _strata_to_split(strata, n_aside, purpose)
    try:
        train, held_out = train_test_split(
            rows, random_state=seed, test_size=n_aside, stratify=strata
        )
    except ValueError as error:
        raise DataError(
            f"{purpose.argument}={fraction!r} cannot set a part of {len(samples)} samples aside: "
            f"{error} Change {purpose.argument}, or {purpose.otherwise}."
        ) from error
    return samples.pick(np.concatenate([train, alone])), samples.pick(held_out)


def _strata_to_split(
    strata: np.ndarray, n_aside: int, purpose: Purpose
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Return the rows to split, their groups for a stratified split, and rows left in training.

    train_test_split asks for two rows of each group, and for as many rows on either side as there
    are groups: the smallest groups become one until both hold.
    """
    _, group, counts = np.unique(strata, return_inverse=True, return_counts=True)
    single = counts[group] == 1
    rows, alone = np.flatnonzero(~single), np.flatnonzero(single)
    most = min(n_aside, len(rows) - n_aside)  # groups that both sides can represent
    if most <= 0 or len(alone) > len(rows):  # the others are too few to give all validation rows
        rows, alone, pooled = np.arange(len(strata)), alone[:0], np.arange(len(counts))
    else:
        large = np.argsort(-counts, kind="stable")[: len(counts) - len(alone)]
        pooled = large[most - 1 :] if len(large) > most else large[:0]
    if len(pooled) or len(alone):
        parts = [
            (alone, "with a single row, which stays in training"),
            (pooled, "too small for both sides, which are split at random"),
        ]
        warnings.warn(
            f"{purpose.cause} cannot set {n_aside} of {len(strata)} samples aside with all "
            f"{len(counts)} classes in proportion. Classes "
            + "; ".join(f"{what}: {len(some)}" for some, what in parts if len(some))
            + f". Raise {purpose.argument}, or {purpose.otherwise}.",
            stacklevel=level_of_caller(),
        )
    merged = np.where(np.isin(group, pooled), -1, group)[rows]
    return rows, merged if len(np.unique(merged)) > 1 else None, alone
