"""The curves of a training run: one row per finished epoch, in as little memory as is exact."""

from array import array
from collections.abc import Iterator, Mapping
from math import isfinite

import numpy as np

from multilayer._core.types import FIGURES, REPORT_COLUMNS, WHOLE_NUMBERS, Report

SINGLE, DOUBLE = "f", "d"  # types of array: four bytes for a number, and eight
PART = 1 << 14  # numbers looked at together
FEW = 8  # numbers that are quicker to add one by one


class HistoryColumn:
    """Numbers that only grow in number.

    As long as they rise evenly, or stay the same, only their rule is stored (epochs,
    steps, a constant rate, the NaN of no validation). Others take four bytes each while float32
    represents them exactly, as it does the results of programs, and eight from the first one on
    that it does not.
    """

    def __init__(self) -> None:
        self._length = 0
        self._first, self._rise = 0.0, 0.0
        self._values: array[float] | None = None

    @classmethod
    def of(cls, values: np.ndarray) -> "HistoryColumn":
        """Return the column of these float64 numbers."""
        column = cls()
        for value in values[:2].tolist():
            column.append(value)
        column._length = len(values)
        if not all(
            np.array_equal(column.read(start, start + len(part)), part, equal_nan=True)
            for start, part in parts(values)
        ):
            column._values = smallest(values)
        return column

    def __len__(self) -> int:
        """Return how many there are."""
        return self._length

    def append(self, value: float) -> None:
        """Add a number."""
        if self._length == 0:
            self._first = value
        elif self._length == 1 and self._values is None:
            rise = value - self._first
            self._rise = rise if isfinite(rise) else 0.0
        expected = self._first + self._rise * self._length
        is_nan = value != value
        if self._values is None and not (value == expected or (is_nan and expected != expected)):
            self._values = smallest(self.read(0, self._length))
        if self._values is not None:
            self._values.append(value)
            if self._values[-1] != value and not is_nan:  # float32 does not represent it
                self._values = array(DOUBLE, self._values)
                self._values[-1] = value
        self._length += 1

    def extend(self, values: np.ndarray) -> None:
        """Add float64 numbers: many of them in one go."""
        while len(values) and (self._length < 2 or len(values) < FEW):
            self.append(float(values[0]))
            values = values[1:]
        if not len(values):
            return
        if self._values is None:
            expected = self.read(self._length, self._length + len(values))
            if not np.array_equal(expected, values, equal_nan=True):
                self._values = smallest(self.read(0, self._length))
        if self._values is not None:
            added = smallest(values)
            if self._values.typecode != added.typecode:
                self._values, added = array(DOUBLE, self._values), array(DOUBLE, added)
            self._values.extend(added)
        self._length += len(values)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return some of them in float64."""
        if self._values is not None:
            return np.array(self._values[start:stop], np.float64)
        with np.errstate(invalid="ignore"):
            return self._first + self._rise * np.arange(start, stop, dtype=np.float64)


def smallest(values: np.ndarray) -> "array[float]":
    """Return float64 numbers in the smaller type that represents them exactly."""
    with np.errstate(over="ignore"):
        single = all(
            np.array_equal(part.astype(np.float32), part, equal_nan=True)
            for _, part in parts(values)
        )
        numbers: array[float] = array(SINGLE if single else DOUBLE)
        for _, part in parts(values):
            numbers.frombytes(part.astype(numbers.typecode).tobytes())
    return numbers


def parts(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Cut numbers into some at a time, with the place of each first one: a file may have many."""
    return ((start, values[start : start + PART]) for start in range(0, len(values), PART))


class History:
    """Grows by one row per epoch; a column is read with ``history["loss"]``."""

    def __init__(self) -> None:
        self._columns = {name: HistoryColumn() for name in REPORT_COLUMNS}
        self._length = 0

    def __len__(self) -> int:
        """Return the number of finished epochs."""
        return self._length

    def __getitem__(self, column: str) -> np.ndarray:
        """Return one column as a float64 array of shape ``(n_epochs,)``."""
        return self._columns[column].read(0, self._length)

    def add(self, report: np.ndarray, steps_per_epoch: int, seconds: float) -> None:
        """Append epochs, one line each as a program returned them; ``seconds`` is the clock.

        The clock is rounded to float32: it takes half the memory, and is exact to a millisecond
        in the first four hours.
        """
        done = self._length + np.arange(len(report), dtype=np.float64)
        columns = dict(zip(FIGURES, np.asarray(report, np.float64).T, strict=True))
        columns["epoch"], columns["steps"] = done, (done + 1) * steps_per_epoch
        columns["seconds"] = np.full(len(report), np.float32(seconds), np.float64)
        for name, column in self._columns.items():
            column.extend(columns[name])
        self._length += len(report)

    def reports(self, start: int) -> list[Report]:
        """Return the rows from one on, each by column."""
        columns = {name: column.read(start, self._length) for name, column in self._columns.items()}
        lists = [
            values.astype(np.int64).tolist() if name in WHOLE_NUMBERS else values.tolist()
            for name, values in columns.items()
        ]
        return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]

    def continued(self) -> "History":
        """Return a history that begins with this one and grows by itself; this one stays.

        The two share what they have, so that it takes no time: what is appended lies beyond the
        end of this one. Where another one has been appended to already, that is copied.
        """
        history = History()
        history._length = self._length
        apart = any(len(column) != self._length for column in self._columns.values())
        history._columns = (
            {name: HistoryColumn.of(self[name]) for name in self._columns}
            if apart
            else self._columns
        )
        return history

    def columns(self) -> dict[str, np.ndarray]:
        """Return all columns, none where no epoch has ended."""
        return {name: self[name] for name in self._columns} if self._length else {}

    @classmethod
    def of_columns(cls, columns: Mapping[str, np.ndarray]) -> "History":
        """Make the history again that had these columns, in whatever order they are now."""
        history = cls()
        if columns:
            history._columns = {
                name: HistoryColumn.of(np.asarray(columns[name], np.float64))
                for name in REPORT_COLUMNS
                if name in columns
            }
            history._length = len(next(iter(history._columns.values())))
        return history
