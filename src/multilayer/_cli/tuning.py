"""The work of ``multilayer tune``: a table is read, searched on, and the best model saved."""

import re
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from multilayer._cli import report
from multilayer._cli.console import remarks, results, say, say_json
from multilayer._cli.html_report import require_pictures, write_page
from multilayer._cli.leaders import Followed, Leader, leaders_follower, leaders_table
from multilayer._cli.measures import ClassFigures, NumberFigures
from multilayer._cli.model_inputs import LoadedModel, ModelRows, measured, save_model
from multilayer._cli.network_run import INTERRUPTED, check_output
from multilayer._cli.report_facts import ReportChoices
from multilayer._cli.search_page import search_sections
from multilayer._cli.settings import refuse_overwriting_inputs
from multilayer._cli.tabular_training import RawData, prepared, print_saved, print_test
from multilayer._cli.tune_options import TuneRequest
from multilayer._core.checks import count, refuse
from multilayer._core.errors import InvalidArgumentError
from multilayer._core.types import JSON
from multilayer._persist.atomic import check_writable
from multilayer._search.pausable import is_pausable
from multilayer._search.pipelines import network_of
from multilayer._search.progress import arguments_in_words
from multilayer._search.search_cv import MLPSearchCV
from multilayer._sklearn.classifier import MLPClassifier
from multilayer._sklearn.reference.realmlp import RealMLPClassifier, RealMLPRegressor
from multilayer._sklearn.reference.tabm import TabMClassifier, TabMRegressor
from multilayer._sklearn.regressor import MLPRegressor
from multilayer._sklearn.tabular.encoder import TabularEncoder
from multilayer._sklearn.tabular.tabular_estimators import TabularClassifier, TabularRegressor

TABULAR = {
    "tabular": (TabularClassifier, TabularRegressor),
    "realmlp": (RealMLPClassifier, RealMLPRegressor),
    "tabm": (TabMClassifier, TabMRegressor),
}
"""Estimators of raw tables, for classes and for numbers."""

MOST_PRINTED = 5  # leaders in the result


@dataclass(frozen=True)
class TuneRun:
    """A finished search with its model."""

    request: TuneRequest
    data: RawData
    search: MLPSearchCV
    followed: Followed
    model: LoadedModel
    test: ClassFigures | NumberFigures | None
    seconds: float  # of the search, without the final training

    @property
    def default(self) -> int | None:
        """The row of the default configuration, None where it has no score."""
        first = repr(self.followed.candidates[0])
        every = enumerate(self.search.cv_results_["params"])
        return next((i for i, params in every if repr(params) == first), None)

    @property
    def leaders(self) -> list[Leader]:
        """All configurations as they ended, the best one first."""
        found = self.search.cv_results_
        order = found["rank_test_score"].argsort(kind="stable").tolist()
        return [
            Leader(
                i,
                float(found["mean_test_score"][i]),
                int(found["n_epochs"][i]),
                str(found["status"][i]),
            )
            for i in order
        ]


def tune_and_report(request: TuneRequest, *, json: bool) -> None:
    """Search, save, evaluate, and print the result as JSON or as text."""
    check(request)
    finished = run(request)
    if request.report is not None:
        write_report(finished, request.report)
    if json:
        say_json(as_json(finished))
    else:
        print_result(finished)
    if finished.followed.interrupted:
        raise typer.Exit(INTERRUPTED)


def check(request: TuneRequest) -> None:
    """Refuse what could not be done at the end, before anything is read."""
    check_output(request.choices.data, request.output)
    ReportChoices(scoring=request.scoring).check()
    if request.report is not None:
        refuse_overwriting_inputs("--report", request.report, Path(request.choices.data))
        if request.report == request.output:
            refuse("--report", "another file than --model", str(request.report))
        check_writable(request.report)
        require_pictures("--report")


