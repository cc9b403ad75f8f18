"""Steps told by a table: what each kind of step is made of, and how it is made again from that.

Classes are imported when a step of theirs is told or read. Which modules, classes, arguments and
attributes there are stands in the tables here, never in a file.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._persist.values import decode, encode
from multilayer.estimators.steps.attributes import Attribute, State
from multilayer.estimators.stored import (
    Arrays,
    StoredValues,
    Values,
    brief,
    encode_names,
    take,
    take_names,
)

OUTPUTS = (None, "default", "pandas", "polars")  # what set_output takes
MOST_COLUMNS = 1_000_000  # where lists or sums over columns are made of no more than their number
TYPES: dict[str, Any] = {
    name: getattr(np, name)
    for name in ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8")
} | {"bool": bool, "int": int, "float": float}


def types() -> Mapping[str, Any]:
    """Return the types that an argument ``dtype`` may be."""
    return TYPES


def nothing(*_: Any) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Declared:
    """A kind of step of scikit-learn's.

    Attributes
    ----------
    name, module : str
        Its class, and where that is.
    attributes : dict of str to Attribute
        What it has learnt, in the order in which it is read.
    varying : tuple of str
        Arguments that not every release of scikit-learn has, or takes the same words for. They are
        written only where they are not the default.
    words : dict of str to callable
        Arguments that are code, with what returns those that can be saved by name.
    check : callable
        Refuses arguments that a file must not have, when a step is told and when it is read.
    finish : callable
        Makes what ``transform`` needs beside, from the arguments and attributes. It asks the
        arrays for the memory that this takes.
    """

    name: str
    module: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    varying: tuple[str, ...] = ()
    words: Mapping[str, Callable[[], Mapping[str, Any]]] = field(default_factory=dict)
    check: Callable[[Any], None] = nothing
    finish: Callable[[Any, Arrays], None] = nothing

    @cached_property
    def cls(self) -> Any:
        """The class."""
        return getattr(import_module(self.module), self.name)

    # To plain data ------------------------------------------------------------------------------

    def params(self, step: Any) -> dict[str, Any]:
        """Return the constructor's arguments as JSON."""
        return encode_arguments(self, step.get_params(deep=False))

    def fitted(self, step: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the fitted values, as JSON and as arrays."""
        if not hasattr(step, "n_features_in_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(f"{step!r} is not fitted yet. Call fit before saving.")
        self.check(step)
        values: dict[str, Any] = {
            "n_features": int(step.n_features_in_),
            "feature_names": encode_names(getattr(step, "feature_names_in_", None)),
            "output": output_of(step),
        }
        state = State(values, {}, {"n_features": values["n_features"]})
        for name, attribute in self.attributes.items():
            attribute.tell(name.strip("_"), getattr(step, name, None), state)
        return state.fitted, state.arrays

    # And back -----------------------------------------------------------------------------------

    def rebuild(self, params: Values, fitted: Values, arrays: Arrays) -> Any:
        """Make the step again."""
        step = constructed(self, decode_arguments(self, params))
        step.n_features_in_ = n_features = take(fitted, "n_features", int)
        if n_features < 0:
            raise ModelFileError(f"its number of features cannot be {n_features}.")
        self.check(step)
        names = take_names(fitted, n_features)
        if names is not None:
            step.feature_names_in_ = names
        state = State(fitted, arrays, {"n_features": n_features})
        for name, attribute in self.attributes.items():
            value = attribute.take(name.strip("_"), state, step)
            if value is not None or not name.startswith("_"):
                setattr(step, name, value)
        self.finish(step, arrays)
        return with_output(step, fitted)


@dataclass(frozen=True)
class Child:
    """An attribute that is a step itself, or None."""

    kind: Declared
    needed: Callable[[Any], bool]

    def tell(self, name: str, value: Any, state: State) -> None:
        """Put a step into the state of another."""
        if value is not None:
            fitted, arrays = self.kind.fitted(value)
            state.fitted[name] = {"params": self.kind.params(value), "fitted": fitted}
            state.arrays.update({f"{name}.{key}": array for key, array in arrays.items()})

    def take(self, name: str, state: State, step: Any) -> Any:
        """Return the step."""
        if not self.needed(step):
            return None
        match state.fitted.get(name):
            case {"params": dict(params), "fitted": dict(values), **rest} if not rest:
                fitted, own = StoredValues(values), state.arrays.below(f"{name}.")
                made = self.kind.rebuild(params, fitted, own)
                own.check_all_taken()
                fitted.check_all_taken()
                return made
        raise ModelFileError(f"its value {name!r} is missing.")


# Arguments --------------------------------------------------------------------------------------


def encode_arguments(kind: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a step as JSON; random generators become None."""
    known = inspect.signature(kind.cls).parameters
    encoded = {}
    for name, value in given.items():
        default = known[name].default
        if name in kind.varying and (value is default or value == default):
            continue
        generator = isinstance(value, np.random.RandomState | np.random.Generator)
        encoded[name] = None if generator else _encode_argument(kind, name, value)
    return encoded


def _encode_argument(kind: Any, name: str, value: Any) -> Any:
    if name not in kind.words:
        return encode(f"{name} of {kind.name}", value)
    words = kind.words[name]()
    for word, known in words.items():
        if value is known or (isinstance(value, np.dtype) and value.type is known):
            return {"word": word}
    if value is None or (isinstance(value, str) and value in words):
        return value
    raise ModelFileError(
        f"{name} of {kind.name} must be one of {list(words)} to be saved, got {name}={value!r}. "
        "Give one of them by name before fit."
    )


def decode_arguments(kind: Any, params: Values) -> dict[str, Any]:
    """Return constructor arguments from JSON."""
    known = inspect.signature(kind.cls).parameters
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise ModelFileError(
            f"its {kind.name} has arguments that this scikit-learn lacks: {unknown}. Install the "
            "one it was made with: `multilayer info` says which."
        )
    return {name: _decode_argument(kind, name, value) for name, value in params.items()}


def _decode_argument(kind: Any, name: str, encoded: Any) -> Any:
    if name not in kind.words or encoded is None:
        return decode(encoded)
    words = kind.words[name]()
    match encoded:
        case {"word": str(word)} if word in words:
            return words[word]
        case str(word) if word in words:
            return word
    raise ModelFileError(f"its {kind.name} has a {name} that is none: {encoded!r}.")


def constructed(kind: Any, arguments: Mapping[str, Any]) -> Any:
    """Return a step with these arguments, checked by scikit-learn's rules."""
    step = kind.cls(**arguments)
    try:
        if hasattr(step, "_parameter_constraints"):  # which not every class has
            step._validate_params()
    except (TypeError, ValueError) as error:
        raise ModelFileError(
            f"its {kind.name} has an argument out of range: {brief(error)}"
        ) from error
    return step


# What transform returns -------------------------------------------------------------------------


def output_of(step: Any) -> str | None:
    """Return what set_output was told."""
    return getattr(step, "_sklearn_output_config", {}).get("transform")


def with_output(step: Any, fitted: Values) -> Any:
    """Return a step after telling set_output the same."""
    output = fitted.get("output")
    if output not in OUTPUTS:
        raise ModelFileError(f"its value 'output' must be one of {OUTPUTS}, got {output!r}.")
    return step if output is None else step.set_output(transform=output)
