"""``multilayer export``: a model file as an ONNX model, which runs without Python."""

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from multilayer._cli import report
from multilayer._cli.console import results, say, say_json
from multilayer._cli.model_inputs import load_model
from multilayer._cli.settings import refuse_overwriting_inputs
from multilayer._core.errors import InvalidArgumentError
from multilayer._onnx import require_packages
from multilayer._persist.atomic import check_writable

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto


class TensorFacts(TypedDict):
    """What a caller must know of an input or output."""

    name: str
    type: str
    shape: list[int | None]  # None for an open number of rows


class GraphFacts(TypedDict):
    """What a caller of an ONNX model must know of it."""

    inputs: list[TensorFacts]
    outputs: list[TensorFacts]
    opset: int
    bytes: int


def export(model: Path, onnx: Path, *, inputs: str | None, json: bool) -> None:
    """Convert a model to ONNX, and print what a caller must know of the graph."""
    refuse_overwriting_inputs("--onnx", onnx, model)
    check_writable(onnx)
    try:
        require_packages()
    except ImportError as error:
        raise InvalidArgumentError(str(error)) from error
    from multilayer._onnx.conversion import export as convert  # late: onnx is an extra

    loaded = load_model(model)
    made = convert(loaded.estimator, onnx, inputs=inputs, features=loaded.features)
    graph = _graph(made)
    if json:
        say_json({"model": str(model), "onnx": str(onnx), **graph})
    else:
        _print(onnx, graph)


def _graph(made: "ModelProto") -> GraphFacts:
    return {
        "inputs": [_tensor(value) for value in made.graph.input],
        "outputs": [_tensor(value) for value in made.graph.output],
        "opset": made.opset_import[0].version,
        "bytes": made.ByteSize(),
    }


def _tensor(value: "ValueInfoProto") -> TensorFacts:
    from onnx import TensorProto  # late: an extra, which the conversion has needed

    tensor = value.type.tensor_type
    return {
        "name": value.name,
        "type": TensorProto.DataType.Name(tensor.elem_type).lower(),
        "shape": [each.dim_value or None for each in tensor.shape.dim],
    }


def _print(path: Path, graph: GraphFacts) -> None:
    console = results()
    say(console, (str(path), "bold"))
    lines = [
        (which if i == 0 else "", f"{each['name']}: {each['type']} {_shape(each['shape'])}")
        for which, tensors in (("inputs", graph["inputs"]), ("outputs", graph["outputs"]))
        for i, each in enumerate(tensors)
    ]
    lines += [("opset", str(graph["opset"])), ("size", report.size(graph["bytes"]))]
    report.print_pairs(console, lines)


def _shape(shape: list[int | None]) -> str:
    sizes = ["rows" if size is None else f"{size:,}" for size in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
