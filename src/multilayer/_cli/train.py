"""``multilayer train``: a network from data, saved to a file."""

import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from multilayer._cli import options as o
from multilayer._cli import recipes, settings
from multilayer._cli.console import count, remarks, results, say, say_json
from multilayer._core.errors import InvalidArgumentError

if TYPE_CHECKING:
    from multilayer._cli.figures import Evaluation
    from multilayer._cli.models import Model
    from multilayer._cli.progress import Follower
    from multilayer._cli.training_data import Part, TrainingData

INTERRUPTED = 130  # the exit code of a process that Ctrl-C ended

_NETWORK, _TRAINING, _ROWS, _OUTPUT = "Network", "Training", "Data", "Output"


def _option(help: str, panel: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False, **more)


def train(
    data: o.DATA,
    target: Annotated[
        str | None, _option("Column to predict (tables).", _ROWS, metavar="COLUMN")
    ] = None,
    drop: Annotated[
        list[str] | None,
        _option("Column to leave out; may be repeated.", _ROWS, metavar="COLUMN"),
    ] = None,
    no_scale: Annotated[
        bool, _option("Take the columns as they are, not standardised.", _ROWS, "--no-scale")
    ] = False,
    validation_fraction: Annotated[
        float | None, _option("Share of the rows to validate on (0.15).", _ROWS)
    ] = None,
    test_fraction: Annotated[
        float | None, _option("Share of the rows to test on at the end (0).", _ROWS)
    ] = None,
    recipe: Annotated[
        recipes.RecipeName | None,
        _option("Settings that go together (mnist: fast, files: table).", _TRAINING),
    ] = None,
    epochs: Annotated[int | None, _option("Passes over the rows.", _TRAINING, min=1)] = None,
    batch_size: Annotated[int | None, _option("Rows per step.", _TRAINING, min=1)] = None,
    learning_rate: Annotated[
        float | None, _option("Learning rate, the highest one of a schedule.", _TRAINING)
    ] = None,
    solver: Annotated[o.Solver | None, _option("Update rule.", _TRAINING)] = None,
    weight_decay: Annotated[float | None, _option("Weight decay of adamw.", _TRAINING)] = None,
    label_smoothing: Annotated[
        float | None, _option("Share of the target spread over all classes.", _TRAINING)
    ] = None,
    seed: Annotated[
        int, _option("Seed of weights, order and split (0).", _TRAINING, min=0, max=2**32 - 1)
    ] = 0,
    hidden: Annotated[
        str | None, _option("Units of the hidden layers, or none.", _NETWORK, metavar="300,100")
    ] = None,
    activation: Annotated[
        o.Activation | None, _option("Activation of the hidden layers.", _NETWORK)
    ] = None,
    dropout: Annotated[
        float | None, _option("Chance that a hidden unit is dropped.", _NETWORK)
    ] = None,
    weight_init: Annotated[
        o.WeightInit | None, _option("Distribution of the initial weights.", _NETWORK)
    ] = None,
    model: Annotated[
        Path | None,
        _option("Model file to write (here, named after DATA).", _OUTPUT, "--model", "-m"),
    ] = None,
    quiet: Annotated[
        bool, _option("Print the result alone, no progress.", _OUTPUT, "--quiet", "-q")
    ] = False,
    json: Annotated[
        bool, _option("Print one JSON object instead of text.", _OUTPUT, "--json")
    ] = False,
) -> None:
    """Train a network and save it."""
    given = settings.overrides(
        {
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "solver": solver,
            "weight_decay": weight_decay,
            "label_smoothing": label_smoothing,
            "hidden": hidden,
            "activation": activation,
            "dropout": dropout,
            "weight_init": weight_init,
        }
    )
    fractions = {"validation_fraction": validation_fraction, "test_fraction": test_fraction}
    settings.check_intervals(fractions)
    from multilayer._cli.training_data import Choices

    choices = Choices(data, target, drop or [], seed=seed, **fractions)
    output = _output_path(data, model)
    run = _run(choices, recipe, given, output, scale=not no_scale, silent=quiet or json)
    say_json(_as_json(run)) if json else _print(run)
    if run.model.network.stop_reason_ == "interrupted":
        raise typer.Exit(INTERRUPTED)
