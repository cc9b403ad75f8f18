"""Plain values as JSON, without loss: tuples stay tuples, infinities stay numbers.

JSON has neither, so they are written as one-entry objects: ``{"tuple": [...]}``,
``{"float": "inf"}``, ``{"dict": {...}}`` for dictionaries, and ``{"pairs": [...]}`` for those whose
keys are not all text.
"""

import math
from collections.abc import Mapping

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON

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
