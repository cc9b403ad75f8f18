"""``multilayer tune``: a search over the arguments of a network, and the best one saved."""

from pathlib import Path
from typing import Annotated

import typer

from multilayer._cli import train as t
from multilayer._cli.tune_options import ESTIMATORS, PRUNERS, REFITS, SAMPLERS, request_of

_SEARCH, _OUTPUT = "Search", "Output"

DATA = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A table: .csv, .csv.gz, .tsv, .jsonl, .xlsx, .parquet, .feather, or - for CSV from "
        "standard input.",
        show_default=False,
    ),
]
ESTIMATOR = Annotated[
    str,
    t.option(
        "What is tuned: mlp, a single network; tabular, the ensemble of train; realmlp; tabm "
        "(mlp).",
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
STORAGE = Annotated[
    str | None,
    t.option(
        "File or database URL from which the same command goes on after it was ended.",
        _SEARCH,
        metavar="FILE",
    ),
]
TIME_BUDGET = Annotated[
    str | None,
    t.option("Time for the search: seconds, or 90s, 5m, 1h.", _SEARCH, metavar="TIME"),
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
        "What becomes the model: best, the best configuration; 1se, the smallest within one "
        "standard error of it; ensemble, those that score best together (best).",
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


def tune(
    data: DATA,
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
    storage: STORAGE = None,
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
