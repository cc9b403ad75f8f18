"""``multilayer train`` on a table as it comes: an ensemble over folds, of classes or of numbers."""

import math
import shlex
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer
from sklearn.model_selection import train_test_split

from multilayer._cli import measures, report
from multilayer._cli.column_notes import (
    fitted_encoder,
    given_roles,
    learned_columns,
    print_roles,
    warn_of_columns,
)
from multilayer._cli.console import Follower, ensemble_follower, remarks, results, say, say_json
from multilayer._cli.measures import ClassFigures, NumberFigures
from multilayer._cli.model_inputs import LoadedModel, measured, save_model
from multilayer._cli.settings import STDIN, Arguments, Choices, Request
from multilayer._cli.table_files import ending_of, find_source, read_table
from multilayer._cli.tables import require_target
from multilayer._cli.target_column import Target, read_target
from multilayer._cli.training_data import check_classes
from multilayer._core.checks import count, refuse
from multilayer._core.errors import DataError, DivergenceError, InvalidArgumentError
from multilayer._persist.manifest import Facts
from multilayer._sklearn.fit.scorer import check_scorer
from multilayer._sklearn.tabular.ensemble import TabularReport
from multilayer._sklearn.tabular.tabular_estimators import TabularClassifier, TabularRegressor

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class RawRows:
    """Rows of a raw table with their targets."""

    X: "DataFrame"
    y: np.ndarray  # (rows,)


@dataclass(frozen=True)
class RawData:
    """A raw table, ready to be trained on."""

    source: str
    target: Target
    train: RawRows
    test: RawRows | None
    facts: Facts  # for the model file


@dataclass(frozen=True)
class TabularRun:
    """A finished training run."""

    request: Request
    data: RawData
    model: LoadedModel
    test: ClassFigures | NumberFigures | None

    @property
    def report(self) -> TabularReport:
        """What the fit did."""
        return self.model.estimator.report_

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.report.stop_reason == "interrupted"


def run(request: Request) -> TabularRun:
    """Train, save and evaluate."""
    try:
        check_scorer(request.given.get("scoring"))
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"--{error}") from error
    console = remarks()
    data, roles = prepared(request.choices, request.given, silent=request.silent)
    with ensemble_follower(
        console, request.time_budget, classes=data.target.is_classes, silent=request.silent
    ) as progress:
        estimator = _fit(request, data, roles, progress)
    if estimator.stop_reason_ == "interrupted" and not progress.steps:
        say(console, "Interrupted before the first step: nothing to save.")
        raise typer.Exit(130)
    save_model(request.output, estimator, data.facts)
    model = LoadedModel(request.output, estimator, data.facts)
    test = None if data.test is None else measured(model, data.test.X, data.test.y)
    return TabularRun(request, data, model, test)


def prepared(
    choices: Choices, given: Arguments, *, silent: bool
) -> tuple[RawData, dict[str | int, str]]:
    """Read DATA and say what it is; return it with the roles that are not to be judged."""
    roles = given_roles(choices)
    data = raw_data(choices)
    if "class_weight" in given and not data.target.is_classes:
        remedy = f"Column {data.facts['target']!r} has numbers."
        refuse("--class-weight", "left out in regression", given["class_weight"], remedy)
    encoder = fitted_encoder(data.train.X, roles)
    name = data.facts["target"]
    warn_of_columns(data.train.X, data.target, data.train.y, name, encoder.feature_roles_)
    if not silent:
        introduce(data)
        print_roles(remarks(), encoder)
    return data, roles


def raw_data(choices: Choices) -> RawData:
    """Read DATA, find its target, and set rows aside for a test."""
    path = find_source(choices.data)
    assert path is not None  # mnist has another recipe
    table = read_table(path, choices.target, choices.form)
    name = require_target(table, choices.target)
    names = learned_columns(table, name, choices)
    target = read_target(table, name, choices.task)
    rows, test = RawRows(table.frame[names], target.values), None
    if choices.test_fraction:
        rows, test = _split(rows, target, choices, f"column {name!r} of {path}")
    dropped = [column for column in table.columns if column not in (*names, *choices.ids, name)]
    facts = Facts(source=path.name, target=name, features=names, dropped=dropped)
    if choices.ids:
        facts["ids"] = choices.ids
    return RawData(path.name, target, rows, test, facts)


def _split(rows: RawRows, target: Target, choices: Choices, where: str) -> tuple[RawRows, RawRows]:
    """Set rows aside for a test, stratified by class."""
    assert choices.test_fraction is not None
    size = round(choices.test_fraction * len(rows.y))
    if target.is_classes:
        check_classes(rows.y, {"test": size}, where)
    elif not 0 < size < len(rows.y) - 1:
        raise DataError(
            f"--test-fraction must leave rows for both parts, got {count(size, 'row')} of "
            f"{len(rows.y):,} to test on."
        )
    X, X_test, y, y_test = train_test_split(
        rows.X,
        rows.y,
        test_size=size,
        stratify=rows.y if target.is_classes else None,
        random_state=choices.seed,
    )
    return RawRows(X, y), RawRows(X_test, y_test)


