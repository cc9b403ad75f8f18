"""The maker of programs that runs natively, see :mod:`multilayer._engine.program`."""

from itertools import pairwise

import numpy as np

from multilayer._core.pytrees import leaves, with_leaves
from multilayer._core.types import Array
from multilayer._data.csr_rows import CsrRows
from multilayer._data.source import Rows, Window
from multilayer._engine.native import library as lib
from multilayer._engine.native import member_networks
from multilayer._engine.native.handle import (
    Handle,
    NativeRows,
    base_spec,
    layer_specs,
    native_rows,
    network_spec,
    pointer,
)
from multilayer._engine.native.threads import n_threads
from multilayer._engine.program import (
    Arguments,
    BlockProgram,
    EpochEnd,
    Maker,
    Program,
    Sums,
    Validation,
)
from multilayer._engine.state import RUNNING, FitConfig, Hyper, Pending, TrainState, first_state
from multilayer._nn.members import Members, without_fixed
from multilayer._nn.model import Moments, Parameters
from multilayer._nn.network import Dense, Layers, Network
from multilayer._optim.states import Slots, first_optimizer_state, slots_of, state_of

VALIDATION_ROWS = 128  # at least so many are validated at a time
BLOCK_ROWS = 2048  # rows whose gradient is formed at a time


class NativeMaker:
    """Makes programs that call the native library: nothing is compiled."""

    pads = False

    def put(self, rows: Rows) -> Rows:
        """Leave rows where they are: the library reads the memory of NumPy."""
        return rows.map(lambda part: part if is_sparse(part) else np.ascontiguousarray(part))

    def initial_state(self, config: FitConfig, hyper: Hyper, params: Parameters) -> TrainState:
        """Return the state before the first step."""
        rule, learnt = str(config.solver), without_fixed(params)
        return first_state(config, params, first_optimizer_state(rule, learnt, hyper.solver))

    def training_program(self, config: FitConfig, epochs: int, args: Arguments) -> Program:
        """Return what trains, with networks of its own in the library."""
        if isinstance(config.network, Members):
            return member_networks.MembersProgram(config, epochs, args)
        return NativeProgram(config, epochs, args)

    def sums_program(
        self, config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows
    ) -> BlockProgram[Sums]:
        """Return what sums up a block of validation rows, labels not smoothed."""

        def sums(params: Parameters, hyper: Hyper, rows: Rows) -> Sums:
            network = plain_network(config, hyper, params, len(rows.y))
            ours = native_rows(config.objective, rows, config.dtype)
            return network.judge(config.objective, ours, threads_for(config, len(rows.y)))

        return sums

    def loss_program(
        self, config: FitConfig, hyper: Hyper, params: Parameters, rows: Rows
    ) -> BlockProgram[tuple[Array, Parameters]]:
        """Return what computes the weighted mean loss of a block and its gradient."""
        # Batch normalisation needs all rows at once; otherwise memory stays small.
        whole = network_of(config).norm == "batch"
        most = len(rows.y) if whole else min(len(rows.y), BLOCK_ROWS)
        gradient = GradientProgram(config, hyper, most, sparse=is_sparse(rows.X))
        return lambda params, hyper, rows: gradient.of_rows(params, rows)

    def batch_gradient(
        self, config: FitConfig, hyper: Hyper, params: Parameters, window: Window, step: int
    ) -> Parameters:
        """Return the gradient of what a step lowers, for callbacks; without running moments."""
        if isinstance(config.network, Members):
            return member_networks.batch_gradient(config, hyper, params, window, step)
        sparse = is_sparse(window.rows.X)
        program = GradientProgram(config, hyper, window.order.shape[1], sparse=sparse)
        line = window.order[step - window.first]
        slopes, divisor = program.of_step(params, window, step), line_divisor(window.rows, line)
        if config.penalty:
            slopes = with_penalty(config, hyper, params, slopes, divisor)
        return tuple(layer._replace(moments=None) for layer in slopes)


NATIVE: Maker = NativeMaker()


def network_of(config: FitConfig) -> Network:
    """Return the network of a configuration that :mod:`.coverage` has accepted."""
    assert isinstance(config.network, Network)
    return config.network


def n_weights(network: Network) -> int:
    """Count the weights of a network."""
    sizes = network.layer_sizes
    return sum(n * m for n, m in pairwise(sizes))


def threads_for(config: FitConfig, rows: int) -> int:
    """Return how many threads work on a batch of so many rows."""
    return n_threads(n_weights(network_of(config)) * rows)


def line_divisor(rows: Rows, line: np.ndarray) -> float:
    """Return what the loss of a batch is divided by."""
    return float(np.asarray(rows.divisors)[line[line >= 0]].sum(dtype=np.float64))


