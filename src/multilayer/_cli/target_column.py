"""The column to predict: classes or numbers, by its content or as the user says."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilayer._cli.labels import NUMBER, column_labels, refuse_missing, show, text_labels
from multilayer._cli.table_files import CODE, Table
from multilayer._core.checks import count, listed
from multilayer._core.errors import DataError

if TYPE_CHECKING:
    from pandas import Series

CLASSIFICATION, REGRESSION = "classification", "regression"
MOST_CLASSES = 20  # different whole numbers that are classes, and not a measured number
MOST_NUMBERS = 100  # different whole numbers that might be classes
ROWS_PER_CLASS = 5  # rows that such a class has at least, on the average
MOST_PRINTED = 4  # classes in the line that says what the target is
MISSING = ("na", "n/a", "nan", "null", "none")


@dataclass(frozen=True)
class Target:
    """What is to be predicted."""

    values: np.ndarray  # (rows,) labels, or float64
    task: str
    content: str  # what the column has, in words
    either: bool  # whether it could be the other task

    @property
    def is_classes(self) -> bool:
        """Whether the values are classes."""
        return self.task == CLASSIFICATION


def read_target(table: Table, name: str, task: str | None) -> Target:
    """Return the target of a table, and the task that it is; a given task decides."""
    where, series = f"target column {name!r} of {table.path}", table.frame[name]
    numbers = _numbers(table, series, where)
    numeric = numbers is not None and not (not table.typed and any(map(CODE.fullmatch, series)))
    few = numbers is None or not numeric or are_classes(numbers)
    task = task or (CLASSIFICATION if few else REGRESSION)
    if task == CLASSIFICATION:
        labels = column_labels(series, where) if table.typed else _labels(series, where)
        return Target(labels, task, _classes_in_words(labels, where), numeric)
    if numbers is None:
        raise DataError(
            f"{where} must have numbers for --task regression, got {_some(series)}. If these are "
            "numbers, --decimal says how they are written."
        )
    if not np.isfinite(numbers).all():
        raise DataError(f"{where} has infinite values. Delete these rows.")
    n_values = len(np.unique(numbers))
    if n_values < 2:
        raise DataError(f"{where} has one value only: {numbers[0]:g}. Give rows of others.")
    either = n_values <= MOST_NUMBERS and bool((numbers == np.floor(numbers)).all())
    return Target(numbers, task, f"{n_values:,} different numbers", either)


def are_classes(numbers: np.ndarray) -> bool:
    """Whether numbers are taken for classes: few whole ones, each of which comes several times."""
    if not np.isfinite(numbers).all() or (numbers != np.floor(numbers)).any():
        return False
    different = len(np.unique(numbers))
    return different <= max(2, min(MOST_CLASSES, len(numbers) // ROWS_PER_CLASS))


def _numbers(table: Table, series: "Series", where: str) -> np.ndarray | None:
    """Return a column as float64, None where it has other values."""
    if table.typed:
        if series.dtype.kind not in "iuf":  # pandas' own types for missing values have it too
            return None
        refuse_missing(int(series.isna().sum()), where)
        return series.to_numpy(dtype=np.float64)
    texts = series.tolist()
    refuse_missing(sum(not text for text in texts), where)
    found = {text: text.replace(table.decimal, ".", 1) for text in set(texts)}
    others = {text for text, number in found.items() if not NUMBER.fullmatch(number.strip())}
    numbers = np.array([float(found[text]) for text in texts if text not in others])
    if not len(numbers) or any(text.strip().lower() not in MISSING for text in others):
        return None
    if others and not are_classes(numbers):
        refuse_missing(len(texts) - len(numbers), where)
    return None if others else numbers


def _labels(series: "Series", where: str) -> np.ndarray:
    return text_labels(series.tolist(), where)


def _classes_in_words(labels: np.ndarray, where: str) -> str:
    """Describe classes; refuse what no classifier can learn."""
    classes = np.unique(labels)
    if len(classes) < 2:
        raise DataError(f"{where} has one class only: {show(classes)}. Give rows of others.")
    if len(classes) > len(labels) / 2:
        raise DataError(
            f"{where} has {len(classes):,} distinct values in {count(len(labels), 'row')}: is it a "
            f"class? {show(classes)}. Choose another column, or --decimal if these are numbers."
        )
    return f"{len(classes):,} classes: {listed(classes.tolist(), MOST_PRINTED)}"


def _some(series: "Series") -> str:
    return show(np.unique(series.dropna().astype(str).to_numpy(dtype=object)))