def _fit(
    request: Request, data: RawData, roles: dict[str | int, str], progress: Follower
) -> TabularClassifier | TabularRegressor:
    """Fit the estimator for the task."""
    kind = TabularClassifier if data.target.is_classes else TabularRegressor
    estimator = kind(
        **request.given,
        feature_roles=roles,
        time_budget=request.time_budget,
        random_state=request.choices.seed,
        callbacks=[progress],
    )
    try:
        with warnings.catch_warnings():  # an interruption is reported with the result
            warnings.filterwarnings("ignore", message="Training interrupted by user")
            estimator.fit(data.train.X, data.train.y)
    except DivergenceError as error:
        raise DivergenceError(
            "training diverged: the loss is not finite. Nothing is saved. Are there extreme "
            "values in the target?"
        ) from error
    return estimator.set_params(callbacks=None)


# Output for people ----------------------------------------------------------------------------


def introduce(data: RawData) -> None:
    """Print what is going to happen, and what was decided."""
    console, target = remarks(), data.target
    rows = f"{len(data.train.y):,} rows to train on"
    if data.test is not None:
        rows += f", {len(data.test.y):,} to test"
    say(console, (data.source, "bold"), f": {rows}; {count(data.train.X.shape[1], 'column')}")
    other = "regression for numbers" if target.is_classes else "classification for classes"
    say(
        console,
        ("target ", ""),
        (data.facts["target"], "bold"),
        f": {target.task} ({target.content})",
        (f"; --task {other}" if target.either else "", "dim"),
    )


def print_result(run: TabularRun) -> None:
    """Print how training went, where the model is and what to type next."""
    console, found = results(), run.report
    if not run.request.silent:
        say(console, "")
    if run.interrupted:
        epochs = count(found.n_epochs, "finished epoch")
        say(console, (f"Interrupted after {epochs}: the best networks so far are saved.", "yellow"))
    pairs = [("training", _training_line(found)), ("networks", _networks_line(found))]
    pairs += _out_of_fold(run)
    report.print_pairs(console, pairs)
    print_test(run.test)
    print_saved(run.request.choices.data, run.request.output)


def print_test(test: ClassFigures | NumberFigures | None) -> None:
    """Print the figures of the rows that were set aside, where there are any."""
    if test is None:
        return
    console = results()
    say(console, (f"On {count(test.rows, 'row')} set aside to test:", "bold"))
    report.print_pairs(console, measures.in_words(test))
    if isinstance(test, ClassFigures):
        report.print_confusions(console, test.confusions)


def print_saved(data: str, model: Path, page: Path | None = None) -> None:
    """Print where the model of some DATA is, and a page about it, and what to type next."""
    console, pairs = results(), [("saved to", str(model))]
    if page is not None:
        pairs.append(("report", str(page)))
    report.print_pairs(console, pairs)
    say(console, ("next: ", "dim"), (next_command(data, model), "bold"))


def _training_line(found: TabularReport) -> str:
    ends = {
        "converged": "nothing more to gain",
        "max_iter": "the end of the plan",
        "time_budget": "the time was over",
    }
    ended = ends.get(found.stop_reason, found.stop_reason.replace("_", " "))
    epochs = f"{count(found.n_epochs, 'epoch')} until {ended}"
    compilation = report.seconds(found.compile_seconds)
    return f"{report.seconds(found.fit_seconds)}, {epochs} (compilation {compilation} apart)"


def _networks_line(found: TabularReport) -> str:
    best = " and ".join(f"{epoch + 1}" for epoch in dict.fromkeys(found.best_epochs))
    return f"{found.n_members} over {found.n_folds} folds, those of epoch {best}"


def _out_of_fold(run: TabularRun) -> list[tuple[str, str]]:
    """Return figures of predictions for rows that the networks have not been trained on."""
    found, y = run.report, run.data.train.y
    loss, score = found.out_of_fold_loss, found.out_of_fold_score
    if run.data.target.is_classes:
        base = np.unique(y, return_counts=True)[1].max() / len(y)
        shown = f"{report.percent(score)} (base rate {report.percent(base)})"
        return [("accuracy out of fold", shown), ("log loss out of fold", f"{loss:.4f}")]
    spread = float(np.std(y))
    error = f"{report.number(math.sqrt(loss) * spread)} ({report.number(spread)} for the mean)"
    return [("R2 out of fold", f"{score:.4f}"), ("root mean squared error", error)]


def next_command(data: str, model: Path) -> str:
    """Return a command that makes use of the model of some DATA, with rows that it has not seen."""
    new = STDIN if data == STDIN else f"NEW_ROWS{ending_of(Path(data))}"
    return shlex.join(["multilayer", "predict", str(model), new])


def as_json(run: TabularRun) -> dict[str, object]:
    """Return the result for programs."""
    encoder = run.model.encoder
    assert encoder is not None
    return {
        "model": str(run.request.output),
        "data": run.request.choices.data,
        "recipe": run.request.recipe,
        "seed": run.request.choices.seed,
        "target": run.data.facts["target"],
        "task": run.data.target.task,
        "rows": {
            "train": len(run.data.train.y),
            "test": 0 if run.data.test is None else len(run.data.test.y),
        },
        "roles": {str(name): role for name, role in encoder.feature_roles_.items()},
        "dropped": {str(name): why for name, why in encoder.dropped_.items()},
        **asdict(run.report),
        "test": None if run.test is None else run.test.as_json(),
    }


def train_and_report(request: Request, *, json: bool) -> bool:
    """Train, save, evaluate, and print the result as JSON or as text; say if it was interrupted."""
    finished = run(request)
    if json:
        say_json(as_json(finished))
    else:
        print_result(finished)
    return finished.interrupted
