"""A run of ``multilayer train`` for a single network: trained, saved, measured and reported.

Without scikit-learn: what trains is a :class:`Learner`, and one of them does not need it.
"""

import shlex
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from multilayer._cli import report, settings
from multilayer._cli.confusions import Recognition, recognition
from multilayer._cli.console import follower, remarks, results, say, say_json
from multilayer._cli.settings import MNIST, Request, same_file
from multilayer._cli.training_data import Part, TrainingData
from multilayer._core.checks import count
from multilayer._core.errors import DivergenceError, InvalidArgumentError
from multilayer._core.types import JSON
from multilayer._engine.callbacks.logs import TensorBoard
from multilayer._engine.callbacks.protocol import Callback
from multilayer._engine.callbacks.stop_rules import TimeBudget
from multilayer._persist.atomic import check_writable

if TYPE_CHECKING:
    from multilayer._cli.mnist import DigitsNetwork
    from multilayer._cli.model_inputs import Features
    from multilayer._sklearn.classifier import MLPClassifier

INTERRUPTED = 130  # the exit code of a process that Ctrl-C ended


class Learner(ABC):
    """What trains a network, and makes use of it."""

    network: "MLPClassifier | DigitsNetwork"  # with its arguments, and once trained its figures

    @abstractmethod
    def fit(self, data: TrainingData, callbacks: Sequence[Callback]) -> None:
        """Train on the training rows, validated where there are rows for it."""

    @abstractmethod
    def save(self, path: Path, data: TrainingData) -> None:
        """Write the model file."""

    @abstractmethod
    def predict(self, X: "Features") -> np.ndarray:
        """Return the labels predicted for rows."""


@dataclass(frozen=True)
class TrainingRun:
    """A finished training run."""

    request: Request
    network: "MLPClassifier | DigitsNetwork"
    valid: Recognition | None
    test: Recognition | None
    rows: dict[str, int]
    steps: int
    seconds: float
    speed: float  # steps per second
    curves: Path | None  # folder of the curves

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.network.stop_reason_ == "interrupted"


def check_output(data: str, output: Path) -> None:
    """Refuse a model file that cannot be written, or that would replace the data."""
    if same_file(Path(data), output):
        raise InvalidArgumentError(
            f"--model must be another file than DATA, got {output}. It would be replaced."
        )
    check_writable(output)


def arguments_for(request: Request, data: TrainingData) -> dict[str, Any]:
    """Return the arguments of the network: of the recipe, the options and the data."""
    validated = data.valid is not None
    arguments = settings.recipe_arguments(
        request.recipe, len(data.train.y), request.given, validated=validated
    )
    settings.check_together(arguments, request.given)
    return {
        **arguments,
        "random_state": request.choices.seed,
        "input_scale": data.input_scale,
    }


def run_and_report(request: Request, data: TrainingData, learner: Learner, *, json: bool) -> None:
    """Train, save, evaluate, and print the result as JSON or as text."""
    finished = run(request, data, learner)
    if json:
        say_json(as_json(finished))
    else:
        print_result(finished)
    if finished.interrupted:
        raise typer.Exit(INTERRUPTED)


def run(request: Request, data: TrainingData, learner: Learner) -> TrainingRun:
    """Train, save and evaluate."""
    network, console = learner.network, remarks()
    if not request.silent:
        _introduce(network, request.recipe, data)
    curves = None if request.tensorboard is None else TensorBoard(request.tensorboard, histograms=1)
    with follower(console, network.max_iter, silent=request.silent) as progress:
        callbacks: list[Callback] = [progress] if curves is None else [progress, curves]
        if request.time_budget is not None:
            callbacks.append(TimeBudget(request.time_budget))
        _fit(learner, data, callbacks, scaled=request.scale)
    if network.stop_reason_ == "interrupted" and not progress.steps:
        say(console, "Interrupted before the first step: nothing to save.")
        raise typer.Exit(INTERRUPTED)
    learner.save(request.output, data)
    parts = {"train": data.train, "validation": data.valid, "test": data.test}
    return TrainingRun(
        request=request,
        network=network,
        valid=_recognised(learner, data.valid),
        test=_recognised(learner, data.test),
        rows={name: len(part.y) if part else 0 for name, part in parts.items()},
        steps=progress.steps,
        seconds=progress.seconds,
        speed=progress.speed,
        curves=curves.folder if curves is not None and network.loss_curve_ else None,
    )


def _fit(learner: Learner, data: TrainingData, callbacks: list[Callback], *, scaled: bool) -> None:
    with warnings.catch_warnings():
        # It is reported with the result.
        warnings.filterwarnings("ignore", message="Training interrupted by user")
        try:
            learner.fit(data, callbacks)
        except DivergenceError as error:
            raise DivergenceError(
                "training diverged: the loss is not finite. Nothing is saved. Lower "
                f"--learning-rate (it is {learner.network.learning_rate_init:g})"
                f"{'.' if scaled or data.is_mnist else ', or leave out --no-scale.'}"
            ) from error


def _recognised(learner: Learner, part: Part | None) -> Recognition | None:
    return None if part is None else recognition(part.y, learner.predict(part.X))


# Output for people ----------------------------------------------------------------------------


def _introduce(network: "MLPClassifier | DigitsNetwork", recipe: str, data: TrainingData) -> None:
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
    console, network = results(), run.network
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
    compilation = report.seconds(run.network.compile_seconds_)
    return f"{report.seconds(run.seconds)}, {speed} (compilation {compilation} apart)"


def _validation_line(run: TrainingRun, evaluation: Recognition) -> str:
    network = run.network
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
    network = run.network
    validation, test = run.valid, run.test
    judged = test or validation
    return {
        "model": str(run.request.output),
        "data": run.request.choices.data,
        "recipe": run.request.recipe,
        "seed": run.request.choices.seed,
        "tensorboard": None if run.curves is None else str(run.curves),
        "rows": run.rows,
        "layers": list(network._network.layer_sizes),
        "n_parameters": network.n_parameters_,
        "train_seconds": run.seconds,
        "compile_seconds": network.compile_seconds_,
        "steps": run.steps,
        "steps_per_second": run.speed,
        "epochs": len(network.loss_curve_),
        "stop_reason": network.stop_reason_,
        "validation_accuracy": None if validation is None else validation.accuracy,
        "test_accuracy": None if test is None else test.accuracy,
        "loss_curve": network.loss_curve_,
        "validation_curve": network.validation_scores_,
        "confusions": report.as_json([] if judged is None else judged.confusions),
    }
