"""A network inside the native library: made from a configuration, filled and read."""

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from multilayer._core.pytrees import ALIGNMENT, aligned_zeros, leaves, with_leaves
from multilayer._data.csr_rows import CsrRows
from multilayer._data.source import Rows
from multilayer._engine.native import library as lib
from multilayer._engine.state import (
    LOSS,
    VALIDATION_LOSS,
    VALIDATION_SCORE,
    FitConfig,
    Hyper,
)
from multilayer._nn.network import Layers, Network
from multilayer._objectives.objective import LossNumbers, Objective, n_sums, reported_share

MONITORS = (LOSS, VALIDATION_LOSS, VALIDATION_SCORE)
ARRAYS = (lib.KERNEL, lib.BIAS, lib.SCALE, lib.SHIFT, lib.RUNNING_MEAN, lib.RUNNING_VARIANCE)
DECAYS = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)  # of the arrays from KERNEL on: weights alone decay

Place = tuple[int, int]
"""A layer and one of its arrays, by the numbers of the library."""


def rule_number(config: FitConfig) -> int:
    """Return the number of the update rule."""
    name = "nesterov" if config.solver == "sgd" and config.nesterov else config.solver
    return lib.RULES.index(name)


def pointer(array: np.ndarray | None) -> int | None:
    """Return the address of an array."""
    return None if array is None else array.ctypes.data


@dataclass(frozen=True)
class NativeRows:
    """Rows as the library reads them, and the arrays that own their memory."""

    spec: lib.RowsSpec
    owners: tuple[np.ndarray | None, ...]


def native_rows(objective: Objective | None, rows: Rows, dtype: str) -> NativeRows:
    """Bring rows to the types of the library; copies nothing that fits."""
    X, indices, starts = input_arrays(rows.X, dtype)
    y = weight = divisor = None
    columns = 0
    if objective is not None:
        classes = lib.LOSSES.index(objective.loss) < 2
        y = np.ascontiguousarray(rows.y, np.int32 if classes else dtype)
        if classes:
            check_labels(y, objective.heads)
        columns = 1 if y.ndim == 1 else y.shape[1]
        weight = np.ascontiguousarray(rows.weight, dtype)
        divisor = None if rows.divisor is None else np.ascontiguousarray(rows.divisor, dtype)
        # Sums of weights are exact where all are 1, and quicker without them.
        weight = None if divisor is None and (weight == 1).all() else weight
    spec = lib.RowsSpec(
        X=pointer(X),
        X_type=lib.X_TYPES.index(X.dtype.name),
        y_columns=columns,
        y=pointer(y),
        weight=pointer(weight),
        divisor=pointer(divisor),
        n=len(rows.X),
        indices=pointer(indices),
        indptr=pointer(starts),
        n_entries=0 if indices is None else len(indices),
    )
    return NativeRows(spec, (X, indices, starts, y, weight, divisor))


