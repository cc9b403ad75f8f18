"""``multilayer tune``: a search over the arguments of a network, and the best one saved."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from multilayer._cli import settings as o
from multilayer._cli import train as t
from multilayer._cli.train_options import model_file, roles_of
from multilayer._core.checks import check_choice, refuse

_SEARCH, _OUTPUT = "Search", "Output"

ESTIMATORS = ("mlp", "tabular", "realmlp", "tabm")
SAMPLERS = ("random",)
PRUNERS = ("halving", "hyperband", "none")
REFITS: Mapping[str, bool | str] = {"best": True, "1se": "1se"}
"""What chooses the configuration of the final model, by the argument of `MLPSearchCV` for it."""

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}

ESTIMATOR = Annotated[
    str,
    t.option(
        "What is tuned: a single network, an ensemble over folds, RealMLP or TabM (mlp).",
        _SEARCH,
        **t.names(*ESTIMATORS),
    ),
]
N_ITER = Annotated[int, t.option("Configurations to try (60).", _SEARCH, min=1, metavar="N")]
CV = Annotated[int, t.option("Folds that score each of them (5).", _SEARCH, min=2, metavar="K")]
SAMPLER = Annotated[
    str,
    t.option(
        f"How values are chosen: {', '.join(SAMPLERS)} (random).", _SEARCH, **t.names(*SAMPLERS)
    ),
]
PRUNER = Annotated[
    str | None,
    t.option(
        f"How configurations compete: {', '.join(PRUNERS)} (halving, where fits can pause).",
        _SEARCH,
        **t.names(*PRUNERS),
    ),
]
TIME_BUDGET = Annotated[
    str | None,
    t.option("Time for the search, such as 90s, 5m or 1h.", _SEARCH, metavar="TIME"),
]
SEARCH_ROWS = Annotated[
    float | None,
    t.option("Number or share of the rows to search on (all).", _SEARCH, metavar="N"),
]
N_JOBS = Annotated[
    int | None,
    t.option("Networks that train at a time (a core each).", _SEARCH, min=1, metavar="N"),
]
SCORING = Annotated[
    str | None,
    t.option("Score that decides, such as roc_auc (accuracy, or R2).", _SEARCH, metavar="NAME"),
]
REFIT = Annotated[
    str,
    t.option(
        "Which configuration becomes the model: best, or 1se, the smallest within one standard "
        "error of it (best).",
        _SEARCH,
        **t.names(*REFITS),
    ),
]
SEED = Annotated[
    int, t.option("Seed of configurations, networks and split (0).", _SEARCH, metavar="N")
]
REPORT = Annotated[
    Path | None,
    t.option("Page about the model and the search, for a browser.", _OUTPUT, metavar="FILE"),
]


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
    time_budget: float | None
    search_rows: float | None
    n_jobs: int | None
    scoring: str | None
    refit: bool | str
    output: Path
    report: Path | None
    silent: bool


def tune(
    data: o.DATA,
    target: t.TARGET = None,
    task: t.TASK = None,
    role: t.ROLE = None,
    ids: t.ID = None,
    drop: t.DROP = None,
    keep: t.KEEP = None,
    test_fraction: t.TEST_FRACTION = None,
    sep: t.SEP = None,
    decimal: t.DECIMAL = None,
    encoding: t.ENCODING = None,
    estimator: ESTIMATOR = "mlp",
    class_weight: t.CLASS_WEIGHT = None,
    n_iter: N_ITER = 60,
    cv: CV = 5,
    sampler: SAMPLER = "random",
    pruner: PRUNER = None,
    time_budget: TIME_BUDGET = None,
    search_rows: SEARCH_ROWS = None,
    n_jobs: N_JOBS = None,
    scoring: SCORING = None,
    refit: REFIT = "best",
    seed: SEED = 0,
    model: t.MODEL = None,
    report: REPORT = None,
    quiet: t.QUIET = False,
    json: t.JSON = False,
) -> None:
    """Search for the best arguments of a network on a table, and save the one trained with them."""
    request = request_of(locals())
    # Late: help waits for no NumPy and scikit-learn.
    from multilayer._cli import tuning

    tuning.tune_and_report(request, json=json)


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
