"""From options of ``train`` to arguments of the estimator."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multilayer._cli import options as o
from multilayer._cli.recipes import Arguments
from multilayer._core.activations import HIDDEN
from multilayer._core.checks import check_choice, check_integer, check_real, refuse
from multilayer._nn.initializers import WEIGHT_INITS
from multilayer._optim.solvers import solvers_with
from multilayer._sklearn.arguments.checkpoint import Checkpoint

INTERVALS = {
    "learning_rate": "(0, inf)",
    "dropout": "[0, 1)",
    "weight_decay": "[0, inf)",
    "label_smoothing": "[0, 1)",
    "validation_fraction": "[0, 1)",
    "test_fraction": "[0, 1)",
}
CHOICES = {"solver": o.SOLVERS, "activation": HIDDEN, "weight_init": WEIGHT_INITS}
ARGUMENTS = {
    "hidden": "hidden_layer_sizes",
    "epochs": "max_iter",
    "learning_rate": "learning_rate_init",
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


@dataclass(frozen=True)
class Request:
    """The options of a training run."""

    choices: Choices
    recipe: str | None
    given: Arguments  # estimator arguments that go before the recipe's
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
    """Refuse an option that would have no effect."""
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
