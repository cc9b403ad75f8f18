"""From an estimator's arguments to its update rule and learning-rate schedule."""

import inspect
from collections.abc import Mapping
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any

from multilayer._core.checks import check_choice, check_real, refuse
from multilayer._core.functions import comparable
from multilayer._optim.schedules import CONSTANT, SCHEDULES, Schedule, problem_of
from multilayer._optim.solvers import SOLVERS, Solver
from multilayer._sklearn.arguments.constructors import NetworkArguments

if TYPE_CHECKING:
    from multilayer._optim.rules import Rule


def named_solver(arguments: NetworkArguments) -> Solver | None:
    """Return the record of a solver given by its name, None of any other."""
    solver = arguments.solver
    return SOLVERS.get(solver) if isinstance(solver, str) else None


def is_full_batch(arguments: NetworkArguments) -> bool:
    """Whether the solver works on all rows at once."""
    solver = named_solver(arguments)
    return solver is not None and solver.full_batch


def looks_ahead(arguments: NetworkArguments) -> bool:
    """Whether the momentum is Nesterov's."""
    solver = named_solver(arguments)
    momentum = solver is not None and solver.nesterov and arguments.momentum != 0
    return momentum and bool(arguments.nesterovs_momentum)


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
        check_choice("solver", value, SOLVERS, "a factory such as optax.lion")
    elif "learning_rate" not in inspect.signature(value).parameters:
        refuse(
            "solver",
            "a name, or a factory of an Optax rule that takes learning_rate",
            value,
            "Wrap it: lambda learning_rate: optax.chain(..., "
            "optax.scale_by_learning_rate(learning_rate)).",
        )


def engine_solver(arguments: NetworkArguments) -> "Rule":
    """Return the update rule as the engine names it."""
    named, solver = named_solver(arguments), arguments.solver
    if named is not None:
        # Without momentum there is no velocity to store.
        at_rest = named.rule_without_momentum if arguments.momentum == 0 else ""
        return at_rest or named.rule
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
    solver = named_solver(arguments)
    if solver is None:
        return {k: float(v) for k, v in factory_arguments(arguments).items() if is_number(v)}
    owner = f"solver={solver.name!r}"
    numbers = numbers_of("solver_params", arguments.solver_params, solver.defaults, owner)
    return numbers | {name: getattr(arguments, name) for name in solver.arguments}


def given_schedule(arguments: NetworkArguments) -> Schedule:
    """Return the schedule that the user asks for, by its name or as a record."""
    given = arguments.learning_rate
    if isinstance(given, Schedule):
        unknown = [name for name in given.arguments if not hasattr(arguments, name)]
        if unknown:
            rule = "a schedule whose arguments are ones of the estimator's constructor"
            refuse("learning_rate", rule, given, f"Remove {unknown}.")
        return given
    check_choice("learning_rate", given, SCHEDULES, "a multilayer.schedules.Schedule")
    return SCHEDULES[given]


def schedule_in_force(arguments: NetworkArguments) -> Schedule:
    """Return the schedule in force: scikit-learn's own apply to "sgd" alone, as there."""
    given, solver = given_schedule(arguments), named_solver(arguments)
    applies = solver is not None and solver.scikit_learn_schedules
    return CONSTANT if given.scikit_learn and not applies else given


def schedule_numbers(arguments: NetworkArguments) -> dict[str, float]:
    """Every number of the learning-rate schedule."""
    schedule = schedule_in_force(arguments)
    owner = f"learning_rate={schedule.name!r}"
    numbers = numbers_of("schedule_params", arguments.schedule_params, schedule.numbers, owner)
    check_real("schedule_params['warmup_fraction']", numbers["warmup_fraction"], "[0, 1)")
    return numbers | {name: getattr(arguments, name) for name in schedule.arguments}


def check_schedule(arguments: NetworkArguments) -> None:
    """Check the schedule and its numbers; the factors of a user's record are tried."""
    numbers = schedule_numbers(arguments)
    if isinstance(arguments.learning_rate, str):
        return
    if problem := problem_of(schedule_in_force(arguments), numbers):
        refuse(
            "learning_rate",
            "a schedule whose factor returns finite numbers of at least 0 in an array of t's "
            f"shape ({problem})",
            arguments.learning_rate,
        )


def check_ready_rule(arguments: NetworkArguments) -> None:
    """Refuse a schedule for a rule that has its rate within."""
    if is_ready(arguments.solver) and given_schedule(arguments) != CONSTANT:
        refuse(
            "learning_rate",
            "'constant' for a solver that is ready, which has its own rate",
            arguments.learning_rate,
            "Give the factory, such as optax.lion, in place of what it makes.",
        )


def numbers_of(
    name: str, given: Any, defaults: Mapping[str, float], owner: str
) -> dict[str, float]:
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
