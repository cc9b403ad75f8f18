"""The column to predict, as class labels."""

import re
import warnings
from typing import TYPE_CHECKING

import numpy as np

from multilayer._cli.table_files import Table
from multilayer._core.checks import count, listed
from multilayer._core.errors import DataError

if TYPE_CHECKING:
    from pandas import Series

MOST_SHOWN = 8
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")  # as Python writes an int64
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def table_labels(table: Table, target: str, *, classes: np.ndarray | None = None) -> np.ndarray:
    """Return the column to predict as labels, in the form of the ``classes`` of a model if given.

    Text that a file without types has instead of numbers becomes numbers only where nothing is
    lost by it: the labels can be written back as they stand in the file.
    """
    where, series = f"target column {target!r} of {table.path}", table.frame[target]
    if table.typed:
        return column_labels(series, where)
    texts = series.tolist()
    refuse_missing(sum(not text for text in texts), where)
    if classes is not None and classes.dtype.kind in "UO":
        return np.array(texts)
    return text_labels(texts, where)


def text_labels(texts: list[str], where: str) -> np.ndarray:
    """Return labels of a file without types: integers, truth, numbers or text."""
    different = set(texts)
    if all(WHOLE.fullmatch(text) for text in different):
        return np.array([int(text) for text in texts])
    if different <= {"True", "False"}:
        return np.array([text == "True" for text in texts])
    numbers = {text: float(text) for text in different if NUMBER.fullmatch(text)}
    if len(numbers) == len(different):
        fractions = any(not number.is_integer() for number in numbers.values())
        if fractions or all(repr(number) == text for text, number in numbers.items()):
            return check_labels(np.array([numbers[text] for text in texts]), where)
    _refuse_two_ways(numbers, where)
    _warn_of_missing(different, set(numbers), where)
    return np.array(texts)


def _refuse_two_ways(numbers: dict[str, float], where: str) -> None:
    """Refuse labels that are one number, written in two ways."""
    written: dict[float, str] = {}
    for text, number in numbers.items():
        other = written.setdefault(number, text)
        if other != text:
            raise DataError(
                f"{where} has the labels {other!r} and {text!r}, which are the same number. Write "
                "them in one way, or as text that differs."
            )


def _warn_of_missing(labels: set[str], numbers: set[str], where: str) -> None:
    """Warn where a class among numbers may mean a missing value."""
    others = sorted(labels - numbers)
    if numbers and len(others) == 1 and others[0].lower() in ("na", "n/a", "nan", "null", "none"):
        warnings.warn(
            f"{where} has the label {others[0]!r} among numbers: it is a class here. Delete these "
            "rows if it means a missing label.",
            UserWarning,
            stacklevel=2,
        )


def refuse_missing(missing: int, where: str) -> None:
    """Refuse missing labels."""
    if missing:
        raise DataError(
            f"{where} has {count(missing, 'missing value')}. Delete these rows, or fill them."
        )


def column_labels(series: "Series", where: str) -> np.ndarray:
    """Return a pandas column as labels: text, integers, booleans or whole floats."""
    refuse_missing(int(series.isna().sum()), where)
    if str(series.dtype) == "category":
        series = series.astype(series.cat.categories.dtype)
    values = series.to_numpy()
    if values.dtype.kind == "O":
        items = values.tolist()
        kinds = {type(item) for item in items}
        if kinds not in ({str}, {bool}, {int}):
            names = sorted(kind.__name__ for kind in kinds)
            raise DataError(
                f"{where} holds {' and '.join(names)} values. Classes must be text, integers or "
                "booleans, all of one kind."
            )
        values = np.array(items)
    return check_labels(values, where)


def check_labels(y: np.ndarray, where: str) -> np.ndarray:
    """Refuse labels that are no classes."""
    if y.ndim != 1:
        raise DataError(f"{where} must have one label per row, got an array of shape {y.shape}.")
    if y.dtype.kind not in "biufU":
        raise DataError(
            f"{where} holds values of type {y.dtype}. Classes must be text, integers or booleans."
        )
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise DataError(f"{where} has missing or infinite values. Delete these rows.")
        if (y != np.floor(y)).any():
            distinct = len(np.unique(y))
            raise DataError(
                f"{where} is continuous ({distinct:,} distinct values in {count(len(y), 'row')}). "
                "Classification needs classes: choose another column, or cut it into intervals."
            )
    return y


def require_known(y: np.ndarray, classes: np.ndarray, where: str) -> None:
    """Refuse labels that are no classes of a model."""
    text = y.dtype.kind == "U"
    if text != (classes.dtype.kind in "UO"):
        kinds = ("text", "numbers") if text else ("numbers", "text")
        raise DataError(
            f"{where} holds {kinds[0]}, but the model's classes are {kinds[1]}: {show(classes)}."
        )
    unknown = np.setdiff1d(y, classes.astype(str) if text else classes)
    if len(unknown):
        raise DataError(
            f"{where} has labels that the model does not know: {show(unknown)}. "
            f"Its classes: {show(classes)}."
        )


def show(labels: np.ndarray) -> str:
    """Return labels for a message, the first ones of many."""
    return listed(labels.tolist(), MOST_SHOWN)
