"""Training rows for the engine: arrays read pass after pass, or a stream of batches.

Both are endless to the engine, one epoch that never closes: ``end`` says where an input ends.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

import numpy as np

from multilayer._core.pytrees import leaves
from multilayer._data.order import fill
from multilayer._data.source import (
    CHUNK_BYTES,
    Put,
    Rows,
    Window,
    as_they_are,
    joined,
    padded_to,
    rows_bucket,
)
from multilayer.estimator.feature_reading import Passes

ENDLESS = 2**30  # steps per epoch; the product with 1 is still an int32
TABLE_ENTRIES = 1 << 16  # row numbers in a window
MOST_STEPS = 1024  # steps in a window


class EndlessSource(Protocol):
    """Training rows whose batches are numbered by global steps."""

    n_rows: int
    batch_size: int
    width: int
    steps_per_epoch: int
    end: int | None  # the global step at which the input ends, where that is known

    def window(self, step: int) -> Window:
        """Return the window that holds a global step."""
        ...

    def sweep(self) -> Iterator[Rows]:
        """Go through the rows at hand."""
        ...

    def reach(self, step: int) -> int | None:
        """Return the step up to which batches are at hand; None where all are."""
        ...


class ArraySource:
    """All rows on the device, their order a matter of the host.

    Parameters
    ----------
    rows : Rows
        All rows, of NumPy.
    passes : Passes
        The order in which they are read.
    begun : int
        The global step at which reading began.
    put : callable
        Takes rows to where the programs read them.
    """

    steps_per_epoch = ENDLESS

    def __init__(self, rows: Rows, passes: Passes, begun: int, *, put: Put = as_they_are) -> None:
        n_steps = passes.n_steps
        self.n_rows = passes.n_rows
        self.batch_size = passes.batch_size
        if passes.number is not None:  # a batch may ask for more rows than there are
            self.batch_size = min(passes.batch_size, passes.number * passes.n_rows)
        self.width = self.batch_size
        self.end = None if n_steps is None else begun + n_steps
        self._passes, self._begun = passes, begun
        allocated = rows_bucket(self.n_rows)
        self._rows = put(rows if self.n_rows == allocated else rows.map(padded_to(allocated)))
        self._n_steps = max(1, min(MOST_STEPS, TABLE_ENTRIES // self.width))
        self._window: Window | None = None

    def window(self, step: int) -> Window:
        """Return the window that holds a global step."""
        window = self._window
        if window is None or not window.first <= step < window.stop:
            numbers = self._passes.rows(step - self._begun, self._n_steps)
            table = np.full((self._n_steps, self.width), -1, np.int32)
            fill(table, numbers, self.batch_size)
            stop = step + -(-len(numbers) // self.batch_size)
            window = self._window = Window(self._rows, table, step, stop, 1)
        return window

    def sweep(self) -> Iterator[Rows]:
        """Go through the rows at hand."""
        yield self._rows

    def reach(self, step: int) -> int | None:
        """Return None: all batches are at hand."""
        return None


class StreamSource:
    """Batches taken from an iterator, some at a time.

    Parameters
    ----------
    batches : iterator of Rows
        Each of any number of rows, of NumPy.
    first : int
        The global step of the first batch.
    put : callable
        Takes rows to where the programs read them.
    """

    steps_per_epoch = ENDLESS

    def __init__(self, batches: Iterator[Rows], first: int, *, put: Put = as_they_are) -> None:
        self._batches, self._next, self._put = batches, first, put
        self._ahead = list(islice(batches, 1))  # one more than needed: is this the end?
        self.end = None if self._ahead else first
        self.n_rows = self.batch_size = self.width = max(map(_length, self._ahead), default=1)
        row = sum(part.nbytes for part in leaves(self._ahead)) // self.width
        self._n_steps = max(1, min(MOST_STEPS, CHUNK_BYTES // max(1, row * self.width)))
        self._window = Window(Rows(None, None, None), np.zeros((0, 1)), first, first, 1)

    def window(self, step: int) -> Window:
        """Return the window that contains a global step, the current one or the next."""
        while step >= self._window.stop:
            self._load()
        return self._window

    def reach(self, step: int) -> int | None:
        """Return the step up to which batches are at hand."""
        return step if self.end == step else self.window(step).stop

    def sweep(self) -> Iterator[Rows]:
        """Go through the rows at hand."""
        yield self._window.rows

    def _load(self) -> None:
        taken = [*self._ahead, *islice(self._batches, self._n_steps)]
        batches, self._ahead = taken[: self._n_steps], taken[self._n_steps :]
        self.width = max(self.width, *map(_length, batches))
        first, self._next = self._next, self._next + len(batches)
        self.end = None if self._ahead else self._next
        rows, order = laid_out(batches, self._n_steps, self.width)
        self._window = Window(self._put(rows), order, first, self._next, 1)


def _length(rows: Rows) -> int:
    return len(rows.y)


def laid_out(batches: Sequence[Rows], n_steps: int, width: int) -> tuple[Rows, np.ndarray]:
    """Join batches, padded to ``n_steps * width`` rows, with the table of which rows are whose."""
    table = np.full((n_steps, width), -1, np.int32)
    start = 0
    for line, batch in zip(table, batches, strict=False):
        line[: _length(batch)] = np.arange(start, start + _length(batch))
        start += _length(batch)
    return joined(batches).map(padded_to(n_steps * width)), table
