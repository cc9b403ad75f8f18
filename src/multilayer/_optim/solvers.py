"""Solvers by name: their numbers, and which arguments of an estimator each one takes.

The update rules themselves are in `rules.py`, which needs JAX and Optax: checks, docstrings and the
command line's help read this table without them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Solver:
    """One solver, and how the estimator's arguments act on it."""

    name: str
    rule: str  # name of its function in rules.RULES
    defaults: Mapping[str, float] = field(default_factory=dict, hash=False)  # of solver_params
    arguments: tuple[str, ...] = ()  # arguments of the estimator that are numbers of the rule
    rule_without_momentum: str = ""  # rule in its place where momentum is 0
    nesterov: bool = False  # whether nesterovs_momentum applies
    scikit_learn_schedules: bool = False  # whether scikit-learn's own schedules apply
    full_batch: bool = False  # whether it works on all rows at once, by SciPy


_MOMENTS = ("epsilon", "beta_1", "beta_2")

SOLVERS = {
    solver.name: solver
    for solver in (
        Solver(
            "sgd",
            "sgd",
            arguments=("momentum",),
            rule_without_momentum="plain_sgd",
            nesterov=True,
            scikit_learn_schedules=True,
        ),
        Solver("adam", "adam", arguments=_MOMENTS),
        Solver("adamw", "adamw", arguments=(*_MOMENTS, "weight_decay")),
        Solver("adagrad", "adagrad", {"initial_accumulator_value": 0.1}, ("epsilon",)),
        Solver("rmsprop", "rmsprop", {"decay": 0.9, "momentum": 0.0}, ("epsilon",)),
        # The program updates nothing; it has the rule without a state.
        Solver("lbfgs", "plain_sgd", full_batch=True),
    )
}
"""Every solver by its name: all lists of them are derived from this table."""


def solvers_with(argument: str) -> list[str]:
    """Return the names of the solvers that take an argument of the estimator."""
    return [name for name, solver in SOLVERS.items() if argument in solver.arguments]
