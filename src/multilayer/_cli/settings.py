"""Options that commands share, and the arguments of an estimator that they set."""

import codecs
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from multilayer._core.activations import HIDDEN
from multilayer._core.checks import check_choice, check_integer, check_real, refuse
from multilayer._core.environment import DEVICES
from multilayer._core.errors import InvalidArgumentError
from multilayer._nn.initializers import WEIGHT_INITS
from multilayer._optim import solvers
from multilayer._optim.solvers import solvers_with
from multilayer._persist.training_logs import check_available, make_folder
from multilayer._sklearn.arguments.checkpoint import Checkpoint

# Arguments and options that commands share, as types of their parameters -------------------------


MNIST = "mnist"  # DATA that is embedded in the package
STDIN = "-"  # DATA that is read from standard input
STDIN_NAME = "standard input"

# Those with epochs, which validation and progress need.
SOLVERS = tuple(name for name, solver in solvers.SOLVERS.items() if not solver.full_batch)

DATA = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A table: .csv, .csv.gz, .tsv, .jsonl, .xlsx, .parquet, .feather, or - for CSV from "
        "standard input; an .npz file; or mnist.",
        show_default=False,
    ),
]
MODEL = Annotated[Path, typer.Argument(metavar="MODEL", help="Model file.", show_default=False)]
JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
TARGET = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column to predict (tables).")]
DROP = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Column to leave out; may be repeated."),
]


ID = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        metavar="COLUMN",
        help="Column that names the rows: not learned from, repeated in predictions.",
        show_default=False,
    ),
]
SEP = Annotated[
    str | None,
    typer.Option(metavar="SIGN", help="Sign between the values of a line, or tab."),
]
DECIMAL = Annotated[str | None, typer.Option(metavar="SIGN", help="Decimal sign of numbers (.).")]
ENCODING = Annotated[str | None, typer.Option(metavar="NAME", help="Encoding of a text file.")]


@dataclass(frozen=True)
class TableFormat:
    """How a table in a text file is written, where it is not as usual."""

    sep: str | None = None  # between values; None for that of the kind of file
    decimal: str = "."
    encoding: str = "utf-8"

    def refuse_for_typed(self, *, but: str) -> None:
        """Refuse what has no meaning for files with types, one option apart."""
        usual = TableFormat()
        for name in ("sep", "decimal", "encoding"):
            value = getattr(self, name)
            if name != but and value != getattr(usual, name):
                refuse(f"--{name}", "left out unless DATA is a .csv or .tsv file", value)


def table_format(sep: str | None, decimal: str | None, encoding: str | None) -> TableFormat:
    """Return how a table is written, from the options that say so."""
    usual = TableFormat()
    sep = "\t" if sep in ("tab", "\\t") else sep
    for name, value in (("--sep", sep), ("--decimal", decimal)):
        if value is not None and len(value) != 1:
            refuse(name, "one sign", value)
    decimal, encoding = decimal or usual.decimal, encoding or usual.encoding
    try:
        codecs.lookup(encoding)
    except LookupError:
        refuse("--encoding", "an encoding that Python knows, such as utf-8 or latin-1", encoding)
    return TableFormat(sep, decimal, encoding)


@dataclass(frozen=True)
class ColumnChoices:
    """The options that choose the columns of a table for a model."""

    target: str | None = None
    drop: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    form: TableFormat = TableFormat()


# Files that a command writes -------------------------------------------------------------------


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file that is there."""
    try:
        return os.path.samefile(one, other)
    # One is not there, or cannot be reached: reading or writing it says why.
    except (OSError, ValueError):
        return False


def refuse_overwriting_inputs(option: str, output: Path, *inputs: Path) -> None:
    """Refuse to write over a file that is read."""
    for path in inputs:
        if same_file(path, output):
            raise InvalidArgumentError(
                f"{option} must be another file than {path}, which it would replace."
            )


# ``--tensorboard DIR``: what TensorBoard shows of a training run ---------------------------------


def check_curves(folder: Path | None) -> None:
    """Refuse, before any work is done, what TensorBoard's files could not be written with."""
    if folder is None:
        return
    try:
        check_available()
    except ImportError as error:
        raise InvalidArgumentError(
            "--tensorboard needs tensorboardX, which cannot be imported. "
            "Install it: pip install tensorboardX."
        ) from error
    make_folder("--tensorboard", folder)


