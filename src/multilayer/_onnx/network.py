"""A network of dense layers as nodes."""

from dataclasses import dataclass

import numpy as np

from multilayer._core.activations import OnnxForm
from multilayer._onnx.graph import Graph

EPSILON = 1e-5  # added to a variance


@dataclass(frozen=True)
class Layer:
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

    layers: tuple[Layer, ...]
    input_scale: float | None = None

    def build(self, graph: Graph, x: str) -> str:
        """Add the forward pass of rows of any number type; return the outputs in float32."""
        x = graph.cast(x, "float32")
        if self.input_scale is not None:
            x = graph.node("Mul", x, np.array(self.input_scale, np.float32))
        for layer in self.layers:
            x = _apply(graph, layer, x)
        return x


def _apply(graph: Graph, layer: Layer, x: str) -> str:
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
