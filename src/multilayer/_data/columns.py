"""Tables and arrays checked by their columns, before they become arrays of numbers."""

from collections.abc import Hashable, Iterable, Iterator
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from multilayer._core.checks import in_row
from multilayer._data.frames import (
    COMPLEX,
    KINDS,
    NUMBERS,
    NUMPY_KINDS,
    OBJECTS,
    Column,
    columns_of,
    is_frame,
    is_missing,
    other_kinds,
)

if TYPE_CHECKING:
    from scipy import sparse

LONGEST_EXAMPLE = 60  # characters
NAMED = {name for name, _ in KINDS} | {"Period", "Interval"}
ENCODED = {"text", "categories", "bytes"}
MEASURED = {"dates", "durations", "times of day", "periods", "Period"}


class Other(NamedTuple):
    """A column that holds something else than numbers."""

    name: Hashable
    kind: str  # "text", "dates", ...
    example: object  # one of its values, None where all are missing


class Gaps(NamedTuple):
    """Values that no number stands for, of the columns that have any."""

    missing: dict[Hashable, int]
    infinite: dict[Hashable, int]


def others(given: object) -> list[Other]:
    """Return the columns of a table, or of an array, that hold something else than numbers.

    Booleans are numbers, and so are objects, categories and decimals that convert to a float.
    What else is in an array of objects, such as lists, is left to NumPy to refuse. An array of one
    type is one find, without a name.
    """
    frame, found = is_frame(given), []
    for column in _columns(given):
        if column.kind == OBJECTS:
            kinds = other_kinds(column.values())
            named = [
                Other(column.name, *each) for each in kinds.items() if frame or each[0] in NAMED
            ]
            found += named[:1]
        elif column.kind != NUMBERS:
            example = next((value for value in column.values() if not is_missing(value)), None)
            if column.kind == COMPLEX and not frame:
                return []  # scikit-learn refuses it
            if not frame:
                return [Other(None, column.kind, example)]
            found.append(Other(column.name, column.kind, example))
    return found


def kinds_in(values: np.ndarray) -> dict[str, object]:
    """Return what an array of any shape holds that is no number, each kind with one of them."""
    kind = NUMPY_KINDS.get(values.dtype.kind, str(values.dtype))
    if kind == OBJECTS:
        return other_kinds(values.ravel().tolist())
    return {} if kind == NUMBERS else {kind: next(iter(values.ravel().tolist()), None)}


def missing_objects(given: object) -> dict[Hashable, int]:
    """Return how many values are missing in columns of Python objects."""
    counts = {
        column.name: sum(map(is_missing, column.values()))
        for column in _columns(given)
        if column.kind == OBJECTS
    }
    return {name: number for name, number in counts.items() if number}


def gaps(given: object) -> Gaps:
    """Return how many values are missing, and how many infinite, in columns of numbers."""
    found = Gaps({}, {})
    for column in _columns(given, every=True):
        numbers = column.numbers()
        for counts, where in zip(found, (np.isnan(numbers), np.isinf(numbers)), strict=True):
            if where.any():
                counts[column.name] = int(where.sum())
    return found


def described(found: list[Other]) -> str:
    """Return what holds something else than numbers, the first columns of many."""
    if found[0].name is None:
        return f"{found[0].kind}, for example {_shown(found[0].example)}"
    return f"columns that are not numbers: {in_row([_described(other) for other in found])}"


def remedy(found: Iterable[Other]) -> str:
    """Return what makes numbers of such columns."""
    kinds = {other.kind for other in found}
    ways = []
    if kinds & ENCODED:
        ways.append("encode text and categories, for example with OneHotEncoder")
    if kinds & MEASURED:
        ways.append("turn dates and durations into numbers, for example days since the first one")
    if kinds - ENCODED - MEASURED:
        ways.append("turn the others into numbers" if ways else "turn them into numbers")
    ways = [*ways, "or leave these columns out"]
    return f"{ways[0][0].upper()}{', '.join(ways)[1:]}."


def _columns(given: object, *, every: bool = False) -> Iterator[Column]:
    """Go through ``every`` column, or through those that may hold something else than numbers."""
    if is_frame(given):
        yield from columns_of(given, every=every)
    elif every and hasattr(given, "tocsc"):
        yield from _of_sparse(given)
    elif isinstance(given, np.ndarray) and given.ndim == 2:
        kind = NUMPY_KINDS.get(given.dtype.kind, str(given.dtype))
        if every or kind != NUMBERS:
            yield from _of_array(given, kind)


def _of_array(array: np.ndarray, kind: str) -> Iterator[Column]:
    for place, values in enumerate(array.T):
        yield Column(place, kind, partial(list, values), partial(values.astype, np.float64))


def _of_sparse(matrix: "sparse.spmatrix") -> Iterator[Column]:
    """Go through the columns, of which only what is stored can be missing."""
    by_column = matrix.tocsc()
    for place, (start, end) in enumerate(pairwise(by_column.indptr)):
        values = by_column.data[start:end]
        yield Column(place, NUMBERS, partial(list, values), partial(values.astype, np.float64))


def _described(other: Other) -> str:
    example = "" if other.example is None else f", for example {_shown(other.example)}"
    return f"{other.name!r} ({other.kind}{example})"


def _shown(example: object) -> str:
    """Return a value as Python writes it, the begin of a long one."""
    dates = isinstance(example, np.datetime64 | np.timedelta64)  # of units that Python lacks
    shown = repr(example.item() if isinstance(example, np.generic) and not dates else example)
    return shown if len(shown) <= LONGEST_EXAMPLE else f"{shown[:LONGEST_EXAMPLE]}..."