def run(request: TuneRequest) -> TuneRun:
    """Search, save and evaluate."""
    data, roles = prepared(request.choices, request.given, silent=request.silent)
    console = remarks()
    with leaders_follower(console, request.time_budget, silent=request.silent) as followed:
        search = search_for(request, estimator_for(request, data, roles))
        search._follow = followed
        begun = time.perf_counter()
        with warnings.catch_warnings():  # an interruption is reported with the result
            warnings.filterwarnings("ignore", message="The search was interrupted")
            warnings.simplefilter("ignore", ConvergenceWarning)  # a search ends by its epochs
            try:
                search.fit(data.train.X, data.train.y)
            except InvalidArgumentError as error:
                raise InvalidArgumentError(in_options(str(error))) from error
        seconds = time.perf_counter() - begun - search.refit_time_
    model = LoadedModel(request.output, search.best_estimator_, data.facts)
    save_model(model.path, model.estimator, model.facts)
    test = None if data.test is None else measured(model, data.test.X, data.test.y)
    return TuneRun(request, data, search, followed, model, test, seconds)


def estimator_for(
    request: TuneRequest, data: RawData, roles: dict[str | int, str]
) -> BaseEstimator:
    """Return what is tuned, for the task."""
    classes = data.target.is_classes
    given = {**request.given, "random_state": request.choices.seed}
    if request.estimator in TABULAR:
        return TABULAR[request.estimator][0 if classes else 1](feature_roles=roles, **given)
    network = MLPClassifier(**given) if classes else MLPRegressor(standardize_target=True, **given)
    return Pipeline([("encoder", TabularEncoder(feature_roles=roles)), ("network", network)])


def search_for(request: TuneRequest, estimator: BaseEstimator) -> MLPSearchCV:
    """Return the search."""
    pausable = is_pausable(network_of(estimator))
    pruner = request.pruner or ("halving" if pausable else "none")
    if pruner != "none" and not pausable:
        rule = f"none for --estimator {request.estimator}, whose fits cannot stop and go on"
        refuse("--pruner", rule, pruner)
    return MLPSearchCV(
        estimator,
        n_iter=request.n_iter,
        sampler=request.sampler,
        pruner=None if pruner == "none" else pruner,
        scoring=request.scoring,
        refit=request.refit,
        cv=request.cv,
        storage=request.storage,
        search_rows=request.search_rows,
        time_budget=request.time_budget,
        n_jobs=request.n_jobs,
        random_state=request.choices.seed,
    )


OPTIONS = re.compile(r"\b(time_budget|search_rows|n_iter|n_jobs|storage|cv)\b")


def in_options(message: str) -> str:
    """Return a message about arguments of the search as one about options."""
    return OPTIONS.sub(lambda found: "--" + found[0].replace("_", "-"), message)


def write_report(run: TuneRun, path: Path) -> None:
    """Write the page: of the model on the rows of the test, or those it was trained on."""
    rows = run.data.train if run.data.test is None else run.data.test
    given = ModelRows(rows.X, rows.y, run.data.source, seen=run.data.test is None)
    choices = ReportChoices(scoring=run.request.scoring, seed=run.request.choices.seed)
    target = run.data.facts["target"]
    write_page(
        *(run.model, run.request.choices.data, target, given, choices, path),
        more=search_sections(run.search, run.leaders, in_words(run)),
        made_by="multilayer tune",
        silent=run.request.silent,
    )


# Output ------------------------------------------------------------------------------------------


def print_result(run: TuneRun) -> None:
    """Print what the search has found, where the model is and what to type next."""
    console = results()
    if not run.request.silent:
        say(console, "")
    if run.followed.interrupted:
        say(console, ("Interrupted: the best configuration so far is trained and saved.", "yellow"))
    report.print_pairs(console, in_words(run))
    params = run.search.cv_results_["params"]
    console.print(leaders_table(run.leaders[:MOST_PRINTED], params, run.default))
    print_test(run.test)
    print_saved(run.request.choices.data, run.request.output, run.request.report)


