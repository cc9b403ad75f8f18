"""Where training rows come from: resident arrays, or chunks made in turn.

A source returns windows. A window has rows where the programs read them and a table that says which
of them make up which step. A program only ever sees windows: the same steps on the same rows, so
that the kinds of source agree to rounding (a window of another shape is another program).

Rows are arrays of NumPy until ``put`` takes them to where the programs read them; this module knows
no device.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from multilayer._core.errors import DataError
from multilayer._core.types import Array
from multilayer._data.csr_rows import CsrRows
from multilayer._data.order import Order, fill, in_batches

# Padded sizes: small data of nearly the same size share one compiled program ---------------------


FEW_ROWS, MANY_ROWS = 32, 512
"""Rows allocated for the smaller chunks of rows that are visited once."""

PADDED_BELOW = 8192
"""Arrays with more rows than this are not padded: each size is a program of its own."""


BLOCK_BYTES = 32 << 20
"""Dense rows made at a time from rows that lie elsewhere, or values between two layers."""


def rows_within(width: int, itemsize: int, n_bytes: int = BLOCK_BYTES) -> int:
    """Return how many rows of a width take at most so many bytes, at least one."""
    return max(1, n_bytes // (max(1, width) * itemsize))


def rows_bucket(n_rows: int) -> int:
    """Rows to allocate for ``n_rows``: a power of two of at least 32, or exact for large data."""
    if n_rows > PADDED_BELOW:
        return n_rows
    return max(32, 1 << (n_rows - 1).bit_length())


def visit_bucket(n_rows: int) -> int:
    """Rows to allocate for ``n_rows`` that are visited once, among others of any number.

    Few sizes, so that chunks of 1 to 512 rows make two programs: no step is done for rows that are
    not there. Large chunks take at most a quarter more memory.
    """
    if n_rows <= FEW_ROWS:
        return FEW_ROWS
    if n_rows <= PADDED_BELOW:
        return max(MANY_ROWS, rows_bucket(n_rows))
    step = 1 << (n_rows.bit_length() - 3)
    return -(-n_rows // step) * step


def batch_bucket(n_rows: int) -> int:
    """Rows to allocate for a batch that holds all ``n_rows`` rows.

    Finer steps than :func:`rows_bucket` (at most a quarter too many): padded rows of a batch
    are computed, those of an array only stored.
    """
    if n_rows > PADDED_BELOW:
        return n_rows
    step = max(8, 1 << max(0, n_rows.bit_length() - 3))
    return -(-n_rows // step) * step


# Batches of rows in the order of an epoch -------------------------------------------------------

ORDER_ENTRIES = 1 << 16  # row numbers in a window of small data: many epochs per call
CHUNK_BYTES = BLOCK_BYTES  # dense rows in a window of streamed data
MOST_EPOCHS = 200  # epochs in one window: as many as `max_iter` has by default


class Rows(NamedTuple):
    """Rows, of NumPy or where the programs read them."""

    X: Array  # (rows, features), any real dtype; CsrRows where the engine reads them
    y: Array  # (rows,) class numbers, or (rows, outputs) targets
    weight: Array  # (rows,) of the computing dtype, 0 in padding
    divisor: Array | None = None  # (rows,) as well; None where it is the weight

    @property
    def divisors(self) -> Array:
        """What each row adds to the number that the weighted losses of its batch are divided by."""
        return self.weight if self.divisor is None else self.divisor

    def map(self, function: Callable[[Array], Array]) -> "Rows":
        """Apply a function to each array that there is."""
        return Rows(*(None if part is None else function(part) for part in self))


Put: TypeAlias = Callable[[Rows], Rows]
"""Takes rows of NumPy to where the programs read them, see :mod:`multilayer._engine.program`."""


def as_they_are(rows: Rows) -> Rows:
    """Leave rows where they are: programs take arrays of NumPy too."""
    return rows


class Window(NamedTuple):
    """Rows with the steps that can be done on them."""

    rows: Rows
    order: Array  # (steps, batch) int32 into rows, -1 in padding
    first: int  # the global step of order[0]
    stop: int  # the global step after the last one in order
    epochs: int  # the most epochs that can end within any window of this source


class Source(Protocol):
    """Training rows, returned in windows."""

    n_rows: int
    batch_size: int  # real rows per batch, the last of an epoch may have fewer
    width: int  # allocated rows per batch
    steps_per_epoch: int

    def window(self, step: int) -> Window:
        """Return the window that holds a global step."""
        ...

    def sweep(self) -> Iterator[Rows]:
        """Go through all rows once, in any order."""
        ...


def pad_rows(array: Array, rows: int) -> Array:
    """Copy an array into ``rows`` rows, zeros at the end."""
    if isinstance(array, CsrRows):
        return array.padded(rows)
    array = np.asarray(array)
    padded = np.zeros((rows, *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return padded


def joined(parts: Sequence[Rows]) -> Rows:
    """Lay rows end to end."""
    columns = zip(*parts, strict=True)
    return Rows(*(None if c[0] is None else np.concatenate(c) for c in columns))


def _geometry(n_rows: int, batch_size: int, *, once: bool = False) -> tuple[int, int, int]:
    """Real batch size, allocated batch size and steps per epoch."""
    size = min(batch_size, n_rows)
    if once:  # as wide as for the full size: a chunk that is one batch trains as `fit` does
        full = batch_bucket(batch_size) if size == n_rows else batch_size
        width = min(full, visit_bucket(n_rows))
    else:
        width = batch_bucket(n_rows) if size == n_rows else size
    return size, width, -(-n_rows // size)


class ResidentSource:
    """The whole training set where the programs are; they gather the batches themselves.

    ``once`` is for rows that one epoch is trained on: sets of nearly any size share their shapes.
    ``pad`` says that programs are made for shapes, so that sets of about the same size share one;
    without it the arrays are not copied, and sources of the same rows share their memory.
    """

    def __init__(
        self,
        X: np.ndarray | CsrRows,
        y: np.ndarray,
        weight: np.ndarray,
        batch_size: int,
        order: Order,
        divisor: np.ndarray | None = None,
        *,
        once: bool = False,
        pad: bool = True,
        put: Put = as_they_are,
    ) -> None:
        self.n_rows = len(X)
        self.batch_size, self.width, self.steps_per_epoch = _geometry(len(X), batch_size, once=once)
        self._order = order
        allocated = visit_bucket(self.n_rows) if once else rows_bucket(self.n_rows)
        rows = Rows(X, y, weight, divisor)
        # Copied only where it must be padded: MNIST's 172 MB would take as long as 150 steps.
        whole = not pad or len(X) == allocated
        self._rows = put(rows if whole else rows.map(padded_to(allocated)))
        # The table of a window is as large for every number of rows in the bucket.
        self._allocated_steps = -(-allocated // (self.width if once else self.batch_size))
        if self.batch_size == self.n_rows and not once:
            self._allocated_steps = 1
        most = ORDER_ENTRIES // (self._allocated_steps * self.width)
        self._epochs = 1 if once else max(1, min(MOST_EPOCHS, most))

    def window(self, step: int) -> Window:
        """Return the whole epochs from the one of ``step`` on."""
        epoch = step // self.steps_per_epoch
        order = np.full((self._allocated_steps * self._epochs, self.width), -1, np.int32)
        used = self.steps_per_epoch * self._epochs
        tables = order[:used].reshape(self._epochs, self.steps_per_epoch, self.width)
        orders = [self._order(epoch + i) for i in range(self._epochs)]
        rows = np.stack(orders, dtype=np.int32, casting="same_kind")
        fill(tables, rows, self.batch_size)
        first = epoch * self.steps_per_epoch
        return Window(self._rows, order, first, first + used, self._epochs)

    def sweep(self) -> Iterator[Rows]:
        """Return all rows as one block."""
        yield self._rows


class StreamedSource:
    """Dense chunks taken in turn from rows that stay where they are.

    Such rows are memory-mapped, or sparse where the engine reads dense ones alone.

    Parameters
    ----------
    take : callable
        ``take(rows)`` returns the rows with these numbers as a dense 2-D array.
    y, weight, divisor : ndarray of shape (n_rows, ...)
        As in :class:`Rows`; these stay whole in memory.
    once : bool
        As for :class:`ResidentSource`.
    put : callable
        Takes rows to where the programs read them.
    """

    def __init__(
        self,
        take: Callable[[np.ndarray], np.ndarray],
        y: np.ndarray,
        weight: np.ndarray,
        batch_size: int,
        order: Order,
        divisor: np.ndarray | None = None,
        *,
        chunk_bytes: int = CHUNK_BYTES,
        once: bool = False,
        put: Put = as_they_are,
    ) -> None:
        self.n_rows = len(y)
        self.batch_size, self.width, self.steps_per_epoch = _geometry(len(y), batch_size, once=once)
        self._take, self._order, self._put = take, order, put
        self._beside = Rows(None, y, weight, divisor)
        row_bytes = max(1, take(np.arange(1)).nbytes)
        steps = -(-visit_bucket(self.n_rows) // self.width) if once else self.steps_per_epoch
        self._chunk_steps = min(steps, max(1, chunk_bytes // (row_bytes * self.width)))

    def window(self, step: int) -> Window:
        """Return the chunk that starts at ``step`` and ends within its epoch."""
        epoch, begin = divmod(step, self.steps_per_epoch)
        numbers = self._order(epoch)
        end = min(begin + self._chunk_steps, self.steps_per_epoch)
        picked = numbers[begin * self.batch_size : end * self.batch_size]
        return make_chunk(
            self._beside.map(lambda part: part[picked])._replace(X=self._take(picked)),
            (self.batch_size, self.width, self._chunk_steps),
            step,
            self._put,
        )

    def sweep(self) -> Iterator[Rows]:
        """Go through the chunks of the first epoch."""
        return swept(self)


class IteratedSource:
    """Chunks from an iterator that is started anew for each epoch; nothing is stored.

    Parameters
    ----------
    chunks : callable
        ``chunks(epoch)`` returns an iterator over :class:`Rows` of NumPy arrays, whose
        lengths add up to ``n_rows``.
    n_rows : int
        Rows of one epoch.
    put : callable
        Takes rows to where the programs read them.
    """

    def __init__(
        self,
        chunks: Callable[[int], Iterator[Rows]],
        n_rows: int,
        batch_size: int,
        *,
        put: Put = as_they_are,
    ) -> None:
        self.n_rows = n_rows
        self.batch_size, self.width, self.steps_per_epoch = _geometry(n_rows, batch_size)
        self._chunks, self._put = chunks, put
        self._at = -1  # the global step that the open iterator has reached
        self._batches: Iterator[Rows] = iter(())

    def _open(self, epoch: int) -> Iterator[Rows]:
        """Cut the chunks of an epoch into batches."""
        waiting: list[Rows] = []  # rows that do not fill a batch yet
        seen = 0
        for chunk in self._chunks(epoch):
            waiting.append(chunk.map(np.asarray))
            seen += len(waiting[-1].y)
            rows = joined(waiting)
            cut = len(rows.y) if seen == self.n_rows else 0
            cut = cut or len(rows.y) // self.batch_size * self.batch_size
            for i in range(0, cut, self.batch_size):
                yield take_slice(rows, i, min(i + self.batch_size, cut))
            waiting = [take_slice(rows, cut, None)]
        if seen != self.n_rows:
            raise DataError(
                f"the chunks of an epoch must contain n_rows rows, got {seen} in epoch {epoch} for "
                f"n_rows={self.n_rows}. Count the rows of one pass and give that number."
            )

    def window(self, step: int) -> Window:
        """Return the batch of one step, skipping to it when training starts in mid-epoch."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if step != self._at or within == 0:
            self._batches = self._open(epoch)
            for _ in range(within):
                next(self._batches)
        self._at = step + 1
        return make_chunk(next(self._batches), (self.batch_size, self.width, 1), step, self._put)

    def sweep(self) -> Iterator[Rows]:
        """Go through the batches of the first epoch."""
        return swept(self)


def take_slice(rows: Rows, start: int, stop: int | None) -> Rows:
    """Return some rows that follow each other."""
    return rows.map(lambda part: part[start:stop])


def swept(source: Source) -> Iterator[Rows]:
    """Go through the windows of the first epoch."""
    step = 0
    while step < source.steps_per_epoch:
        window = source.window(step)
        yield window.rows
        step = window.stop


def padded_to(n_rows: int) -> Callable[[Array], Array]:
    """Return the function that copies an array into so many rows."""
    return lambda array: pad_rows(array, n_rows)


def make_chunk(rows: Rows, geometry: tuple[int, int, int], step: int, put: Put) -> Window:
    """Make a window of rows that are already in the order of training."""
    batch_size, width, allocated_steps = geometry
    order = in_batches(np.arange(len(rows.y)), batch_size, width)
    table = np.full((allocated_steps, width), -1, np.int32)
    table[: len(order)] = order
    padded = put(rows.map(padded_to(allocated_steps * width)))
    return Window(padded, table, step, step + len(order), 1)
