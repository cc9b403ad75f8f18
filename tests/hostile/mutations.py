"""Random damage to valid files: blind, and with knowledge of what is where."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from .files import Parts, Tensor, pack, take_apart

NUMBERS = (
    *(0, 1, -1, 2, 3, 5, 7, 127, 128, 255, 256, 65535, 2**31 - 1, 2**31, 2**32, 2**53, 2**62),
    *(2**63 - 1, 2**63, 2**64, -(2**63), 10**30, 0.5, -0.0, 1e-320, 1e308, 1e16),
)
WORDS = (
    *("", "a", "nan", "inf", "os.system", "__class__", "../../etc/passwd", "object", "<U9", "<f8"),
    *("relu", "tanh", "logistic", "identity", "softmax", "adam", "sgd", "lbfgs", "batch", "layer"),
    *(
        "F64",
        "BOOL",
        "I32",
        "multilabel",
        "binary",
        "multiclass",
        "multioutput",
        "quantile",
        "auto",
    ),
    *(
        "MLPClassifier",
        "MLPRegressor",
        "StandardScaler",
        "Perceptron",
        "Pipeline",
        "ü" * 9,
        "x" * 99,
    ),
    *(
        "MLPClassifier.coefs.0",
        "passthrough",
        "drop",
        "none",
        "pandas",
        "default",
        "\x00",
        "\x1b[2J",
    ),
)
SPECIAL: tuple[Any, ...] = (
    *(None, True, False, [], {}, [[]], {"tuple": []}, {"float": "nan"}),
    *({"dict": {}}, {"pairs": []}, {"float": "inf"}, {"word": "float64"}),
)
TOKENS = re.compile(rb"-?\d+(?:\.\d+)?(?:e-?\d+)?|true|false|null|[][{},:]|\"[^\"\\]*\\?\"")
FLOATS = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e30, 1e-40)

Rng = np.random.Generator


def pick(rng: Rng, values: Any) -> Any:
    """Return one of some values."""
    return values[rng.integers(len(values))]


def value(rng: Rng) -> Any:
    """Return a value that may stand in JSON, a new object each time."""
    return deepcopy(pick(rng, pick(rng, (NUMBERS, WORDS, SPECIAL))))


# Blind ------------------------------------------------------------------------------------------


def blind(rng: Rng, content: bytes) -> bytes:
    """Return bytes with a few of them changed, moved, gone or there twice."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        if len(data) < 2:
            break
        begin, end = sorted(rng.integers(0, len(data), 2).tolist())
        end = min(end, begin + int(rng.integers(1, 200)))
        match rng.integers(8):
            case 0:
                data[begin] ^= 1 << int(rng.integers(8))
            case 1:
                data[begin] = int(rng.integers(256))
            case 2:
                data[begin:begin] = rng.bytes(int(rng.integers(1, 9)))
            case 3:
                del data[begin:end]
            case 4:
                data[begin:begin] = data[begin:end]
            case 5:
                other = int(rng.integers(0, len(data)))
                data[begin:end], data[other : other + end - begin] = (
                    data[other : other + end - begin], data[begin:end],
                )  # fmt: skip
            case 6:
                data[begin:end] = bytes(end - begin)
            case 7:
                del data[int(rng.integers(0, len(data))) :]
    return bytes(data)


# With knowledge of the format ---------------------------------------------------------------------


def tokens(rng: Rng, content: bytes) -> bytes:
    """Return a file with tokens of its header changed, and the length of the header put right."""
    length = int.from_bytes(content[:8], "little")
    header, data = content[8 : 8 + length], content[8 + length :]
    for _ in range(rng.integers(1, 3)):
        found = pick(rng, list(TOKENS.finditer(header)))
        other = pick(rng, list(TOKENS.finditer(header)))
        new = [
            json.dumps(value(rng)).encode(),
            json.dumps(json.dumps(value(rng)))[1:-1].encode(),
            other[0],
            found[0] + b"," + found[0],
            found[0] * 2,
            b"",
        ][rng.integers(6)]
        header = header[: found.start()] + new + header[found.end() :]
    return pack(header.rstrip(b" "), data)


def nodes(described: Any) -> list[tuple[Any, Any]]:
    """Return all places in a parsed description: containers and the keys in them."""
    found, left = [], [described]
    for each in left:
        items = each.items() if isinstance(each, dict) else enumerate(each)
        for key, child in items:
            found.append((each, key))
            if isinstance(child, dict | list):
                left.append(child)
    return found


