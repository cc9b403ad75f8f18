"""Rows of an ensemble: each member draws batches of its own from the same table."""

from collections.abc import Iterator, Sequence

import numpy as np

from multilayer._data.order import shuffled
from multilayer._data.source import Put, Rows, Window, as_they_are, padded_to, rows_bucket


class MemberSource:
    """Batches of several members side by side, ``members * batch_size`` rows in each step.

    Each member goes through its own rows again and again, in a new order each time. An epoch of
    this source is a number of steps.

    Parameters
    ----------
    rows : Rows
        All rows of the table, arrays of NumPy.
    members : sequence of ndarray
        Numbers of the rows that each member trains on.
    batch_size : int
        Rows in a step of one member.
    steps_per_epoch : int
        Steps between two evaluations.
    seed : int
        Of the orders.
    one_pass : bool
        Whether an epoch is one pass: rows beyond its last step are left out, and a last batch that
        is short has fewer rows. Otherwise a batch may reach into the next pass.
    same_order : bool
        Whether members, which then have the same rows, see them in the same order.
    put : callable
        Takes rows to where the programs read them.
    """

    def __init__(
        self,
        rows: Rows,
        members: Sequence[np.ndarray],
        batch_size: int,
        steps_per_epoch: int,
        seed: int,
        *,
        one_pass: bool = False,
        same_order: bool = False,
        put: Put = as_they_are,
    ) -> None:
        self.n_rows = len(rows.X)
        self.batch_size = self.width = batch_size * len(members)
        self.steps_per_epoch = steps_per_epoch
        self._own_size = batch_size
        self._members = members
        self._one_pass = one_pass
        self._orders = [
            shuffled(len(own), seed if same_order else seed + 1_000_003 * number)
            for number, own in enumerate(members)
        ]
        allocated = rows_bucket(self.n_rows)
        self._rows = put(rows if self.n_rows == allocated else rows.map(padded_to(allocated)))

    def window(self, step: int) -> Window:
        """Return the epoch that holds a step."""
        epoch = step // self.steps_per_epoch
        first = epoch * self.steps_per_epoch
        count = self.steps_per_epoch * self._own_size
        begin = first * self._own_size
        parts = [self._stream(number, begin, begin + count) for number in range(len(self._members))]
        order = np.stack([part.reshape(self.steps_per_epoch, -1) for part in parts], axis=1)
        table = order.reshape(self.steps_per_epoch, self.width).astype(np.int32)
        return Window(self._rows, table, first, first + self.steps_per_epoch, 1)

    def sweep(self) -> Iterator[Rows]:
        """Return all rows as one block."""
        yield self._rows

    def _stream(self, number: int, start: int, stop: int) -> np.ndarray:
        """Return the row numbers of a member at these places of its endless sequence."""
        own, order = self._members[number], self._orders[number]
        if self._one_pass:
            drawn = own[order(start // (stop - start))][: stop - start]
            return np.pad(drawn, (0, stop - start - len(drawn)), constant_values=-1)
        passes = range(start // len(own), (stop - 1) // len(own) + 1)
        drawn = np.concatenate([order(each) for each in passes])
        offset = start - passes[0] * len(own)
        return own[drawn[offset : offset + stop - start]]
