"""Networks for tables as the native library has them: described by their layers, one by one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from multilayer._engine.native import library as lib
from multilayer._engine.native.handle import Place
from multilayer._nn.activation_layers import activate, parametric, scheduled_dropout
from multilayer._nn.column_layers import robust_scaling, table_inputs
from multilayer._nn.embeddings import category_embedding, periodic_embedding
from multilayer._nn.members import Members
from multilayer._nn.model import Parameters
from multilayer._nn.tabular_layers import TabularLayer, linear, ntk_dense, scaling

KINDS: dict[type, str] = {
    table_inputs: "t",
    robust_scaling: "r",
    category_embedding: "c",
    periodic_embedding: "p",
    scaling: "s",
    scheduled_dropout: "d",
    ntk_dense: "n",
    linear: "n",
    activate: "a",
    parametric: "a",
}
"""Layers that the library has, each with a letter."""
ORDER = re.compile("(t|rc?p?)d?s?(na?d?)*n")
"""How they may follow each other: columns, dropout and weights of inputs, dense layers."""


def uncovered_layer(layers: Sequence[TabularLayer]) -> str:
    """Return what the library does not have among layers, or their order; nothing where it has."""
    for layer in layers:
        if type(layer) not in KINDS:
            return f"its layer {type(layer).__name__} is not native"
        if isinstance(layer, activate | parametric) and layer.activation not in lib.ACTIVATIONS:
            return "its activation function is of your own"
    if not ORDER.fullmatch("".join(KINDS[type(layer)] for layer in layers)):
        return "its layers are in an order of their own"
    return ""


@dataclass(frozen=True)
class TableNetwork:
    """One member of an ensemble as the library has it.

    Attributes
    ----------
    table : TableSpec
        What reads the columns.
    layers : list of LayerSpec
        The dense layers.
    places : list of tuple
        Where the arrays of its parameters are, in the order of the leaves.
    """

    table: lib.TableSpec
    layers: list[lib.LayerSpec]
    places: list[Place]

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return int(self.layers[-1].n_out)

    @property
    def learnt(self) -> list[Place]:
        """Where the arrays are that an update rule changes."""
        return [place for place in self.places if is_learnt(place)]

    @property
    def n_weights(self) -> int:
        """Weights of the dense layers."""
        return sum(layer.n_in * layer.n_out for layer in self.layers)


def is_learnt(place: Place) -> bool:
    """Whether an update rule changes an array: what was measured and chances of dropout stay."""
    layer, array = place
    return array >= lib.WEIGHTS if layer == lib.TABLE else array != lib.DROPOUT


def described(network: Members, params: Parameters) -> TableNetwork:
    """Describe a member of an ensemble whose layers :func:`uncovered_layer` has accepted."""
    description = _Description()
    for layer, own in zip(network.layers, params, strict=True):
        description.add(layer, own)
    return description.finished()


class _Description:
    """A network for tables, as far as its layers have been read."""

    def __init__(self) -> None:
        self._table = lib.TableSpec(out_factor=1.0, wave_rate=1.0, weight_rate=1.0)
        self._layers: list[lib.LayerSpec] = []
        self._places: list[Place] = []
        self._owners: list[np.ndarray] = []  # of memory that the table points to

    def add(self, layer: TabularLayer, params: Parameters) -> None:
        """Read a layer; ``params`` are those of all members, whose shapes count."""
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
            case scaling():
                self._table.weighted, self._table.weight_rate = 1, layer.rate
                self._place(lib.TABLE, lib.WEIGHTS, lib.USED)
            case scheduled_dropout():
                self._add_dropout()
            case ntk_dense() | linear():
                self._add_dense(layer, params.kernel.shape[-2])
            case activate() | parametric():
                self._add_activation(layer)

    def finished(self) -> TableNetwork:
        """Return the whole."""
        table = self._table
        # What the first dense layer gets beside the parts that are known passes as it is.
        known = table.n_waved * table.wave_size + table.n_scaled + table.n_bins
        known += table.n_categories * table.category_size
        table.n_passed = self._layers[0].n_in - known
        table.owners = self._owners  # they live as long as the table
        return TableNetwork(table, self._layers, self._places)

    def _place(self, layer: int, *arrays: int) -> None:
        self._places += [(layer, array) for array in arrays]

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

    def _add_dropout(self) -> None:
        if self._layers:
            self._layers[-1].drops = 1
            self._place(len(self._layers) - 1, lib.DROPOUT)
        else:
            self._table.drops = 1
            self._place(lib.TABLE, lib.TABLE_DROPOUT)

    def _add_dense(self, layer: ntk_dense | linear, n_in: int) -> None:
        before = self._layers[-1] if self._layers else self._table
        bias_rate = 1.0
        if isinstance(layer, ntk_dense):
            before.out_factor, bias_rate = 1.0 / np.sqrt(n_in), layer.bias_rate
        self._place(len(self._layers), lib.KERNEL, lib.BIAS)
        spec = lib.LayerSpec(n_in=n_in, n_out=layer.n_units, out_factor=1.0)
        spec.rates[lib.KERNEL], spec.decays[lib.KERNEL] = 1.0, 1.0
        spec.rates[lib.BIAS], spec.decays[lib.BIAS] = bias_rate, 0.0
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
