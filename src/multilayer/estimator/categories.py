"""Values of categories as text or whole numbers, and their places in a table or among buckets."""

import math
from collections.abc import Sequence
from hashlib import blake2b
from numbers import Integral

import numpy as np

from multilayer._core.errors import DataError

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
            f"feature {key!r} must hold one category in each row, got shape {values.shape}."
        )
    if values.dtype.kind == "O":
        return _plain_objects(key, values)
    if values.dtype.kind in "iub":
        whole = values.astype(np.int64)
        return whole, whole != ABSENT
    if values.dtype.kind not in "US":
        raise DataError(
            f"feature {key!r} must hold text or whole numbers, got type {values.dtype}. Convert "
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
        raise DataError(f"feature {key!r} must hold text or whole numbers, got {kinds}.")
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
            f"feature {key!r} must hold values like those of its vocabulary, {vocabulary[0]!r}, "
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