def input_arrays(
    X: np.ndarray | CsrRows, dtype: str
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Return dense rows; or of sparse ones the numbers, their columns and where rows begin."""
    if isinstance(X, CsrRows):
        return np.ascontiguousarray(X.values, dtype), X.indices, np.ascontiguousarray(X.starts)
    X = np.asarray(X)
    return np.ascontiguousarray(X if X.dtype.name in lib.X_TYPES else X.astype(dtype)), None, None


def check_labels(labels: np.ndarray, heads: tuple[int, ...]) -> None:
    """Refuse numbers of classes that a head does not have: they are addresses in the library."""
    columns = labels.reshape(len(labels), -1)
    if columns.shape[1] != len(heads) or (columns < 0).any() or (columns >= heads).any():
        raise ValueError(f"class numbers must be below {heads}, got some that are not")


def layer_specs(network: Network, hyper: Hyper | None, layerwise: bool) -> list[lib.LayerSpec]:
    """Describe the layers."""
    specs = []
    for i, n_in in enumerate(network.layer_sizes[:-1]):
        hidden = i < network.n_hidden
        chance = hyper.disturbance.dropout[i] if hidden and network.dropout and hyper else 0.0
        specs.append(
            lib.LayerSpec(
                n_in=n_in,
                n_out=network.layer_sizes[i + 1],
                activation=lib.ACTIVATIONS.index(network.activations[i]) if hidden else 0,
                norm=lib.NORMS.index(network.norm) if hidden else 0,
                skip=network.skips(i),
                frozen=i < network.n_frozen,
                dropout=float(chance),
                out_factor=1.0,
                rates=(float(hyper.layer_rates[i]) if layerwise and hyper else 1.0,) * 6,
                decays=DECAYS,
            )
        )
    return specs


def doubles(values: Sequence[float] | np.ndarray) -> ctypes.Array:
    """Return numbers as an array of C."""
    numbers = np.asarray(values, np.float64).ravel().tolist()
    return (ctypes.c_double * max(1, len(numbers)))(*numbers)


def base_spec(n_outputs: int, objective: Objective | None, numbers: LossNumbers | None) -> lib.Spec:
    """Describe what a network computes, and its loss."""
    heads = (n_outputs,) if objective is None else objective.heads
    spec = lib.Spec(
        units=(ctypes.c_int32 * len(heads))(*heads), heads=len(heads), rule=-1, reported_share=1.0
    )
    spec.loss = lib.LOSSES.index("squared_error")
    if objective is not None and numbers is not None:
        spec.loss = lib.LOSSES.index(objective.loss)
        spec.middle = objective.middle
        if not objective.classifies:
            spec.out_activation = lib.ACTIVATIONS.index(objective.out_activation)
        spec.smoothing, spec.delta = float(numbers.label_smoothing), float(numbers.huber_delta)
        spec.levels = doubles(numbers.quantiles) if len(np.atleast_1d(numbers.quantiles)) else None
        if numbers.class_weights is not None:
            spec.class_weights = doubles(np.concatenate([*map(np.ravel, numbers.class_weights)]))
        spec.reported_share = reported_share(objective)
    return spec


def training_spec(config: FitConfig, hyper: Hyper, n_outputs: int) -> lib.Spec:
    """Describe what training does to any network."""
    spec, numbers = base_spec(n_outputs, config.objective, hyper.loss), hyper.solver
    spec.rule = rule_number(config)
    spec.clipped, spec.clip_norm = config.clipped, float(hyper.clip_norm)
    spec.max_normed, spec.max_norm = config.max_norm, float(hyper.max_norm)
    spec.averaged, spec.ema_decay = config.averaged, float(hyper.ema_decay)
    spec.accumulated = config.accumulated
    spec.accumulate_steps = max(1, int(hyper.accumulate_steps))
    spec.adaptive = config.adaptive
    spec.alpha = float(hyper.alpha) if config.penalty else 0.0
    spec.l1_ratio = float(hyper.l1_ratio) if config.l1 else 0.0
    spec.beta1, spec.beta2 = float(numbers.get("beta_1", 0)), float(numbers.get("beta_2", 0))
    spec.epsilon = float(numbers.get("epsilon", 0))
    spec.momentum, spec.decay_rate = (
        float(numbers.get("momentum", 0)),
        float(numbers.get("decay", 0)),
    )
    spec.weight_decay = float(numbers.get("weight_decay", 0))
    spec.input_scale = float(hyper.input_scale) if config.scaled else 1.0
    spec.seed = int(hyper.seed)
    spec.validates, spec.closed_outside = config.validate, config.closed_outside
    spec.monitor, spec.patience = MONITORS.index(config.monitor), int(hyper.n_iter_no_change)
    spec.tol, spec.base_rate = float(hyper.tol), float(hyper.learning_rate)
    return spec


def network_spec(config: FitConfig, hyper: Hyper, network: Network) -> lib.Spec:
    """Describe a network of dense layers and all that its training does."""
    spec = training_spec(config, hyper, network.layer_sizes[-1])
    disturbance = hyper.disturbance
    spec.input_dropout = float(disturbance.input_dropout) if network.input_dropout else 0.0
    spec.input_noise = float(disturbance.input_noise) if network.input_noise else 0.0
    return spec


class Handle:
    """A network in the library; freed with this object."""

    def __init__(
        self,
        spec: lib.Spec,
        layers: Sequence[lib.LayerSpec],
        most_rows: int,
        dtype: str,
        table: lib.TableSpec | None = None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self._layers = (lib.LayerSpec * len(layers))(*layers)
        self._library = lib.library()
        spec.layers, spec.n_layers = self._layers, len(layers)
        spec.table = None if table is None else ctypes.pointer(table)
        spec.most_rows, spec.real_bytes = most_rows, self.dtype.itemsize
        error = ctypes.c_int()
        self._read: dict[int, Layout] = {}  # of each copy of the parameters
        self.address = self._library.ml_create(ctypes.byref(spec), ctypes.byref(error))
        lib.check(error.value)

    def __del__(self) -> None:
        if getattr(self, "address", None):
            self._library.ml_destroy(self.address)

    def put(self, copy: int, params: Layers) -> None:
        """Fill a copy of the parameters of dense layers."""
        fill([self], copy, places_of(params), [np.asarray(leaf)[None] for leaf in leaves(params)])

    def get(self, copy: int, like: Layers) -> Layers:
        """Read a copy of the parameters of dense layers."""
        if copy not in self._read:
            shapes = [(1, *np.shape(leaf)) for leaf in leaves(like)]
            self._read[copy] = Layout(places_of(like), shapes, self.dtype)
        return with_leaves(like, [array[0] for array in self._read[copy].read([self], copy)])

    def exchange(self, function: str, copy: int, places: np.ndarray, addresses: np.ndarray) -> None:
        """Fill or read arrays: a layer and an array for each, and an address."""
        move = getattr(self._library, function)
        lib.check(move(self.address, copy, len(places), pointer(places), pointer(addresses)))

    def train(self, call: lib.Call) -> None:
        """Do the steps of a call."""
        lib.check(self._library.ml_train(self.address, ctypes.byref(call)))

    def gradient(self, call: lib.Call) -> float:
        """Compute the gradient of one step, into its copy; return the mean weighted loss."""
        loss = ctypes.c_double()
        lib.check(self._library.ml_gradient(self.address, ctypes.byref(call), ctypes.byref(loss)))
        return loss.value

    def read(
        self, rows: NativeRows, layer: int, threads: int, out: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the outputs of a layer for rows, before the activation of the last one."""
        if out is None:
            out = np.empty((rows.spec.n, self._layers[layer].n_out), self.dtype)
        reading = lib.Reading(
            rows=rows.spec, copy=lib.PARAMS, layer=layer, threads=threads, out=pointer(out)
        )
        lib.check(self._library.ml_read(self.address, ctypes.byref(reading)))
        return out

    def judge(
        self, objective: Objective, rows: NativeRows, threads: int
    ) -> tuple[float, np.ndarray]:
        """Return the sum of the weighted losses of rows, and those a score is computed from."""
        loss, sums = np.zeros(1), np.zeros(n_sums(objective))
        reading = lib.Reading(
            rows=rows.spec,
            copy=lib.PARAMS,
            layer=len(self._layers) - 1,
            threads=threads,
            loss=pointer(loss),
            sums=pointer(sums),
        )
        lib.check(self._library.ml_read(self.address, ctypes.byref(reading)))
        return float(loss[0]), sums


# Arrays between the library and NumPy ------------------------------------------------------------


def fill(
    networks: Sequence[Handle], copy: int, places: Sequence[Place], arrays: Sequence[np.ndarray]
) -> None:
    """Fill arrays of a copy of the parameters of networks, from arrays with an axis of them."""
    ours = [np.ascontiguousarray(array, networks[0].dtype) for array in arrays]
    first = np.array([pointer(array) for array in ours], np.intp)
    steps = np.array([array.nbytes // len(networks) for array in ours], np.intp)
    there = np.array(places, np.int32)
    for j, network in enumerate(networks):
        addresses = first + j * steps
        network.exchange("ml_put", copy, there, addresses)


class Layout:
    """Arrays of networks: where the library has them, and how they lie in one block of memory.

    Each has an axis of the networks in front, and begins where XLA reads it without a copy.
    """

    def __init__(
        self, places: Sequence[Place], shapes: Sequence[tuple[int, ...]], dtype: np.dtype
    ) -> None:
        self.places, self.dtype = np.array(places, np.int32), dtype
        sizes = np.array([math.prod(shape) for shape in shapes])
        unit = ALIGNMENT // self.dtype.itemsize
        stops = np.cumsum(-(-sizes // unit) * unit)
        starts = np.append(0, stops[:-1])
        self._offsets, self._size = starts * self.dtype.itemsize, int(stops[-1])
        self._steps = sizes // [shape[0] for shape in shapes] * self.dtype.itemsize
        self._views = list(zip(starts.tolist(), (starts + sizes).tolist(), shapes, strict=True))

    def read(self, networks: Sequence[Handle], copy: int) -> list[np.ndarray]:
        """Read a copy of the parameters of networks into new memory."""
        block = aligned_zeros((self._size,), self.dtype)
        first = block.ctypes.data + self._offsets
        for j, network in enumerate(networks):
            network.exchange("ml_get", copy, self.places, first + j * self._steps)
        return [block[start:stop].reshape(shape) for start, stop, shape in self._views]


def places_of(params: Layers) -> list[Place]:
    """Return where in the library the arrays of dense layers are, in the order of the leaves."""
    places = []
    for i, layer in enumerate(params):
        found = (*layer[:4], *((None, None) if layer.moments is None else layer.moments))
        places += [(i, a) for a, values in zip(ARRAYS, found, strict=True) if values is not None]
    return places
