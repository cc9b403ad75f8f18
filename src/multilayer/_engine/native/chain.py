"""Steps that a caller asks for one by one: computed some at a time, when their result is needed.

A call of the library starts threads and reads parameters out of the packed layout. Both cost as
much as a step of a small network, so a chain of steps gathers batches, and does them in one call
when there are enough of them, or when somebody looks at a loss or at parameters.

No result is lost by that. A :class:`Point` is the state after a step; the caller has it, the chain
has a weak reference. Before the network in the library moves on from a point that somebody still
has, its parameters are read out. How far it has come is in the structure that the library writes
to: an exception between two lines, such as Ctrl-C, leaves the chain as it was or one call further.
"""

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multilayer._core.pytrees import Tree, map_leaves
from multilayer._engine.native import library as lib
from multilayer._engine.native.handle import Handle, pointer
from multilayer._engine.native.maker import n_weights, network_of, trained_network
from multilayer._engine.native.threads import n_threads
from multilayer._engine.program import EpochEnd
from multilayer._engine.state import FitConfig, Hyper
from multilayer._nn.network import Layers
from multilayer._objectives.objective import reported_share
from multilayer._optim.states import Slots

GATHERED_BYTES = 1 << 21  # of batches: they stay in the cache
GATHERED_STEPS = 64
GATHERED_OPERATIONS = 2e9  # so that nobody waits long for a call

FIGURES = len(EpochEnd._fields)

Read = Callable[[Layers, Slots], Tree]
"""What the caller makes of parameters and of what the rule remembers."""


class Batch(NamedTuple):
    """The rows of a step, in types of the library; they are copied."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    divisor: np.ndarray | None  # None where it is the weight

    def fits(self, gathered: "Gathered", *, full: bool = False) -> bool:
        """Whether there is room for this batch among those gathered, or in place of them."""
        there, (steps, width) = gathered.rows, gathered.order.shape
        # The types of the others are always those of the configuration.
        same = self.X.dtype == there.X.dtype and (self.weight is None) == (there.weight is None)
        return same and len(self.y) <= width and (full or gathered.n < steps)


@dataclass
class Gathered:
    """Batches, and the call of the library that does their steps: it says how far it has come."""

    rows: Batch
    order: np.ndarray  # (steps, width)
    rates: np.ndarray
    report: np.ndarray  # (steps, figures), the loss first
    first: int  # the step of order[0]
    call: lib.Call
    n: int = 0  # batches so far

    def add(self, batch: Batch) -> None:
        """Copy a batch: until `n` says that it is there, nothing has changed."""
        width = self.order.shape[1]
        start, rows = self.n * width, len(batch.y)
        for room, part in zip(self.rows, batch, strict=True):
            if room is not None:
                room[start : start + rows] = part
        if rows < width:
            self.order[self.n, rows:] = -1
        self.n += 1


class Point:
    """The state after a step of a chain."""

    def __init__(self, chain: "Chain", step: int) -> None:
        self.step = step
        self.chain: Chain | None = chain  # None once it has moved on
        self.content: Tree = None  # once it has been read

    def read(self) -> Tree:
        """Return what the chain's reader makes of the state; compute it if that is needed."""
        chain = self.chain
        if self.content is None and chain is not None:
            chain.read(self)
        return self.content


@dataclass
class PendingLoss:
    """The loss of a step, computed when it is needed."""

    chain: "Chain | None"  # None once it has been
    step: int
    report: np.ndarray
    line: int
    scale: float

    def value(self) -> float:
        """Return the number."""
        if self.chain is not None:
            self.chain.advance(self.step)
            self.chain = None
        return float(self.report[self.line, 0]) * self.scale


