"""``multilayer train``: a network from data, saved to a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from multilayer._cli import settings as o
from multilayer._cli import train_options
from multilayer._core.activations import HIDDEN as ACTIVATIONS
from multilayer._core.environment import DEVICES
from multilayer._nn.initializers import WEIGHT_INITS
from multilayer._optim.solvers import solvers_with

_ROWS, _TRAINING, _OUTPUT = "Data", "Training", "Output"
_NETWORK = "A single network, with --recipe table"


def option(help: str, panel: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False, **more)


def names(*choices: str) -> dict[str, Any]:
    """Return what an option of one of some names is declared with, so that shells complete it."""
    return {"metavar": "NAME", "autocompletion": lambda: list(choices)}


TARGET = Annotated[str | None, option("Column to predict (tables).", _ROWS, metavar="COLUMN")]
DROP = Annotated[
    list[str] | None,
    option("Column to leave out; may be repeated.", _ROWS, metavar="COLUMN"),
]
KEEP = Annotated[
    list[str] | None,
    option(
        "Column to learn from although it numbers the rows; may be repeated.",
        _ROWS,
        metavar="COLUMN",
    ),
]
NO_SCALE = Annotated[
    bool, option("Take the columns as they are, not standardised.", _NETWORK, "--no-scale")
]
VALIDATION_FRACTION = Annotated[
    float | None, option("Share of the rows to validate on (0.15).", _NETWORK)
]
TEST_FRACTION = Annotated[
    float | None, option("Share of the rows to test on at the end (0).", _ROWS)
]
TASK = Annotated[
    str | None,
    option(
        f"{' or '.join(o.TASKS)}; what the target column looks like by default.",
        _ROWS,
        **names(*o.TASKS),
    ),
]
ROLE = Annotated[
    list[str] | None,
    option(
        "What a column is: numeric, categorical, ordinal, boolean, datetime or drop; may be "
        "repeated.",
        _ROWS,
        metavar="COLUMN=ROLE",
    ),
]
ID = Annotated[
    list[str] | None,
    option(
        "Column that names the rows: never trained on, and repeated in predictions.",
        _ROWS,
        "--id",
        metavar="COLUMN",
    ),
]
SEP = Annotated[
    str | None, option("Sign between the values of a line, or tab.", _ROWS, metavar="SIGN")
]
DECIMAL = Annotated[str | None, option("Decimal sign of numbers (.).", _ROWS, metavar="SIGN")]
ENCODING = Annotated[str | None, option("Encoding of a text file (utf-8).", _ROWS, metavar="NAME")]
RECIPE = Annotated[
    str | None,
    option(
        f"{', '.join(train_options.NAMES)} (mnist: fast, .npz: table, others: tabular).",
        _TRAINING,
        **names(*train_options.NAMES),
    ),
]
CLASS_WEIGHT = Annotated[
    str | None,
    option(
        "balanced: rare classes count as much as frequent ones.",
        _TRAINING,
        **names(*o.CLASS_WEIGHTS),
    ),
]
SCORING = Annotated[
    str | None,
    option("Score that chooses the epoch, such as roc_auc (loss).", _TRAINING, metavar="NAME"),
]
TIME_BUDGET = Annotated[
    float | None,
    option("Time that training may take.", _TRAINING, metavar="SECONDS"),
]
PATIENCE = Annotated[
    int | None,
    option(
        "Epochs without a better validation score that end training.", _NETWORK, min=1, metavar="N"
    ),
]
CALIBRATION_FRACTION = Annotated[
    float | None,
    option("Share of the training rows to calibrate the probabilities on (0).", _NETWORK),
]
EPOCHS = Annotated[int | None, option("Passes over the rows.", _NETWORK, min=1, metavar="N")]
BATCH_SIZE = Annotated[int | None, option("Rows per step.", _NETWORK, min=1, metavar="N")]
LEARNING_RATE = Annotated[
    float | None, option("Learning rate, the highest one of a schedule.", _NETWORK)
]
SOLVER = Annotated[str | None, option(f"{', '.join(o.SOLVERS)}.", _NETWORK, **names(*o.SOLVERS))]
WEIGHT_DECAY = Annotated[
    float | None,
    option(f"Weight decay of {' and '.join(solvers_with('weight_decay'))}.", _NETWORK),
]
LABEL_SMOOTHING = Annotated[
    float | None, option("Share of the target spread over all classes.", _NETWORK)
]
SEED = Annotated[
    int,
    option("Seed of weights, order and split (0).", _TRAINING, metavar="N"),
]
HIDDEN = Annotated[
    str | None, option("Units of the hidden layers, or none.", _NETWORK, metavar="300,100")
]
ACTIVATION = Annotated[
    str | None, option(f"{', '.join(ACTIVATIONS)}.", _NETWORK, **names(*ACTIVATIONS))
]
DROPOUT = Annotated[float | None, option("Chance that a hidden unit is dropped.", _NETWORK)]
WEIGHT_INIT = Annotated[
    str | None,
    option(f"Initial weights: {', '.join(WEIGHT_INITS)}.", _NETWORK, **names(*WEIGHT_INITS)),
]
DEVICE = Annotated[
    str | None,
    option(f"What computes: {', '.join(DEVICES)} (auto).", _NETWORK, **names(*DEVICES)),
]
MODEL = Annotated[
    Path | None,
    option("Model file to write (here, named after DATA).", _OUTPUT, "--model", "-m"),
]
CHECKPOINT = Annotated[
    Path | None,
    option(
        "Folder for checkpoints: after a crash the same command resumes.",
        _OUTPUT,
        metavar="DIR",
    ),
]
CHECKPOINT_EVERY = Annotated[
    str | None,
    option("How often: epoch, 500 (steps) or 30s (epoch).", _OUTPUT, metavar="INTERVAL"),
]
NO_RESUME = Annotated[
    bool,
    option("Start afresh, whatever the checkpoint folder holds.", _OUTPUT, "--no-resume"),
]
TENSORBOARD = Annotated[
    Path | None,
    option("Folder for curves and histograms.", _OUTPUT, metavar="DIR"),
]
QUIET = Annotated[bool, option("Print the result alone, no progress.", _OUTPUT, "--quiet", "-q")]
JSON = Annotated[bool, option("Print one JSON object instead of text.", _OUTPUT, "--json")]


def train(
    data: o.DATA,
    target: TARGET = None,
    task: TASK = None,
    role: ROLE = None,
    ids: ID = None,
    drop: DROP = None,
    keep: KEEP = None,
    test_fraction: TEST_FRACTION = None,
    sep: SEP = None,
    decimal: DECIMAL = None,
    encoding: ENCODING = None,
    recipe: RECIPE = None,
    class_weight: CLASS_WEIGHT = None,
    scoring: SCORING = None,
    time_budget: TIME_BUDGET = None,
    seed: SEED = 0,
    epochs: EPOCHS = None,
    batch_size: BATCH_SIZE = None,
    learning_rate: LEARNING_RATE = None,
    solver: SOLVER = None,
    weight_decay: WEIGHT_DECAY = None,
    label_smoothing: LABEL_SMOOTHING = None,
    patience: PATIENCE = None,
    validation_fraction: VALIDATION_FRACTION = None,
    calibration_fraction: CALIBRATION_FRACTION = None,
    no_scale: NO_SCALE = False,
    hidden: HIDDEN = None,
    activation: ACTIVATION = None,
    dropout: DROPOUT = None,
    weight_init: WEIGHT_INIT = None,
    device: DEVICE = None,
    model: MODEL = None,
    checkpoint: CHECKPOINT = None,
    checkpoint_every: CHECKPOINT_EVERY = None,
    no_resume: NO_RESUME = False,
    tensorboard: TENSORBOARD = None,
    quiet: QUIET = False,
    json: JSON = False,
) -> None:
    """Train a model and save it: on a table as it comes, by default an ensemble of networks."""
    request = train_options.request_of(locals())
    # Late: help waits for no NumPy, and the digits for no scikit-learn, which is longer in starting
    # than they are in training.
    if data == o.MNIST and train_options.needs_no_estimator(request):
        from multilayer._cli import mnist

        mnist.train_and_report(request, json=json)
    else:
        from multilayer._cli import training

        training.train_and_report(request, json=json)
