"""Rules for the arguments of steps, and their look-up."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeGuard

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.model_steps import FittedStep

# Names of the arrays of sibling steps ------------------------------------------------------------


def prefixes_of(kinds: Sequence[str]) -> list[str]:
    """Return the prefixes of array names: the kind, from the second of a kind with its number."""
    seen: Counter[str] = Counter()
    prefixes = []
    for kind in kinds:
        seen[kind] += 1
        prefixes.append(f"{kind}." if seen[kind] == 1 else f"{kind}{seen[kind]}.")
    return prefixes


# Categories and their places, and the output columns of encoders and imputers --------------------


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


# Rules for the arguments of steps in files: scikit-learn's own, or tighter -----------------------
#
# Each kind of step has its rules in its record, since files are also read where there is no
# scikit-learn, and since its releases differ. All arguments of a kind must be in a file, apart from
# those that not every release has.


Rule: TypeAlias = Callable[[object], bool]
Rules: TypeAlias = Mapping[str, Rule]
"""Rules of the arguments of a kind of step, by name."""
MOST = 2**53  # of counts: floats are exact up to it


def one_of(*words: object) -> Rule:
    """Return the rule that a value is one of these, of the same type."""
    return lambda value: any(type(value) is type(word) and value == word for word in words)


def count(low: int) -> Rule:
    """Return the rule that a value is an integer of at least ``low``."""
    return lambda value: type(value) is int and low <= value < MOST


def real(low: float = -math.inf, high: float = math.inf) -> Rule:
    """Return the rule that a value is a number in [low, high], not NaN."""
    return lambda value: _is_number(value) and low <= value <= high


def _is_number(value: object) -> TypeGuard[int | float]:
    return type(value) in (int, float)


def either(*rules: Rule) -> Rule:
    """Return the rule that one of these holds."""
    return lambda value: any(rule(value) for rule in rules)


def of_type(*types: type) -> Rule:
    """Return the rule that a value is exactly of one of these types."""
    return lambda value: type(value) in types


def pair(value: object) -> bool:
    """Whether a value is two numbers, the second one not below the first."""
    if type(value) is not tuple or len(value) != 2 or not all(map(real(), value)):
        return False
    return bool(value[0] <= value[1])


def labels(value: object) -> bool:
    """Whether a value is a list of labels, None among them."""
    known = of_type(str, int, float, bool, type(None))
    return isinstance(value, list | tuple) and all(map(known, value))


def weights(value: object) -> bool:
    """Whether a value is numbers by name."""
    return type(value) is dict and all(map(of_type(int, float), value.values()))


FLAG = one_of(True, False)
NOTHING = one_of(None)
SEED = either(NOTHING, lambda value: type(value) is int and 0 <= value < 2**32)
LIST = of_type(list, tuple)
AUTO = one_of("auto")
SHARE = lambda value: type(value) is float and 0 < value < 1  # noqa: E731  # beside counts
ORDER = one_of("C", "F")
WEIGHTS = either(NOTHING, weights)
MISSING = of_type(int, float, str, type(None))


def is_type(value: object) -> bool:
    """Whether a value is a type of numbers, or the default in its place."""
    return value is None or (isinstance(value, type) and np.dtype(value).kind in "biuf")
