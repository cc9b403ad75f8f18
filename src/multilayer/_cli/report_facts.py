"""What a report says of a model and of labelled rows: facts only, no output."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from multilayer._cli import report
from multilayer._cli.confusions import Label
from multilayer._cli.measures import (
    ClassFigures,
    NumberFigures,
    class_figures,
    number_figures,
)
from multilayer._cli.model_inputs import (
    LoadedModel,
    ModelRows,
    matched_by_name,
    network_inputs,
    predictions,
    probabilities,
)
from multilayer._cli.report_subject import (
    DataFacts,
    TrainingFacts,
    about_model,
    data_facts,
    training_facts,
)
from multilayer._cli.resampling import (
    RESAMPLES,
    BootstrapInterval,
    WeighedClasses,
    WeighedNumbers,
    intervals,
)
from multilayer._core.checks import check_integer, count, refuse
from multilayer._core.errors import InvalidArgumentError
from multilayer._sklearn.fit.scorer import check_scorer
from multilayer._sklearn.network.importances import (
    FeatureImportances,
    feature_importances,
    scorer_of,
)
from multilayer.plots._inspection import COVERAGES, covered_shares

if TYPE_CHECKING:
    pass

Advance: TypeAlias = Callable[[], None]
Begin: TypeAlias = Callable[[str, int], AbstractContextManager[Advance]]
"""Begins a stage with a name and a number of steps; what it returns is called after each."""

IMPORTANCE_ROWS = 2000  # at most, for each column and repeat


# What is requested --------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReportChoices:
    """The options that say how figures are computed."""

    repeats: int = 5
    scoring: str | None = None
    seed: int = 0

    def check(self) -> None:
        """Refuse what cannot be computed."""
        check_integer("--repeats", self.repeats, 0)
        check_integer("--seed", self.seed, 0, 2**32 - 1)
        if self.scoring == "loss":
            remedy = "Write neg_log_loss for classes, or neg_mean_squared_error for numbers."
            refuse("--scoring", "the name of a score", self.scoring, remedy)
        try:
            check_scorer(self.scoring)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"--{error}") from error


# Figures -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """A figure of the predictions, with its bootstrap interval."""

    key: str
    name: str
    value: float | None  # None where it is not defined
    interval: BootstrapInterval | None
    as_percent: bool = False

    def shown(self, value: float) -> str:
        """Return a value of it in words."""
        return report.percent(value) if self.as_percent else f"{value:.4g}"


@dataclass(frozen=True)
class ClassLine:
    """How one class is recognised."""

    label: Label
    rows: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class ClassResults:
    """Predicted classes, compared."""

    figures: ClassFigures
    classes: list[Label]
    confusion: np.ndarray  # (classes, classes): rows of a class, by what they were taken for
    lines: list[ClassLine]
    sure: np.ndarray | None  # (rows,) the probability to be calibrated
    happened: np.ndarray | None  # (rows,) whether it came true


@dataclass(frozen=True)
class NumberResults:
    """Predicted numbers, compared."""

    figures: NumberFigures
    y: np.ndarray
    predicted: np.ndarray
    coverages: Sequence[float]  # promised
    covered: Sequence[float] | None  # None where the model predicts no intervals
    why_no_intervals: str = ""


Results: TypeAlias = ClassResults | NumberResults


@dataclass(frozen=True)
class ReportFacts:
    """All that a page shows."""

    model: str
    data: str
    target: str | None
    seen: bool  # whether the model was trained on some of these rows
    about: Mapping[str, str]
    columns: DataFacts
    results: Results
    figures: list[Figure]
    training: TrainingFacts
    importances: FeatureImportances | None
    choices: ReportChoices

    @property
    def results_are_classes(self) -> bool:
        """Whether classes are predicted."""
        return isinstance(self.results, ClassResults)

    @property
    def has_roles(self) -> bool:
        """Whether the model knows the roles of columns."""
        return any(column.role for column in self.columns.columns)


def gathered(
    model: LoadedModel,
    data: str,
    target: str | None,
    rows: ModelRows,
    choices: ReportChoices,
    begin: Begin,
) -> ReportFacts:
    """Predict the rows, and compute everything."""
    assert rows.y is not None  # requested
    with begin(f"predicting {count(len(rows.y), 'row')}", 1) as advance:
        results, weighed = _results(model, rows.X, rows.y)
        advance()
    with begin(f"intervals from {RESAMPLES:,} resamples", RESAMPLES) as advance:
        found = intervals(weighed, choices.seed, advance)
    return ReportFacts(
        model=str(model.path),
        data=data,
        target=target,
        seen=rows.seen,
        about=about_model(model),
        columns=data_facts(model, rows),
        results=results,
        figures=_figures(results, found),
        training=training_facts(model),
        importances=_importances(model, rows.X, rows.y, choices, begin),
        choices=choices,
    )


def _results(
    model: LoadedModel, X: Any, y: np.ndarray
) -> tuple[Results, WeighedClasses | WeighedNumbers]:
    predicted = predictions(model, X)
    if model.classes is None:
        return _number_results(model, X, y, predicted), WeighedNumbers(y, predicted)
    classes, proba = model.classes, probabilities(model, X)
    found = class_figures(y, predicted, classes, proba)
    guessed = predicted.astype(y.dtype) if y.dtype.kind == "U" else predicted
    labels = np.asarray(classes).astype(y.dtype) if y.dtype.kind == "U" else np.asarray(classes)
    columns = precision_recall_fscore_support(y, guessed, labels=labels, zero_division=0)
    lines = [
        ClassLine(label, int(rows), float(precision), float(recall), float(f1))
        for label, precision, recall, f1, rows in zip(classes, *columns, strict=True)
    ]
    sure = happened = None
    if proba is not None:
        best = np.full(len(y), 1) if len(classes) == 2 else proba.argmax(axis=1)
        sure, happened = proba[np.arange(len(y)), best], labels[best] == y
    confusion = confusion_matrix(y, guessed, labels=labels)
    results = ClassResults(found, classes, confusion, lines, sure, happened)
    return results, WeighedClasses(y, predicted, classes, proba)


def _number_results(
    model: LoadedModel, X: Any, y: np.ndarray, predicted: np.ndarray
) -> NumberResults:
    figures = number_figures(y, predicted)
    network: Any = model.network
    if not hasattr(network, "predict_interval"):
        return NumberResults(figures, y, predicted, COVERAGES, None, "It predicts none.")
    try:
        with matched_by_name():
            inputs = network_inputs(model, X)
            covered = covered_shares(network.predict_interval, inputs, y, COVERAGES)
    except InvalidArgumentError as error:  # too few rows in training for such a share, or none set
        return NumberResults(figures, y, predicted, COVERAGES, None, str(error))
    return NumberResults(figures, y, predicted, COVERAGES, covered)


def _figures(results: Results, found: Mapping[str, BootstrapInterval | None]) -> list[Figure]:
    """Return the figures with their intervals."""
    values: Mapping[str, Any] = results.figures.as_json()
    if isinstance(results, ClassResults):
        positive = results.figures.positive
        of = "mean of the classes" if positive is None else f"of {positive!r}"
        names = {
            "accuracy": "accuracy",
            "balanced_accuracy": "balanced accuracy",
            "auc": f"ROC AUC, {of}",
            "average_precision": f"average precision, {of}",
            "f1": f"F1, {of}",
            "log_loss": "log loss",
            "brier": "Brier score",
            "calibration_error": "calibration error",
        }
    else:
        names = {"r2": "R2", "rmse": "root mean squared error", "mae": "mean absolute error"}
    percents = ("accuracy", "balanced_accuracy", "calibration_error")
    return [
        Figure(key, name, values[key], found[key], key in percents)
        for key, name in names.items()
        if key in found
    ]


def _importances(
    model: LoadedModel, X: Any, y: np.ndarray, choices: ReportChoices, begin: Begin
) -> FeatureImportances | None:
    """Return the importances of the columns, where there are to be any."""
    if not choices.repeats:
        return None
    n_scores = X.shape[1] * choices.repeats + 2
    title = f"importance of {count(X.shape[1], 'column')}"
    with begin(title, n_scores) as advance, matched_by_name():
        score = counted_scorer(model.estimator, choices.scoring, advance)
        return feature_importances(
            model.estimator,
            X,
            y,
            scoring=score,
            n_repeats=choices.repeats,
            random_state=choices.seed,
            max_samples=IMPORTANCE_ROWS,
        )


def counted_scorer(
    estimator: BaseEstimator, scoring: str | None, advance: Advance
) -> Callable[..., float]:
    """Return the scorer of a name, that says so after each score."""
    scorer = scorer_of(estimator, scoring)

    def score(model: BaseEstimator, X: Any, y: np.ndarray) -> float:
        value = scorer(model, X, y)
        advance()
        return value

    return score
