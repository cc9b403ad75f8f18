"""How good predictions are: figures of classes and of numbers. Numbers only, no output."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from multilayer._cli import report
from multilayer._cli.confusions import Confusion, Label, confusions
from multilayer._core.checks import count
from multilayer._core.types import JSON
from multilayer._sklearn.targets.metrics import of_numbers

# Classes: accuracy, what is taken for what, probabilities ----------------------------------------


N_BINS = 15  # of the probabilities, for the calibration error
SMALLEST = 1e-15  # probability, for the logarithm


@dataclass(frozen=True)
class ProbabilityFigures:
    """How good probabilities are.

    Of two classes `auc` and `average_precision` are those of the positive class, else means over
    the classes that are among the rows.
    """

    auc: float | None  # area under the ROC curve; None where all rows are of one class
    average_precision: float | None
    log_loss: float
    brier: float  # mean squared error of the probabilities, of more than two classes summed
    calibration_error: float  # of the most probable class, in bins of the same width


@dataclass(frozen=True)
class ClassFigures:
    """How a model of classes does on labelled rows."""

    rows: int
    commonest: Label
    base_rate: float  # accuracy of always predicting the commonest class of these rows
    accuracy: float
    balanced_accuracy: float  # mean recall of the classes that are among the rows
    positive: Label | None  # the second of two classes
    f1: float  # of the positive class, or the mean over classes
    probabilities: ProbabilityFigures | None
    confusions: list[Confusion]  # of the worst classes, worst first

    def as_json(self) -> dict[str, JSON]:
        """Return the figures by name, confusions apart."""
        found = {name: value for name, value in asdict(self).items() if name != "confusions"}
        return {**found, **(found.pop("probabilities") or {})}


def class_figures(
    y: np.ndarray, predicted: np.ndarray, classes: Sequence[Label], proba: np.ndarray | None
) -> ClassFigures:
    """Compare labels with predictions ``(rows,)`` and probabilities ``(rows, classes)``."""
    present, numbers = np.unique(y, return_counts=True)
    most = int(numbers.argmax())
    positive = classes[1] if len(classes) == 2 else None
    if positive is None:
        f1 = f1_score(y, predicted, average="macro", zero_division=0)
    else:
        f1 = f1_score(y == positive, predicted == positive, zero_division=0)
    return ClassFigures(
        rows=len(y),
        commonest=present[most : most + 1].tolist()[0],
        base_rate=float(numbers[most] / len(y)),
        accuracy=float(np.mean(predicted == y)),
        balanced_accuracy=float(np.mean([np.mean(predicted[y == c] == c) for c in present])),
        positive=positive,
        f1=float(f1),
        probabilities=None if proba is None else _probability_figures(y, classes, proba),
        confusions=confusions(y, predicted),
    )


def _probability_figures(
    y: np.ndarray, classes: Sequence[Label], proba: np.ndarray
) -> ProbabilityFigures:
    hits = np.stack([y == label for label in classes], axis=1)
    proba = proba.astype(np.float64)
    squares = np.square(proba - hits).sum(axis=1).mean()
    sure = proba.max(axis=1)
    return ProbabilityFigures(
        auc=_mean_over_classes(roc_auc_score, hits, proba),
        average_precision=_mean_over_classes(average_precision_score, hits, proba),
        log_loss=float(-np.log(np.maximum(proba[hits], SMALLEST)).mean()),
        brier=float(squares / 2 if len(classes) == 2 else squares),
        calibration_error=calibration_error(sure, hits[np.arange(len(y)), proba.argmax(axis=1)]),
    )


def _mean_over_classes(
    score: Callable[[np.ndarray, np.ndarray], float], hits: np.ndarray, proba: np.ndarray
) -> float | None:
    """Return a score of the second of two classes, or its mean over those that some rows have."""
    columns = [1] if hits.shape[1] == 2 else range(hits.shape[1])
    scored = [column for column in columns if 0 < hits[:, column].sum() < len(hits)]
    if not scored:
        return None
    return float(np.mean([score(hits[:, column], proba[:, column]) for column in scored]))


def calibration_error(probability: np.ndarray, happened: np.ndarray) -> float:
    """Return the mean distance between probabilities and shares in bins, weighted by their rows.

    The expected calibration error of Naeini et al. (2015).
    """
    places = np.minimum((probability * N_BINS).astype(np.int64), N_BINS - 1)
    off = np.bincount(places, probability - happened, minlength=N_BINS)
    return float(np.abs(off).sum() / len(probability))


# Numbers -----------------------------------------------------------------------------------------


COVERAGE = 0.9  # of the intervals that are judged


@dataclass(frozen=True)
class IntervalFigures:
    """How good intervals of numbers are."""

    nominal_coverage: float  # share of the rows that they promise to hold
    coverage: float  # share that they hold
    interval_width: float  # mean


@dataclass(frozen=True)
class NumberFigures:
    """How a model of numbers does on rows whose numbers are known."""

    rows: int
    r2: float | None  # None where all rows have the same number
    rmse: float  # root of the mean squared error
    mae: float  # mean absolute error
    base_rmse: float  # of always predicting the mean of these rows
    intervals: IntervalFigures | None = None  # of models that have them

    def as_json(self) -> dict[str, JSON]:
        """Return the figures by name."""
        found = asdict(self)
        return {**found, **(found.pop("intervals") or {})}


def number_figures(
    y: np.ndarray, predicted: np.ndarray, intervals: np.ndarray | None = None
) -> NumberFigures:
    """Compare numbers with predictions ``(rows,)`` and intervals ``(rows, 2)``."""
    spread = float(np.std(y))
    found = of_numbers(predicted, y, np.ones(len(y)))
    return NumberFigures(
        rows=len(y),
        r2=found["r2"] if spread else None,
        rmse=found["rmse"],
        mae=found["mae"],
        base_rmse=spread,
        intervals=None if intervals is None else _interval_figures(y, intervals),
    )


def _interval_figures(y: np.ndarray, intervals: np.ndarray) -> IntervalFigures:
    low, high = intervals.astype(np.float64).T
    inside = float(np.mean((low <= y) & (y <= high)))
    return IntervalFigures(COVERAGE, inside, float(np.mean(high - low)))


# Output for people -------------------------------------------------------------------------------


def in_words(found: ClassFigures | NumberFigures) -> list[tuple[str, str]]:
    """Return the figures with their names, for :func:`report.print_pairs`."""
    if isinstance(found, ClassFigures):
        return _classes_in_words(found)
    base = f"{report.number(found.base_rmse)} for the mean of these rows"
    pairs = [
        ("R2", "undefined: all rows have one number" if found.r2 is None else f"{found.r2:.4f}"),
        ("root mean squared error", f"{report.number(found.rmse)} ({base})"),
        ("mean absolute error", f"{report.number(found.mae)} of {count(found.rows, 'row')}"),
    ]
    known = found.intervals
    if known is not None:
        width = f"intervals for {known.nominal_coverage:.0%}, {report.number(known.interval_width)}"
        pairs.append(("coverage", f"{report.percent(known.coverage)} ({width} wide on average)"))
    return pairs


def _classes_in_words(found: ClassFigures) -> list[tuple[str, str]]:
    of = "mean of the classes" if found.positive is None else f"of {found.positive!r}"
    pairs = [
        ("accuracy", report.accuracy(found.accuracy, found.rows)),
        ("base rate", f"{report.percent(found.base_rate)}, always {found.commonest!r}"),
        ("balanced accuracy", report.percent(found.balanced_accuracy)),
    ]
    known = found.probabilities
    if known is not None and known.auc is not None and known.average_precision is not None:
        pairs.append(("ROC AUC", f"{known.auc:.4f}, {of}"))
        pairs.append(("average precision", f"{known.average_precision:.4f}, {of}"))
    pairs.append(("F1", f"{found.f1:.4f}, {of}"))
    if known is not None:
        pairs.append(("log loss", f"{known.log_loss:.4f}"))
        pairs.append(("Brier score", f"{known.brier:.4f}"))
        pairs.append(("calibration error", report.percent(known.calibration_error)))
    return pairs
