"""Arguments and options that commands share, as types of their parameters."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Activation = Literal["relu", "tanh", "logistic", "identity"]
Solver = Literal["adamw", "adam", "sgd", "rmsprop", "adagrad"]
WeightInit = Literal[
    "auto",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_normal",
    "truncated_normal",
]

DATA = Annotated[
    str,
    typer.Argument(help="mnist, or a .csv, .tsv, .parquet or .npz file.", show_default=False),
]
MODEL = Annotated[Path, typer.Argument(help="Model file.", show_default=False)]
JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
TARGET = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column to predict (tables).")
]
DROP = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Column to leave out; may be repeated."),
]
