"""Ensembles in the native library: a network for each member, or one of members that share kernels.

What stands side by side in one tree of arrays is taken apart here and put together again. Networks
of their own are trained one on each core: each has its memory, rows and random numbers; so its bits
do not depend on the others, but for what a step divides all losses by. Members that share kernels
are one network, and all threads work on it.
"""

import ctypes
from collections.abc import Sequence

import numpy as np

from multilayer._core.pytrees import leaves, map_leaves, with_leaves
from multilayer._core.types import Array
from multilayer._data.source import Rows, Window
from multilayer._engine.native import library as lib
from multilayer._engine.native.handle import (
    Handle,
    Layout,
    NativeRows,
    Place,
    base_spec,
    fill,
    native_rows,
    pointer,
    training_spec,
)
from multilayer._engine.native.table_networks import TableNetwork, described, is_learnt
from multilayer._engine.native.threads import most_threads, n_threads
from multilayer._engine.program import Arguments, EpochEnd
from multilayer._engine.state import RUNNING, FitConfig, Hyper, TrainState, first_state
from multilayer._engine.stopping import close_epoch
from multilayer._nn.activation_layers import scheduled_dropout
from multilayer._nn.members import Members, without_fixed
from multilayer._nn.model import Parameters
from multilayer._optim.states import Slots, slots_of, state_of


class MemberHandles:
    """The networks of an ensemble in the library."""

    def __init__(
        self, network: TableNetwork, specs: Sequence[lib.Spec], most_rows: int, dtype: str
    ) -> None:
        self.network = network
        self.handles = [
            Handle(spec, network.layers, most_rows, dtype, network.table) for spec in specs
        ]
        self._addresses = (ctypes.c_void_p * len(specs))(*(h.address for h in self.handles))
        self._read: dict[int, tuple[list[int], Layout]] = {}  # of each copy: the leaves that change

    def put(self, copy: int, tree: Parameters, places: Sequence[Place | None]) -> None:
        """Fill a copy of the parameters, or those arrays of it that have places."""
        pairs = zip(places, map(np.asarray, leaves(tree)), strict=True)
        arrays = [(place, leaf) for place, leaf in pairs if place is not None and leaf.size]
        if arrays:
            there, given = zip(*arrays, strict=True)
            fill(self.handles, copy, there, [self._by_network(leaf) for leaf in given])

    def get(self, copy: int, like: Parameters, places: Sequence[Place | None]) -> Parameters:
        """Read a copy of the parameters; what no rule changes is that of `like`."""
        known = leaves(like)
        if copy not in self._read:
            numbers = [i for i, place in enumerate(places) if is_learnt(place) and known[i].size]
            shapes = [np.shape(self._by_network(known[i])) for i in numbers]
            there = [place for i in numbers if (place := places[i])]
            self._read[copy] = numbers, Layout(there, shapes, self.handles[0].dtype)
        numbers, layout = self._read[copy]
        for i, array in zip(numbers, layout.read(self.handles, copy), strict=True):
            known[i] = array[0] if self.network.n_members > 1 else array
        return with_leaves(like, known)

    def _by_network(self, leaf: np.ndarray) -> np.ndarray:
        """Return an array with an axis of the networks in front: members may be one network."""
        return leaf[None] if self.network.n_members > 1 else leaf

    def train(self, calls: Sequence[lib.Call], rows: int) -> None:
        """Do the steps of a call of each member, of so many rows each."""
        if len(calls) == 1:  # its threads work on it together
            calls[0].threads = n_threads(self.network.n_weights * rows)
            return self.handles[0].train(calls[0])
        together = (lib.Call * len(calls))(*calls)
        threads, n = most_threads(), len(calls)
        lib.check(lib.library().ml_train_many(self._addresses, together, n, threads))
        for call, done in zip(calls, together, strict=True):
            call.step, call.updates, call.status = done.step, done.updates, done.status

    def outputs(self, rows: Sequence[NativeRows]) -> list[np.ndarray]:
        """Return the raw outputs of each network for rows of its own.

        Those of members that share kernels stand side by side.
        """
        handles, layer = self.handles, len(self.network.layers) - 1
        n_outputs = self.network.n_outputs * self.network.n_members
        shapes = [(own.spec.n, n_outputs) for own in rows]
        found = [np.empty(shape, handles[0].dtype) for shape in shapes]
        if len(handles) == 1:
            threads = n_threads(self.network.n_weights * shapes[0][0])
            handles[0].read(rows[0], layer, threads, found[0])
            return found
        readings = (lib.Reading * len(rows))(
            *(
                lib.Reading(
                    rows=own.spec, copy=lib.PARAMS, layer=layer, threads=1, out=pointer(out)
                )
                for own, out in zip(rows, found, strict=True)
            )
        )
        threads = most_threads()
        lib.check(lib.library().ml_read_many(self._addresses, readings, len(rows), threads))
        return found


