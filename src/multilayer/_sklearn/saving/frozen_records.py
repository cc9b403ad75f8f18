"""Frozen dataclasses as plain data and back, by the types of their fields.

A record of a kind of column, or of a layer, is a frozen dataclass of numbers, words, flags, tuples
of such and further records. Its fields are written by name. The type that a field states is the
rule for what a file may have in it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from multilayer._core.activations import AnyActivation
from multilayer._core.errors import ModelFileError
from multilayer._core.numpy_activations import ACTIVATIONS
from multilayer._core.types import JSON
from multilayer._persist.description import decode, encode

Record = TypeVar("Record")


def encode_record(record: object, *, without: Sequence[str] = ()) -> dict[str, JSON]:
    """Return the fields of a record as JSON, but for some that are written elsewhere."""
    kind, hints = type(record), hints_of(type(record))
    return {
        name: _encode(f"{name} of {kind.__name__}", hints[name], getattr(record, name))
        for name in field_names(kind)
        if name not in without
    }


def decode_record(
    kind: type[Record],
    values: JSON,
    *,
    given: Mapping[str, object] | None = None,
    later: Collection[str] = (),
    finite: bool = True,
) -> Record:
    """Return the record that :func:`encode_record` was given.

    Parameters
    ----------
    kind : type
        Its dataclass.
    values : dict
        Its fields as JSON: all of them, and no other.
    given : dict or None
        Fields that were read elsewhere.
    later : collection of str
        Fields that files written before them lack: without one it has its default.
    finite : bool
        Whether NaN and infinity are refused.

    Raises
    ------
    ModelFileError
        A field is missing, unknown or of another type (a ValueError).
    """
    given = given or {}
    names = [name for name in field_names(kind) if name not in given]
    if isinstance(values, dict):
        names = [name for name in names if name in values or name not in later]
    if not isinstance(values, dict) or set(values) != set(names):
        found = sorted(values) if isinstance(values, dict) else values
        raise ModelFileError(f"its {kind.__name__} must have the fields {names}, got {found!r}.")
    hints, where = hints_of(kind), FieldPlace(kind.__name__, finite)
    read = {name: _decode(hints[name], values[name], where.field(name)) for name in names}
    return kind(**given, **read)


def hints_of(kind: type) -> dict[str, Any]:  # of any type
    """Return the type of each field."""
    hashable: Any = kind  # mypy looks at the hash of what the class makes
    return _hints(hashable)


@lru_cache  # a file has many records of a kind
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def field_names(kind: type) -> list[str]:
    """Return the names of the fields that make a record."""
    return [field.name for field in fields(kind) if field.init]


# Values by their types ---------------------------------------------------------------------------


@dataclass(frozen=True)
class FieldPlace:
    """Where a value stands, for messages."""

    name: str
    finite: bool

    def field(self, name: str) -> "FieldPlace":
        """Return the place of a field."""
        return FieldPlace(f"{name} of its {self.name}", self.finite)

    def refuse(self, rule: str, value: object) -> ModelFileError:
        """Return the error for a value that breaks its rule."""
        return ModelFileError(f"the {self.name} must be {rule}, got {value!r:.200}.")


def _encode(name: str, hint: Any, value: Any) -> JSON:
    if value is None and NoneType in get_args(hint):
        return None
    if hint == AnyActivation:
        if isinstance(value, str):
            return value
        raise ModelFileError(
            f"{name} must be a name to be saved, as a function is code; got {value!r}."
        )
    (kind,) = _kinds(hint)[:1]
    if get_origin(kind) is tuple:
        hints = _parts(kind, len(value))
        return [_encode(name, each, part) for each, part in zip(hints, value, strict=True)]
    return encode_record(value) if is_dataclass(kind) else encode(name, value)


def _decode(hint: Any, encoded: JSON, place: FieldPlace) -> Any:
    if hint == AnyActivation:
        if isinstance(encoded, str) and encoded in ACTIVATIONS:
            return encoded
        raise place.refuse(f"one of {list(ACTIVATIONS)}", encoded)
    if encoded is None and NoneType in get_args(hint):
        return None
    kinds = _kinds(hint)
    if get_origin(kinds[0]) is tuple:
        if not isinstance(encoded, list):
            raise place.refuse("a list", encoded)
        hints = _parts(kinds[0], len(encoded))
        if len(hints) != len(encoded):
            raise place.refuse(f"a list of {len(hints)}", encoded)
        return tuple(_decode(h, part, place) for h, part in zip(hints, encoded, strict=True))
    if is_dataclass(kinds[0]):
        record: Any = kinds[0]
        return decode_record(record, encoded, finite=place.finite)
    value = decode(encoded)
    for kind in kinds:
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is kind:
            return _checked(value, place)
    raise place.refuse(" or ".join(kind.__name__ for kind in kinds), value)


def _checked(value: object, place: FieldPlace) -> object:
    """Return a plain value: integers are counts."""
    if type(value) is int and not 0 <= value < 2**53:
        raise place.refuse("a count", value)
    if isinstance(value, float) and place.finite and not np.isfinite(value):
        raise place.refuse("a finite number", value)
    return value


def _kinds(hint: Any) -> list[Any]:
    """Return the types that a field may have, None apart."""
    if get_origin(hint) in (Union, UnionType):
        return [kind for kind in get_args(hint) if kind is not NoneType]
    return [hint]


def _parts(kind: Any, length: int) -> Sequence[Any]:
    """Return the types of the parts of a tuple."""
    parts = get_args(kind)
    return [parts[0]] * length if len(parts) == 2 and parts[1] is Ellipsis else parts
