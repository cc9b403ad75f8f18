"""What the options of ``multilayer train`` ask for, checked before anything is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from multilayer._cli import settings
from multilayer._cli.settings import (
    MNIST,
    RECIPES,
    STDIN,
    TABULAR,
    TASKS,
    Choices,
    Request,
    check_curves,
    table_format,
)
from multilayer._core.checks import check_choice, refuse
from multilayer._core.errors import InvalidArgumentError

SHARED = ("class_weight", "scoring")
"""Options with a meaning for single networks and for ensembles."""

NETWORK = (
    "epochs",
    "batch_size",
    "learning_rate",
    "solver",
    "weight_decay",
    "label_smoothing",
    "hidden",
    "activation",
    "dropout",
    "weight_init",
    "patience",
    "calibration_fraction",
    "device",
)
"""Options that are arguments of a single network."""

NETWORK_ALONE = (
    *NETWORK,
    "validation_fraction",
    "no_scale",
    "checkpoint",
    "checkpoint_every",
    "no_resume",
    "tensorboard",
)
"""Options that only single networks have."""

ESTIMATOR_ALONE = ("class_weight", "scoring", "calibration_fraction")
"""Arguments that only an estimator of scikit-learn can do."""

TABULAR_ALONE = ("role", "task")
"""Options that only the recipe for tables as they come has."""

NAMES = (TABULAR, *RECIPES)
"""Recipes."""


def request_of(options: Mapping[str, Any]) -> Request:
    """Return what is to be done, from the options by name; refuse what cannot be."""
    data, recipe = options["data"], options["recipe"]
    given = settings.overrides({name: options[name] for name in (*NETWORK, *SHARED)})
    settings.check_split(options["validation_fraction"], options["test_fraction"], options["seed"])
    settings.check_intervals({"time_budget": options["time_budget"]})
    for name, known in {"task": TASKS, "class_weight": settings.CLASS_WEIGHTS}.items():
        if options[name] is not None:
            check_choice(f"--{name.replace('_', '-')}", options[name], known)
    recipe = _recipe(data, recipe)
    _refuse_without_effect(recipe, options)
    check_curves(options["tensorboard"])
    saved = settings.checkpoint(
        options["checkpoint"], options["checkpoint_every"], resume=not options["no_resume"]
    )
    choices = Choices(
        data=data,
        target=options["target"],
        drop=options["drop"] or [],
        keep=options["keep"] or [],
        validation_fraction=options["validation_fraction"],
        test_fraction=options["test_fraction"],
        seed=options["seed"],
        ids=options["ids"] or [],
        roles=roles_of(options["role"] or []),
        task=options["task"],
        form=table_format(options["sep"], options["decimal"], options["encoding"]),
    )
    return Request(
        choices=choices,
        recipe=recipe,
        given=given,
        time_budget=options["time_budget"],
        output=options["model"] or model_file(data),
        checkpoint=saved,
        tensorboard=options["tensorboard"],
        scale=not options["no_scale"],
        silent=options["quiet"] or options["json"],
    )


def needs_no_estimator(request: Request) -> bool:
    """Whether a network can be trained below the estimators: nothing needs scikit-learn."""
    return request.checkpoint is None and not set(ESTIMATOR_ALONE) & set(request.given)


def _recipe(data: str, given: str | None) -> str:
    """Return the recipe, which DATA decides unless an option does."""
    arrays = data == MNIST or data.lower().endswith(".npz")
    if given is not None:
        check_choice("--recipe", given, NAMES)
        if arrays and given == TABULAR:
            refuse("--recipe", f"one of {sorted(RECIPES)} for mnist and .npz files", given)
        return given
    return ("fast" if data == MNIST else "table") if arrays else TABULAR


def _refuse_without_effect(recipe: str, options: Mapping[str, Any]) -> None:
    """Refuse options that the recipe does not have."""
    tabular = recipe == TABULAR
    for name in NETWORK_ALONE if tabular else TABULAR_ALONE:
        if options[name] not in (None, [], False):
            remedy = (
                "is an ensemble with a plan of its own. Add --recipe table for a single network"
                if tabular
                else "is a single network. Leave out --recipe, with a table that has column names"
            )
            raise InvalidArgumentError(
                f"--{name.replace('_', '-')} must be left out with the recipe {recipe}, which "
                f"{remedy}."
            )


def roles_of(texts: list[str]) -> dict[str, str]:
    """Return the roles of columns from COLUMN=ROLE."""
    roles: dict[str, str] = {}
    for text in texts:
        column, equals, role = text.rpartition("=")
        if not equals or not column:
            refuse("--role", "COLUMN=ROLE, such as zip=categorical", text)
        if column in roles:
            refuse("--role", f"given once for column {column!r}", text)
        roles[column] = role
    return roles


def model_file(data: str) -> Path:
    """Return the model file of data: here, and named after them."""
    name = "model" if data == STDIN else Path(data.removesuffix(".gz")).stem
    return Path(f"{name}.safetensors")
