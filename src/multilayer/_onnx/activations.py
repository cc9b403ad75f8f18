"""Activation functions as nodes, from operators that every runtime has."""

import math
from collections.abc import Callable

import numpy as np

from multilayer._onnx.graph import Graph

Nodes = Callable[[Graph, str], str]


def _operator(op: str) -> Nodes:
    def add(graph: Graph, z: str) -> str:
        return graph.node(op, z)

    return add


def _identity(graph: Graph, z: str) -> str:
    return z


def _leaky_relu(graph: Graph, z: str) -> str:
    return graph.node("LeakyRelu", z, alpha=0.01)


def _gelu(graph: Graph, z: str) -> str:
    # Operators of their own came with opset 20 for gelu, with 18 for mish.
    erf = graph.node("Erf", graph.node("Mul", z, _number(math.sqrt(0.5))))
    share = graph.node("Mul", graph.node("Add", erf, _number(1.0)), _number(0.5))
    return graph.node("Mul", z, share)


def _silu(graph: Graph, z: str) -> str:
    return graph.node("Mul", z, graph.node("Sigmoid", z))


def _mish(graph: Graph, z: str) -> str:
    return graph.node("Mul", z, graph.node("Tanh", graph.node("Softplus", z)))


def _number(value: float) -> np.ndarray:
    return np.array(value, np.float32)


ACTIVATIONS: dict[str, Nodes] = {
    "identity": _identity,
    "logistic": _operator("Sigmoid"),
    "tanh": _operator("Tanh"),
    "relu": _operator("Relu"),
    "leaky_relu": _leaky_relu,
    "elu": _operator("Elu"),
    "selu": _operator("Selu"),
    "gelu": _gelu,
    "silu": _silu,
    "mish": _mish,
    "softplus": _operator("Softplus"),
    "exp": _operator("Exp"),
}
"""Those of hidden layers by name, and "exp" for outputs."""
