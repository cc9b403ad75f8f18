"""Names of the update rules and their numbers, without the rules: those need Optax."""

SOLVER_DEFAULTS: dict[str, dict[str, float]] = {
    "sgd": {},
    "adam": {},
    "adamw": {},
    "adagrad": {"initial_accumulator_value": 0.1},
    "rmsprop": {"decay": 0.9, "momentum": 0.0},
}
"""Numbers of each solver beyond scikit-learn's arguments (``solver_params``)."""
