"""``multilayer export``: a model file as an ONNX model, which runs without Python."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from multilayer._cli import options as o
from multilayer._cli.console import results, say, say_json
from multilayer._cli.outputs import keep_inputs
from multilayer._core.errors import InvalidArgumentError


class Inputs(StrEnum):
    """Types of numbers that a graph may take."""

    float = "float"
    double = "double"


def export(
    model: o.MODEL,
    onnx: Annotated[
        Path, typer.Option("--onnx", metavar="FILE", help="ONNX file to write.", show_default=False)
    ],
    inputs: Annotated[
        Inputs | None,
        typer.Option(help="Type of the input: float32 (the default) or float64."),
    ] = None,
    json: o.JSON = False,
) -> None:
    """Convert a model to ONNX, for runtimes in any language."""
    from multilayer._cli.models import load_model
    from multilayer._onnx.export import export as convert
    from multilayer._persist.atomic import check_writable

    keep_inputs("--onnx", onnx, model)
    check_writable(onnx)
    loaded = load_model(model)
    asked = None if inputs is None else inputs.value
    try:
        made = convert(loaded.estimator, onnx, inputs=asked, features=loaded.features)
    except ImportError as error:
        raise InvalidArgumentError(str(error)) from error
    facts = _facts(made)
    if json:
        say_json({"model": str(model), "onnx": str(onnx), **facts})
    else:
        _print(onnx, facts)


def _facts(made: Any) -> dict[str, Any]:
    """Return what a caller of an ONNX model must know of it."""
    return {
        "inputs": [_tensor(value) for value in made.graph.input],
        "outputs": [_tensor(value) for value in made.graph.output],
        "opset": made.opset_import[0].version,
        "bytes": made.ByteSize(),
    }


def _tensor(value: Any) -> dict[str, Any]:
    """Return the name, type and shape of a tensor; None for an open number of rows."""
    from onnx import TensorProto

    tensor = value.type.tensor_type
    return {
        "name": value.name,
        "type": TensorProto.DataType.Name(tensor.elem_type).lower(),
        "shape": [each.dim_value or None for each in tensor.shape.dim],
    }


def _print(path: Path, facts: dict[str, Any]) -> None:
    from multilayer._cli import report

    console = results()
    say(console, (str(path), "bold"))
    lines = [
        (which if i == 0 else "", f"{each['name']}: {each['type']} {_shape(each['shape'])}")
        for which in ("inputs", "outputs")
        for i, each in enumerate(facts[which])
    ]
    lines += [("opset", str(facts["opset"])), ("size", report.size(facts["bytes"]))]
    report.print_pairs(console, lines)


def _shape(shape: list[int | None]) -> str:
    sizes = ["rows" if size is None else f"{size:,}" for size in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
