"""From an estimator's arguments to its update rule and learning-rate schedule."""

import inspect
from collections.abc import Mapping
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any

from multilayer._core.checks import check_choice, check_real, refuse
from multilayer._core.functions import comparable
from multilayer._optim.schedules import SCHEDULE_DEFAULTS
from multilayer._optim.solver_defaults import SOLVER_DEFAULTS
from multilayer._sklearn.arguments.constructors import NetworkArguments

if TYPE_CHECKING:
    from multilayer._optim.solvers import Solver

SOLVER_NAMES = (*SOLVER_DEFAULTS, "lbfgs")


def is_ready(solver: Any) -> bool:
    """Whether a solver is what one of Optax's factories has made, with its rate within."""
    if not hasattr(solver, "init"):  # a name, or a factory
        return False
    import optax  # late: it starts JAX

    return isinstance(solver, optax.GradientTransformation)


def check_solver(value: Any) -> None:
    """Check a solver: a name, a factory with a learning rate, or a rule that is ready."""
    if is_ready(value):
        return
    if not callable(value):
        check_choice("solver", value, SOLVER_NAMES, "a factory such as optax.lion")
    elif "learning_rate" not in inspect.signature(value).parameters:
        refuse(
            "solver",
            "a name, or a factory of an Optax rule that takes learning_rate",
            value,
            "Wrap it: lambda learning_rate: optax.chain(..., "
            "optax.scale_by_learning_rate(learning_rate)).",
        )


def engine_solver(arguments: NetworkArguments) -> "Solver":
    """Return the solver as the engine names it."""
    solver = arguments.solver
    # "lbfgs" updates nothing in the program; sgd without momentum has no velocity to keep.
    if solver == "lbfgs" or (solver == "sgd" and arguments.momentum == 0):
        return "plain_sgd"
    if not isinstance(solver, partial):
        return solver
    # Its keywords are handed over like solver_params: floats among them are traced.
    return comparable(partial(solver.func, *solver.args)) if solver.args else solver.func


def factory_arguments(arguments: NetworkArguments) -> dict[str, Any]:
    """Arguments of a solver that is a factory: its own, then those of ``solver_params``."""
    solver, given = arguments.solver, arguments.solver_params or {}
    if is_ready(solver):
        if given:
            refuse("solver_params", "None for a solver that is ready", given, "Give a factory.")
        return {}
    if not isinstance(given, Mapping):
        refuse("solver_params", "None or a dictionary", given)
    known = inspect.signature(solver).parameters
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values())
    unknown = sorted(set(given) - set(known))
    if "learning_rate" in given or (unknown and not open_ended):
        names = sorted(set(known) - {"learning_rate"})
        wrong = unknown or ["learning_rate"]
        refuse("solver_params", f"a dictionary of {names}", dict(given), f"Remove {wrong}.")
    return {**(solver.keywords if isinstance(solver, partial) else {}), **given}


def is_number(value: Any) -> bool:
    """Whether a factory's argument is traced; all others are compiled in."""
    return isinstance(value, Real) and not isinstance(value, bool | int)


def solver_options(arguments: NetworkArguments) -> tuple[tuple[str, Any], ...]:
    """Arguments of a factory that are no floats: flags, counts, functions, None."""
    if isinstance(arguments.solver, str):
        return ()
    given = factory_arguments(arguments)
    options = tuple((key, given[key]) for key in sorted(given) if not is_number(given[key]))
    try:
        hash(options)
    except TypeError:
        refuse("solver_params", "a dictionary of hashable values", arguments.solver_params)
    return options


def solver_numbers(arguments: NetworkArguments) -> dict[str, float]:
    """Every number of the update rule: ``solver_params`` and scikit-learn's own arguments."""
    solver = arguments.solver
    if not isinstance(solver, str):
        return {k: float(v) for k, v in factory_arguments(arguments).items() if is_number(v)}
    defaults = SOLVER_DEFAULTS.get(solver, {})
    numbers = numbers_of("solver_params", arguments.solver_params, defaults, f"solver={solver!r}")
    if solver == "sgd":
        return {**numbers, "momentum": arguments.momentum}
    numbers["epsilon"] = arguments.epsilon
    if solver in ("adam", "adamw"):
        numbers |= {"beta_1": arguments.beta_1, "beta_2": arguments.beta_2}
    if solver == "adamw":
        numbers["weight_decay"] = arguments.weight_decay
    return numbers


def schedule_name(arguments: NetworkArguments) -> str:
    """Return the schedule in force: scikit-learn's two apply to "sgd" alone, as there."""
    name = arguments.learning_rate
    if name in ("invscaling", "adaptive") and arguments.solver != "sgd":
        return "constant"
    return name


def schedule_numbers(arguments: NetworkArguments) -> dict[str, float]:
    """Every number of the learning-rate schedule."""
    name = schedule_name(arguments)
    owner = f"learning_rate={name!r}"
    numbers = numbers_of(
        "schedule_params", arguments.schedule_params, SCHEDULE_DEFAULTS[name], owner
    )
    check_real("schedule_params['warmup_fraction']", numbers["warmup_fraction"], "[0, 1)")
    return {**numbers, "power_t": arguments.power_t} if name == "invscaling" else numbers


def check_ready_rule(arguments: NetworkArguments) -> None:
    """Refuse a schedule for a rule that has its rate within."""
    if is_ready(arguments.solver) and arguments.learning_rate != "constant":
        refuse(
            "learning_rate",
            "'constant' for a solver that is ready, which has its own rate",
            arguments.learning_rate,
            "Give the factory, such as optax.lion, in place of what it makes.",
        )


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
