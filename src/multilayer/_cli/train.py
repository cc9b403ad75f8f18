"""``multilayer train``: a network from data, saved to a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from multilayer._cli import options as o
from multilayer._cli import recipes, settings
from multilayer._cli.console import say_json
from multilayer._cli.curves import check_curves
from multilayer._core.activations import HIDDEN
from multilayer._core.checks import check_choice, check_integer
from multilayer._nn.initializers import WEIGHT_INITS
from multilayer._optim.solvers import solvers_with

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
    keep: Annotated[
        list[str] | None,
        _option(
            "Column to learn from although it numbers the rows; may be repeated.",
            _ROWS,
            metavar="COLUMN",
        ),
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
        str | None,
        _option(
            f"{', '.join(recipes.RECIPES)} (mnist: fast, files: table).", _TRAINING, metavar="NAME"
        ),
    ] = None,
    epochs: Annotated[
        int | None, _option("Passes over the rows.", _TRAINING, min=1, metavar="N")
    ] = None,
    batch_size: Annotated[
        int | None, _option("Rows per step.", _TRAINING, min=1, metavar="N")
    ] = None,
    learning_rate: Annotated[
        float | None, _option("Learning rate, the highest one of a schedule.", _TRAINING)
    ] = None,
    solver: Annotated[
        str | None, _option(f"{', '.join(o.SOLVERS)}.", _TRAINING, metavar="NAME")
    ] = None,
    weight_decay: Annotated[
        float | None,
        _option(f"Weight decay of {' and '.join(solvers_with('weight_decay'))}.", _TRAINING),
    ] = None,
    label_smoothing: Annotated[
        float | None, _option("Share of the target spread over all classes.", _TRAINING)
    ] = None,
    seed: Annotated[
        int,
        _option("Seed of weights, order and split (0).", _TRAINING, metavar="N"),
    ] = 0,
    hidden: Annotated[
        str | None, _option("Units of the hidden layers, or none.", _NETWORK, metavar="300,100")
    ] = None,
    activation: Annotated[
        str | None, _option(f"{', '.join(HIDDEN)}.", _NETWORK, metavar="NAME")
    ] = None,
    dropout: Annotated[
        float | None, _option("Chance that a hidden unit is dropped.", _NETWORK)
    ] = None,
    weight_init: Annotated[
        str | None,
        _option(f"Initial weights: {', '.join(WEIGHT_INITS)}.", _NETWORK, metavar="NAME"),
    ] = None,
    model: Annotated[
        Path | None,
        _option("Model file to write (here, named after DATA).", _OUTPUT, "--model", "-m"),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        _option(
            "Folder to keep training in: after a crash the same command goes on.",
            _OUTPUT,
            metavar="DIR",
        ),
    ] = None,
    checkpoint_every: Annotated[
        str | None,
        _option("How often: epoch, 500 (steps) or 30s (epoch).", _OUTPUT, metavar="INTERVAL"),
    ] = None,
    no_resume: Annotated[
        bool,
        _option("Start afresh, whatever the checkpoint folder holds.", _OUTPUT, "--no-resume"),
    ] = False,
    tensorboard: Annotated[
        Path | None,
        _option("Folder for curves and histograms.", _OUTPUT, metavar="DIR"),
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
    check_integer("--seed", seed, 0, 2**32 - 1)
    if recipe is not None:
        check_choice("--recipe", recipe, recipes.RECIPES)
    output = model or Path(f"{Path(data).stem}.safetensors")
    check_curves(tensorboard)
    kept = settings.checkpoint(checkpoint, checkpoint_every, resume=not no_resume)
    if data == o.MNIST:
        _compile_ahead(recipe, given, output)
    from multilayer._cli import training
    from multilayer._cli.training_data import Choices

    request = training.Request(
        choices=Choices(
            data, target, drop or [], keep or [], validation_fraction, test_fraction, seed
        ),
        recipe=recipe,
        given=given,
        output=output,
        checkpoint=kept,
        tensorboard=tensorboard,
        scale=not no_scale,
        silent=quiet or json,
    )
    run = training.run(request)
    if json:
        say_json(training.as_json(run))
    else:
        training.print_result(run)
    if run.interrupted:
        raise typer.Exit(training.INTERRUPTED)


def _compile_ahead(recipe: str | None, given: dict[str, Any], output: Path) -> None:
    """Compile the program of an MNIST run in the background, once its options are known good."""
    from multilayer._cli import ahead, sources
    from multilayer._persist.atomic import check_writable
    from multilayer.datasets._mnist import N_TRAIN

    arguments = recipes.recipe_arguments(recipe or "fast", N_TRAIN, given)
    settings.check_together(arguments, given)
    check_writable(output)
    ahead.compile_mnist(arguments, sources.MNIST_SCALE)