# Recipes: estimator arguments that go well together, each number written once --------------------


Arguments: TypeAlias = Mapping[str, Any]
"""Of an estimator, by name."""


@dataclass(frozen=True)
class Recipe:
    """Arguments of MLPClassifier, planned: training lasts ``max_iter`` epochs."""

    summary: str
    arguments: Arguments
    planned_steps: int | None = None  # then max_iter follows from the number of rows
    patience: float | None = None  # share of the epochs without a lower validation loss that end it


# Nothing but the plan ends training: no epoch counts as one without gain.
_TO_THE_END = {"tol": 0.0, "n_iter_no_change": math.inf}

RECIPES: dict[str, Recipe] = {
    "fast": Recipe(
        "MNIST in seconds: batch normalisation, AdamW, one cycle of the learning rate",
        {
            "hidden_layer_sizes": (300, 100),
            "norm": "batch",
            "solver": "adamw",
            "beta_2": 0.97,
            "weight_decay": 0.15,
            "alpha": 0.0,
            "learning_rate": "one_cycle",
            "learning_rate_init": 0.012,
            "schedule_params": {"warmup_fraction": 0.15},
            "label_smoothing": 0.05,
            "batch_size": 256,
            "max_iter": 3,
            "weight_init": "he_normal",
            **_TO_THE_END,
        },
    ),
    "chapter10": Recipe(
        "the book's: plain gradient descent, batches of 50, 40 epochs",
        {
            "hidden_layer_sizes": (300, 100),
            "solver": "sgd",
            "momentum": 0.0,
            "alpha": 0.0,
            "learning_rate": "constant",
            "learning_rate_init": 0.01,
            "batch_size": 50,
            "max_iter": 40,
            "weight_init": "glorot_uniform",
            "bias_init": "zeros",
            **_TO_THE_END,
        },
    ),
    "table": Recipe(
        "for tables: AdamW, one cycle, the network of the lowest validation loss",
        {
            "hidden_layer_sizes": (256, 128),
            "solver": "adamw",
            "beta_2": 0.99,
            "weight_decay": 0.1,
            "alpha": 0.0,
            "learning_rate": "one_cycle",
            "learning_rate_init": 3e-3,
            "label_smoothing": 0.05,
            "dropout": 0.1,
            "early_stopping": True,
            # Not the accuracy: a small table has few, and the first epoch to reach the best one
            # may be the first of all.
            "scoring": "loss",
            "tol": 0.0,
        },
        planned_steps=3_000,
        patience=1 / 3,
    ),
}

LARGE_TABLE = 20_000  # rows from which batches are larger
FEWEST_EPOCHS, MOST_EPOCHS = 10, 300
LEAST_PATIENCE = 10  # epochs


def recipe_arguments(
    name: str, n_rows: int, given: Arguments, *, validated: bool = True
) -> dict[str, Any]:
    """Return the estimator arguments of a recipe for a number of training rows.

    Those ``given`` override the recipe's. Without validation rows no recipe stops early.
    """
    recipe = RECIPES[name]
    arguments = dict(recipe.arguments)
    if recipe.planned_steps is not None:
        size = 64 if n_rows < LARGE_TABLE else 256
        epochs = round(recipe.planned_steps * size / n_rows)
        arguments["batch_size"] = size
        arguments["max_iter"] = min(max(epochs, FEWEST_EPOCHS), MOST_EPOCHS)
    arguments |= given
    if recipe.patience is not None:
        patience = round(recipe.patience * arguments["max_iter"])
        arguments["n_iter_no_change"] = max(patience, LEAST_PATIENCE)
    if not validated:
        arguments |= {"early_stopping": False, "n_iter_no_change": math.inf}
    arguments |= given
    return arguments


# From options of ``train`` to arguments of the estimator -----------------------------------------


TABULAR = "tabular"  # the recipe of tables as they come, which is no single network
CLASS_WEIGHTS = ("balanced",)
TASKS = ("classification", "regression")
INTERVALS = {
    "time_budget": "(0, inf)",
    "learning_rate": "(0, inf)",
    "dropout": "[0, 1)",
    "weight_decay": "[0, inf)",
    "label_smoothing": "[0, 1)",
    "validation_fraction": "[0, 1)",
    "calibration_fraction": "[0, 1)",
    "test_fraction": "[0, 1)",
}
CHOICES = {
    "solver": SOLVERS,
    "activation": HIDDEN,
    "weight_init": WEIGHT_INITS,
    "device": DEVICES,
}
ARGUMENTS = {
    "hidden": "hidden_layer_sizes",
    "epochs": "max_iter",
    "learning_rate": "learning_rate_init",
    "patience": "n_iter_no_change",
}
"""Names of the estimator for options that are called otherwise."""


