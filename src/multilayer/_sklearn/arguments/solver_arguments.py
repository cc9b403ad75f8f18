"""From an estimator's arguments to its update rule and learning-rate schedule."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, TypeGuard

from multilayer._core.checks import check_choice, check_real, refuse
from multilayer._core.types import comparable
from multilayer._optim.schedules import CONSTANT, SCHEDULES, Schedule, problem_of
from multilayer._optim.solvers import SOLVERS
from multilayer._sklearn.arguments.constructors import NetworkArguments

if TYPE_CHECKING:
    import optax

    from multilayer._optim.rules import Rule


@dataclass(frozen=True)
class SolverSettings:
    """The update rule and the learning-rate schedule that an estimator's arguments stand for."""

    rule: "Rule"  # as the engine names it
    full_batch: bool  # whether it works on all rows at once, by SciPy
    nesterov: bool
    options: tuple[tuple[str, object], ...]  # arguments of a factory that are compiled in
    numbers: Mapping[str, float]  # arguments of the rule that are traced
    schedule: Schedule  # the one in force
    schedule_numbers: Mapping[str, float]


def is_full_batch(solver: object) -> bool:
    """Whether a solver works on all rows at once, whatever else the arguments are."""
    return isinstance(solver, str) and solver in SOLVERS and SOLVERS[solver].full_batch


def resolve_solver(arguments: NetworkArguments) -> SolverSettings:
    """Check the solver, the schedule and their numbers; return what they stand for."""
    solver = arguments.solver
    ready = not isinstance(solver, str) and is_ready(solver)
    if not ready and not (isinstance(solver, str) and solver in SOLVERS):
        check_solver(solver)
    given = given_schedule(arguments)
    if ready and given != CONSTANT:
        refuse(
            "learning_rate",
            "'constant' for a ready-made solver, which has its own rate",
            arguments.learning_rate,
            "Give the factory, such as optax.lion, in place of its result.",
        )
    named = SOLVERS[solver] if isinstance(solver, str) else None
    # scikit-learn's own schedules apply to "sgd" alone, as there.
    applies = named is not None and named.scikit_learn_schedules
    schedule = CONSTANT if given.scikit_learn and not applies else given
    schedule_numbers = check_schedule(arguments, schedule)
    if named is None:
        own = {} if ready else factory_arguments(arguments)
        if ready and arguments.solver_params:
            rule = "None for a ready-made solver"
            refuse("solver_params", rule, arguments.solver_params, "Give a factory.")
        return SolverSettings(
            rule=factory_of(solver),
            full_batch=False,
            nesterov=False,
            options=factory_options(own, arguments.solver_params),
            numbers={name: float(value) for name, value in own.items() if is_number(value)},
            schedule=schedule,
            schedule_numbers=schedule_numbers,
        )
    numbers = numbers_of(
        "solver_params", arguments.solver_params, named.defaults, f"solver={solver!r}"
    )
    at_rest = arguments.momentum == 0  # without momentum there is no velocity to store
    return SolverSettings(
        rule=(at_rest and named.rule_without_momentum) or named.rule,
        full_batch=named.full_batch,
        nesterov=named.nesterov and not at_rest and bool(arguments.nesterovs_momentum),
        options=(),
        numbers=numbers | {name: getattr(arguments, name) for name in named.arguments},
        schedule=schedule,
        schedule_numbers=schedule_numbers,
    )


def is_ready(solver: object) -> "TypeGuard[optax.GradientTransformation]":
    """Whether a solver is the result of an Optax factory, with its rate inside."""
    if not hasattr(solver, "init"):  # a name, or a factory
        return False
    import optax  # late: it starts JAX

    return isinstance(solver, optax.GradientTransformation)


def check_solver(value: object) -> None:
    """Check a solver that is no ready rule: a name, or a factory with a learning rate."""
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


def factory_of(solver: "Rule") -> "Rule":
    """Return a factory without its keywords: those are passed like solver_params."""
    if not isinstance(solver, partial):
        return solver
    return comparable(partial(solver.func, *solver.args)) if solver.args else solver.func


def factory_arguments(arguments: NetworkArguments) -> dict[str, object]:
    """Arguments of a solver that is a factory: its own, then those of ``solver_params``."""
    solver, given = arguments.solver, arguments.solver_params or {}
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


def is_number(value: object) -> TypeGuard[Real]:
    """Whether a factory's argument is traced; all others are compiled in."""
    return isinstance(value, Real) and not isinstance(value, bool | int)


def factory_options(given: Mapping[str, object], params: object) -> tuple[tuple[str, object], ...]:
    """Arguments of a factory that are no floats: flags, counts, functions, None."""
    options = tuple((key, given[key]) for key in sorted(given) if not is_number(given[key]))
    try:
        hash(options)
    except TypeError:
        refuse("solver_params", "a dictionary of hashable values", params)
    return options


def given_schedule(arguments: NetworkArguments) -> Schedule:
    """Return the schedule that is given by its name or as a record."""
    given = arguments.learning_rate
    if isinstance(given, Schedule):
        unknown = [name for name in given.arguments if not hasattr(arguments, name)]
        if unknown:
            rule = "a schedule whose arguments are ones of the estimator's constructor"
            refuse("learning_rate", rule, given, f"Remove {unknown}.")
        return given
    check_choice("learning_rate", given, SCHEDULES, "a multilayer.schedules.Schedule")
    return SCHEDULES[given]


def check_schedule(arguments: NetworkArguments, schedule: Schedule) -> dict[str, float]:
    """Return every number of the schedule in force; the factors of a user's record are tried."""
    owner = f"learning_rate={schedule.name!r}"
    numbers = numbers_of("schedule_params", arguments.schedule_params, schedule.numbers, owner)
    check_real("schedule_params['warmup_fraction']", numbers["warmup_fraction"], "[0, 1)")
    numbers |= {name: getattr(arguments, name) for name in schedule.arguments}
    given = arguments.learning_rate
    if not isinstance(given, str) and (problem := problem_of(schedule, numbers)):
        refuse(
            "learning_rate",
            "a schedule whose factor returns finite numbers of at least 0 in an array of t's "
            f"shape ({problem})",
            given,
        )
    return numbers


def numbers_of(
    name: str, given: object, defaults: Mapping[str, float], owner: str
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
