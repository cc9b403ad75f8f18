"""Argument checks with one style of message: name, rule, value, remedy."""

import math
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from numbers import Integral, Real
from typing import NoReturn, TypeVar

from multilayer._core.errors import InvalidArgumentError

# Phrases that messages share: numbers of things, and names one after the other -------------------


Name = TypeVar("Name")
MOST_NAMED = 8


def count(number: int, noun: str) -> str:
    """Return "1 row", "2,000 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Iterable[object], most: int = MOST_NAMED) -> str:
    """Return names in quotes with commas, the first ones of many."""
    return in_row([repr(name) for name in names], most)


def counted(numbers: Mapping[Name, int], most: int = MOST_NAMED) -> str:
    """Return names with a number behind each, the first ones of many."""
    return in_row([f"{name!r} ({number:,})" for name, number in numbers.items()], most)


def in_row(shown: list[str], most: int = MOST_NAMED) -> str:
    """Return texts with commas between them, the first ones of many."""
    first = ", ".join(shown[:most])
    return first if len(shown) <= most else f"{first} and {len(shown) - most:,} more"


# Suggestions for names that are not known --------------------------------------------------------


SYNONYMS = {
    # Values: names in Keras, PyTorch, XGBoost and the literature.
    "swish": "silu",
    "sigmoid": "logistic",
    "linear": "identity",
    "mse": "squared_error",
    "l2": "squared_error",
    "mae": "absolute_error",
    "l1": "absolute_error",
    "pinball": "quantile",
    "onecycle": "one_cycle",
    "plateau": "adaptive",
    "reduce_on_plateau": "adaptive",
    "xavier_uniform": "glorot_uniform",
    "xavier_normal": "glorot_normal",
    "kaiming_uniform": "he_uniform",
    "kaiming_normal": "he_normal",
    # Arguments: names in Keras, PyTorch, skorch, XGBoost, LightGBM and CatBoost.
    "epochs": "max_iter",
    "n_epochs": "max_iter",
    "num_epochs": "max_iter",
    "max_epochs": "max_iter",
    "iterations": "max_iter",
    "n_estimators": "max_iter",
    "lr": "learning_rate_init",
    "eta": "learning_rate_init",
    "optimizer": "solver",
    "patience": "n_iter_no_change",
    "early_stopping_rounds": "n_iter_no_change",
    "seed": "random_state",
    "random_seed": "random_state",
    "hidden_units": "hidden_layer_sizes",
    "layers": "hidden_layer_sizes",
    "hidden_layers": "hidden_layer_sizes",
    "units": "hidden_layer_sizes",
    "n_hidden": "hidden_layer_sizes",
    "activation_fn": "activation",
    "activation_function": "activation",
    "reg_lambda": "alpha",
    "penalty": "alpha",
    "dropout_rate": "dropout",
    "batch_norm": "norm",
    "normalization": "norm",
    "kernel_initializer": "weight_init",
    "validation_split": "validation_fraction",
    "scorer": "scoring",
    "metric": "scoring",
    "metrics": "scoring",
    "loss_function": "loss",
    "objective": "loss",
    "class_weights": "class_weight",
    "gradient_clip": "clip_norm",
    "clipnorm": "clip_norm",
    "validation_data": "X_val",
    "eval_set": "X_val",
    "x_val": "X_val",
    "weights": "sample_weight",
    "weight": "sample_weight",
}


def suggestion(given: str, names: Collection[str]) -> str | None:
    """Return the name that a given one probably stands for, None where nothing is near.

    Names are compared without regard to case; one that other libraries have comes before one of
    similar spelling.
    """
    meant = SYNONYMS.get(given.lower())
    if meant in names:
        return meant
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(given.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def did_you_mean(given: object, names: Collection[str]) -> str:
    """Return the question that an error ends with, "" where nothing is near."""
    meant = suggestion(given, names) if isinstance(given, str) else None
    return "" if meant is None else f"Did you mean {meant!r}?"


# Argument checks with one style of message: name, rule, value, remedy ----------------------------


LONGEST_SHOWN = 1000
"""Characters of a value in a message."""


def refuse(name: str, rule: str, value: object, remedy: str = "") -> NoReturn:
    """Raise the error for an argument that breaks its rule."""
    shown = repr(value)
    if len(shown) > LONGEST_SHOWN:
        shown = f"{shown[:LONGEST_SHOWN]}..."
    message = f"{name} must be {rule}, got {name}={shown}."
    raise InvalidArgumentError(f"{message} {remedy}".rstrip())


def check_choice(name: str, value: object, choices: Iterable[str], other: str = "") -> None:
    """Check that a string option is one of its choices; ``other`` says what else is taken."""
    names = sorted(choices)
    if not (isinstance(value, str) and value in names):
        rule = f"one of {names}" + (f", or {other}" if other else "")
        refuse(name, rule, value, did_you_mean(value, names))


def check_bool(name: str, value: object) -> None:
    """Check that a flag is True or False (NumPy's too)."""
    if type(value).__name__ not in ("bool", "bool_"):
        refuse(name, "True or False", value)


def check_integer(name: str, value: object, low: int, high: float = math.inf) -> None:
    """Check that a count is an integer in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        rule = f"an integer of at least {low}"
        refuse(name, rule if high == math.inf else f"an integer from {low} to {high:g}", value)


def check_real(name: str, value: object, interval: str) -> None:
    """Check that a number lies in an interval written as in mathematics, such as ``"[0, 1)"``."""
    low, high = (float(end) for end in interval[1:-1].split(","))
    inside = (
        isinstance(value, Real)
        and not isinstance(value, bool)
        and (low <= float(value) if interval[0] == "[" else low < float(value))
        and (float(value) <= high if interval[-1] == "]" else float(value) < high)
    )
    if not inside:
        refuse(name, f"a number in {interval}", value)