def readers(network: Members, params: Parameters, most_rows: int, dtype: str) -> MemberHandles:
    """Return the members' networks to predict with, without their parameters."""
    own = described(network, params)
    n = network.n_members // own.n_members
    specs = [base_spec(own.n_outputs, None, None) for _ in range(n)]
    for spec in specs:
        spec.input_scale, spec.n_members = 1.0, own.n_members
    return MemberHandles(own, specs, -(-most_rows // own.n_members) * own.n_members, dtype)


def trained(config: FitConfig, hyper: Hyper, params: Parameters, n_rows: int) -> MemberHandles:
    """Return networks to be trained with batches of so many rows, without their parameters."""
    network = config.network
    assert isinstance(network, Members)
    own = described(network, params)
    drawn_apart = any(
        isinstance(layer, scheduled_dropout) and not layer.shared_mask for layer in network.layers
    )
    decays = np.ravel(0.0 if hyper.weight_decay is None else hyper.weight_decay)
    specs = []
    for j in range(network.n_members // own.n_members):
        spec = training_spec(config, hyper, own.n_outputs)
        spec.n_members = own.n_members
        spec.weight_decay = float(decays[j % len(decays)])
        spec.total_steps = float(hyper.total_steps or 0.0) if config.annealed else 0.0
        spec.seed = (int(hyper.seed) + j * drawn_apart) % 2**32
        spec.validates, spec.closed_outside = False, True
        specs.append(spec)
    return MemberHandles(own, specs, n_rows // len(specs), config.dtype)


class MembersProgram:
    """Trains an ensemble from call to call; its networks stay in the library between two calls."""

    def __init__(self, config: FitConfig, epochs: int, args: Arguments) -> None:
        assert isinstance(config.network, Members)
        self.config, self.epochs = config, epochs
        self._members = trained(config, args.hyper, args.state.params, args.order.shape[1])
        self._n = len(self._members.handles)
        self._size = args.order.shape[1] // self._n  # rows of a step of one network
        self._inside: TrainState | None = None  # the state that the library has
        self._slots = Slots()  # of that state, or of an earlier one: what counts is their shape
        self._updates = 0
        self._rows: tuple[Rows, NativeRows] | None = None
        self._window: tuple[Array, np.ndarray, np.ndarray] | None = None

    def __call__(self, args: Arguments) -> tuple[TrainState, Array]:
        """Train from the state up to the step to stop before, or to the end of training."""
        state, per_epoch = args.state, int(args.hyper.steps_per_epoch)
        if self._inside is None or not same_networks(self._inside, state):
            self._put(state)
        self._inside = None  # if anything fails below, the library has another state
        lines = np.full((self.epochs, len(EpochEnd._fields)), np.nan)
        ended = 0
        while int(state.step) < int(args.stop) and int(state.status) == RUNNING:
            end = (int(state.step) // per_epoch + 1) * per_epoch
            state = self._steps(args, state, min(end, int(args.stop)))
            if int(state.step) == end:
                figures = self._figures(args, state)
                lines[ended], ended = figures, ended + 1
                if not self.config.closed_outside:
                    state = close_epoch(self.config, args.hyper, state, figures)
        self._inside = state
        return state, lines.astype(self.config.dtype)

    def _figures(self, args: Arguments, state: TrainState) -> EpochEnd:
        real = np.dtype(self.config.dtype).type
        loss = state.loss_sum * (1 / state.weight_sum) if state.weight_sum > 0 else real(0)
        rate = real(args.rates[int(state.step) - 1 - int(args.first)])
        return EpochEnd(loss, real(np.nan), real(np.nan), rate)

    def _put(self, state: TrainState) -> None:
        members, rule = self._members, str(self.config.solver)
        slots = self._slots = slots_of(rule, state.opt_state, without_fixed(state.params))
        self._updates = int(slots.updates or 0)
        members.put(lib.PARAMS, state.params, members.network.places)
        for copy, tree in ((lib.SLOT1, slots.first), (lib.SLOT2, slots.second)):
            if tree is not None:
                members.put(copy, tree, members.network.learnt)

    def _steps(self, args: Arguments, state: TrainState, stop: int) -> TrainState:
        """Do the steps up to one of the same epoch."""
        step, first = int(state.step), int(args.first)
        losses = np.zeros((self._n, len(args.rates)))
        calls = self._calls(args, step, stop, losses)
        self._members.train(calls, self._size)
        done = slice(step - first, stop - first)
        weights = self._orders(args)[1][done].astype(np.float64)
        return self._state(state, calls[0], losses[:, done].sum(axis=0), weights)

    def gradient(self, args: Arguments) -> Parameters:
        """Return the gradient of the one step before `args.stop`, at the state's parameters."""
        members, params = self._members, args.state.params
        members.put(lib.PARAMS, params, members.network.places)
        stop = int(args.stop)
        calls = self._calls(args, stop - 1, stop, np.zeros((self._n, len(args.rates))))
        for handle, call in zip(members.handles, calls, strict=True):
            handle.gradient(call)
        return members.get(lib.GRADIENT, map_leaves(np.zeros_like, params), members.network.places)

    def _calls(self, args: Arguments, step: int, stop: int, losses: np.ndarray) -> list[lib.Call]:
        """Describe steps of the same epoch for each network; `losses` gets those of each."""
        rows = self._training_rows(args)
        order, divisors = self._orders(args)
        rates = np.ascontiguousarray(args.rates, self.config.dtype)
        report = np.zeros((self._n, 4))
        calls = [
            lib.Call(
                rows=rows.spec,
                order=pointer(order[j]),
                lines=len(rates),
                width=self._size,
                first=int(args.first),
                rates=pointer(rates),
                divisors=pointer(divisors),
                step=step,
                stop=stop,
                per_epoch=int(args.hyper.steps_per_epoch),
                updates=self._updates,
                most_ended=1,
                threads=1,
                rate_divisor=1.0,
                losses=pointer(losses[j]),
                report=pointer(report[j]),
            )
            for j in range(self._n)
        ]
        for call in calls:
            call.owners = order, divisors, rates, report  # alive as long as the call
        return calls

    def _state(
        self, before: TrainState, call: lib.Call, losses: np.ndarray, weights: np.ndarray
    ) -> TrainState:
        real, places = np.dtype(self.config.dtype).type, self._members.network.learnt
        get, old, self._updates = self._members.get, self._slots, int(call.updates)
        slots = Slots(
            updates=None if old.updates is None else np.int32(call.updates),
            first=None if old.first is None else get(lib.SLOT1, old.first, places),
            second=None if old.second is None else get(lib.SLOT2, old.second, places),
        )
        return before._replace(
            params=get(lib.PARAMS, before.params, self._members.network.places),
            opt_state=state_of(str(self.config.solver), slots),
            step=np.int32(call.step),
            loss_sum=added_up(real(before.loss_sum), losses),
            weight_sum=added_up(real(before.weight_sum), weights),
        )

    def _training_rows(self, args: Arguments) -> NativeRows:
        rows = args.rows
        if self._rows is None or self._rows[0] is not rows:
            X = self._members.network.columns(args.state.params, np.asarray(rows.X))
            ours = native_rows(self.config.objective, rows._replace(X=X), self.config.dtype)
            self._rows = rows, ours
        return self._rows[1]

    def _orders(self, args: Arguments) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of each member in each step, and the divisors of the steps' losses."""
        if self._window is None or self._window[0] is not args.order:
            order = np.asarray(args.order, np.int32)
            weights = np.append(args.rows.divisors, 0).astype(self.config.dtype)  # 0 of row -1
            divisors = weights[order].sum(axis=1)
            if self._members.network.n_members > 1 and (order < 0).any():
                # Of a short batch each member has as many rows less: -1 goes to the end of all.
                last = np.argsort(order < 0, axis=1, kind="stable")
                order = np.take_along_axis(order, last, axis=1)
            own = order.reshape(len(order), self._n, self._size).swapaxes(0, 1)
            self._window = args.order, np.ascontiguousarray(own), divisors
        return self._window[1:]


def batch_gradient(
    config: FitConfig, hyper: Hyper, params: Parameters, window: Window, step: int
) -> Parameters:
    """Return the gradient of what a step lowers; 0 for what no rule changes."""
    rates = np.zeros(len(window.order), config.dtype)
    args = Arguments(
        first_state(config, params, ()),
        hyper,
        window.rows,
        window.order,
        rates,
        None,
        np.int32(window.first),
        np.int32(step + 1),
    )
    return MembersProgram(config, 1, args).gradient(args)


def same_networks(one: TrainState, other: TrainState) -> bool:
    """Whether two states have the same arrays of training; what closes an epoch changes others."""
    return one.params is other.params and one.opt_state is other.opt_state


def added_up(start: np.floating, terms: np.ndarray) -> np.floating:
    """Return a sum that grows term by term: the same wherever it is interrupted."""
    return np.cumsum(np.append(start, terms.astype(start.dtype)), dtype=start.dtype)[-1]
