"""What makes one fit the same as another: a fingerprint of its data, weights and parameters.

It has to be the same in another process, and under other releases of what is installed. Hence no
pickles: values are described as JSON, functions by their names or, where these say nothing, by
their code and what they close over.
"""

import dis
import hashlib
import inspect
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from functools import partial
from operator import attrgetter
from pathlib import PurePath
from types import CodeType, EllipsisType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from multilayer._core.checks import refuse
from multilayer._core.environment import usable_cores
from multilayer._core.types import JSON, Array
from multilayer._data.rows import Matrix
from multilayer._engine.callbacks.protocol import Callback
from multilayer._sklearn.fit.samples import Samples

if TYPE_CHECKING:
    from multilayer._sklearn.base import BaseMLP
    from multilayer._sklearn.tabular.tabular_base import BaseTabular

NOT_OF_THE_RESULT = ("callbacks", "checkpoint", "device", "transform_layer", "verbose")
ADDED = {"weight_normalization": "batch", "calibration_fraction": 0.0}
"""Arguments that earlier releases lack, with the value that leaves a fit as it was there."""
TOLD_OTHERWISE = ("random_state", "reuse_from", "warm_start")  # by what training starts from
BLOCK = 1 << 22  # bytes hashed at once; another number would give other fingerprints
PLAIN = (bool, int, float, str, tuple)
GENERATED = "<string>"  # where the code of a dataclass's own functions is from


def parameters_of(estimator: "BaseMLP | BaseTabular") -> dict[str, object]:
    """Describe the constructor's arguments that have a part in the result, as JSON."""
    given = estimator.get_params(deep=False)
    described = {
        name: describe(name, value)
        for name, value in sorted(given.items())
        if name not in (*NOT_OF_THE_RESULT, *TOLD_OTHERWISE)
    }
    for name, default in ADDED.items():
        # Class weights are another training than in earlier releases: their fits keep the mark.
        marked = name == "weight_normalization" and given.get("class_weight") is not None
        if name in given and given[name] == default and not marked:
            del described[name]
    active = [c for c in estimator.callbacks or () if c.acts]
    return {
        "estimator": type(estimator).__name__,
        "arguments": described,
        "callbacks": [_describe_callback(callback) for callback in active],
    }


def of_fit(
    parameters: Mapping[str, object],
    start: Mapping[str, object],
    samples: Samples,
    validation: Samples | None,
) -> str:
    """Return the fingerprint of a fit: 64 hexadecimal digits.

    Parameters
    ----------
    parameters : mapping
        What :func:`parameters_of` returned.
    start : mapping
        Description of what training starts from: JSON.
    samples, validation : Samples
        All rows, as they were checked.
    """
    arrays: list[np.ndarray] = []
    for rows in (samples, validation):
        if rows is not None:
            # Encoded targets alone would not do: weights of classes and scorers know the labels.
            arrays += [*arrays_of(rows.matrix()), rows.y, rows.weight, rows.labels]
    return of_rows(parameters, start, arrays)


def of_rows(
    parameters: Mapping[str, object], start: Mapping[str, object], arrays: Iterable[np.ndarray]
) -> str:
    """Return the fingerprint of a fit whose rows are these arrays."""
    digest = hashlib.sha256(json.dumps([parameters, start], sort_keys=True).encode())
    _add(digest, arrays)
    return digest.hexdigest()


def of_arrays(arrays: Iterable[Array]) -> str:
    """Return the fingerprint of some arrays."""
    digest = hashlib.sha256()
    _add(digest, map(np.asarray, arrays))
    return digest.hexdigest()


def arrays_of(matrix: Matrix) -> list[np.ndarray]:
    """Return the arrays of a matrix: of a sparse one its parts, in one order of the entries."""
    if not sparse.issparse(matrix):
        return [matrix]
    rows = matrix.tocsr()
    if not rows.has_canonical_format:  # one order of the entries, however the matrix was made
        rows = rows.copy()  # it may be the user's
        rows.sum_duplicates()
    return [rows.data, rows.indices.astype(np.int64), rows.indptr.astype(np.int64)]


def _add(digest: "hashlib._Hash", arrays: Iterable[np.ndarray]) -> None:
    """Hash arrays with their types and shapes."""
    # hashlib lets other threads run: images of 170 MB take 70 ms instead of 120.
    with ThreadPoolExecutor(usable_cores()) as pool:
        for array in arrays:
            if array.dtype.kind not in "biufc":  # labels: text, or objects of Python's
                array = array.astype(str)
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            for part in pool.map(_digest, _blocks(array)):
                digest.update(part)


