"""Kinds of fitted attributes: how each is encoded as JSON and arrays, and taken back, checked.

Axes have names, such as ``"n_features"``. All arrays of a step must agree on how long each is, when
it is encoded and when it is read.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._persist.values import encode
from multilayer._sklearn.saving.label_arrays import decode_dtype, decode_labels, encode_labels
from multilayer._sklearn.saving.reader import require_finite, take, take_array, take_count

RUN_COST = 200  # bytes of an array within another
REMEDY = "Make the columns numbers or text before fit."


@dataclass(frozen=True)
class State:
    """A step as plain data: encoded attribute by attribute, taken back in the same order."""

    fitted: Any = field(default_factory=dict)
    arrays: Any = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)  # of axes, as far as they are known

    def check_shape(self, name: str, shape: tuple[int, ...], axes: tuple[str, ...]) -> None:
        """Check that an array fits those before it, and learn the sizes of axes that are new."""
        if len(shape) != len(axes):
            raise ModelFileError(f"its array {name!r} must have {len(axes)} axes, got {shape}.")
        for axis, size in zip(axes, shape, strict=True):
            if self.sizes.setdefault(axis, size) != size:
                raise ModelFileError(
                    f"its array {name!r} has shape {shape}, where {axis} is {self.sizes[axis]}."
                )


class Attribute(Protocol):
    """One kind of fitted attribute."""

    def encode(self, name: str, value: Any, state: State) -> None:
        """Put a value into a state."""

    def take(self, name: str, state: State, step: Any) -> Any:
        """Return the value of a state; `step` has its arguments and the attributes before."""


@dataclass(frozen=True)
class Array:
    """An array of numbers, None where the step has none."""

    axes: tuple[str, ...] = ("n_features",)
    kinds: str = "f"
    any_number: bool = False  # NaN and infinity too
    needed: Callable[[Any], bool] = lambda step: True  # else it is None, or may be

    def encode(self, name: str, value: Any, state: State) -> None:
        """Put an array into a state."""
        if value is None:
            return
        array = np.asarray(value)
        if array.dtype.kind not in self.kinds or array.dtype.itemsize > 8:
            raise ModelFileError(f"{name} must be an array of numbers to be saved, got {value!r}.")
        state.check_shape(name, array.shape, self.axes)
        if not self.any_number:
            require_finite(name, array)
        state.arrays[name] = array
        if array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous:
            # Products add up in another order where an array lies otherwise in memory.
            state.fitted[f"{name}_by_columns"] = True

    def take(self, name: str, state: State, step: Any) -> Any:
        """Return the array; a number of NumPy's where it has no axes."""
        if name not in state.arrays and not self.needed(step):
            return None
        finite = not self.any_number
        array = take_array(state.arrays, name, (-1,) * len(self.axes), self.kinds, finite=finite)
        state.check_shape(name, array.shape, self.axes)
        if state.fitted.get(f"{name}_by_columns") is True:
            state.arrays.spend(array.nbytes)
            return np.asfortranarray(array)
        return array[()]


@dataclass(frozen=True)
class Plain:
    """A number, a word or whether something is so."""

    kind: type

    def encode(self, name: str, value: Any, state: State) -> None:
        """Put a value into a state."""
        state.fitted[name] = encode(name, self.kind(value))

    def take(self, name: str, state: State, step: Any) -> Any:
        """Return the value; a number counts something."""
        if self.kind is int:
            return take_count(state.fitted, name)
        return take(state.fitted, name, self.kind)


@dataclass(frozen=True)
class Size:
    """How long an axis is that an array before has."""

    axis: str

    def encode(self, name: str, value: Any, state: State) -> None:
        """Put a number into a state."""
        state.check_shape(name, (int(value),), (self.axis,))
        state.fitted[name] = int(value)

    def take(self, name: str, state: State, step: Any) -> int:
        """Return the number."""
        size = take_count(state.fitted, name)
        state.check_shape(name, (size,), (self.axis,))
        return size


class Counts:
    """Rows seen: one number, or one for each feature where values were missing."""

    def encode(self, name: str, value: Any, state: State) -> None:
        """Put numbers into a state."""
        state.fitted[name] = np.asarray(value).tolist()

    def take(self, name: str, state: State, step: Any) -> Any:
        """Return the numbers as NumPy's."""
        found = state.fitted.get(name)
        flat = isinstance(found, list) and all(isinstance(each, int | float) for each in found)
        seen = np.asarray(found if flat or isinstance(found, int | float) else None)
        if seen.dtype.kind not in "if" or seen.shape not in ((), (state.sizes["n_features"],)):
            raise ModelFileError(f"its value {name!r} is missing or no number.")
        if not (seen >= 0).all():
            raise ModelFileError(f"its value {name!r} must count rows.")
        return seen[()]


@dataclass(frozen=True)
class Labels:
    """An array of labels, one for each place on an axis."""

    axis: str = "n_features"
    needed: Callable[[Any], bool] = lambda step: True  # else it is None

    def encode(self, name: str, value: Any, state: State) -> None:
        """Put labels into a state."""
        if value is not None:
            state.check_shape(name, value.shape, (self.axis,))
            state.fitted[name] = encode_labels(name, value, state.arrays, f"{name}_", REMEDY)

    def take(self, name: str, state: State, step: Any) -> Any:
        """Return the labels."""
        if not self.needed(step):
            return None
        labels = decode_labels(name, state.fitted.get(name), state.arrays)
        state.check_shape(name, labels.shape, (self.axis,))
        return labels


class Categories:
    """A list with an array of labels for each feature."""

    def encode(self, name: str, value: Any, state: State) -> None:
        """Put the labels of all features into a state."""
        state.check_shape(name, (len(value),), ("n_features",))
        state.fitted[name] = [
            encode_labels(f"{name}.{i}", labels, state.arrays, f"{name}_", REMEDY)
            for i, labels in enumerate(value)
        ]

    def take(self, name: str, state: State, step: Any) -> list[np.ndarray]:
        """Return the labels of all features."""
        encoded = state.fitted.get(name)
        if not isinstance(encoded, list):
            raise ModelFileError(f"its value {name!r} is missing.")
        state.check_shape(name, (len(encoded),), ("n_features",))
        labels = [decode_labels(f"{name}.{i}", e, state.arrays) for i, e in enumerate(encoded)]
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

    def encode(self, name: str, value: np.dtype, state: State) -> None:
        """Put a type into a state."""
        text = "object" if value.kind == "O" else value.newbyteorder("=").str
        decode_dtype(name, text)
        state.fitted[name] = text

    def take(self, name: str, state: State, step: Any) -> np.dtype:
        """Return the type."""
        return decode_dtype(name, take(state.fitted, name, str))


@dataclass(frozen=True)
class Runs:
    """Arrays of floats, one after the other; how long each is follows from the step."""

    lengths: Callable[[Any], Any]  # of a step with the attributes before

    def encode(self, name: str, value: Any, state: State) -> None:
        """Put arrays into a state."""
        state.arrays[name] = np.concatenate([np.asarray(run) for run in value])
        require_finite(name, state.arrays[name])

    def take(self, name: str, state: State, step: Any) -> list[np.ndarray]:
        """Return the arrays."""
        ends = np.cumsum(self.lengths(step))
        if not len(ends):
            raise ModelFileError(f"its array {name!r} belongs to no feature or class.")
        state.arrays.spend(len(ends) * RUN_COST)
        whole = take_array(state.arrays, name, (int(ends[-1]),))
        return np.split(whole, ends[:-1])
