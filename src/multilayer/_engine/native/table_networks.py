"""Networks for tables as the native library has them: described by their layers, one by one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from multilayer._core.pytrees import leaves, map_leaves
from multilayer._engine.native import library as lib
from multilayer._engine.native.handle import Place
from multilayer._nn.activation_layers import activate, parametric, scheduled_dropout
from multilayer._nn.column_layers import robust_scaling, table_inputs
from multilayer._nn.embeddings import (
    category_embedding,
    periodic_embedding,
    piecewise_linear_embedding,
)
from multilayer._nn.members import Members, batch_ensemble, shared
from multilayer._nn.model import Parameters
from multilayer._nn.quantile_layers import quantile_scaling
from multilayer._nn.tabular_layers import TabularLayer, linear, ntk_dense, scaling

KINDS: dict[type, str] = {
    table_inputs: "t",
    robust_scaling: "r",
    quantile_scaling: "q",
    category_embedding: "c",
    periodic_embedding: "p",
    piecewise_linear_embedding: "l",
    scaling: "s",
    scheduled_dropout: "d",
    ntk_dense: "n",
    linear: "n",
    batch_ensemble: "b",
    activate: "a",
    parametric: "m",
}
"""Layers that the library has, each with a letter; those that members share have capital ones."""
APART = re.compile("(t|rc?p?)d?s?(n[am]?d?)*n")
"""Networks of their own: columns, dropout and weights of inputs, dense layers."""
TOGETHER = re.compile("[RQ]?C?L?((ba?d?)*|s(Na?d?)+)n")
"""Networks that share kernels: columns, layers of shared kernels, and a last layer of their own."""
ON_HOST = (robust_scaling, quantile_scaling)
"""Layers that NumPy computes where members share them as the first: they learn nothing."""


def letter(layer: TabularLayer) -> str:
    """Return the letter of a layer; nothing where the library does not have it."""
    if isinstance(layer, shared):
        return KINDS.get(type(layer.layer), "").upper()
    return KINDS.get(type(layer), "")


def uncovered_layer(layers: Sequence[TabularLayer]) -> str:
    """Return what the library does not have among layers, or their order; nothing where it has."""
    for layer in layers:
        if not letter(layer):
            return f"its layer {type(layer).__name__} is not native"
        if isinstance(layer, activate | parametric) and layer.activation not in lib.ACTIVATIONS:
            return "its activation function is of your own"
    if not APART.fullmatch(order_of(layers)) and not shares_kernels(layers):
        return "its layers are in an order of their own"
    return ""


def order_of(layers: Sequence[TabularLayer]) -> str:
    """Return the letters of layers."""
    return "".join(map(letter, layers))


def shares_kernels(layers: Sequence[TabularLayer]) -> bool:
    """Whether members of these layers are one network in the library."""
    return TOGETHER.fullmatch(order_of(layers)) is not None


@dataclass(frozen=True)
class TableNetwork:
    """A network of an ensemble as the library has it: of one member, or of all.

    Attributes
    ----------
    table : TableSpec
        What reads the columns.
    layers : list of LayerSpec
        The dense layers.
    places : list of tuple or None
        Where the arrays of its parameters are, in the order of the leaves; None for those that the
        library has not.
    n_members : int
        Members that share kernels and so are one network.
    on_host : TabularLayer or None
        What NumPy makes of the columns before the library gets them.
    """

    table: lib.TableSpec
    layers: list[lib.LayerSpec]
    places: list[Place | None]
    n_members: int
    on_host: TabularLayer | None

    @property
    def learnt(self) -> list[Place | None]:
        """Where the arrays are that an update rule changes."""
        return [place for place in self.places if is_learnt(place)]

    @property
    def n_outputs(self) -> int:
        """Number of outputs of a member."""
        return int(self.layers[-1].n_out)

    @property
    def n_weights(self) -> int:
        """Weights of the dense layers."""
        return sum(layer.n_in * layer.n_out for layer in self.layers)

    def columns(self, params: Parameters, X: np.ndarray) -> np.ndarray:
        """Return the columns that the library reads, for encoded rows."""
        if self.on_host is None:
            return X
        single = map_leaves(lambda leaf: np.asarray(leaf)[0], params[0])
        return np.asarray(self.on_host.apply(single, X), X.dtype)


def is_learnt(place: Place | None) -> TypeGuard[Place]:
    """Whether an update rule changes an array: what was measured and chances of dropout stay."""
    if place is None:
        return False
    layer, array = place
    return array >= lib.WEIGHTS if layer == lib.TABLE else array != lib.DROPOUT


def described(network: Members, params: Parameters) -> TableNetwork:
    """Describe an ensemble whose layers :func:`uncovered_layer` has accepted."""
    description = _Description(network.n_members if shares_kernels(network.layers) else 1)
    for layer, own in zip(network.layers, params, strict=True):
        description.add(layer, own)
    return description.finished()


class _Description:
    """A network for tables, as far as its layers have been read."""

    def __init__(self, n_members: int) -> None:
        self._n_members = n_members
        self._table = lib.TableSpec(out_factor=1.0, wave_rate=1.0, weight_rate=1.0)
        self._layers: list[lib.LayerSpec] = []
        self._places: list[Place | None] = []
        self._owners: list[np.ndarray] = []  # of memory that the table points to
        self._on_host: TabularLayer | None = None
        self._scaling: scaling | None = None  # of the inputs of the next layer, by each member

    def add(self, layer: TabularLayer, params: Parameters) -> None:
        """Read a layer; ``params`` are those of all members, whose shapes count."""
        is_shared = isinstance(layer, shared)
        if isinstance(layer, shared):
            layer = layer.layer
            if isinstance(layer, ON_HOST):
                self._on_host = layer
                self._places += [None] * len(leaves(params))
                return
        match layer:
            case table_inputs():
                self._add_table_inputs(layer)
            case robust_scaling():
                self._table.n_scaled = layer.n_columns
                self._place(lib.TABLE, lib.CENTRE, lib.FACTOR)
            case category_embedding():
                self._add_categories(layer.cardinalities, layer.size)
            case periodic_embedding():
                self._add_waves(layer)
            case piecewise_linear_embedding():
                self._add_ramps(layer)
            case scaling():
                self._add_scaling(layer)
            case scheduled_dropout():
                self._add_dropout()
            case ntk_dense() | linear():
                self._add_dense(layer, params.kernel.shape[-2], is_shared=is_shared)
            case batch_ensemble():
                self._add_batch_ensemble(layer, params.kernel.shape[-2])
            case activate() | parametric():
                self._add_activation(layer)

    def finished(self) -> TableNetwork:
        """Return the whole."""
        table = self._table
        # What the first dense layer gets beside the parts that are known passes as it is.
        known = table.n_waved * table.wave_size + table.n_ramped * table.ramp_size
        known += table.n_scaled + table.n_bins + table.n_categories * table.category_size
        table.n_passed = self._layers[0].n_in - known
        table.owners = self._owners  # they live as long as the table
        return TableNetwork(table, self._layers, self._places, self._n_members, self._on_host)

    def _place(self, layer: int, *arrays: int) -> None:
        self._places += [(layer, array) for array in arrays]

    # Columns -------------------------------------------------------------------------------------

    def _add_table_inputs(self, layer: table_inputs) -> None:
        self._table.n_scaled, self._table.n_bins = layer.n_numeric, layer.n_bins
        self._table.bin_columns = self._integers(layer.sources)
        measured = lib.CENTRE, lib.FACTOR, lib.BIN_LOW, lib.BIN_SLOPE, lib.BIN_MEAN, lib.BIN_GAIN
        self._place(lib.TABLE, *measured)
        self._add_categories(layer.cardinalities, layer.embedding_size)

    def _add_categories(self, cardinalities: tuple[int, ...], size: int) -> None:
        self._table.n_categories, self._table.category_size = len(cardinalities), size
        self._table.cardinalities = self._integers(cardinalities)
        self._place(lib.TABLE, *(lib.EMBEDDINGS + j for j in range(len(cardinalities))))

    def _add_waves(self, layer: periodic_embedding) -> None:
        table = self._table
        table.n_waved, table.n_frequencies = layer.n_columns, layer.n_frequencies
        table.wave_size, table.wave_rate = layer.size, layer.rate
        self._place(lib.TABLE, lib.FREQUENCIES, lib.PHASES, lib.WAVE_KERNEL, lib.WAVE_BIAS)

    def _add_ramps(self, layer: piecewise_linear_embedding) -> None:
        table = self._table
        table.n_ramped, table.n_ramps, table.ramp_size = layer.n_columns, layer.n_bins, layer.size
        measured = lib.RAMP_LOW, lib.RAMP_FACTOR, lib.RAMP_FLOOR, lib.RAMP_CEILING
        self._place(lib.TABLE, *measured, lib.RAMP_SLOPE, lib.RAMP_OFFSET, lib.RAMP_KERNEL)

    def _add_scaling(self, layer: scaling) -> None:
        if self._n_members > 1:  # each scales the inputs of the first layer
            self._scaling = layer
            self._places += [(0, lib.SCALE_IN), None]
        else:
            self._table.weighted, self._table.weight_rate = 1, layer.rate
            self._place(lib.TABLE, lib.WEIGHTS, lib.USED)

    def _add_dropout(self) -> None:
        if self._layers:
            self._layers[-1].drops = 1
            self._place(len(self._layers) - 1, lib.DROPOUT)
        else:
            self._table.drops = 1
            self._place(lib.TABLE, lib.TABLE_DROPOUT)

    # Dense layers --------------------------------------------------------------------------------

    def _add_dense(self, layer: ntk_dense | linear, n_in: int, *, is_shared: bool) -> None:
        before = self._layers[-1] if self._layers else self._table
        bias_rate = 1.0
        if isinstance(layer, ntk_dense):
            before.out_factor, bias_rate = 1.0 / np.sqrt(n_in), layer.bias_rate
        self._place(len(self._layers), lib.KERNEL, lib.BIAS)
        spec = dense_spec(n_in, layer.n_units, bias_rate)
        spec.own_kernels = self._n_members > 1 and not is_shared
        if self._scaling is not None:
            spec.scales_in = 1
            spec.rates[lib.SCALE_IN] = spec.decays[lib.SCALE_IN] = self._scaling.rate
            self._scaling = None
        self._layers.append(spec)

    def _add_batch_ensemble(self, layer: batch_ensemble, n_in: int) -> None:
        self._place(len(self._layers), lib.SCALE_IN, lib.KERNEL, lib.SCALE_OUT, lib.BIAS)
        spec = dense_spec(n_in, layer.n_units, 1.0)
        spec.scales_in = spec.scales_out = 1
        for array in (lib.SCALE_IN, lib.SCALE_OUT):
            spec.rates[array] = spec.decays[array] = 1.0
        self._layers.append(spec)

    def _add_activation(self, layer: activate | parametric) -> None:
        spec = self._layers[-1]
        spec.activation = lib.ACTIVATIONS.index(layer.activation)
        if isinstance(layer, parametric):
            spec.parametric = 1
            spec.rates[lib.SCALE] = spec.decays[lib.SCALE] = layer.rate
            self._place(len(self._layers) - 1, lib.SCALE)

    def _integers(self, values: Sequence[int] | np.ndarray) -> int:
        array = np.ascontiguousarray(values, np.int32)
        self._owners.append(array)
        return array.ctypes.data


def dense_spec(n_in: int, n_out: int, bias_rate: float) -> lib.LayerSpec:
    """Describe a dense layer whose kernel decays and whose biases do not."""
    spec = lib.LayerSpec(n_in=n_in, n_out=n_out, out_factor=1.0)
    spec.rates[lib.KERNEL], spec.decays[lib.KERNEL] = 1.0, 1.0
    spec.rates[lib.BIAS], spec.decays[lib.BIAS] = bias_rate, 0.0
    return spec
