"""What was probably meant by a name that is not known."""

from collections.abc import Collection
from difflib import get_close_matches

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