def in_words(run: TuneRun) -> list[tuple[str, str]]:
    """Return what was searched and found."""
    search, found = run.search, run.search.cv_results_
    n = count(len(found["params"]), "configuration")
    networks = count(run.followed.n_trained, "network")
    stopped = "" if "stopped" not in found["status"] else ", ended before all were done"
    best = search.best_index_
    deviation = float(found["std_test_score"][best])
    default = next((each for each in run.leaders if each.candidate == run.default), None)
    pairs = [
        ("search", f"{report.seconds(run.seconds)}, {n}, {networks}{stopped}"),
        (
            f"{score_name(run)} in cross-validation",
            f"{search.best_score_:.4f} (deviation {deviation:.4f} over {search.n_splits_} folds)",
        ),
    ]
    if default is not None:
        epochs = count(default.epochs, "epoch")
        shown = (
            "chosen"
            if best == run.default
            else f"{default.score:.4f} after {epochs}, {default.status}"
        )
        pairs.append(("default configuration", shown))
    pairs.append(("arguments", arguments_in_words(search.best_params_)))
    rows = count(len(run.data.train.y), "row")
    final = f"{report.seconds(search.refit_time_)} on {rows}"
    if (weights := ensemble_weights(run)) is not None:
        parts = (f"{weight:.0%} of {rank}" for rank, weight in weights.items())
        members = f"{search.ensemble_score_:.4f}: {', '.join(parts)} in the ranking"
        return [*pairs, ("ensemble", members), ("final training", final)]
    status, epochs = found["status"][best], count(int(found["best_epochs"][best]), "epoch")
    trained = epochs if status == "finished" else "to its end"
    return [*pairs, ("final training", f"{final}, {trained}")]


def ensemble_weights(run: TuneRun) -> dict[int, float] | None:
    """Return the weights in an ensemble by rank, None where the model is none."""
    if run.request.refit != "ensemble":
        return None
    ranks, weights = run.search.cv_results_["rank_test_score"], run.search.ensemble_weights_
    found = {
        int(rank): float(weight) for rank, weight in zip(ranks, weights, strict=True) if weight
    }
    return dict(sorted(found.items()))


def score_name(run: TuneRun) -> str:
    """Return the name of the score that decides."""
    return run.request.scoring or ("accuracy" if run.data.target.is_classes else "R2")


def as_json(run: TuneRun) -> dict[str, JSON]:
    """Return the result for programs."""
    search, found, weights = run.search, run.search.cv_results_, ensemble_weights(run)
    configurations: list[JSON] = [
        {
            "rank": int(found["rank_test_score"][leader.candidate]),
            "score": leader.score,
            "epochs": leader.epochs,
            "status": leader.status,
            "params": plain_values(found["params"][leader.candidate]),
        }
        for leader in run.leaders
    ]
    return {
        "model": str(run.request.output),
        "data": run.request.choices.data,
        "report": None if run.request.report is None else str(run.request.report),
        "estimator": run.request.estimator,
        "seed": run.request.choices.seed,
        "target": run.data.facts["target"],
        "task": run.data.target.task,
        "rows": {
            "train": len(run.data.train.y),
            "test": 0 if run.data.test is None else len(run.data.test.y),
        },
        "interrupted": run.followed.interrupted,
        "search_seconds": run.seconds,
        "refit_seconds": search.refit_time_,
        "n_networks": run.followed.n_trained,
        "scoring": score_name(run),
        "best_score": search.best_score_,
        "best_params": plain_values(search.best_params_),
        "best_epochs": int(found["best_epochs"][search.best_index_]),
        "configurations": configurations,
        "ensemble": None if weights is None else {str(k): v for k, v in weights.items()},
        "test": None if run.test is None else run.test.as_json(),
    }


def plain_values(params: dict[str, object]) -> dict[str, JSON]:
    """Return arguments as JSON has them."""
    found: dict[str, JSON] = {}
    for name, value in params.items():
        item: object = value.item() if isinstance(value, np.generic) else value
        if isinstance(item, tuple):
            found[name] = list(item)
        else:
            simple = item is None or isinstance(item, bool | int | float | str)
            found[name] = item if simple else str(item)  # type: ignore[assignment]  # is one
    return found
