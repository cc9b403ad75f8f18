"""The description in a file: JSON values, and what a number or a name may be."""

import json
import math
import re
from collections.abc import Mapping
from math import isfinite
from typing import NoReturn

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._persist.header import Refused
from multilayer._persist.memory import ALLOWANCE, TENSOR_COST, MemoryBudget

# Plain values as JSON, without loss: tuples stay tuples, infinities stay numbers -----------------
#
# JSON has neither, so they are written as one-entry objects: ``{"tuple": [...]}``, ``{"float":
# "inf"}``, ``{"dict": {...}}`` for dictionaries, and ``{"pairs": [...]}`` for those whose keys
# are not all text.


# No tuples as keys: a file could have many with one hash, which are slow to look up.
KEYS = str | bool | int | float


def encode(name: str, value: object) -> JSON:
    """Return a value as JSON.

    Parameters
    ----------
    name : str
        Name of the value in the message that refuses it.
    value : object
        None, a bool, number, string, or a tuple, list, array or dictionary of such.

    Returns
    -------
    encoded : object
        JSON. Numbers of NumPy become Python's, arrays become lists.

    Raises
    ------
    ModelFileError
        The value is of another kind (a ValueError).
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, tuple):
        return {"tuple": [encode(name, item) for item in value]}
    if isinstance(value, list | range):
        return [encode(name, item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"dict": {key: encode(name, item) for key, item in value.items()}}
    if isinstance(value, Mapping) and all(isinstance(key, KEYS | np.generic) for key in value):
        pairs = [[encode(name, key), encode(name, item)] for key, item in value.items()]
        return {"pairs": pairs}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(float(value))}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ModelFileError(
        f"{name} must be a number, a string, None or a sequence of them to be saved, "
        f"got {name}={value!r}."
    )


def decode(encoded: object) -> object:
    """Return the value that :func:`encode` was given.

    Parameters
    ----------
    encoded : object
        Parsed JSON.

    Returns
    -------
    value : object

    Raises
    ------
    ModelFileError
        The JSON was not written by :func:`encode` (a ValueError).
    """
    if isinstance(encoded, list):
        return [decode(item) for item in encoded]
    if not isinstance(encoded, dict):
        return encoded
    match encoded:
        case {"tuple": list(items), **rest} if not rest:
            return tuple(decode(item) for item in items)
        case {"dict": dict(items), **rest} if not rest:
            return {key: decode(item) for key, item in items.items()}
        case {"pairs": list(pairs), **rest} if not rest:
            return _dictionary(pairs)
        case {"float": "inf" | "-inf" | "nan" as number, **rest} if not rest:
            return float(number)
    raise ModelFileError(f"it has a value of an unknown kind: {sorted(encoded)}.")


def _dictionary(pairs: list[object]) -> dict[object, object]:
    """Return the dictionary of encoded keys and values."""
    decoded = {
        decode(pair[0]): decode(pair[1])
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], KEYS)
    }
    if len(decoded) < len(pairs):
        raise ModelFileError("it has a dictionary that is invalid, or has a key twice.")
    return decoded


# The description in a file: JSON, checked against a memory budget before it is parsed ------------
#
# Python takes far more memory for parsed JSON than the text has: 24 times as much for
# ``[[],[],``. An upper bound is therefore computed from the marks in the text, and a file may
# take no more than its own size and a little. A valid description that needs more, such as
# that of a small network with very many names of columns, is written with spaces behind it: the
# file then has the size that its reader needs.


DEEPEST = 24
"""Lists and objects within one another."""
LONGEST_TEXT = 10_000
"""Characters of one string, which may end up in a message."""
COSTS = {"[": 180, "{": 600, ":": 440, ",": 88}
"""Bytes that stand for a mark at most, its value parsed and decoded; CPython on 64 bits."""
TOO_MUCH = "damaged: its description needs more memory than a file of its size may"
LONGEST_NUMBER = 32
INTEGERS = range(-(2**63), 2**64)

# A string that never ends is one, too: looking for its end from each of its quotes takes long.
STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?')
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def needed(text: str, n_tensors: int) -> int:
    """Return the bytes that a description and the names of tensors take at most when read."""
    widened = _widened(text) if r"\u" in text else 0
    quoted = len(text) + text.count('"') + text.count("\\") + 2
    return max(_least(text, n_tensors) + widened, quoted * 5 // 4)


def unquoted(quoted: str, size: int) -> str:
    """Return the description from the JSON string that it is in the header of a file.

    Raises
    ------
    Refused
        That alone would take more memory than the file warrants: while a string is made, a
        further quarter of its size is needed.
    """
    if len(quoted) * 5 // 4 > size + ALLOWANCE:
        raise Refused(TOO_MUCH)
    return str(json.loads(quoted))


def _least(text: str, n_tensors: int) -> int:
    """Return the bytes needed if all strings were ASCII, which is quick to compute."""
    parsed = sum(cost * text.count(mark) for mark, cost in COSTS.items())
    return parsed + len(text) + n_tensors * TENSOR_COST


def _widened(text: str) -> int:
    """Return the bytes of strings with characters of 2 or 4 bytes, while they are made."""
    total = 0
    for string in STRING.finditer(text):
        token = string[0]
        if escapes := token.count(r"\u"):
            total += (len(token) - 5 * escapes) * (8 if SURROGATE.search(token) else 4)
    return total


def padded(text: str, n_bytes: int, n_tensors: int, reserve: int) -> str:
    """Return a description with the spaces behind it that make a reader accept it.

    Parameters
    ----------
    text : str
        JSON.
    n_bytes : int
        Bytes of the tensors.
    n_tensors : int
        Number of the tensors.
    reserve : int
        Bytes that a reader needs beside.
    """
    return text.ljust(needed(text, n_tensors) + reserve - ALLOWANCE - n_bytes)


def room_beside(text: str, size: int, n_tensors: int) -> MemoryBudget:
    """Return the memory that may be taken beside a description and the tensors.

    Parameters
    ----------
    text : str
        The description, not parsed yet.
    size : int
        Bytes of the whole file, by which memory is measured.
    n_tensors : int
        Number of the tensors.

    Raises
    ------
    Refused
        The description alone would take more than the file warrants.
    """
    allowed = size + ALLOWANCE
    if _least(text, n_tensors) > allowed or (left := allowed - needed(text, n_tensors)) < 0:
        raise Refused(TOO_MUCH)
    return MemoryBudget(left)


def parse(text: str) -> JSON:
    """Parse a description.

    Parameters
    ----------
    text : str
        JSON in ASCII.

    Returns
    -------
    description : object

    Raises
    ------
    Refused
        It is no JSON, has a key twice, a number that is none or too long, or is too deep.
    """
    try:
        description = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_real,
            parse_constant=_constant,
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise Refused("damaged: its description is not JSON") from error
    _check_nodes(description)
    return description


def _object(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise Refused("damaged: its description has a key twice")
    return made


def _integer(digits: str) -> int:
    # The length first: reading a long number takes time that grows with its square.
    if len(digits) > LONGEST_NUMBER or (value := int(digits)) not in INTEGERS:
        raise Refused("damaged: its description has an integer of more than 64 bits")
    return value


def _real(digits: str) -> float:
    if len(digits) > LONGEST_NUMBER or not isfinite(value := float(digits)):
        raise Refused("damaged: its description has a number that is too long or too large")
    return value


def _constant(word: str) -> NoReturn:
    raise Refused(f"damaged: its description has the number {word}")


def _check_nodes(description: JSON) -> None:
    """Check depth and text of everything in a description, level by level."""
    level: list[dict[str, JSON] | list[JSON]] = [[description]]
    for _ in range(DEEPEST):
        below: list[dict[str, JSON] | list[JSON]] = []
        for each in level:
            for child in (*each, *each.values()) if isinstance(each, dict) else each:
                if type(child) is str:  # what JSON is read as, which is of no subclass
                    _check_text(child)
                elif isinstance(child, dict | list):
                    below.append(child)
        if not below:
            return
        level = below
    raise Refused("damaged: its description is too deep")


def _check_text(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise Refused("damaged: its description has a text that is too long")
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Refused("damaged: its description is not valid Unicode") from error
