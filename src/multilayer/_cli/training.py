"""What ``multilayer train`` does once its options are parsed."""

import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from multilayer._cli import report, settings, tabular_training
from multilayer._cli.console import follower, remarks, results, say, say_json
from multilayer._cli.measures import ClassFigures
from multilayer._cli.model_inputs import Features, LoadedModel, measured, save_model
from multilayer._cli.settings import MNIST, TABULAR, Request, same_file
from multilayer._cli.training_data import Part, TrainingData, training_data
from multilayer._core.checks import count
from multilayer._core.errors import DivergenceError, InvalidArgumentError
from multilayer._core.types import JSON
from multilayer._engine.callbacks.logs import TensorBoard
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.callbacks.stop_rules import TimeBudget
from multilayer._persist.atomic import check_writable
from multilayer._persist.checkpoints import prepare_folder
from multilayer._sklearn.classifier import MLPClassifier

INTERRUPTED = 130  # the exit code of a process that Ctrl-C ended


@dataclass(frozen=True)
class TrainingRun:
    """A finished training run."""

    request: Request
    model: LoadedModel
    valid: ClassFigures | None
    test: ClassFigures | None
    rows: dict[str, int]
    steps: int
    seconds: float
    speed: float  # steps per second
    curves: Path | None  # folder of the curves

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.model.network.stop_reason_ == "interrupted"


def train_and_report(request: Request, *, json: bool) -> None:
    """Train, save, evaluate, and print the result as JSON or as text."""
    check_output(request)
    if request.recipe == TABULAR:
        interrupted = tabular_training.train_and_report(request, json=json)
    else:
        finished = run(request)
        interrupted = finished.interrupted
        if json:
            say_json(as_json(finished))
        else:
            print_result(finished)
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def run(request: Request) -> TrainingRun:
    """Train, save and evaluate."""
    if request.checkpoint is not None:
        prepare_folder(request.checkpoint.folder)
    data = training_data(request.choices)
    network = _network(request, data)
    scaler = StandardScaler() if request.scale and not data.is_mnist else None
    console = remarks()
    if not request.silent:
        _introduce(network, request.recipe, data)
    curves = None if request.tensorboard is None else TensorBoard(request.tensorboard, histograms=1)
    with follower(console, network.max_iter, silent=request.silent) as progress:
        callbacks: list[Callback] = [progress] if curves is None else [progress, curves]
        if request.time_budget is not None:
            callbacks.append(TimeBudget(request.time_budget))
        estimator = _fit(network, scaler, data, callbacks)
    if network.stop_reason_ == "interrupted" and not progress.steps:
        say(console, "Interrupted before the first step: nothing to save.")
        raise typer.Exit(INTERRUPTED)
    save_model(request.output, estimator, data.facts)
    model = LoadedModel(request.output, estimator, data.facts)
    parts = {"train": data.train, "validation": data.valid, "test": data.test}
    return TrainingRun(
        request=request,
        model=model,
        valid=_measured(model, data.valid),
        test=_measured(model, data.test),
        rows={name: len(part.y) if part else 0 for name, part in parts.items()},
        steps=progress.steps,
        seconds=progress.seconds,
        speed=progress.speed,
        curves=curves.folder if curves is not None and network.loss_curve_ else None,
    )


def check_output(request: Request) -> None:
    """Refuse a model file that cannot be written, or that would replace the data."""
    data = Path(request.choices.data)
    if same_file(data, request.output):
        raise InvalidArgumentError(
            f"--model must be another file than DATA, got {request.output}. It would be replaced."
        )
    check_writable(request.output)


def _network(request: Request, data: TrainingData) -> MLPClassifier:
    validated = data.valid is not None
    arguments = settings.recipe_arguments(
        request.recipe, len(data.train.y), request.given, validated=validated
    )
    settings.check_together(arguments, request.given)
    seed = request.choices.seed
    return MLPClassifier(
        **arguments,
        random_state=seed,
        input_scale=data.input_scale,
        checkpoint=request.checkpoint,
    )


def _fit(
    network: MLPClassifier,
    scaler: StandardScaler | None,
    data: TrainingData,
    callbacks: list[Callback],
) -> MLPClassifier | Pipeline:
    """Fit on the training rows; only they decide the scaling."""
    X, y = data.train
    validation: dict[str, Features] = {}
    if scaler is not None:
        X = scaler.fit_transform(X)
    if data.valid is not None:
        X_val = data.valid.X if scaler is None else scaler.transform(data.valid.X)
        validation = {"X_val": X_val, "y_val": data.valid.y}
    with warnings.catch_warnings():
        # A recipe plans its epochs: that they are over is no failure. An interruption is reported
        # with the result.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="Training interrupted by user")
        network.set_params(callbacks=callbacks)
        try:
            network.fit(X, y, **validation)
        except DivergenceError as error:
            raise DivergenceError(
                "training diverged: the loss is not finite. Nothing is saved. Lower "
                f"--learning-rate (it is {network.learning_rate_init:g})"
                f"{'.' if scaler or data.is_mnist else ', or leave out --no-scale.'}"
            ) from error
    network.set_params(callbacks=None, checkpoint=None)
    return network if scaler is None else Pipeline([("scaler", scaler), ("network", network)])