class Chain:
    """A network in the library, and the steps that it still has to do.

    Parameters
    ----------
    config, hyper
        What trains, and its numbers; epochs of one step.
    params, slots
        Parameters and what the rule remembers, before the first step.
    step : int
        How many steps were done before.
    read : callable
        What the parameters and slots of a point become.
    """

    def __init__(
        self, config: FitConfig, hyper: Hyper, params: Layers, slots: Slots, step: int, read: Read
    ) -> None:
        self._config, self._hyper, self._read = config, hyper, read
        self._like, self._slots = params, slots
        self._lock = threading.RLock()
        self._handle: Handle | None = None
        self._room = 0  # rows that the network in the library has room for
        self._gathered: Gathered | None = None
        self._points: dict[int, weakref.ref[Point]] = {}
        self._step, self._updates = step, int(slots.updates or 0)

    def append(self, point: Point | None, batch: Batch) -> tuple[Point, PendingLoss] | None:
        """Gather one more step; None where it does not follow from the chain's last point.

        ``point`` is what the step begins from, None for the start of the chain.
        """
        with self._lock:
            if point is not None and point.step != self._end:
                return None
            gathered = self._gathered
            if gathered is None or not batch.fits(gathered):
                gathered = self._gathered = self._emptied(batch)
            following = Point(self, self._end + 1)
            self._points[following.step] = weakref.ref(following)
            line = gathered.n
            gathered.add(batch)
            loss = PendingLoss(self, following.step, gathered.report, line, self._loss_scale)
            return following, loss

    @property
    def _end(self) -> int:
        """The last step that was asked for."""
        gathered = self._gathered
        return self._step if gathered is None else gathered.first + gathered.n

    @property
    def _loss_scale(self) -> float:
        return 1 / reported_share(self._config.objective)

    def advance(self, stop: int) -> None:
        """Do the steps up to one, that one included."""
        with self._lock:
            gathered, handle = self._gathered, self._handle
            if gathered is None or handle is None:
                return
            call = gathered.call
            while call.step < stop:
                before = call.step
                self._leave(before)
                ahead = (s for s in range(call.step + 1, stop) if self._somebody_has(s))
                call.stop = next(ahead, stop)
                line = gathered.report[call.step - gathered.first :]
                call.report = pointer(line)
                # Every step is an epoch, for its loss; none is the best, and none ends training.
                call.best_kept, call.no_improvement, call.status = -np.inf, 0, 0
                handle.train(call)
                for step in range(before, call.step):
                    self._points.pop(step, None)

    def read(self, point: Point) -> None:
        """Fill a point."""
        with self._lock:
            self.advance(point.step)
            if point.content is None:  # it was not passed meanwhile
                point.content = self._read(*self._inside())

    def _somebody_has(self, step: int) -> bool:
        reference = self._points.get(step)
        return reference is not None and reference() is not None

    def _leave(self, step: int) -> None:
        """Read the point of a step that is about to be passed, if somebody has it."""
        reference = self._points.get(step)
        point = None if reference is None else reference()
        if point is None:
            return
        if point.content is None:
            point.content = self._read(*self._inside())
        point.chain = None  # what is saved of many chains does not hold their networks

    def _inside(self) -> tuple[Layers, Slots]:
        """Return what is in the library now."""
        assert self._handle is not None
        get, slots = self._handle.get, self._slots
        updates = 0 if self._gathered is None else int(self._gathered.call.updates)
        return get(lib.PARAMS, self._like), Slots(
            updates=None if slots.updates is None else np.int32(updates),
            first=None if slots.first is None else get(lib.SLOT1, slots.first),
            second=None if slots.second is None else get(lib.SLOT2, slots.second),
        )

    def _emptied(self, batch: Batch) -> Gathered:
        """Do what was gathered, and return room for batches like one."""
        self.advance(self._end)
        before, step = self._gathered, self._end
        updates = self._updates if before is None else int(before.call.updates)
        if self._handle is None or len(batch.y) > self._room:
            self._load(len(batch.y))
        room = before
        if room is None or not batch.fits(room, full=True):
            room = self._new_room(batch)
        return self._next_call(room, step, updates)

    def _load(self, rows: int) -> None:
        """Put a network with room for batches of so many rows into the library."""
        params, slots = self._like, self._slots
        if self._handle is not None:
            params, slots = self._inside()
        handle = trained_network(self._config, self._hyper, rows)
        handle.put(lib.PARAMS, params)
        for copy, part in ((lib.SLOT1, slots.first), (lib.SLOT2, slots.second)):
            if part is not None:
                handle.put(copy, part)
        self._handle, self._room = handle, rows
        # From here on their shapes count, not their values.
        self._like, self._slots = map_leaves(_shape, params), _shapes(slots)

    def _new_room(self, batch: Batch) -> Gathered:
        """Return room for batches of a type and size."""
        width = len(batch.y)
        operations = 6 * n_weights(network_of(self._config)) * width
        size = sum(part.nbytes for part in batch if part is not None)
        most = min(GATHERED_STEPS, GATHERED_BYTES // size, int(GATHERED_OPERATIONS // operations))
        steps = max(1, most)

        def several(part: np.ndarray) -> np.ndarray:
            return np.zeros((steps * width, *part.shape[1:]), part.dtype)

        order = np.zeros((steps, width), np.int32)
        rates = np.full(steps, self._hyper.learning_rate, self._config.dtype)
        rows = Batch(
            several(batch.X),
            several(batch.y),
            *(None if part is None else several(part) for part in (batch.weight, batch.divisor)),
        )
        return Gathered(rows, order, rates, np.empty(0), 0, lib.Call())

    def _next_call(self, room: Gathered, step: int, updates: int) -> Gathered:
        """Return what gathers from a step on, in the memory of what is done."""
        rows, (steps, width) = room.rows, room.order.shape
        room.order.ravel()[:] = np.arange(steps * width)
        report = np.full((steps, FIGURES), np.nan)
        call = lib.Call(
            rows=lib.RowsSpec(
                X=pointer(rows.X),
                X_type=lib.X_TYPES.index(rows.X.dtype.name),
                y_columns=1 if rows.y.ndim == 1 else rows.y.shape[1],
                y=pointer(rows.y),
                weight=pointer(rows.weight),
                divisor=pointer(rows.divisor),
                n=steps * width,
            ),
            order=pointer(room.order),
            lines=steps,
            width=width,
            first=step,
            rates=pointer(room.rates),
            step=step,
            stop=step,
            per_epoch=1,
            updates=updates,
            most_ended=steps,
            threads=n_threads(n_weights(network_of(self._config)) * width),
            rate_divisor=1.0,
        )
        return Gathered(rows, room.order, room.rates, report, step, call)


def _shape(leaf: np.ndarray) -> np.ndarray:
    """Return an array of a shape that takes no memory."""
    return np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape)


def _shapes(slots: Slots) -> Slots:
    first, second = (map_leaves(_shape, part) for part in (slots.first, slots.second))
    return Slots(slots.updates, first, second)
