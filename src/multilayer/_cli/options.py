"""Arguments and options that commands share, as types of their parameters."""

from pathlib import Path
from typing import Annotated

import typer

from multilayer._optim import solvers

MNIST = "mnist"  # DATA that is embedded in the package

# Those with epochs, which validation and progress need.
SOLVERS = tuple(name for name, solver in solvers.SOLVERS.items() if not solver.full_batch)

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