def description(rng: Rng, parts: Parts) -> Parts:
    """Return a file with values of its description changed, moved or gone."""
    described = parts.description
    for _ in range(rng.integers(1, 4)):
        if not (places := nodes(described)):
            break
        holder, key = pick(rng, places)
        other, theirs = pick(rng, places)
        match rng.integers(6):
            case 0 | 1:
                holder[key] = value(rng)
            case 2:
                holder[key] = json.loads(json.dumps(other[theirs]))
            case 3:
                del holder[key]
            case 4 if isinstance(holder, dict):
                holder[str(value(rng))] = holder.pop(key)
            case 5 if isinstance(holder, list):
                holder.insert(key, value(rng))
            case _:
                number = holder[key]
                if isinstance(number, int | float) and abs(number) < 2**40:
                    holder[key] = number + int(rng.integers(-2, 3))
    return parts.describing(described)


def arrays(rng: Rng, parts: Parts) -> Parts:
    """Return a file with other arrays: their values, types, shapes and names."""
    tensors: list[Tensor | None] = list(parts.tensors)
    for i in rng.permutation(len(tensors))[: rng.integers(1, 3)]:
        tensor = parts.tensors[i]
        match rng.integers(7):
            case 0 | 1 if len(tensor.data) and tensor.dtype in ("F32", "F64"):
                array = tensor.array.copy()
                array.flat[int(rng.integers(array.size))] = pick(rng, FLOATS)
                tensors[i] = Tensor.of(tensor.name, array)
            case 2:
                tensors[i] = replace(tensor, shape=tensor.shape[::-1])
            case 3:
                tensors[i] = replace(tensor, name=pick(rng, parts.tensors).name)
            case 4:
                kind = pick(rng, ("F32", "I32", "F64", "I64", "U8", "BOOL"))
                tensors[i] = replace(tensor, dtype=kind)
            case 5:
                tensors[i] = None
            case _:
                shape = rng.integers(0, 6, rng.integers(0, 4)).tolist()
                tensors[i] = Tensor.of(tensor.name, rng.normal(size=shape).astype(np.float32))
    kept = {tensor.name: tensor for tensor in tensors if tensor is not None}
    return replace(parts, tensors=tuple(kept.values()))


def mutated(rng: Rng, content: bytes) -> bytes:
    """Return a damaged file."""
    match rng.integers(5):
        case 0:
            return blind(rng, content)
        case 1:
            return tokens(rng, content)
        case 2:
            return arrays(rng, take_apart(content)).packed()
        case 3:
            return description(rng, arrays(rng, take_apart(content))).packed()
    return description(rng, take_apart(content)).packed()


def structural(rng: Rng, content: bytes) -> bytes:
    """Return a file damaged with knowledge of its parts alone: values, types, sizes and names."""
    parts = take_apart(content)
    match rng.integers(4):
        case 0:
            return arrays(rng, parts).packed()
        case 1:
            return description(rng, arrays(rng, parts)).packed()
    return description(rng, parts).packed()


def told(content: bytes, mutant: bytes) -> str:
    """Return in words what :func:`structural` has changed."""
    before, after = take_apart(content), take_apart(mutant)
    lines = list(_changes(before.description, after.description, "description"))
    own, theirs = ({each.name: each for each in parts.tensors} for parts in (before, after))
    for name in sorted({*own, *theirs}):
        one, other = own.get(name), theirs.get(name)
        if one != other:
            shown = [each and (each.dtype, each.shape, each.data[:40]) for each in (one, other)]
            lines.append(f"tensor {name}: {shown[0]} -> {shown[1]}")
    return "\n".join(lines)


def _changes(before: Any, after: Any, place: str) -> Iterator[str]:
    """Yield the places at which two parsed descriptions differ."""
    if type(before) is type(after) and isinstance(before, dict):
        for key in sorted({*before, *after}):
            yield from _changes(before.get(key, ...), after.get(key, ...), f"{place}.{key}")
    elif type(before) is type(after) is list and len(before) == len(after):
        for i, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _changes(one, other, f"{place}.{i}")
    elif before != after or type(before) is not type(after):
        yield f"{place}: {before!r} -> {after!r}"[:300]
