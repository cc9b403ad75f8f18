"""Categories and their places, and what encoders and imputers make of each column."""

from collections.abc import Callable, Sequence

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.model_steps import FittedStep

UNKNOWN = -1
Places = Callable[[np.ndarray, int], np.ndarray]
"""Numbers of the categories of a column; UNKNOWN for those that are none."""


def is_nan(value: object) -> bool:
    """Whether a value is no number."""
    return isinstance(value, float) and value != value


def places_of(categories: Sequence[np.ndarray]) -> Places:
    """Return what finds labels among the categories of each column."""
    tables = [{label: i for i, label in enumerate(own.tolist())} for own in categories]
    nans = [next((i for label, i in own.items() if is_nan(label)), UNKNOWN) for own in tables]

    def places(labels: np.ndarray, column: int) -> np.ndarray:
        table, nan = tables[column], nans[column]
        found = [nan if is_nan(label) else table.get(label, UNKNOWN) for label in labels.tolist()]
        return np.array(found, np.int64)

    return places


def groups_of(step: FittedStep) -> list[np.ndarray]:
    """Return for each column a table from categories to what infrequent ones are grouped into."""
    tables = []
    for categories, infrequent in zip(step.categories_, step._infrequent_indices, strict=True):
        frequent = np.ones(len(categories), bool)
        if infrequent is not None:
            if infrequent[-1] >= len(categories):
                raise ModelFileError("its encoder groups unknown categories.")
            frequent[infrequent] = False
        tables.append(np.where(frequent, frequent.cumsum() - 1, frequent.sum()))
    return tables


def columns_out(step: FittedStep, i: int, table: np.ndarray) -> np.ndarray:
    """Return the groups that become a column each: all but the one dropped."""
    groups = np.arange(table.max() + 1)
    drop = step.drop
    if drop is None or (isinstance(drop, str) and drop == "if_binary" and len(groups) != 2):
        return groups
    if isinstance(drop, str):
        return groups[1:]
    if not isinstance(drop, list | tuple) or len(drop) != len(step.categories_):
        raise ModelFileError(f"its OneHotEncoder has drop={drop!r}, which is no list of labels.")
    if drop[i] is None and None not in step.categories_[i].tolist():
        return groups
    place = places_of([step.categories_[i]])(np.array([drop[i]], dtype=object), 0)[0]
    if place == UNKNOWN:
        raise ModelFileError(f"its OneHotEncoder drops {drop[i]!r}, which is no category.")
    return groups[groups != table[place]]


def filled_columns(step: FittedStep) -> np.ndarray:
    """Return which columns an imputer returns: all, or those that had a value to learn from."""
    known = np.array([not is_nan(value) for value in step.statistics_.tolist()], bool)
    keeps_all = step.keep_empty_features or step.strategy == "constant"
    return np.ones(len(known), bool) if keeps_all else known
