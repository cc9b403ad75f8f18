"""Taking values out of what was read from a file: each is there and of its type, or refused.

The parser of a step takes its arrays out of :class:`StoredArrays` one by one, and its values out of
:class:`StoredValues`; what is left over is refused. Before it makes anything larger than what it
read (text, wider numbers), it asks :meth:`StoredArrays.spend` for the memory.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._persist.description import decode, encode
from multilayer._persist.memory import MemoryBudget

Value = TypeVar("Value")
Values = Mapping[str, JSON]

TEXT_COST = 80  # bytes for a short string in a list and in an array


class StoredArrays(dict[str, np.ndarray]):
    """The arrays of a file or of one step, until they are taken.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Arrays by name, each of its own memory: they are passed on, not copied.
    room : MemoryBudget
        Memory that may be taken beside them.
    allow_nonfinite : bool
        Whether weights may be NaN or infinite.
    """

    def __init__(
        self, arrays: Mapping[str, np.ndarray], room: MemoryBudget, *, allow_nonfinite: bool = False
    ) -> None:
        super().__init__(arrays)
        self.room = room
        self.allow_nonfinite = allow_nonfinite

    def below(self, prefix: str) -> "StoredArrays":
        """Take out the arrays whose names begin with a prefix, by the rest of their names."""
        names = [name for name in self if name.startswith(prefix)]
        found = {name.removeprefix(prefix): self.pop(name) for name in names}
        return StoredArrays(found, self.room, allow_nonfinite=self.allow_nonfinite)

    def spend(self, n_bytes: int) -> None:
        """Reserve memory; ModelFileError where a file of this size may not take it."""
        self.room.spend(n_bytes)

    def check_all_taken(self) -> None:
        """Refuse arrays that were not taken."""
        if self:
            raise ModelFileError(f"its array {min(self)!r} belongs to nothing in it.")


class StoredValues(dict[str, JSON]):
    """The fitted values of one step, as parsed from JSON; it remembers which were read."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self._asked: set[object] = set()

    def __contains__(self, name: object) -> bool:
        self._asked.add(name)
        return super().__contains__(name)

    def __getitem__(self, name: str) -> JSON:
        self._asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: JSON = None) -> JSON:  # type: ignore[override]
        """Return a value, or the default where there is none."""
        self._asked.add(name)
        return super().get(name, default)

    def check_all_taken(self) -> None:
        """Refuse values that were not read."""
        if unknown := sorted(set(self) - self._asked):
            raise ModelFileError(f"its values {unknown} belong to nothing in it.")


def brief(error: Exception) -> str:
    """Return the message of an error, shortened: it may quote a long value of the file."""
    return str(error)[:1000]


def take(values: Values, name: str, kind: type[Value]) -> Value:
    """Return a value of the given type from a parsed JSON object."""
    value = decode(values[name]) if name in values else None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ModelFileError(f"its value {name!r} is missing or no {kind.__name__}.")
    return value


def take_count(values: Values, name: str, low: int = 0) -> int:
    """Return an integer that counts something."""
    count = take(values, name, int)
    if not low <= count < 2**53:
        raise ModelFileError(f"its value {name!r} must be at least {low}, got {count}.")
    return count


def take_list(values: Values, name: str, length: int) -> list[JSON]:
    """Return a list of a given length from a parsed JSON object, not decoded."""
    found = values.get(name)
    if not isinstance(found, list) or len(found) != length:
        raise ModelFileError(f"its value {name!r} must be a list of {length}.")
    return found


def take_array(
    arrays: StoredArrays,
    name: str,
    shape: tuple[int, ...],
    kinds: str = "f",
    *,
    finite: bool = True,
) -> np.ndarray:
    """Remove an array from the mapping and return it, writable.

    Parameters
    ----------
    arrays : StoredArrays
        Arrays by name.
    name : str
        Its name.
    shape : tuple of int
        The shape it must have; -1 stands for any length.
    kinds : str
        The kinds of type it may have: letters of `numpy.dtype.kind`.
    finite : bool
        Whether NaN and infinity are refused, unless the reader has allowed them.
    """
    if name not in arrays:
        raise ModelFileError(f"its array {name!r} is missing.")
    array = np.require(arrays.pop(name), requirements=["C", "W", "O"])
    fits = len(array.shape) == len(shape) and all(
        expected in (-1, actual) for expected, actual in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in kinds:
        wanted = "floats" if kinds == "f" else f"kind {' or '.join(kinds)}"
        raise ModelFileError(
            f"its array {name!r} has shape {array.shape} and type {array.dtype}, where {wanted} of "
            f"shape {shape} belong."
        )
    if finite and not arrays.allow_nonfinite:
        require_finite(f"its array {name!r}", array)
    return array


def require_finite(name: str, array: np.ndarray) -> None:
    """Refuse an array that holds NaN or infinity."""
    # NaN and infinity show in the minimum or maximum: no boolean array is needed.
    if array.dtype.kind == "f" and array.size and not np.isfinite([array.min(), array.max()]).all():
        raise ModelFileError(f"{name} contains NaN or infinity: such a model predicts nothing.")


def encode_params(params: Mapping[str, object], unsaved: Iterable[str] = ()) -> dict[str, JSON]:
    """Return constructor arguments as JSON; those that cannot be saved become None."""
    return {
        name: None if name in unsaved else encode(name, value) for name, value in params.items()
    }


def decode_params(params: Values, known: Iterable[str]) -> dict[str, object]:
    """Return constructor arguments from JSON; those of a newer version are refused."""
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise ModelFileError(f"it uses {unknown}, which this version lacks. Upgrade multilayer.")
    return {name: decode(value) for name, value in params.items()}


def encode_names(names: Iterable[object] | None) -> list[str] | None:
    """Return feature names as JSON, None where there are none."""
    return None if names is None else [str(name) for name in names]


def take_names(fitted: Values, n_features: int) -> np.ndarray | None:
    """Return feature names as scikit-learn has them, None where there are none."""
    if fitted.get("feature_names") is None:
        return None
    names = fitted["feature_names"]
    if (
        not isinstance(names, list)
        or len(names) != n_features
        or not all(isinstance(name, str) for name in names)
    ):
        raise ModelFileError(f"its value 'feature_names' must contain {n_features} names.")
    return np.array(names, dtype=object)
