"""The three functions that skl2onnx asks an estimator for."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
from skl2onnx.common import data_types

from multilayer._onnx.graph import Graph
from multilayer._onnx.options import Choosing, Options, asked, register
from multilayer._onnx.outputs import Described, Output

if TYPE_CHECKING:
    from skl2onnx.common._container import ModelComponentContainer
    from skl2onnx.common._topology import Operator, Scope, Variable


def parser(model: object, described: Described) -> "Callable[..., list[Variable]]":
    """Return the function that declares the outputs of an estimator."""

    def parse(scope: "Scope", inputs: "list[Variable] | None" = None) -> "list[Variable]":
        if takes_options(described):
            register(type(model))
        outputs = _chosen(model, described, scope).outputs()
        return [scope.declare_local_variable(o.name, tensor_type(o)) for o in outputs]

    return parse


def takes_options(described: Described) -> TypeGuard[Choosing]:
    """Whether an estimator is a classifier, which has options."""
    return hasattr(described, "with_options")


def _chosen(model: object, described: Described, scope: "Scope") -> Described:
    """Return an estimator with the options that were given for it."""
    if not takes_options(described):
        return described
    return described.with_options(asked(model, scope.options))


def _declared(model: object, described: Described, operator: "Operator") -> Described:
    """Return an estimator with the outputs that an operator has.

    A model around it, such as a vote, declares labels and scores under its own names, and handles
    the other options itself.
    """
    chosen = _chosen(model, described, operator.scope_inst)
    names = [variable.raw_name for variable in operator.outputs]
    if names == [output.name for output in chosen.outputs()] or not takes_options(described):
        return chosen
    options = asked(model, operator.scope_inst.options)
    return described.with_options(Options(nocl=options.nocl, raw_scores=options.raw_scores))


def shape_calculator(model: object, described: Described) -> "Callable[[Operator], None]":
    """Return the function that sets the types of the outputs."""

    def calculate(operator: "Operator") -> None:
        outputs = _declared(model, described, operator).outputs()
        for variable, output in zip(operator.outputs, outputs, strict=True):
            variable.type = tensor_type(output)

    return calculate


def converter(
    model: object, described: Described
) -> "Callable[[Scope, Operator, ModelComponentContainer], None]":
    """Return the function that adds the nodes."""

    def convert(scope: "Scope", operator: "Operator", container: "ModelComponentContainer") -> None:
        graph = Graph(scope, container)
        columns = [variable.full_name for variable in operator.inputs]
        if len(columns) > 1:  # of a table, each in a type of its own
            columns = [graph.cast(column, "float64") for column in columns]
        made = _declared(model, described, operator).build(graph, graph.beside(columns))
        for variable, name in zip(operator.outputs, made, strict=True):
            graph.end(name, variable.full_name)

    return convert


def tensor_type(output: Output) -> data_types.DataType:
    """Return skl2onnx's type of an output; the number of rows is open."""
    if output.keys is not None:
        key = data_types.StringTensorType if output.keys.kind == "U" else data_types.Int64TensorType
        row = data_types.DictionaryType(key([None]), data_types.FloatTensorType())
        return data_types.SequenceType(row)

    types = {
        "f4": data_types.FloatTensorType,
        "f8": data_types.DoubleTensorType,
        "i8": data_types.Int64TensorType,
        "b1": data_types.BooleanTensorType,
    }
    dtype = np.dtype(output.dtype)
    kind = data_types.StringTensorType if dtype.kind == "U" else types[dtype.str[1:]]
    return kind([None, *output.shape] if output.of_rows else list(output.shape))
