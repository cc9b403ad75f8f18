"""Encoders of categories, and what stands in for missing values."""

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np

from multilayer._core.errors import DataError, ModelFileError
from multilayer._portable.parts import Holder
from multilayer._portable.predictor import Transform
from multilayer._portable.rows import real

UNKNOWN = -1
Places = Callable[[np.ndarray, int], np.ndarray]
"""Numbers of the categories of a column; UNKNOWN for those that are none."""


def is_nan(value: Any) -> bool:
    """Whether a value is no number."""
    return isinstance(value, float) and value != value


def places_of(categories: list[np.ndarray]) -> Places:
    """Return what finds labels among the categories of each column."""
    tables = [{label: i for i, label in enumerate(own.tolist())} for own in categories]
    nans = [next((i for label, i in own.items() if is_nan(label)), UNKNOWN) for own in tables]

    def places(labels: np.ndarray, column: int) -> np.ndarray:
        table, nan = tables[column], nans[column]
        found = [nan if is_nan(label) else table.get(label, UNKNOWN) for label in labels.tolist()]
        return np.array(found, np.int64)

    return places


def refuse_unknown(X: np.ndarray, column: int, places: np.ndarray) -> None:
    """Refuse labels that are no categories."""
    if (places == UNKNOWN).any():
        unknown = sorted(set(map(repr, X[places == UNKNOWN, column].tolist())))
        raise DataError(
            f"X has unknown categories [{', '.join(unknown)}] in column {column}. Fit the encoder "
            "with handle_unknown set to take such."
        )


def groups_of(step: Holder) -> list[np.ndarray]:
    """Return for each column a table from categories to what infrequent ones are grouped into."""
    tables = []
    for categories, infrequent in zip(step.categories_, step._infrequent_indices, strict=True):
        frequent = np.ones(len(categories), bool)
        if infrequent is not None:
            if infrequent[-1] >= len(categories):
                raise ModelFileError("its encoder groups categories that there are not.")
            frequent[infrequent] = False
        tables.append(np.where(frequent, frequent.cumsum() - 1, frequent.sum()))
    return tables


# One column for each category ------------------------------------------------------------------


def one_hot(step: Holder) -> Transform:
    """Whether each label is a category, one column for each."""
    words = ("error", "ignore", "infrequent_if_exist", "warn")
    unknown = step.word("handle_unknown", *words)
    places, groups = places_of(step.categories_), groups_of(step)
    infrequent = [
        UNKNOWN if n is None else g.max()
        for n, g in zip(step._infrequent_indices, groups, strict=True)
    ]
    kept = [_kept(step, i, table) for i, table in enumerate(groups)]
    dtype = step.type_of_results()

    def of_column(X: np.ndarray, i: int) -> np.ndarray:
        found = places(X[:, i], i)
        if unknown == "error":
            refuse_unknown(X, i, found)
        grouped = np.where(found == UNKNOWN, UNKNOWN, groups[i][found])
        if unknown in ("infrequent_if_exist", "warn"):
            grouped = np.where(found == UNKNOWN, infrequent[i], grouped)
        return grouped[:, None] == kept[i]

    return lambda X: np.hstack([of_column(X, i) for i in range(len(groups))]).astype(dtype)


def _kept(step: Holder, i: int, table: np.ndarray) -> np.ndarray:
    """Return the groups of a column that have a column each, all but the one dropped."""
    groups = np.arange(table.max() + 1)
    drop = step.drop
    if drop is None or (isinstance(drop, str) and drop == "if_binary" and len(groups) != 2):
        return groups
    if isinstance(drop, str):
        step.word("drop", "first", "if_binary")
        return groups[1:]
    if not isinstance(drop, list | tuple) or len(drop) != len(step.categories_):
        raise ModelFileError(f"its OneHotEncoder has drop={drop!r}, which is no list of labels.")
    if drop[i] is None and None not in step.categories_[i].tolist():
        return groups
    place = places_of([step.categories_[i]])(np.array([drop[i]], dtype=object), 0)[0]
    if place == UNKNOWN:
        raise ModelFileError(f"its OneHotEncoder drops {drop[i]!r}, which is no category.")
    return groups[groups != table[place]]


# One number for each category ------------------------------------------------------------------


def ordinal(step: Holder) -> Transform:
    """The number of each label among the categories."""
    refuses = step.word("handle_unknown", "error", "use_encoded_value") == "error"
    unknown = None if refuses else step.number("unknown_value", nan=True)
    places, groups = places_of(step.categories_), groups_of(step)
    dtype = step.type_of_results()
    missing = [[is_nan(label) for label in own.tolist()] for own in step.categories_]
    value = step.number("encoded_missing_value", nan=True)

    def of_column(X: np.ndarray, i: int) -> np.ndarray:
        found = places(X[:, i], i)
        if refuses:
            refuse_unknown(X, i, found)
        codes = groups[i][found].astype(dtype)
        codes[np.array(missing[i])[found] & (found != UNKNOWN)] = value
        if not refuses:
            codes[found == UNKNOWN] = unknown
        return codes

    return lambda X: np.column_stack([of_column(X, i) for i in range(len(groups))])


# Means of the target for each category ---------------------------------------------------------


def target_means(step: Holder) -> Transform:
    """The mean target of each category, of each class of several; of others the mean of all."""
    places, n_columns = places_of(step.categories_), len(step.categories_)
    means = np.atleast_1d(step.target_mean_)
    pairs = zip(step.encodings_, cycle(means), strict=False)
    tables = [np.append(own, mean) for own, mean in pairs]  # UNKNOWN finds the last of them

    def transform(X: np.ndarray) -> np.ndarray:
        if X.dtype.kind == "f":
            real(X, missing=True)  # refuses infinity
        found = [places(X[:, i], i) for i in range(n_columns)]
        return np.column_stack([table[found[i // len(means)]] for i, table in enumerate(tables)])

    return transform


# Missing values --------------------------------------------------------------------------------


def marker_of(step: Holder) -> Any:
    """Return what stands for a missing value: a number, text or None."""
    marker = step.missing_values
    if not (marker is None or isinstance(marker, int | float | str)):
        raise ModelFileError(f"its {step.kind} has missing_values={marker!r}, which is no value.")
    return marker


def is_missing(X: np.ndarray, marker: Any) -> np.ndarray:
    """Return where a table has the marker of missing values."""
    if not is_nan(marker):
        return marker == X
    return np.isnan(X) if X.dtype.kind == "f" else X != X


def imputer(step: Holder) -> Transform:
    """What stands in place of missing values, and columns that say where they were."""
    marker, statistics = marker_of(step), step.statistics_
    empty = np.array([is_nan(value) for value in statistics.tolist()])
    kept = np.ones(len(empty), bool) if step.keep_empty_features else ~empty
    marks = step.indicator_.features_ if step.add_indicator else np.zeros(0, int)

    words = statistics.dtype.kind in "OU"

    def transform(X: np.ndarray) -> np.ndarray:
        X = X.astype(object) if words else real(X, missing=True)
        missing = is_missing(X, marker)
        filled = np.where(missing, statistics.astype(X.dtype), X)[:, kept]
        return np.hstack([filled, missing[:, marks].astype(filled.dtype)])

    return transform


def indicator(step: Holder) -> Transform:
    """Where values are missing."""
    marker, features = marker_of(step), step.features_
    return lambda X: is_missing(X, marker)[:, features]
