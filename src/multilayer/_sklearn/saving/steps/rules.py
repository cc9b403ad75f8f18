"""Rules for the arguments of steps in files: scikit-learn's own, or tighter.

Each kind of step has its rules in its record, since files are also read where there is no
scikit-learn, and since its releases differ. All arguments of a kind must be in a file, apart from
those that not every release has.
"""

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeGuard

import numpy as np

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
