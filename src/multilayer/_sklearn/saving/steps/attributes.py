"""Kinds of fitted attributes: how each is encoded as JSON and arrays, and decoded, checked.

Axes have names, such as ``"n_features"``. All arrays of a step must agree on how long each is, when
it is encoded and when it is decoded.
"""

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._persist.description import encode
from multilayer._sklearn.saving.label_arrays import decode_dtype, decode_labels, encode_labels
from multilayer._sklearn.saving.model_steps import FittedStep
from multilayer._sklearn.saving.reader import (
    StoredArrays,
    StoredValues,
    require_finite,
    take,
    take_array,
    take_count,
)

RUN_COST = 200  # bytes of an array within another
REMEDY = "Make the columns numbers or text before fit."


@dataclass(frozen=True)
class Axes:
    """The sizes of axes, as far as the attributes so far have shown them."""

    sizes: dict[str, int]

    def check_shape(self, name: str, shape: tuple[int, ...], axes: tuple[str, ...]) -> None:
        """Check that an array fits those before it, and learn the sizes of axes that are new."""
        if len(shape) != len(axes):
            raise ModelFileError(f"its array {name!r} must have {len(axes)} axes, got {shape}.")
        for axis, size in zip(axes, shape, strict=True):
            if self.sizes.setdefault(axis, size) != size:
                raise ModelFileError(
                    f"its array {name!r} has shape {shape}, where {axis} is {self.sizes[axis]}."
                )


@dataclass(frozen=True)
class Encoded(Axes):
    """A step as plain data, while its attributes are encoded."""

    fitted: MutableMapping[str, JSON] = field(default_factory=dict)
    arrays: MutableMapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored(Axes):
    """What a file has of a step, while its attributes are decoded, in the order of encoding."""

    fitted: StoredValues
    arrays: StoredArrays


class Attribute(Protocol):
    """One kind of fitted attribute."""

    def encode(self, name: str, value: Any, into: Encoded) -> None:
        """Add a value, which is of the type that scikit-learn has for the attribute."""

    def decode(self, name: str, stored: Stored, step: FittedStep) -> object:
        """Return the value; `step` has the arguments and the attributes decoded so far."""


Needed: TypeAlias = Callable[[FittedStep], bool]


def always(step: FittedStep) -> bool:
    """Return True: every step of the kind has the attribute."""
    return True


@dataclass(frozen=True)
class Array:
    """An array of numbers, None where the step has none."""

    axes: tuple[str, ...] = ("n_features",)
    kinds: str = "f"
    any_number: bool = False  # NaN and infinity too
    needed: Needed = always  # else it is None, or may be

    def encode(self, name: str, value: object, into: Encoded) -> None:
        """Add it."""
        if value is None:
            return
        array = np.asarray(value)
        if array.dtype.kind not in self.kinds or array.dtype.itemsize > 8:
            raise ModelFileError(f"{name} must be an array of numbers to be saved, got {value!r}.")
        into.check_shape(name, array.shape, self.axes)
        if not self.any_number:
            require_finite(name, array)
        into.arrays[name] = array
        if array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous:
            # Products add up in another order where an array lies otherwise in memory.
            into.fitted[f"{name}_by_columns"] = True

    def decode(self, name: str, stored: Stored, step: FittedStep) -> object:
        """Return the array; a NumPy number where it has no axes."""
        if name not in stored.arrays and not self.needed(step):
            return None
        finite = not self.any_number
        array = take_array(stored.arrays, name, (-1,) * len(self.axes), self.kinds, finite=finite)
        stored.check_shape(name, array.shape, self.axes)
        if stored.fitted.get(f"{name}_by_columns") is True:
            stored.arrays.spend(array.nbytes)
            return np.asfortranarray(array)
        return array[()]


@dataclass(frozen=True)
class Plain:
    """A number, a string or a flag."""

    kind: type

    def encode(self, name: str, value: object, into: Encoded) -> None:
        """Add it."""
        into.fitted[name] = encode(name, self.kind(value))

    def decode(self, name: str, stored: Stored, step: FittedStep) -> object:
        """Return the value; integers are counts."""
        if self.kind is int:
            return take_count(stored.fitted, name)
        return take(stored.fitted, name, self.kind)


@dataclass(frozen=True)
class Size:
    """The size of an axis of an array decoded before."""

    axis: str

    def encode(self, name: str, value: int, into: Encoded) -> None:
        """Add it."""
        into.check_shape(name, (int(value),), (self.axis,))
        into.fitted[name] = int(value)

    def decode(self, name: str, stored: Stored, step: FittedStep) -> int:
        """Return the number."""
        size = take_count(stored.fitted, name)
        stored.check_shape(name, (size,), (self.axis,))
        return size


