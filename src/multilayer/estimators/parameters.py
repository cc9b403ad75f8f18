"""Checks of an estimator's constructor arguments, made in ``fit`` and before anything else."""

import math
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

import numpy as np

from multilayer._core.checks import check_bool, check_choice, check_integer, check_real, refuse
from multilayer._optim.schedules import SCHEDULE_DEFAULTS
from multilayer._optim.solvers import SOLVER_DEFAULTS
from multilayer.nn.activations import ACTIVATIONS
from multilayer.nn.initializers import WEIGHT_INITIALIZERS

SOLVER_NAMES = (*SOLVER_DEFAULTS, "lbfgs")
NEVER = 2**31 - 1  # epochs without gain that stand for infinity

INTERVALS = {
    "alpha": "[0, inf)",
    "learning_rate_init": "(0, inf)",
    "power_t": "[0, inf)",
    "tol": "[0, inf)",
    "momentum": "[0, 1]",
    "beta_1": "[0, 1)",
    "beta_2": "[0, 1)",
    "epsilon": "(0, inf)",
    "validation_fraction": "(0, 1)",
    "weight_decay": "[0, inf)",
    "label_smoothing": "[0, 1)",
}
FLAGS = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")


def check_parameters(estimator: Any) -> None:
    """Check every argument of an estimator by its own rule, then those that must fit together."""
    for name, interval in INTERVALS.items():
        check_real(name, getattr(estimator, name), interval)
    for name in FLAGS:
        check_bool(name, getattr(estimator, name))
    check_choice("activation", estimator.activation, ACTIVATIONS)
    check_choice("solver", estimator.solver, SOLVER_NAMES)
    check_choice("learning_rate", estimator.learning_rate, SCHEDULE_DEFAULTS)
    check_choice("weight_init", estimator.weight_init, ("auto", *WEIGHT_INITIALIZERS))
    check_choice("bias_init", estimator.bias_init, ("auto", "zeros"))
    check_integer("max_iter", estimator.max_iter, 0)
    check_integer("max_fun", estimator.max_fun, 1)
    if estimator.n_iter_no_change != math.inf:
        check_integer("n_iter_no_change", estimator.n_iter_no_change, 1)
    if not (isinstance(estimator.batch_size, str) and estimator.batch_size == "auto"):
        check_batch_size(estimator.batch_size)
    if estimator.input_scale is not None:
        check_real("input_scale", estimator.input_scale, "(0, inf)")
    check_random_state(estimator.random_state)
    check_verbose(estimator.verbose)
    check_callbacks(estimator.callbacks)
    hidden_sizes(estimator.hidden_layer_sizes)
    dropout_rates(estimator.dropout, len(hidden_sizes(estimator.hidden_layer_sizes)))
    solver_numbers(estimator)
    schedule_numbers(estimator)
    check_lbfgs(estimator)


def check_batch_size(value: Any) -> None:
    """Check a batch size given as a number."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        refuse("batch_size", "'auto' or an integer of at least 1", value)


def check_random_state(value: Any) -> None:
    """Check a seed."""
    if value is None or value is np.random or isinstance(value, np.random.RandomState):
        return
    check_integer("random_state", value, 0, 2**32 - 1)


def check_verbose(value: Any) -> None:
    """Check that verbose is a flag or a level."""
    if not isinstance(value, np.bool_ | bool):
        check_integer("verbose", value, 0)


def check_callbacks(value: Any) -> None:
    """Check that callbacks can be told what they are told."""
    told = ("on_epoch_end", "on_progress")
    good = value is None or (
        isinstance(value, Iterable)
        and not isinstance(value, str)
        and all(callable(getattr(each, name, None)) for each in value for name in told)
    )
    if not good:
        refuse("callbacks", f"None or a sequence of objects with {' and '.join(told)}", value)


def check_lbfgs(estimator: Any) -> None:
    """Refuse what a full-batch minimiser cannot do."""
    if estimator.solver != "lbfgs":
        return
    if any(dropout_rates(estimator.dropout, len(hidden_sizes(estimator.hidden_layer_sizes)))):
        refuse("dropout", "0 with solver='lbfgs'", estimator.dropout, "Choose another solver.")
    if estimator.learning_rate not in ("constant", "invscaling", "adaptive"):
        refuse(
            "learning_rate",
            "'constant' with solver='lbfgs', which searches its own step",
            estimator.learning_rate,
            "Choose another solver.",
        )


def hidden_sizes(value: Any) -> tuple[int, ...]:
    """Units of the hidden layers, given as one number or a sequence."""
    sizes = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            # scikit-learn's words for the rule: "must be > 0".
            refuse("hidden_layer_sizes", "> 0: an integer or a sequence of them", value)
    return tuple(int(size) for size in sizes)


def dropout_rates(value: Any, n_hidden: int) -> tuple[float, ...]:
    """Dropout rate of each hidden layer, given as one number for all or one for each."""
    if not isinstance(value, Iterable) or isinstance(value, str):
        check_real("dropout", value, "[0, 1)")
        return (float(value),) * n_hidden
    rates = tuple(value)
    if len(rates) != n_hidden:
        refuse("dropout", f"a number or one for each of the {n_hidden} hidden layers", value)
    for rate in rates:
        check_real("dropout", rate, "[0, 1)")
    return tuple(float(rate) for rate in rates)


def numbers_of(name: str, given: Any, defaults: dict[str, float], owner: str) -> dict[str, float]:
    """Complete a dictionary of numbers by its defaults; unknown names are refused."""
    if given is None:
        return dict(defaults)
    if not isinstance(given, Mapping):
        refuse(name, "None or a dictionary", given)
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        known = sorted(defaults) or "nothing"
        refuse(name, f"a dictionary of {known} for {owner}", dict(given), f"Remove {unknown}.")
    for key, value in given.items():
        check_real(f"{name}[{key!r}]", value, "[0, inf)")
    return {**defaults, **{key: float(value) for key, value in given.items()}}


def solver_numbers(estimator: Any) -> dict[str, float]:
    """Every number of the update rule: ``solver_params`` and scikit-learn's own arguments."""
    solver = estimator.solver
    defaults = SOLVER_DEFAULTS.get(solver, {})
    numbers = numbers_of("solver_params", estimator.solver_params, defaults, f"solver={solver!r}")
    if solver == "sgd":
        return {**numbers, "momentum": estimator.momentum}
    numbers["epsilon"] = estimator.epsilon
    if solver in ("adam", "adamw"):
        numbers |= {"beta_1": estimator.beta_1, "beta_2": estimator.beta_2}
    if solver == "adamw":
        numbers["weight_decay"] = estimator.weight_decay
    return numbers


def schedule_name(estimator: Any) -> str:
    """Return the schedule in force: scikit-learn's two apply to "sgd" alone, as there."""
    name = estimator.learning_rate
    if name in ("invscaling", "adaptive") and estimator.solver != "sgd":
        return "constant"
    return name


def schedule_numbers(estimator: Any) -> dict[str, float]:
    """Every number of the learning-rate schedule."""
    name = schedule_name(estimator)
    owner = f"learning_rate={name!r}"
    numbers = numbers_of(
        "schedule_params", estimator.schedule_params, SCHEDULE_DEFAULTS[name], owner
    )
    check_real("schedule_params['warmup_fraction']", numbers["warmup_fraction"], "[0, 1)")
    return {**numbers, "power_t": estimator.power_t} if name == "invscaling" else numbers
