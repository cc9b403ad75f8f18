"""The header of a safetensors file, accepted only as multilayer writes it, before anything is made.

A file begins with the length of its header in 8 bytes, then the header, which is JSON, then the
bytes of its tensors. The header is scanned rather than parsed: the grammar here has one spelling
for everything, so that no key can be there twice, no field be unknown and no number odd.
"""

import re
from math import prod
from operator import attrgetter
from typing import NamedTuple

from multilayer._persist.memory import ALLOWANCE, TENSOR_COST

LARGEST_HEADER = 100_000_000  # bytes; safetensors' own limit
LARGEST_TENSOR = 2**48  # bytes; of an array without rows, the product of its other axes
MOST_AXES = 32

DTYPES = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}
"""The types a tensor may have, as NumPy spells them: the digit is the size."""

PRINTABLE = re.compile(rb"[ -~]*")
START = re.compile(rb'\{"__metadata__":\{"multilayer":(?=")')
TEXT = re.compile(rb'"(?:[^"\\]++|\\["\\])*+"')
NAME = re.compile(r"[ !#-\[\]-~]{1,256}")
NUMBER = rb"(?:0|[1-9][0-9]{0,15})"
ENTRY = re.compile(
    rb',"(%b)":\{"dtype":"([A-Z0-9]{1,8})","shape":\[((?:%b(?:,%b)*+)?)\],'
    rb'"data_offsets":\[(%b),(%b)\]\}' % (NAME.pattern.encode(), *(NUMBER,) * 4)
)
END = re.compile(rb"\} {0,7}")  # up to a multiple of 8 bytes


class Refused(ValueError):
    """A file is refused: the reason, and the remedy where it is not damaged."""

    def __init__(self, reason: str, remedy: str | None = None) -> None:
        super().__init__(reason)
        self.remedy = remedy


class Entry(NamedTuple):
    """The entry of one tensor in a header."""

    name: str
    dtype: str  # as NumPy spells it
    shape: tuple[int, ...]
    begin: int
    end: int


def scan(raw: bytearray, n_bytes: int) -> tuple[str, list[Entry]]:
    """Parse a header.

    Parameters
    ----------
    raw : bytearray
        The header; it is used up.
    n_bytes : int
        Bytes that follow it in the file.

    Returns
    -------
    quoted : str
        The description, as the JSON string that it is in the header, JSON within JSON, without
        the spaces behind it.
    entries : list of Entry
        The tensors in the order of their bytes, which they cover without gap or overlap.

    Raises
    ------
    Refused
        It is not a header as multilayer writes it, or does not fit the bytes that follow.
    """
    if not PRINTABLE.fullmatch(raw):
        raise Refused("damaged: its header contains bytes that are not printable ASCII")
    start = START.match(raw)
    if start is None:
        raise Refused("a safetensors file, but not one that multilayer wrote", "")
    quoted = TEXT.match(raw, start.end())
    if quoted is None or raw[quoted.end() : quoted.end() + 1] != b"}":
        raise Refused("damaged: its description is no text, or is not the only one")
    if raw.count(b'"dtype":') * TENSOR_COST > len(raw) + n_bytes + ALLOWANCE:
        raise Refused("damaged: its tensors need more memory than a file of its size may")
    entries, names, place = [], set(), quoted.end() + 1
    while found := ENTRY.match(raw, place):
        entries.append(_entry(found))
        names.add(entries[-1].name)
        place = found.end()
    if not END.fullmatch(raw, place):
        raise Refused(f"damaged: its header is not as multilayer writes it from byte {place} on")
    if len(names) < len(entries):
        raise Refused("damaged: two of its tensors have the same name")
    entries.sort(key=attrgetter("begin", "end"))
    _check_tiling(entries, n_bytes)
    return _without_padding(raw, *quoted.span()), entries


def _without_padding(raw: bytearray, begin: int, end: int) -> str:
    """Return a string of a header without the spaces before its closing quote."""
    end -= 1
    step = 2**16
    while step:
        if end - step > begin and raw[end - step : end] == b" " * step:
            end -= step
        else:
            step //= 2
    raw[end] = ord('"')  # in place, as there may be no memory for one more copy
    return str(memoryview(raw)[begin : end + 1], "ascii")


def _entry(found: re.Match[bytes]) -> Entry:
    """Return an entry, when its fields are consistent."""
    name, kind, axes, begin, end = (group.decode("ascii") for group in found.groups())
    shape = tuple(map(int, axes.split(","))) if axes else ()
    if kind not in DTYPES:
        raise Refused(f"damaged: its tensor {name!r} is of a type that is never written: {kind}")
    if len(shape) > MOST_AXES:
        raise Refused(f"damaged: its tensor {name!r} has {len(shape)} axes")
    entry = Entry(name, DTYPES[kind], shape, int(begin), int(end))
    size = int(DTYPES[kind][-1])
    if entry.end - entry.begin != prod(shape) * size:
        raise Refused(f"damaged: its tensor {name!r} has another size than its shape says")
    if prod(filter(None, shape)) * size > LARGEST_TENSOR:
        raise Refused(f"damaged: its tensor {name!r} is too large")
    return entry


def _check_tiling(entries: list[Entry], n_bytes: int) -> None:
    """Check that tensors, in the order of their bytes, cover all bytes of a file once."""
    place = 0
    for entry in entries:
        if entry.begin != place:
            fault = "overlaps another" if entry.begin < place else "leaves bytes before it unused"
            raise Refused(f"damaged: its tensor {entry.name!r} {fault}")
        place = entry.end
    if place > n_bytes:
        raise Refused("truncated")
    if place < n_bytes:
        raise Refused(f"damaged: {n_bytes - place} bytes at its end belong to no tensor")