def _blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Cut an array into some rows at a time: it may be on a disk."""
    rows = np.atleast_1d(array)
    step = max(1, BLOCK // max(1, rows.nbytes // max(1, len(rows))))
    return (rows[start : start + step] for start in range(0, len(rows), step))


def _digest(block: np.ndarray) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(block).data).digest()


# Values as JSON -------------------------------------------------------------------------------


def describe(name: str, value: object, inside: tuple[int, ...] = ()) -> JSON:
    """Describe a value as JSON: equal values alike, in any process.

    Parameters
    ----------
    name : str
        The argument whose value it is, for the message that refuses it.
    value : object
        Plain values, arrays, containers, functions, and objects made of such.
    inside : tuple of int, default=()
        Identities of the objects that it was found in: a circle ends there.
    """
    if id(value) in inside:
        return "above"
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return repr(float(value))  # NumPy's numbers too
    inside = (*inside, id(value))
    match value:
        case np.generic():
            return describe(name, value.item(), inside)
        case Mapping():
            pairs = [[describe(name, k, inside), describe(name, value[k], inside)] for k in value]
            return {"items": sorted(pairs, key=json.dumps)}
        case partial():
            parts = [value.func, list(value.args), value.keywords]
            return {"partial": describe(name, parts, inside)}
        case CodeType():
            parts = [value.co_code.hex(), list(value.co_names), list(value.co_consts)]
            return {"code": describe(name, parts, inside)}
        case set() | frozenset():
            items = [describe(name, item, inside) for item in value]
            return {"set": sorted(items, key=json.dumps)}
        case bytes() | complex() | EllipsisType():
            return {type(value).__name__: repr(value)}
        case PurePath():
            return {"path": str(value)}
        case ModuleType():
            return {"module": value.__name__}
    if isinstance(value, list | tuple | range):
        return [describe(name, item, inside) for item in value]
    if hasattr(value, "__array__"):
        return {"array": of_arrays([value])}
    if isinstance(value, type) or callable(value):
        return _describe_callable(name, value, inside)
    return _describe_object(name, value, inside)


def _describe_callable(name: str, value: object, inside: tuple[int, ...]) -> JSON:
    """Describe a function or class by its name, or by its code where others may have the name."""
    if isinstance(value, MethodType):
        return {"method": describe(name, [value.__self__, value.__func__], inside)}
    full_name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if full_name is None:
        return _describe_object(name, value, inside)
    module = getattr(value, "__module__", None)
    if module == "__mp_main__":  # what the script is called in its spawned processes
        module = "__main__"
    place = {"name": f"{module}.{full_name}"}
    if _is_found(value, module, full_name):
        return place
    if isinstance(value, FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        parts = [value.__code__, cells, value.__defaults__, value.__kwdefaults__, _globals(value)]
        return {"function": [place, describe(name, parts, inside)]}
    if isinstance(value, type):
        return {"class": [place, describe(name, _members(value), inside)]}
    if hasattr(value, "__wrapped__"):  # such as what jax.jit returns
        return describe(name, value.__wrapped__, inside)
    return place


def _is_found(value: object, module: object, full_name: str) -> bool:
    """Whether an installed module has this very object under its name.

    Lambdas, local functions and what a decorator returns share their names with others; and in a
    script or notebook another may take the name.
    """
    if module == "__main__" or module not in sys.modules:
        return False
    try:
        return attrgetter(full_name)(sys.modules[module]) is value
    except AttributeError:
        return False


def _globals(function: FunctionType) -> dict[str, object]:
    """Values of the global names that a function's code has."""
    codes, names = [function.__code__], set[str]()
    for code in codes:  # grows while it is gone through
        codes += [const for const in code.co_consts if isinstance(const, CodeType)]
        names |= {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    known = function.__globals__
    return {name: known[name] for name in sorted(names) if name in known}


def _members(cls: type) -> list[object]:
    """Bases and functions of a class, and its plain values."""
    found: dict[str, object] = {}
    made = GENERATED if is_dataclass(cls) else None
    for name, member in vars(cls).items():
        if isinstance(member, staticmethod | classmethod):
            member = member.__func__
        elif isinstance(member, property):
            member = member.fget
        written = isinstance(member, FunctionType) and member.__code__.co_filename != made
        if written or (isinstance(member, PLAIN) and not name.startswith("__")):
            found[name] = member
    return [[base for base in cls.__bases__ if base is not object], found]


def _describe_object(name: str, value: object, inside: tuple[int, ...]) -> JSON:
    """Describe an object by its class and its attributes."""
    if is_dataclass(value):
        state = {field.name: getattr(value, field.name) for field in fields(value)}
    elif hasattr(value, "__dict__"):
        state = vars(value)
    else:
        refuse(
            "checkpoint",
            f"None where {name} is an object that cannot be recognised in a later process",
            value,
            "Give a function with a name, or plain values.",
        )
    return {"object": [_describe_class(name, value, inside), describe(name, state, inside)]}


def _describe_class(name: str, value: object, inside: tuple[int, ...]) -> JSON:
    """Describe an object's class: by its name, whatever module of a library it may move to."""
    cls = type(value)
    found = _is_found(cls, cls.__module__, cls.__qualname__)
    return cls.__qualname__ if found else describe(name, cls, inside)


def _describe_callback(callback: Callback) -> JSON:
    """Describe a callback by its class and its constructor's arguments: the rest is state."""
    names = inspect.signature(type(callback)).parameters
    given = {name: getattr(callback, name) for name in names if hasattr(callback, name)}
    return [_describe_class("callbacks", callback, ()), describe("callbacks", given)]
