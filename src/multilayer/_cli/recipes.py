"""Recipes: estimator arguments that go well together, each number written once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

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
        "MNIST in seconds: AdamW, one cycle of the learning rate",
        {
            "hidden_layer_sizes": (300, 100),
            "solver": "adamw",
            "beta_2": 0.99,
            "weight_decay": 0.1,
            "alpha": 0.0,
            "learning_rate": "one_cycle",
            "learning_rate_init": 7e-3,
            "schedule_params": {"warmup_fraction": 0.15},
            "label_smoothing": 0.05,
            "batch_size": 256,
            "max_iter": 4,
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


def recipe_arguments(name: str, n_rows: int, given: Arguments) -> dict[str, Any]:
    """Return the estimator arguments of a recipe for a number of training rows.

    Those ``given`` go before the recipe's.
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
    return arguments
