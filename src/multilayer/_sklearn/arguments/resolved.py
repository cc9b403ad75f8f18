"""An estimator's constructor arguments, checked and resolved in ``fit`` before anything else."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.checks import check_bool, check_choice, check_integer, check_real, refuse
from multilayer._core.environment import DEVICES
from multilayer._engine.callbacks.protocol import Callback
from multilayer._nn.initializers import WEIGHT_INITS
from multilayer._nn.network import Network
from multilayer._objectives.objective import WEIGHT_NORMALIZATIONS
from multilayer._optim.schedules import SCHEDULES
from multilayer._sklearn.arguments.architecture import (
    Architecture,
    activations,
    check_architecture,
    check_reuse,
    dropout_rates,
)
from multilayer._sklearn.arguments.checkpoint import check_checkpoint
from multilayer._sklearn.arguments.constructors import (
    ClassifierArguments,
    NetworkArguments,
    RegressorArguments,
)
from multilayer._sklearn.arguments.solver_arguments import SolverSettings, resolve_solver
from multilayer._sklearn.targets.regression_targets import check_loss

if TYPE_CHECKING:  # it starts JAX
    from multilayer._sklearn.arguments.own_network import OwnNetwork

# Checks of arguments that all estimators have ----------------------------------------------------


def check_random_state(value: object) -> None:
    """Check a seed; NumPy imports its generators when they are named, and a number needs none."""
    if value is None:
        return
    if isinstance(value, Integral) or not (
        value is np.random or isinstance(value, np.random.RandomState)
    ):
        check_integer("random_state", value, 0, 2**32 - 1)


def check_verbose(value: object) -> None:
    """Check that verbose is a flag or a level."""
    if not isinstance(value, np.bool_ | bool):
        check_integer("verbose", value, 0)


def check_class_weight(value: object) -> None:
    """Check what can be checked without data."""
    if value is None or (isinstance(value, str) and value == "balanced"):
        return
    for table in tables_of(value):
        if isinstance(table, str) and table == "balanced" and table is not value:
            continue
        if not isinstance(table, Mapping):
            refuse("class_weight", "None, 'balanced', a dict, or a list with one per output", value)
        for label, weight in table.items():
            check_real(f"class_weight[{label!r}]", weight, "[0, inf)")


def refuse_balanced(value: object) -> None:
    """Refuse weights of classes that follow from all samples, for partial_fit."""
    if any(isinstance(table, str) for table in tables_of(value)):
        refuse(
            "class_weight",
            "None or a dict for partial_fit, which never sees all samples",
            value,
            "Compute the weights with sklearn.utils.class_weight.compute_class_weight.",
        )


def tables_of(value: object) -> Sequence[object]:
    """Return what is given for each output, one entry for a single output or for all."""
    return value if isinstance(value, list | tuple) else [value]


# An estimator's constructor arguments, checked and resolved in ``fit`` before anything else ------


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
    "calibration_fraction": "[0, 1)",
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


@dataclass(frozen=True)
class Resolved:
    """Arguments that were checked, and what they stand for.

    Made once in each fit. What comes after reads it, and interprets no argument again.
    """

    arguments: NetworkArguments
    architecture: Architecture
    solver: SolverSettings
    own: "OwnNetwork | None" = None  # a network of the user's in place of dense layers

    def network(self, layer_sizes: Sequence[int], n_frozen: int = 0) -> Network:
        """Return the network of dense layers between these inputs and outputs, in training."""
        given, hidden = self.arguments, self.architecture
        functions, dropout = hidden.activations, hidden.dropout
        n_hidden = len(layer_sizes) - 2
        if n_hidden != len(functions):  # of a saved network whose arguments were changed since
            functions = activations(given.activation, n_hidden)
            dropout = dropout_rates(given.dropout, n_hidden)
        return Network(
            layer_sizes=tuple(layer_sizes),
            activations=functions,
            norm=given.norm,
            residual=bool(given.residual),
            dropout=any(dropout),
            input_dropout=given.input_dropout > 0,
            input_noise=given.input_noise > 0,
            precision=given.precision,
            n_frozen=n_frozen,
        )


def check_parameters(arguments: NetworkArguments) -> Resolved:
    """Check every argument by its own rule, then those that must fit together."""
    for name, interval in INTERVALS.items():
        check_real(name, getattr(arguments, name), interval)
    for name, interval in MAYBE_NONE.items():
        if getattr(arguments, name) is not None:
            check_real(name, getattr(arguments, name), interval)
    for name in FLAGS:
        check_bool(name, getattr(arguments, name))
    architecture = check_architecture(arguments)
    check_reuse(arguments, len(architecture.hidden_sizes))
    own = None
    if arguments.network is not None:
        from multilayer._sklearn.arguments import own_network  # late: it starts JAX

        own = own_network.check_own_network(arguments)
    check_choice("weight_normalization", arguments.weight_normalization, WEIGHT_NORMALIZATIONS)
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
    if arguments.callbacks is not None:
        check_callbacks(arguments.callbacks)
    if arguments.checkpoint is not None:
        check_checkpoint(arguments.checkpoint)
    check_choice("device", arguments.device, DEVICES)
    resolved = Resolved(arguments, architecture, resolve_solver(arguments), own)
    if resolved.solver.full_batch:
        check_lbfgs(resolved)
    return resolved


def check_classifier(arguments: ClassifierArguments) -> Resolved:
    """Check the arguments of a classifier, its scorer apart, which asks scikit-learn."""
    resolved = check_parameters(arguments)
    check_real("label_smoothing", arguments.label_smoothing, "[0, 1)")
    check_choice("out_activation", arguments.out_activation, ("auto", "softmax", "logistic"))
    if arguments.class_weight is not None:
        check_class_weight(arguments.class_weight)
    return resolved


def check_regressor(arguments: RegressorArguments) -> Resolved:
    """Check the arguments of a regressor, its scorer apart, which asks scikit-learn."""
    resolved = check_parameters(arguments)
    check_loss(arguments)
    return resolved


def check_partial_fit(arguments: NetworkArguments) -> None:
    """Refuse what a call of partial_fit cannot do, with data that come from outside."""
    if arguments.checkpoint is not None:
        refuse(
            "checkpoint",
            "None for partial_fit, whose data come from outside",
            arguments.checkpoint,
            "Save the estimator itself between calls: multilayer.save(estimator, path).",
        )
    if arguments.calibration_fraction > 0:
        refuse(
            "calibration_fraction",
            "0 for partial_fit, which sets no rows aside",
            arguments.calibration_fraction,
            "Call calibrate(X, y) after the last call, with rows that were in none.",
        )


def check_batch_size(value: object) -> None:
    """Check a batch size given as a number."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        refuse("batch_size", "'auto' or an integer of at least 1", value)


def check_callbacks(value: object) -> None:
    """Check that callbacks are what they must be."""
    good = (
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


def check_lbfgs(resolved: Resolved) -> None:
    """Refuse what a full-batch minimiser cannot do."""
    arguments = resolved.arguments
    ignored = [repr(name) for name, schedule in SCHEDULES.items() if schedule.scikit_learn]
    scheduled = not resolved.solver.schedule.scikit_learn  # it ignores scikit-learn's own
    wanted = {
        "learning_rate": (f"{', '.join(ignored[:-1])} or {ignored[-1]}", scheduled),
        "dropout": ("0", any(resolved.architecture.dropout)),
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
