"""ONNX graphs: nodes, and a network of dense layers as nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from multilayer._core.activations import OnnxForm

if TYPE_CHECKING:
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.common._topology import Scope


# Adding nodes to a graph that skl2onnx is making -------------------------------------------------


Value: TypeAlias = str | float | np.ndarray
"""The name of a tensor in the graph, or a constant; plain numbers are float32."""


class Keyed(NamedTuple):
    """A matrix of which each row becomes a dict, a column's value under the column's key."""

    values: str
    keys: np.ndarray  # of the columns: int64 or text


class Graph:
    """A graph to which nodes and constants are added; tensors go by their names."""

    def __init__(self, scope: "Scope", container: "ModelComponentContainer") -> None:
        self._scope, self._container = scope, container

    @property
    def opset(self) -> int:
        """The set of operators that the graph is limited to."""
        return int(self._container.target_opset_onnx)

    def node(self, op: str, *inputs: Value, **attributes: object) -> str:
        """Add a node with one output, and return that."""
        output = self._scope.get_unique_variable_name(f"{op.lower()}_output")
        self._add(op, inputs, output, attributes)
        return str(output)

    def end(self, value: Value | Keyed, output: str) -> None:
        """Make a tensor, or the dicts built from one, the output of this name."""
        if not isinstance(value, Keyed):
            self._add("Identity", (value,), output, {})
            return
        text = value.keys.dtype.kind == "U"
        name = "classlabels_strings" if text else "classlabels_int64s"
        self._add("ZipMap", (value.values,), output, {name: value.keys.tolist()}, "ai.onnx.ml", 1)

    def cast(self, value: Value, dtype: npt.DTypeLike) -> str:
        """Add a change of type."""
        return self.node("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def columns(self, value: Value, start: int, stop: int, step: int = 1) -> str:
        """Add a choice of columns from a matrix, as ``value[:, start:stop:step]``."""
        numbers = (np.array([number]) for number in (start, stop, 1, step))
        return self.node("Slice", value, *numbers)

    def column(self, value: Value, number: int) -> str:
        """Add a choice of one column from a matrix, of shape ``(rows,)``."""
        return self.node("Gather", value, np.array(number), axis=1)

    def beside(self, values: Sequence[str]) -> str:
        """Add matrices beside each other."""
        return values[0] if len(values) == 1 else self.node("Concat", *values, axis=1)

    def over_columns(self, op: str, value: Value) -> str:
        """Add a reduction ("ReduceMean", ...) of each row of a matrix, as a column."""
        if op != "ReduceSum" and self.opset < 18:  # from there on the axes are an input
            return self.node(op, value, axes=[1], keepdims=1)
        return self.node(op, value, np.array([1]), keepdims=1)

    def place(self, op: str, value: Value, marks: np.ndarray, n_places: int) -> str:
        """Add the place of each value of a column between marks: below the second one it is 0.

        ``op`` says which marks a value has reached: "GreaterOrEqual" or "Greater".
        """
        reached = self.cast(self.node(op, value, marks[None, :]), "float32")  # (rows, marks)
        count = self.cast(self.over_columns("ReduceSum", reached), "int64")
        place = self.node("Sub", count, np.array(1))
        return self.node("Clip", place, np.array(0), np.array(n_places - 1))

    def polynomial(self, value: Value, coefficients: Sequence[Value]) -> str:
        """Add a polynomial, of coefficients from the highest power on, by Horner's rule."""
        total, *others = coefficients
        for coefficient in others:
            total = self.node("Add", self.node("Mul", total, value), coefficient)
        return self.node("Identity", total) if not others else str(total)

    def number_of_text(self, value: Value, known: Sequence[str]) -> str:
        """Add the place of each text among those known; those unknown get ``len(known)``."""
        output = str(self._scope.get_unique_variable_name("places"))
        attributes = {
            "keys_strings": [text.encode() for text in known],
            "values_int64s": list(range(len(known))),
            "default_int64": len(known),
        }
        self._add("LabelEncoder", (value,), output, attributes, "ai.onnx.ml", 2)
        return output

    def _add(
        self,
        op: str,
        inputs: Sequence[Value],
        output: str,
        attributes: Mapping[str, object],
        domain: str = "",
        version: int | None = None,
    ) -> None:
        self._container.add_node(
            op,
            [self._name(value) for value in inputs],
            [output],
            op_domain=domain,
            op_version=version,
            name=self._scope.get_unique_operator_name(op),
            **attributes,
        )

    def _name(self, value: Value) -> str:
        """Return the name of a tensor, a constant added as one."""
        if isinstance(value, str):
            return value
        value = np.asarray(value, None if isinstance(value, np.ndarray) else np.float32)
        name = str(self._scope.get_unique_variable_name("constant"))
        if value.dtype.kind in "OU":
            text = [str(each).encode() for each in value.ravel()]
            self._container.add_initializer(name, TensorProto.STRING, list(value.shape), text)
        else:
            tensor = numpy_helper.from_array(np.asarray(value, order="C"))
            self._container.add_initializer(name, tensor.data_type, list(value.shape), tensor)
        return name


# A network of dense layers as nodes --------------------------------------------------------------


EPSILON = 1e-5  # added to a variance


@dataclass(frozen=True)
class LayerNodes:
    """One layer: ``x @ kernel + bias``, normalised, its activation, and its input added."""

    kernel: np.ndarray  # (fan_in, fan_out), float32 as all arrays here
    bias: np.ndarray  # (fan_out,)
    activation: OnnxForm
    # Scale and shift of a normalised layer; of batch normalisation mean and variance too.
    norm: tuple[np.ndarray, ...] = ()
    skip: bool = False


@dataclass(frozen=True)
class DenseNetwork:
    """Layers, the last of which gives the outputs before their activation."""

    layers: tuple[LayerNodes, ...]
    input_scale: float | None = None

    def build(self, graph: Graph, x: str) -> str:
        """Add the forward pass of rows of any number type; return the outputs in float32."""
        x = graph.cast(x, "float32")
        if self.input_scale is not None:
            x = graph.node("Mul", x, np.array(self.input_scale, np.float32))
        for layer in self.layers:
            x = _apply(graph, layer, x)
        return x


def _apply(graph: Graph, layer: LayerNodes, x: str) -> str:
    z = graph.node("Add", graph.node("MatMul", x, layer.kernel), layer.bias)
    if layer.norm:
        z = _normalise(graph, layer.norm, z)
    a = layer.activation(graph, z)
    return graph.node("Add", x, a) if layer.skip else a


def _normalise(graph: Graph, norm: tuple[np.ndarray, ...], z: str) -> str:
    if len(norm) == 4:
        return graph.node("BatchNormalization", z, *norm, epsilon=EPSILON)
    # Not by LayerNormalization: runtimes form the variance as the mean square less the squared
    # mean, which cancels in float32 where the mean is large.
    centred = graph.node("Sub", z, graph.over_columns("ReduceMean", z))
    variance = graph.over_columns("ReduceMean", graph.node("Mul", centred, centred))
    spread = graph.node("Sqrt", graph.node("Add", variance, np.array(EPSILON, np.float32)))
    scaled = graph.node("Mul", graph.node("Div", centred, spread), norm[0])
    return graph.node("Add", scaled, norm[1])
