"""Features of an input: how they are read, and the columns made of them."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from numbers import Integral
from typing import TypeAlias, TypeGuard

import numpy as np

from multilayer._core.checks import refuse
from multilayer._core.errors import DataError
from multilayer._data.order import shuffled, unshuffled

# The order in which an input reads its rows, and what an input function may return ---------------


Features: TypeAlias = Mapping[str, np.ndarray] | np.ndarray
"""Arrays by name, or one array that needs no name."""

INPUTS = (
    "features and labels: arrays, or an iterator of batches. Give what numpy_input_fn returns, "
    "(features, labels), or a generator of such pairs"
)


@dataclass(frozen=True)
class Passes:
    """Rows read pass after pass; batches run on across passes, the very last may be smaller."""

    n_rows: int
    batch_size: int
    number: int | None  # of passes, None for no end
    shuffle: bool
    seed: int = 0

    @property
    def n_steps(self) -> int | None:
        """Number of batches, None for no end."""
        if self.number is None:
            return None
        return -(-self.number * self.n_rows // self.batch_size)

    def rows(self, first: int, n_steps: int) -> np.ndarray:
        """Return the numbers of the rows of some batches, fewer where the input ends."""
        start, stop = first * self.batch_size, (first + n_steps) * self.batch_size
        if self.number is not None:
            stop = min(stop, self.number * self.n_rows)
        order = shuffled(self.n_rows, self.seed) if self.shuffle else unshuffled(self.n_rows)
        passes = range(start // self.n_rows, -(-stop // self.n_rows))
        rows = np.concatenate([order(number) for number in passes] or [np.arange(0)])
        skipped = start // self.n_rows * self.n_rows
        return rows[start - skipped : stop - skipped]


@dataclass(frozen=True, eq=False)
class ArrayInput:
    """Rows in memory, and how they are read. Itself an input function: it returns itself."""

    features: Features
    labels: np.ndarray | None
    batch_size: int
    num_epochs: int | None
    shuffle: bool

    def __call__(self) -> "ArrayInput":
        """Return the input."""
        return self

    def __repr__(self) -> str:
        how = f"batch_size={self.batch_size}, num_epochs={self.num_epochs}, shuffle={self.shuffle}"
        return f"<input of {n_rows(self.features)} rows, {how}>"

    def passes(self, seed: int) -> Passes:
        """Return the order of the rows under a seed."""
        return Passes(n_rows(self.features), self.batch_size, self.num_epochs, self.shuffle, seed)


@dataclass(frozen=True, eq=False)
class StreamInput:
    """Batches that come one after the other, each with its features and labels."""

    batches: Iterator[tuple[Features, np.ndarray | None]]


Input: TypeAlias = ArrayInput | StreamInput


def read_input(input_fn: object, *, labelled: bool, endless: bool) -> Input:
    """Call an input function and say what it returned.

    Bare arrays are one batch: without end in training, which sees it in every step, once elsewhere.
    """
    if not callable(input_fn):
        raise DataError(
            f"input_fn must be a function without arguments, got input_fn={input_fn!r}. It returns "
            f"{INPUTS}."
        )
    given = input_fn()
    if isinstance(given, ArrayInput):
        if labelled and given.labels is None:
            raise DataError("input_fn must have labels: give y to numpy_input_fn.")
        return given
    if is_features(given) or (isinstance(given, tuple) and len(given) == 2):
        features, labels = pair(given, labelled=labelled)
        return ArrayInput(features, labels, n_rows(features), None if endless else 1, False)
    if isinstance(given, Iterable) and not isinstance(given, str | bytes | tuple):
        return StreamInput(pair(batch, labelled=labelled) for batch in given)
    raise DataError(f"input_fn must return {INPUTS}; it returned a {type(given).__name__}.")


def is_features(given: object) -> TypeGuard[Features]:
    """Whether this is what features are given as."""
    return isinstance(given, Mapping | np.ndarray)


def pair(given: object, *, labelled: bool) -> tuple[Features, np.ndarray | None]:
    """Return features and labels, checked to have as many rows."""
    features, labels = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    if not is_features(features):
        raise DataError(
            "features must be a dictionary of arrays or an array, got a "
            f"{type(features).__name__}. Return (features, labels), such as ({{'x': X}}, y)."
        )
    if labels is None and labelled:
        raise DataError("input_fn must return labels too: (features, labels).")
    features = checked_features(features)
    return features, None if labels is None else checked_labels(labels, n_rows(features))


def checked_features(features: Features) -> Features:
    """Return features as arrays of as many rows."""
    if isinstance(features, np.ndarray):
        arrays = {"": features}
    else:
        arrays = {key: np.asarray(value) for key, value in features.items()}
    wrong = [key for key in arrays if not isinstance(key, str)]
    if wrong or not arrays:
        raise DataError(f"features must be named by text, got the names {list(arrays)}.")
    lengths = {key: len(value) if value.ndim else None for key, value in arrays.items()}
    if len(set(lengths.values())) != 1 or not any(lengths.values()):
        raise DataError(
            f"features must be arrays of as many rows each, at least one, got {lengths}."
        )
    return features if isinstance(features, np.ndarray) else arrays


def checked_labels(labels: object, rows: int) -> np.ndarray:
    """Return labels as an array with as many rows as the features."""
    labels = np.asarray(labels)
    if labels.ndim == 0 or len(labels) != rows:
        raise DataError(
            f"labels must have as many rows as the features, {rows}, got shape {labels.shape}."
        )
    return labels


def n_rows(features: Features) -> int:
    """Number of rows of checked features."""
    return len(features if isinstance(features, np.ndarray) else next(iter(features.values())))


def check_ends(given: Input, steps: int | None) -> None:
    """Refuse to read an input without end to its end."""
    if steps is None and isinstance(given, ArrayInput) and given.num_epochs is None:
        refuse("num_epochs", "a number for an input that is read to its end", None, "Give 1.")


# Categories as text or integers, and their places in a vocabulary or among buckets ---------------


ABSENT = -1
"""The id of a value that is not there: its indicators and its embedding are 0."""


def plain_values(key: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values as int64 or as text, shape ``(rows,)``, and which of them are there.

    Not there are the empty text, -1 among whole numbers, and None and NaN among objects.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(
            f"feature {key!r} must contain one category in each row, got shape {values.shape}."
        )
    if values.dtype.kind == "O":
        return _plain_objects(key, values)
    if values.dtype.kind in "iub":
        whole = values.astype(np.int64)
        return whole, whole != ABSENT
    if values.dtype.kind not in "US":
        raise DataError(
            f"feature {key!r} must contain text or whole numbers, got type {values.dtype}. Convert "
            "it, for example with astype(int), or put it in buckets with bucketized_column."
        )
    text = np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
    return text, text != ""


def _plain_objects(key: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    there = np.array([not _missing(value) for value in values], bool)
    present = values[there].tolist()
    if all(isinstance(value, Integral) for value in present) and present:
        whole = np.full(len(values), ABSENT, np.int64)
        whole[there] = present
        return whole, whole != ABSENT
    if not all(isinstance(value, str | bytes) for value in present):
        kinds = sorted({type(value).__name__ for value in present})
        raise DataError(f"feature {key!r} must contain text or whole numbers, got {kinds}.")
    text = np.full(len(values), "", object)
    text[there] = [value.decode() if isinstance(value, bytes) else value for value in present]
    text = text.astype(str)
    return text, text != ""


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def places_in(
    key: str, values: np.ndarray, vocabulary: Sequence[object], *, otherwise: int
) -> np.ndarray:
    """Return the places of values in a vocabulary, ``otherwise`` for those that are not in it."""
    words = np.array(vocabulary)
    if len(values) and (words.dtype.kind in "iu") != (values.dtype.kind in "iu"):
        raise DataError(
            f"feature {key!r} must contain values like those of its vocabulary, {vocabulary[0]!r}, "
            f"got values like {values[0].item()!r}."
        )
    order = np.argsort(words)
    nearest = np.minimum(np.searchsorted(words, values, sorter=order), len(words) - 1)
    found = words[order[nearest]] == values
    return np.where(found, order[nearest], otherwise)


def hashed(values: np.ndarray, n_buckets: int) -> np.ndarray:
    """Return a bucket for each value: blake2b of its text, 8 bytes, big end first, modulo.

    It is the same on every machine and in every version.
    """
    distinct, inverse = np.unique(values, return_inverse=True)
    digests = (blake2b(str(value).encode(), digest_size=8).digest() for value in distinct)
    buckets = [int.from_bytes(digest, "big") % n_buckets for digest in digests]
    return np.array(buckets, np.int64)[inverse.reshape(values.shape)]


# Kinds of feature columns: numbers for each row, or a category for each row ----------------------


class DenseColumn(ABC):
    """What turns features into some numbers for each row."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the column."""

    @property
    @abstractmethod
    def keys(self) -> tuple[str, ...]:
        """Features that it is made of."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Numbers per row."""

    @abstractmethod
    def values(self, features: Features) -> np.ndarray:
        """Return numbers ``(rows, width)``."""


class CategoricalColumn(ABC):
    """What turns features into one id for each row."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the column."""

    @property
    @abstractmethod
    def keys(self) -> tuple[str, ...]:
        """Features that it is made of."""

    @property
    @abstractmethod
    def n_buckets(self) -> int:
        """Number of ids."""

    @abstractmethod
    def ids(self, features: Features) -> np.ndarray:
        """Return ids ``(rows,)``, :data:`ABSENT` where there is none."""


def raw_feature(features: Features, key: str) -> np.ndarray:
    """Return the feature of a name; an array that was given alone has any name."""
    if isinstance(features, np.ndarray):
        return features
    if key not in features:
        raise DataError(
            f"features must have {key!r}, which a feature column names, got {sorted(features)}."
        )
    return features[key]


def one_hot(ids: np.ndarray, n_buckets: int) -> np.ndarray:
    """Return indicators ``(rows, n_buckets)`` uint8, none where an id is absent."""
    indicators = np.zeros((len(ids), n_buckets), np.uint8)
    there = np.flatnonzero(ids != ABSENT)
    indicators[there, ids[there]] = 1
    return indicators


def check_key(value: object) -> None:
    """Check the name of a feature."""
    if not isinstance(value, str):
        refuse("key", "the name of a feature", value)
