"""The three functions that skl2onnx asks an estimator for."""

from collections.abc import Callable
from typing import Any

import numpy as np

from multilayer._onnx.graph import Graph
from multilayer._onnx.outputs import Described, Output


def parser(described: Described) -> Callable[..., list[Any]]:
    """Return the function that declares the outputs of an estimator."""

    def parse(scope: Any = None, inputs: Any = None) -> list[Any]:
        return [scope.declare_local_variable(o.name, tensor_type(o)) for o in described.outputs()]

    return parse


def shape_calculator(described: Described) -> Callable[[Any], None]:
    """Return the function that tells the types of the outputs."""

    def calculate(operator: Any) -> None:
        for variable, output in zip(operator.outputs, described.outputs(), strict=True):
            variable.type = tensor_type(output)

    return calculate


def converter(described: Described) -> Callable[[Any, Any, Any], None]:
    """Return the function that adds the nodes."""

    def convert(scope: Any, operator: Any, container: Any) -> None:
        graph = Graph(scope, container)
        columns = [variable.full_name for variable in operator.inputs]
        if len(columns) > 1:  # of a table, each in a type of its own
            columns = [graph.cast(column, "float64") for column in columns]
        made = described.build(graph, graph.beside(columns))
        for variable, name in zip(operator.outputs, made, strict=True):
            graph.end(name, variable.full_name)

    return convert


def tensor_type(output: Output) -> Any:
    """Return skl2onnx's type of an output; the number of rows is open."""
    from skl2onnx.common import data_types

    types = {
        "f4": data_types.FloatTensorType,
        "f8": data_types.DoubleTensorType,
        "i8": data_types.Int64TensorType,
        "b1": data_types.BooleanTensorType,
    }
    dtype = np.dtype(output.dtype)
    kind = data_types.StringTensorType if dtype.kind == "U" else types[dtype.str[1:]]
    return kind([None, *output.shape])