def with_penalty(
    config: FitConfig, hyper: Hyper, params: Layers, slopes: Layers, divisor: float
) -> Layers:
    """Add the gradient of the penalty to that of the loss, but for frozen layers."""
    real = np.dtype(config.dtype).type
    shrink = real(float(hyper.alpha) / divisor if divisor > 0 else 0.0)
    ratio = real(hyper.l1_ratio if config.l1 else 0.0)

    def add(i: int, layer: Dense) -> Dense:
        if i < network_of(config).n_frozen:
            return layer
        w = np.asarray(params[i].kernel)
        slope = ratio * np.sign(w) + (1 - ratio) * w
        return layer._replace(kernel=layer.kernel + shrink * slope)

    return tuple(add(i, layer) for i, layer in enumerate(slopes))


def plain_network(config: FitConfig, hyper: Hyper, params: Layers, rows: int) -> Handle:
    """Return a network in the library that is not trained."""
    network = network_of(config).at_prediction()
    spec = base_spec(network.layer_sizes[-1], config.objective, hyper.loss)
    spec.input_scale = float(hyper.input_scale) if config.scaled else 1.0
    layers = layer_specs(network, None, False)
    handle = Handle(spec, layers, max(1, min(rows, 1024)), config.dtype)
    handle.put(lib.PARAMS, params)
    return handle


def trained_network(
    config: FitConfig, hyper: Hyper, most_rows: int, *, sparse: bool = False
) -> Handle:
    """Return a network in the library that is to be trained, by sparse rows alone or by any."""
    network = network_of(config)
    layers = layer_specs(network, hyper, config.layerwise)
    spec = network_spec(config, hyper, network)
    spec.only_sparse = sparse
    return Handle(spec, layers, most_rows, config.dtype)


def is_sparse(X: Array) -> bool:
    """Whether rows are sparse."""
    return isinstance(X, CsrRows)


class GradientProgram:
    """Gradients without an update."""

    def __init__(
        self, config: FitConfig, hyper: Hyper, most_rows: int, *, sparse: bool = False
    ) -> None:
        self.config, self.hyper, self.most_rows = config, hyper, most_rows
        self._handle = trained_network(config, hyper, most_rows, sparse=sparse)

    def of_step(self, params: Layers, window: Window, step: int) -> Layers:
        """Return the gradient of the mean weighted loss of one step."""
        self._handle.put(lib.PARAMS, params)
        rows = native_rows(self.config.objective, window.rows, self.config.dtype)
        self._run(rows, np.ascontiguousarray(window.order, np.int32), window.first, step)
        return self._handle.get(lib.GRADIENT, params)

    def of_rows(self, params: Layers, rows: Rows) -> tuple[float, Layers]:
        """Return the weighted mean loss of all rows and its gradient."""
        self._handle.put(lib.PARAMS, params)
        ours = native_rows(self.config.objective, rows, self.config.dtype)
        total = np.asarray(rows.divisors).sum(dtype=np.float64)
        loss, sums = 0.0, [np.zeros(np.shape(leaf)) for leaf in leaves(params)]
        for start in range(0, len(rows.y), self.most_rows):
            line = np.full((1, self.most_rows), -1, np.int32)
            some = np.arange(start, min(start + self.most_rows, len(rows.y)), dtype=np.int32)
            line[0, : len(some)] = some
            share = line_divisor(rows, some) / total if total > 0 else 0.0
            if share == 0:
                continue
            loss += share * self._run(ours, line, 0, 0)
            for sum_, part in zip(
                sums, leaves(self._handle.get(lib.GRADIENT, params)), strict=True
            ):
                sum_ += share * part
        return loss, with_leaves(params, [sum_.astype(self.config.dtype) for sum_ in sums])

    def _run(self, rows: NativeRows, order: np.ndarray, first: int, step: int) -> float:
        rates = np.zeros(len(order), self.config.dtype)
        call = lib.Call(
            rows=rows.spec,
            order=pointer(order),
            lines=len(order),
            width=order.shape[1],
            first=first,
            rates=pointer(rates),
            step=step,
            stop=step + 1,
            per_epoch=max(1, int(self.hyper.steps_per_epoch)),
            threads=threads_for(self.config, order.shape[1]),
            rate_divisor=1.0,
        )
        return self._handle.gradient(call)


