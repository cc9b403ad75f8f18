"""What the options of ``multilayer tune`` request, checked before anything is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multilayer._cli import settings as o
from multilayer._cli.train_options import model_file, roles_of
from multilayer._core.checks import check_choice, refuse

ESTIMATORS = ("mlp", "tabular", "realmlp", "tabm")
SAMPLERS = ("random", "tpe")
PRUNERS = ("halving", "hyperband", "none")
REFITS: Mapping[str, bool | str] = {"best": True, "1se": "1se", "ensemble": "ensemble"}
"""What chooses the configuration of the final model, by the argument of `MLPSearchCV` for it."""

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class TuneRequest:
    """The options of a search."""

    choices: o.Choices
    estimator: str
    given: o.Arguments  # of the estimator
    n_iter: int
    cv: int
    sampler: str
    pruner: str | None  # None for that of the estimator
    storage: str | None
    time_budget: float | None
    search_rows: float | None
    n_jobs: int | None
    scoring: str | None
    refit: bool | str
    output: Path
    report: Path | None
    silent: bool


def request_of(options: Mapping[str, Any]) -> TuneRequest:
    """Return what is to be done, from the options by name; refuse what cannot be."""
    data = options["data"]
    if data == o.MNIST or data.lower().endswith(".npz"):
        refuse("DATA", "a table with column names", data, "Search in Python: MLPSearchCV.")
    known = {
        "task": o.TASKS,
        "class_weight": o.CLASS_WEIGHTS,
        "estimator": ESTIMATORS,
        "sampler": SAMPLERS,
        "pruner": PRUNERS,
        "refit": REFITS,
    }
    for name, names in known.items():
        if options[name] is not None:
            check_choice(f"--{name.replace('_', '-')}", options[name], names)
    o.check_split(None, options["test_fraction"], options["seed"])
    weight = options["class_weight"]
    return TuneRequest(
        choices=o.Choices(
            data=data,
            target=options["target"],
            drop=options["drop"] or [],
            keep=options["keep"] or [],
            validation_fraction=None,
            test_fraction=options["test_fraction"],
            seed=options["seed"],
            ids=options["ids"] or [],
            roles=roles_of(options["role"] or []),
            task=options["task"],
            form=o.table_format(options["sep"], options["decimal"], options["encoding"]),
        ),
        estimator=options["estimator"],
        given={} if weight is None else {"class_weight": weight},
        n_iter=options["n_iter"],
        cv=options["cv"],
        sampler=options["sampler"],
        pruner=options["pruner"],
        storage=options["storage"],
        time_budget=_seconds(options["time_budget"]),
        search_rows=_rows(options["search_rows"]),
        n_jobs=options["n_jobs"],
        scoring=options["scoring"],
        refit=REFITS[options["refit"]],
        output=options["model"] or model_file(data),
        report=options["report"],
        silent=options["quiet"] or options["json"],
    )


def _seconds(text: str | None) -> float | None:
    """Return the seconds of 300, 90s, 5m or 1h."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if found is None or not float(found[1]):
        refuse("--time-budget", "a time such as 90s, 5m or 1h", text)
    return float(found[1]) * UNITS[found[2]]


def _rows(number: float | None) -> float | None:
    """Return a share of the rows, or their number as an integer."""
    if number is None or 0 < number < 1:
        return number
    if not number >= 2 or number % 1:  # NaN and infinity too
        refuse("--search-rows", "a number of rows, or a share of them between 0 and 1", number)
    return int(number)