class Counts:
    """Rows seen: one number, or one for each feature where values were missing."""

    def encode(self, name: str, value: npt.ArrayLike, into: Encoded) -> None:
        """Add it."""
        into.fitted[name] = np.asarray(value).tolist()

    def decode(self, name: str, stored: Stored, step: FittedStep) -> object:
        """Return the numbers as NumPy's."""
        found = stored.fitted.get(name)
        flat = isinstance(found, list) and all(isinstance(each, int | float) for each in found)
        seen = np.asarray(found if flat or isinstance(found, int | float) else None)
        if seen.dtype.kind not in "if" or seen.shape not in ((), (stored.sizes["n_features"],)):
            raise ModelFileError(f"its value {name!r} is missing or no number.")
        if not (seen >= 0).all():
            raise ModelFileError(f"its value {name!r} must count rows.")
        return seen[()]


@dataclass(frozen=True)
class Labels:
    """An array of labels, one for each index of an axis."""

    axis: str = "n_features"
    needed: Needed = always  # else it is None

    def encode(self, name: str, value: np.ndarray | None, into: Encoded) -> None:
        """Add it."""
        if value is not None:
            into.check_shape(name, value.shape, (self.axis,))
            into.fitted[name] = encode_labels(name, value, into.arrays, f"{name}_", REMEDY)

    def decode(self, name: str, stored: Stored, step: FittedStep) -> object:
        """Return the labels."""
        if not self.needed(step):
            return None
        labels = decode_labels(name, stored.fitted.get(name), stored.arrays)
        stored.check_shape(name, labels.shape, (self.axis,))
        return labels


class Categories:
    """A list with an array of labels for each feature."""

    def encode(self, name: str, value: Sequence[np.ndarray], into: Encoded) -> None:
        """Add it."""
        into.check_shape(name, (len(value),), ("n_features",))
        into.fitted[name] = [
            encode_labels(f"{name}.{i}", labels, into.arrays, f"{name}_", REMEDY)
            for i, labels in enumerate(value)
        ]

    def decode(self, name: str, stored: Stored, step: FittedStep) -> list[np.ndarray]:
        """Return the labels of all features."""
        encoded = stored.fitted.get(name)
        if not isinstance(encoded, list):
            raise ModelFileError(f"its value {name!r} is missing.")
        stored.check_shape(name, (len(encoded),), ("n_features",))
        labels = [decode_labels(f"{name}.{i}", e, stored.arrays) for i, e in enumerate(encoded)]
        if not all(map(_are_categories, labels)):
            raise ModelFileError(f"its {name} must be different for each feature, numbers sorted.")
        return labels


def _are_categories(labels: np.ndarray) -> bool:
    """Whether labels can be looked up: each is there once, and numbers ascend, NaN last."""
    if labels.dtype.kind in "OU":
        return 0 < len(labels) == len(set(labels.tolist()))
    known = labels[:-1] if labels.dtype.kind == "f" and np.isnan(labels[-1:]).any() else labels
    return len(labels) > 0 and bool((known[1:] > known[:-1]).all())


class DType:
    """The type of the data seen."""

    def encode(self, name: str, value: np.dtype, into: Encoded) -> None:
        """Add the name of the type."""
        text = "object" if value.kind == "O" else value.newbyteorder("=").str
        decode_dtype(name, text)
        into.fitted[name] = text

    def decode(self, name: str, stored: Stored, step: FittedStep) -> np.dtype:
        """Return the type."""
        return decode_dtype(name, take(stored.fitted, name, str))


@dataclass(frozen=True)
class Runs:
    """Arrays of floats, one after the other; how long each is follows from the step."""

    lengths: Callable[[FittedStep], npt.ArrayLike]  # by the attributes decoded before

    def encode(self, name: str, value: Sequence[npt.ArrayLike], into: Encoded) -> None:
        """Add it."""
        into.arrays[name] = np.concatenate([np.asarray(run) for run in value])
        require_finite(name, into.arrays[name])

    def decode(self, name: str, stored: Stored, step: FittedStep) -> list[np.ndarray]:
        """Return the arrays."""
        ends = np.cumsum(self.lengths(step))
        if not len(ends):
            raise ModelFileError(f"its array {name!r} belongs to no feature or class.")
        stored.arrays.spend(len(ends) * RUN_COST)
        whole = take_array(stored.arrays, name, (int(ends[-1]),))
        return np.split(whole, ends[:-1])