class NativeProgram:
    """Trains from call to call; the weights stay packed in the library between two calls."""

    def __init__(self, config: FitConfig, epochs: int, args: Arguments) -> None:
        self.config, self.epochs = config, epochs
        rows = args.order.shape[1]
        self.threads = threads_for(config, rows)
        sparse = is_sparse(args.rows.X)
        if args.validation is not None:
            n = int(np.prod(args.validation.blocks.y.shape[:2]))
            rows = max(rows, min(n, VALIDATION_ROWS))
            sparse = sparse and is_sparse(args.validation.blocks.X)
        self._handle = trained_network(config, args.hyper, rows, sparse=sparse)
        self._inside: TrainState | None = None  # the state that the library has
        self._rows: tuple[Rows, NativeRows] | None = None
        self._validation: tuple[Array, NativeRows, np.ndarray] | None = None

    def __call__(self, args: Arguments) -> tuple[TrainState, Array]:
        """Train from the state up to the step to stop before, or to the end of training."""
        state = args.state
        if self._inside is None or not self._has(state):
            self._put(state)
        self._inside = None  # if anything fails below, the library has another state
        lines = np.full((self.epochs, len(EpochEnd._fields)), np.nan)
        call = self._call(args, lines)
        self._handle.train(call)
        self._inside = self._state(state, call)
        return self._inside, lines.astype(self.config.dtype)

    def _has(self, state: TrainState) -> bool:
        """Whether the library has the networks of a state; its numbers come with each call."""
        names = ["params", "opt_state", "average", "pending"]
        if not self.config.closed_outside:  # else the best parameters are chosen outside
            names.append("best_params")
        return all(getattr(state, name) is getattr(self._inside, name) for name in names)

    def _put(self, state: TrainState) -> None:
        put, slots = self._handle.put, self._slots(state)
        put(lib.PARAMS, state.params)
        put(lib.BEST, state.best_params)
        for copy, part in (
            (lib.SLOT1, slots.first),
            (lib.SLOT2, slots.second),
            (lib.MEAN, state.average),
            (lib.PENDING, None if state.pending is None else state.pending.gradient),
        ):
            if part is not None:
                put(copy, part)

    def _slots(self, state: TrainState) -> Slots:
        return slots_of(str(self.config.solver), state.opt_state, state.params)

    def _call(self, args: Arguments, lines: np.ndarray) -> lib.Call:
        state, hyper, dtype = args.state, args.hyper, self.config.dtype
        order = np.ascontiguousarray(args.order, np.int32)
        rates = np.ascontiguousarray(args.rates, dtype)
        pending = state.pending
        call = lib.Call(
            rows=self._training_rows(args.rows),
            order=pointer(order),
            lines=len(order),
            width=order.shape[1],
            first=int(args.first),
            rates=pointer(rates),
            step=int(state.step),
            stop=int(args.stop),
            per_epoch=int(hyper.steps_per_epoch),
            updates=int(self._slots(state).updates or 0),
            most_ended=len(lines),
            threads=self.threads,
            status=int(state.status),
            no_improvement=int(state.no_improvement),
            best_kept=float(state.best_kept),
            best_loss=float(state.best_loss),
            best_value=float(state.best_value),
            rate_divisor=float(state.divisor),
            loss_sum=float(state.loss_sum),
            weight_sum=float(state.weight_sum),
            pending_loss=0.0 if pending is None else float(pending.loss),
            pending_weight=0.0 if pending is None else float(pending.weight),
            report=pointer(lines),
        )
        if args.validation is not None:
            call.validation, call.scale = self._validation_rows(args.validation)
        call.owners = order, rates, lines  # alive as long as the call
        return call

    def _training_rows(self, rows: Rows) -> lib.RowsSpec:
        if self._rows is None or self._rows[0] is not rows:
            self._rows = rows, native_rows(self.config.objective, rows, self.config.dtype)
        return self._rows[1].spec

    def _validation_rows(self, given: Validation) -> tuple[lib.RowsSpec, int | None]:
        if self._validation is None or self._validation[0] is not given:
            flat = given.blocks.map(
                lambda part: part if is_sparse(part) else part.reshape(-1, *part.shape[2:])
            )
            weight = np.asarray(flat.weight)
            used = int(np.flatnonzero(weight)[-1]) + 1 if weight.any() else 1
            rows = native_rows(
                self.config.objective, flat.map(lambda part: part[:used]), self.config.dtype
            )
            self._validation = given, rows, np.asarray(given.scale, np.float64).ravel()
        _, rows, scale = self._validation
        return rows.spec, pointer(scale)

    def _state(self, before: TrainState, call: lib.Call) -> TrainState:
        real, get = np.dtype(self.config.dtype).type, self._handle.get
        like, old = before.params, self._slots(before)
        slots = Slots(
            updates=None if old.updates is None else np.int32(call.updates),
            first=None if old.first is None else with_moments(get(lib.SLOT1, like), old.first),
            second=None if old.second is None else with_moments(get(lib.SLOT2, like), old.second),
        )
        pending = before.pending
        if pending is not None:
            gathered = with_moments(get(lib.PENDING, like), pending.gradient)
            pending = Pending(gathered, real(call.pending_loss), real(call.pending_weight))
        improved = call.best_kept != float(before.best_kept) or call.best_loss != float(
            before.best_loss
        )
        return before._replace(
            params=get(lib.PARAMS, like),
            opt_state=state_of(str(self.config.solver), slots),
            average=None if before.average is None else get(lib.MEAN, like),
            pending=pending,
            best_params=get(lib.BEST, like) if improved else before.best_params,
            best_kept=real(call.best_kept),
            best_loss=real(call.best_loss),
            best_value=real(call.best_value),
            no_improvement=np.int32(call.no_improvement),
            divisor=real(call.rate_divisor),
            status=np.int32(call.status if call.status else RUNNING),
            step=np.int32(call.step),
            loss_sum=real(call.loss_sum),
            weight_sum=real(call.weight_sum),
        )


def with_moments(params: Layers, moments: Layers) -> Layers:
    """Return parameters with what others have in place of running moments: no rule moves them."""
    return tuple(
        layer if other.moments is None else layer._replace(moments=Moments(*other.moments))
        for layer, other in zip(params, moments, strict=True)
    )
