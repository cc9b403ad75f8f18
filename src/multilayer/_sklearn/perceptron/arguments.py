"""The constructor of the perceptron, and the checks of its arguments."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

from multilayer._core.checks import check_bool, check_choice, check_integer, check_real
from multilayer._sklearn.arguments.constructors import constructor_of
from multilayer._sklearn.arguments.resolved import (
    check_class_weight,
    check_random_state,
    check_verbose,
)

INTERVALS = {
    "alpha": "[0, inf)",
    "l1_ratio": "[0, 1]",
    "eta0": "(0, inf)",
    "validation_fraction": "(0, 1)",
}
FLAGS = ("fit_intercept", "shuffle", "early_stopping", "warm_start")
PENALTIES = ("l1", "l2", "elasticnet")


@constructor_of("Perceptron")
@dataclass(eq=False, repr=False)
class PerceptronArguments:
    """Arguments of scikit-learn's perceptron, in its order."""

    _: KW_ONLY
    penalty: str | None = None
    alpha: float = 0.0001
    l1_ratio: float = 0.15
    fit_intercept: bool = True
    max_iter: int = 1000
    tol: float | None = 1e-3
    shuffle: bool = True
    verbose: bool | int = 0
    eta0: float = 1.0
    n_jobs: int | None = None
    random_state: Any = 0
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 5
    class_weight: Any = None
    warm_start: bool = False


def check_arguments(arguments: PerceptronArguments) -> None:
    """Check every argument by its own rule."""
    for name, interval in INTERVALS.items():
        check_real(name, getattr(arguments, name), interval)
    for name in FLAGS:
        check_bool(name, getattr(arguments, name))
    if arguments.penalty is not None:
        check_choice("penalty", arguments.penalty, PENALTIES, "None")
    if arguments.tol is not None:
        check_real("tol", arguments.tol, "[0, inf)")
    if arguments.n_jobs is not None:
        check_integer("n_jobs", arguments.n_jobs, -(2**31))
    check_integer("max_iter", arguments.max_iter, 1)
    check_integer("n_iter_no_change", arguments.n_iter_no_change, 1)
    check_random_state(arguments.random_state)
    check_verbose(arguments.verbose)
    check_class_weight(arguments.class_weight)