@dataclass(frozen=True)
class Choices:
    """The options that choose the data."""

    data: str
    target: str | None
    drop: list[str]
    keep: list[str]  # columns that are features although they number the rows
    validation_fraction: float | None
    test_fraction: float | None
    seed: int
    ids: list[str] = field(default_factory=list)  # columns that name the rows
    roles: Mapping[str, str] = field(default_factory=dict)  # of columns, as the user says
    task: str | None = None  # "classification" or "regression", as the user says
    form: TableFormat = TableFormat()


@dataclass(frozen=True)
class Request:
    """The options of a training run."""

    choices: Choices
    recipe: str
    given: Arguments  # estimator arguments that go before the recipe's
    time_budget: float | None
    output: Path
    checkpoint: Checkpoint | None
    tensorboard: Path | None
    scale: bool
    silent: bool


def overrides(options: Mapping[str, Any]) -> Arguments:
    """Return estimator arguments for the options that were given."""
    given = {name: value for name, value in options.items() if value is not None}
    if "hidden" in given:
        given["hidden"] = hidden_sizes(given["hidden"])
    check_intervals(given)
    for name, choices in CHOICES.items():
        if name in given:
            check_choice("--" + name.replace("_", "-"), given[name], choices)
    return {ARGUMENTS.get(name, name): value for name, value in given.items()}


def check_intervals(given: Mapping[str, object]) -> None:
    """Check the numbers of the options, under the names that were typed."""
    for name, value in given.items():
        if name in INTERVALS and value is not None:
            check_real("--" + name.replace("_", "-"), value, INTERVALS[name])


def check_split(validation_fraction: float | None, test_fraction: float | None, seed: int) -> None:
    """Check how rows are set aside."""
    fractions = {"validation_fraction": validation_fraction, "test_fraction": test_fraction}
    check_intervals(fractions)
    check_integer("--seed", seed, 0, 2**32 - 1)


def checkpoint(folder: Path | None, every: str | None, *, resume: bool) -> Checkpoint | None:
    """Return the estimator's argument from ``--checkpoint`` and what belongs to it."""
    if folder is None:
        if every is not None:
            refuse("--checkpoint-every", "given together with --checkpoint", every)
        if not resume:
            refuse("--no-resume", "given together with --checkpoint", True)
        return None
    return Checkpoint(folder, every="epoch" if every is None else _interval(every), resume=resume)


def _interval(text: str) -> str | int | float:
    """Return "epoch", steps from "500" or seconds from "30s"."""
    number = text.removesuffix("s")
    if text == "epoch":
        return text
    if not re.fullmatch(r"\d+(\.\d+)?", number) or not float(number):
        refuse("--checkpoint-every", "epoch, a number of steps or of seconds such as 30s", text)
    if text.endswith("s"):
        return float(number)
    if "." in number:
        refuse("--checkpoint-every", "a whole number of steps, or of seconds such as 0.5s", text)
    return int(number)


def check_together(arguments: Mapping[str, object], given: Mapping[str, object]) -> None:
    """Refuse an option that would have no effect, or a network that could learn nothing."""
    if arguments.get("norm") == "batch" and arguments["batch_size"] == 1:
        refuse("--batch-size", "at least 2 with batch normalisation, as this recipe has it", 1)
    decaying = " or ".join(solvers_with("weight_decay"))
    if "weight_decay" in given and arguments["solver"] not in solvers_with("weight_decay"):
        refuse(
            "--weight-decay",
            f"left out unless the solver is {decaying}",
            given["weight_decay"],
            f"Add --solver {decaying} (it is {arguments['solver']}).",
        )


def hidden_sizes(text: str) -> tuple[int, ...]:
    """Return the units of the hidden layers from "300,100"; "none" is a network without any."""
    if text == "none":
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        refuse("--hidden", "numbers of units such as 300,100, or none", text)
    return tuple(int(part) for part in parts)
