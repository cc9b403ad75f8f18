"""Arguments and options that commands share, as types of their parameters."""

from pathlib import Path
from typing import Annotated

import typer

MNIST = "mnist"  # DATA that is embedded in the package

ACTIVATIONS = ("relu", "tanh", "logistic", "identity")
SOLVERS = ("adamw", "adam", "sgd", "rmsprop", "adagrad")  # "lbfgs" takes no validation data
WEIGHT_INITS = (
    "auto",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_normal",
    "truncated_normal",
)

DATA = Annotated[
    str,
    typer.Argument(
        metavar="DATA", help="mnist, or a .csv, .tsv, .parquet or .npz file.", show_default=False
    ),
]
MODEL = Annotated[Path, typer.Argument(metavar="MODEL", help="Model file.", show_default=False)]
JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
TARGET = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column to predict (tables).")]
DROP = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Column to leave out; may be repeated."),
]
