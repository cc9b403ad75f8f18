"""The parameters and the help of the smaller commands; ``train`` has a module of its own.

What a command does is in the module of its name, imported when it runs: help does not wait for
NumPy, JAX and scikit-learn.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from multilayer._cli import options as o


class Inputs(StrEnum):
    """Types of numbers that an ONNX graph may take."""

    float = "float"
    double = "double"


PREDICTIONS = Annotated[
    Path | None, typer.Option("--output", "-o", help="CSV file to write.", show_default=False)
]
PROBA = Annotated[bool, typer.Option("--proba", help="Add the probability of each class.")]
QUANTILES = Annotated[
    str | None,
    typer.Option(
        metavar="LEVELS",
        help="Add quantiles of a predicted number, such as 0.05,0.95.",
        show_default=False,
    ),
]
ESCAPE_FORMULAS = Annotated[
    bool,
    typer.Option(
        "--escape-formulas", help="Put ' before text that a spreadsheet would take for a formula."
    ),
]
ONNX = Annotated[
    Path, typer.Option("--onnx", metavar="FILE", help="ONNX file to write.", show_default=False)
]
INPUTS = Annotated[
    Inputs | None, typer.Option(help="Type of the input: float32 (the default) or float64.")
]


def evaluate(
    model: o.MODEL,
    data: o.DATA,
    target: o.TARGET = None,
    drop: o.DROP = None,
    json: o.JSON = False,
) -> None:
    """Measure a saved model on labelled rows (mnist: its test images)."""
    from multilayer._cli.evaluate import evaluate as run

    run(model, data, target=target, drop=drop or [], json=json)


def predict(
    model: o.MODEL,
    data: o.DATA,
    output: PREDICTIONS = None,
    proba: PROBA = False,
    quantiles: QUANTILES = None,
    escape_formulas: ESCAPE_FORMULAS = False,
    drop: o.DROP = None,
    json: o.JSON = False,
) -> None:
    """Predict the class or number of each row, as CSV (mnist: its test images)."""
    from multilayer._cli.predict import predict as run

    run(
        model,
        data,
        output=output,
        proba=proba,
        quantiles=quantiles,
        escape_formulas=escape_formulas,
        drop=drop or [],
        json=json,
    )


def info(model: o.MODEL, json: o.JSON = False) -> None:
    """Show what a model file holds."""
    from multilayer._cli.info import info as run

    run(model, json=json)


def export(model: o.MODEL, onnx: ONNX, inputs: INPUTS = None, json: o.JSON = False) -> None:
    """Convert a model to ONNX, for runtimes in any language."""
    from multilayer._cli.export import export as run

    run(model, onnx, inputs=None if inputs is None else inputs.value, json=json)
