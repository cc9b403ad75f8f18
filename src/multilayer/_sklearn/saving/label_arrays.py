"""Arrays of labels as plain data and back: numbers, booleans, text, and None or NaN among text.

A few labels stand in the JSON. Many are an array: numbers as they are, text as the UTF-8 bytes of
all labels one after the other, with the length of each (-1 for None, -2 for NaN).
"""

import re
from collections.abc import MutableMapping, Sequence

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._persist.description import encode
from multilayer._sklearn.saving.reader import TEXT_COST, StoredArrays, Values, take, take_array

MOST_IN_JSON = 100
LONGEST_IN_JSON = 10_000  # characters, of all labels together
NONE, NAN = -1, -2  # in place of lengths
DTYPE = re.compile(r"object|[|<](?:b1|[iu][1248]|f[248])|<U[0-9]{1,9}")
TYPES: dict[str, tuple[type, ...]] = {
    "b": (bool,),
    "i": (int,),
    "u": (int,),
    "f": (float, int),
    "U": (str,),
    "O": (str, float, int, bool, type(None)),
}
"""Types of labels by the kind of array."""


def encode_labels(
    name: str,
    labels: np.ndarray,
    arrays: MutableMapping[str, np.ndarray],
    shown: str,
    remedy: str,
) -> dict[str, JSON]:
    """Return labels as JSON, or put them among the arrays.

    Parameters
    ----------
    name : str
        Name of the array.
    labels : ndarray of shape (n,)
        Booleans, integers, floats or strings; of dtype object also None and numbers.
    arrays : dict of str to ndarray
        Where many labels are added.
    shown, remedy : str
        Name of the labels in messages, and the remedy for labels that cannot be saved.

    Returns
    -------
    encoded : dict
        JSON: the ``dtype``, and the ``values`` or the number ``n`` of them.
    """
    values = [value.item() if isinstance(value, np.generic) else value for value in labels.tolist()]
    plain = labels.dtype.kind in "OU" or labels.dtype.itemsize <= 8
    if labels.ndim != 1 or not plain or not all(_fits(value, labels.dtype) for value in values):
        raise ModelFileError(
            f"{shown} must be booleans, integers, floats or strings to be saved, got "
            f"{shown}={labels!r}. {remedy}"
        )
    text = "".join(value for value in values if isinstance(value, str))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ModelFileError(f"{shown} must be valid Unicode text. {remedy}") from error
    dtype = "object" if labels.dtype.kind == "O" else labels.dtype.newbyteorder("=").str
    numbers = labels.dtype.kind in "biuf"
    if are_few(values) or not (numbers or all(_is_text(value) for value in values)):
        return {"dtype": dtype, "values": encode(name, values)}
    if numbers:
        arrays[name] = labels
    else:
        arrays[name], arrays[f"{name}.lengths"] = _packed(values)
    return {"dtype": dtype, "n": len(values)}


def are_few(values: Sequence[object]) -> bool:
    """Whether labels are few and short enough to stand in JSON."""
    n_characters = sum(len(value) for value in values if isinstance(value, str))
    return len(values) <= MOST_IN_JSON and n_characters <= LONGEST_IN_JSON


def decode_labels(name: str, encoded: JSON, arrays: StoredArrays) -> np.ndarray:
    """Return the labels that :func:`encode_labels` was given.

    Raises
    ------
    ModelFileError
        They are missing, or of another type than the file states (a ValueError).
    """
    if not isinstance(encoded, dict):
        raise ModelFileError(f"its value {name!r} is missing.")
    dtype = decode_dtype(name, take(encoded, "dtype", str))
    if "values" in encoded:
        values = take(encoded, "values", list)
    elif dtype.kind in "biuf":
        return _counted(name, encoded, take_array(arrays, name, (-1,), dtype.kind), dtype)
    else:
        values = _unpacked(name, arrays)
    arrays.spend(len(values) * (TEXT_COST if dtype.kind in "OU" else dtype.itemsize))
    wrong = [value for value in values if not _fits(value, dtype)]
    if wrong:
        raise ModelFileError(f"its {name} must be {dtype} values, got {wrong[0]!r}.")
    if dtype.kind == "U":  # no wider than needed: an array pads every label to the widest
        longest = max(map(len, values), default=0)
        if longest > dtype.itemsize // 4:
            raise ModelFileError(
                f"its {name} must be {dtype} values, got one of {longest} characters."
            )
        dtype = np.dtype(f"<U{min(dtype.itemsize // 4, max(64, 4 * longest))}")
        arrays.spend(len(values) * dtype.itemsize)
    try:
        return _counted(name, encoded, np.array(values, dtype), dtype)
    except OverflowError as error:
        raise ModelFileError(f"its {name} are no {dtype} values: {error}.") from error


def decode_dtype(name: str, text: str) -> np.dtype:
    """Return the type of this name, if labels can have it."""
    if not DTYPE.fullmatch(text):
        raise ModelFileError(f"its {name} have a type that no file has: {text!r}.")
    return np.dtype(text)


def _counted(name: str, encoded: Values, labels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return labels, checked against the number and the type that the file states."""
    n_labels = encoded.get("n", len(labels))
    if labels.dtype != dtype or n_labels != len(labels):
        raise ModelFileError(
            f"its {name} must be {n_labels} labels of type {dtype}, got {len(labels)} of type "
            f"{labels.dtype}."
        )
    return labels


def _fits(value: object, dtype: np.dtype) -> bool:
    """Whether a plain value can stand in an array of labels of this type."""
    return type(value) in TYPES.get(dtype.kind, ())


# Text as bytes ---------------------------------------------------------------------------------


def _is_text(value: object) -> bool:
    """Whether a label is text or missing."""
    return value is None or isinstance(value, str) or (isinstance(value, float) and value != value)


def _packed(values: Sequence[object]) -> tuple[np.ndarray, np.ndarray]:
    """Return the bytes of all labels, and the length of each."""
    codes = [value.encode() if isinstance(value, str) else b"" for value in values]
    lengths = [
        len(code) if isinstance(value, str) else NONE if value is None else NAN
        for value, code in zip(values, codes, strict=True)
    ]
    return np.frombuffer(b"".join(codes), np.uint8), np.array(lengths, np.int64)


def _unpacked(name: str, arrays: StoredArrays) -> list[str | float | None]:
    """Return the labels whose bytes and lengths these are."""
    content = take_array(arrays, name, (-1,), "u").tobytes()
    lengths = take_array(arrays, f"{name}.lengths", (-1,), "i")
    arrays.spend(len(lengths) * (TEXT_COST + 50) + len(content))
    ends = np.maximum(lengths, 0).cumsum()
    if (lengths < NAN).any() or (ends[-1] if len(ends) else 0) != len(content):
        raise ModelFileError(f"its {name} have other lengths than their text.")
    starts = ends - np.maximum(lengths, 0)
    try:
        return [
            content[start:end].decode() if length >= 0 else None if length == NONE else np.nan
            for start, end, length in zip(starts, ends, lengths, strict=True)
        ]
    except UnicodeDecodeError as error:
        raise ModelFileError(f"its {name} are no text.") from error
