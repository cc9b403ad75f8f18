"""Checks of an estimator's constructor arguments, made in ``fit`` and before anything else."""

import math
from collections.abc import Iterable
from numbers import Integral
from typing import Any

from multilayer._core.checks import check_bool, check_choice, check_integer, check_real, refuse
from multilayer._engine.callbacks.protocol import Callback
from multilayer._nn.initializers import WEIGHT_INITS
from multilayer._optim.schedules import SCHEDULES
from multilayer._sklearn.arguments import solver_arguments
from multilayer._sklearn.arguments.architecture import (
    check_architecture,
    dropout_rates,
    hidden_sizes,
)
from multilayer._sklearn.arguments.checkpoint import check_checkpoint
from multilayer._sklearn.arguments.constructors import (
    ClassifierArguments,
    NetworkArguments,
    RegressorArguments,
)
from multilayer._sklearn.arguments.reuse import check_reuse
from multilayer._sklearn.arguments.shared_checks import (
    check_class_weight,
    check_random_state,
    check_verbose,
)
from multilayer._sklearn.fit.weight_normalization import NORMALIZATIONS
from multilayer._sklearn.targets.regression import check_loss

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
    "l1_ratio": "[0, 1]",
}
MAYBE_NONE = {
    "input_scale": "(0, inf)",
    "max_norm": "(0, inf)",
    "clip_norm": "(0, inf)",
    "ema_decay": "[0, 1)",
}
FLAGS = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")


def check_parameters(arguments: NetworkArguments) -> None:
    """Check every argument by its own rule, then those that must fit together."""
    for name, interval in INTERVALS.items():
        check_real(name, getattr(arguments, name), interval)
    for name, interval in MAYBE_NONE.items():
        if getattr(arguments, name) is not None:
            check_real(name, getattr(arguments, name), interval)
    for name in FLAGS:
        check_bool(name, getattr(arguments, name))
    check_architecture(arguments)
    check_reuse(arguments)
    if arguments.network is not None:
        from multilayer._sklearn.arguments import own_network  # late: it starts JAX

        own_network.check_own_network(arguments)
    solver_arguments.check_solver(arguments.solver)
    solver_arguments.given_schedule(arguments)
    check_choice("weight_normalization", arguments.weight_normalization, NORMALIZATIONS)
    check_choice("weight_init", arguments.weight_init, WEIGHT_INITS)
    check_choice("bias_init", arguments.bias_init, ("auto", "zeros"))
    check_integer("max_iter", arguments.max_iter, 0)
    check_integer("max_fun", arguments.max_fun, 1)
    check_integer("accumulate_steps", arguments.accumulate_steps, 1, 2**31 - 1)
    if arguments.n_iter_no_change != math.inf:
        check_integer("n_iter_no_change", arguments.n_iter_no_change, 1)
    if not (isinstance(arguments.batch_size, str) and arguments.batch_size == "auto"):
        check_batch_size(arguments.batch_size)
    check_random_state(arguments.random_state)
    check_verbose(arguments.verbose)
    check_callbacks(arguments.callbacks)
    check_checkpoint(arguments.checkpoint)
    solver_arguments.solver_numbers(arguments)
    solver_arguments.solver_options(arguments)
    solver_arguments.check_schedule(arguments)
    solver_arguments.check_ready_rule(arguments)
    check_lbfgs(arguments)


def check_classifier(arguments: ClassifierArguments) -> None:
    """Check the arguments of a classifier, its scorer apart, which asks scikit-learn."""
    check_parameters(arguments)
    check_real("label_smoothing", arguments.label_smoothing, "[0, 1)")
    check_choice("out_activation", arguments.out_activation, ("auto", "softmax", "logistic"))
    check_class_weight(arguments.class_weight)


def check_regressor(arguments: RegressorArguments) -> None:
    """Check the arguments of a regressor, its scorer apart, which asks scikit-learn."""
    check_parameters(arguments)
    check_loss(arguments)


def check_batch_size(value: Any) -> None:
    """Check a batch size given as a number."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        refuse("batch_size", "'auto' or an integer of at least 1", value)


def check_callbacks(value: Any) -> None:
    """Check that callbacks are what they must be."""
    good = value is None or (
        isinstance(value, Iterable)
        and not isinstance(value, str)
        and all(isinstance(each, Callback) for each in value)
    )
    if not good:
        refuse(
            "callbacks",
            "None or a sequence of instances of multilayer.callbacks.Callback",
            value,
            "Subclass Callback, or use one of those in multilayer.callbacks.",
        )


def check_lbfgs(arguments: NetworkArguments) -> None:
    """Refuse what a full-batch minimiser cannot do."""
    if not solver_arguments.is_full_batch(arguments):
        return
    rates = dropout_rates(arguments.dropout, len(hidden_sizes(arguments.hidden_layer_sizes)))
    ignored = [repr(name) for name, schedule in SCHEDULES.items() if schedule.scikit_learn]
    scheduled = not solver_arguments.given_schedule(arguments).scikit_learn
    wanted = {
        "learning_rate": (f"{', '.join(ignored[:-1])} or {ignored[-1]}", scheduled),
        "dropout": ("0", any(rates)),
        "input_dropout": ("0", arguments.input_dropout > 0),
        "input_noise": ("0", arguments.input_noise > 0),
        "norm": ("None or 'layer'", arguments.norm == "batch"),
        "l1_ratio": ("0", arguments.l1_ratio > 0),
        "max_norm": ("None", arguments.max_norm is not None),
        "clip_norm": ("None", arguments.clip_norm is not None),
        "ema_decay": ("None", arguments.ema_decay is not None),
        "accumulate_steps": ("1", arguments.accumulate_steps > 1),
        "layer_learning_rates": ("None", arguments.layer_learning_rates is not None),
        "checkpoint": ("None", arguments.checkpoint is not None),
    }
    for name, (rule, broken) in wanted.items():
        if broken:
            refuse(
                name,
                f"{rule} with solver={arguments.solver!r}, which works on all rows at once",
                getattr(arguments, name),
                "Choose another solver.",
            )
