"""``multilayer train``: a network from data, saved to a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from multilayer._cli import settings
from multilayer._cli import settings as o
from multilayer._cli.settings import check_curves
from multilayer._core.activations import HIDDEN as ACTIVATIONS
from multilayer._core.checks import check_choice
from multilayer._nn.initializers import WEIGHT_INITS
from multilayer._optim.solvers import solvers_with

_NETWORK, _TRAINING, _ROWS, _OUTPUT = "Network", "Training", "Data", "Output"


def _option(help: str, panel: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False, **more)


TARGET = Annotated[str | None, _option("Column to predict (tables).", _ROWS, metavar="COLUMN")]
DROP = Annotated[
    list[str] | None,
    _option("Column to leave out; may be repeated.", _ROWS, metavar="COLUMN"),
]
KEEP = Annotated[
    list[str] | None,
    _option(
        "Column to learn from although it numbers the rows; may be repeated.",
        _ROWS,
        metavar="COLUMN",
    ),
]
NO_SCALE = Annotated[
    bool, _option("Take the columns as they are, not standardised.", _ROWS, "--no-scale")
]
VALIDATION_FRACTION = Annotated[
    float | None, _option("Share of the rows to validate on (0.15).", _ROWS)
]
TEST_FRACTION = Annotated[
    float | None, _option("Share of the rows to test on at the end (0).", _ROWS)
]
RECIPE = Annotated[
    str | None,
    _option(
        f"{', '.join(settings.RECIPES)} (mnist: fast, files: table).", _TRAINING, metavar="NAME"
    ),
]
EPOCHS = Annotated[int | None, _option("Passes over the rows.", _TRAINING, min=1, metavar="N")]
BATCH_SIZE = Annotated[int | None, _option("Rows per step.", _TRAINING, min=1, metavar="N")]
LEARNING_RATE = Annotated[
    float | None, _option("Learning rate, the highest one of a schedule.", _TRAINING)
]
SOLVER = Annotated[str | None, _option(f"{', '.join(o.SOLVERS)}.", _TRAINING, metavar="NAME")]
WEIGHT_DECAY = Annotated[
    float | None,
    _option(f"Weight decay of {' and '.join(solvers_with('weight_decay'))}.", _TRAINING),
]
LABEL_SMOOTHING = Annotated[
    float | None, _option("Share of the target spread over all classes.", _TRAINING)
]
SEED = Annotated[
    int,
    _option("Seed of weights, order and split (0).", _TRAINING, metavar="N"),
]
HIDDEN = Annotated[
    str | None, _option("Units of the hidden layers, or none.", _NETWORK, metavar="300,100")
]
ACTIVATION = Annotated[str | None, _option(f"{', '.join(ACTIVATIONS)}.", _NETWORK, metavar="NAME")]
DROPOUT = Annotated[float | None, _option("Chance that a hidden unit is dropped.", _NETWORK)]
WEIGHT_INIT = Annotated[
    str | None,
    _option(f"Initial weights: {', '.join(WEIGHT_INITS)}.", _NETWORK, metavar="NAME"),
]
MODEL = Annotated[
    Path | None,
    _option("Model file to write (here, named after DATA).", _OUTPUT, "--model", "-m"),
]
CHECKPOINT = Annotated[
    Path | None,
    _option(
        "Folder for checkpoints: after a crash the same command resumes.",
        _OUTPUT,
        metavar="DIR",
    ),
]
CHECKPOINT_EVERY = Annotated[
    str | None,
    _option("How often: epoch, 500 (steps) or 30s (epoch).", _OUTPUT, metavar="INTERVAL"),
]
NO_RESUME = Annotated[
    bool,
    _option("Start afresh, whatever the checkpoint folder holds.", _OUTPUT, "--no-resume"),
]
TENSORBOARD = Annotated[
    Path | None,
    _option("Folder for curves and histograms.", _OUTPUT, metavar="DIR"),
]
QUIET = Annotated[bool, _option("Print the result alone, no progress.", _OUTPUT, "--quiet", "-q")]
JSON = Annotated[bool, _option("Print one JSON object instead of text.", _OUTPUT, "--json")]


def train(
    data: o.DATA,
    target: TARGET = None,
    drop: DROP = None,
    keep: KEEP = None,
    no_scale: NO_SCALE = False,
    validation_fraction: VALIDATION_FRACTION = None,
    test_fraction: TEST_FRACTION = None,
    recipe: RECIPE = None,
    epochs: EPOCHS = None,
    batch_size: BATCH_SIZE = None,
    learning_rate: LEARNING_RATE = None,
    solver: SOLVER = None,
    weight_decay: WEIGHT_DECAY = None,
    label_smoothing: LABEL_SMOOTHING = None,
    seed: SEED = 0,
    hidden: HIDDEN = None,
    activation: ACTIVATION = None,
    dropout: DROPOUT = None,
    weight_init: WEIGHT_INIT = None,
    model: MODEL = None,
    checkpoint: CHECKPOINT = None,
    checkpoint_every: CHECKPOINT_EVERY = None,
    no_resume: NO_RESUME = False,
    tensorboard: TENSORBOARD = None,
    quiet: QUIET = False,
    json: JSON = False,
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
    output = model or Path(f"{Path(data).stem}.safetensors")
    settings.check_split(validation_fraction, test_fraction, seed)
    if recipe is not None:
        check_choice("--recipe", recipe, settings.RECIPES)
    check_curves(tensorboard)
    saved = settings.checkpoint(checkpoint, checkpoint_every, resume=not no_resume)
    if data == o.MNIST:
        from multilayer._cli import ahead  # before scikit-learn, which the next import starts

        ahead.compile_mnist(recipe or "fast", given, output)
    from multilayer._cli import training  # late: help does not wait for JAX and scikit-learn

    split = validation_fraction, test_fraction, seed
    choices = settings.Choices(data, target, drop or [], keep or [], *split)
    scale, silent = not no_scale, quiet or json
    request = settings.Request(choices, recipe, given, output, saved, tensorboard, scale, silent)
    training.train_and_report(request, json=json)