def _measured(model: LoadedModel, part: Part | None) -> ClassFigures | None:
    if part is None:
        return None
    found = measured(model, part.X, part.y)
    assert isinstance(found, ClassFigures)
    return found


# Output for people ----------------------------------------------------------------------------


def _introduce(network: MLPClassifier, recipe: str, data: TrainingData) -> None:
    """Print what is going to happen."""
    console = remarks()
    parts = {"to train on": data.train, "to validate": data.valid, "to test": data.test}
    rows = ", ".join(f"{len(part.y):,} {use}" for use, part in parts.items() if part)
    say(console, (data.source, "bold"), f": {rows}; {count(data.train.X.shape[1], 'feature')}")
    sizes: tuple[int, ...] = network.hidden_layer_sizes  # type: ignore[assignment]  # recipes'
    hidden = f"hidden layers {'-'.join(map(str, sizes))}" if sizes else "no hidden layer"
    epochs, size = count(network.max_iter, "epoch"), network.batch_size
    say(console, ("recipe ", ""), (recipe, "bold"), f": {hidden}, {epochs}, batches of {size}")


def print_result(run: TrainingRun) -> None:
    """Print how training went, where the model is and what to type next."""
    console, network = results(), run.model.network
    if not run.request.silent:
        say(console, "")
    if run.interrupted:
        saved = "the best network so far" if run.valid else "the latest network"
        epochs = count(len(network.loss_curve_), "finished epoch")
        say(console, (f"Interrupted after {epochs}: {saved} is saved.", "yellow"))
    pairs = [("training", _training_line(run))]
    if run.valid is not None:
        pairs.append(("validation accuracy", _validation_line(run, run.valid)))
    if run.test is not None:
        pairs.append(("test accuracy", report.accuracy(run.test.accuracy, run.test.rows)))
    pairs.append(("network", report.network(network._network.layer_sizes, network.n_parameters_)))
    pairs.append(("saved to", str(run.request.output)))
    if run.curves is not None:
        pairs.append(("curves in", str(run.curves)))
    report.print_pairs(console, pairs)
    evaluation = run.test or run.valid
    if evaluation is not None:
        report.print_confusions(console, evaluation.confusions)
    say(console, ("next: ", "dim"), (next_command(run), "bold"))


def _training_line(run: TrainingRun) -> str:
    speed = f"{count(run.steps, 'step')} at {run.speed:,.0f} steps/s"
    compilation = report.seconds(run.model.network.compile_seconds_)
    return f"{report.seconds(run.seconds)}, {speed} (compilation {compilation} apart)"


def _validation_line(run: TrainingRun, evaluation: ClassFigures) -> str:
    network = run.model.network
    shown = report.accuracy(evaluation.accuracy, evaluation.rows)
    losses = network.history_["validation_loss"]
    if not network.early_stopping or np.isnan(losses).all():
        return shown
    return f"{shown} (epoch {np.nanargmin(losses) + 1} of {len(losses)}, of the lowest loss)"


def next_command(run: TrainingRun) -> str:
    """Return a command that makes use of the model."""
    data = run.request.choices.data
    if data == MNIST:
        return shlex.join(["multilayer", "evaluate", str(run.request.output), data])
    # Rows that it has not seen: on those it was trained on it looks better than it is.
    new = f"NEW_ROWS{Path(data).suffix}"
    return shlex.join(["multilayer", "predict", str(run.request.output), new])


def as_json(run: TrainingRun) -> dict[str, JSON]:
    """Return the result for programs."""
    network = run.model.network
    validation, test = run.valid, run.test
    judged = test or validation
    return {
        "model": str(run.request.output),
        "data": run.request.choices.data,
        "recipe": run.request.recipe,
        "seed": run.request.choices.seed,
        "tensorboard": run.curves and str(run.curves),
        "rows": run.rows,
        "layers": list(network._network.layer_sizes),
        "n_parameters": network.n_parameters_,
        "train_seconds": run.seconds,
        "compile_seconds": network.compile_seconds_,
        "steps": run.steps,
        "steps_per_second": run.speed,
        "epochs": len(network.loss_curve_),
        "stop_reason": network.stop_reason_,
        "validation_accuracy": validation and validation.accuracy,
        "test_accuracy": test and test.accuracy,
        "loss_curve": network.loss_curve_,
        "validation_curve": network.validation_scores_,
        "confusions": report.as_json([] if judged is None else judged.confusions),
    }
