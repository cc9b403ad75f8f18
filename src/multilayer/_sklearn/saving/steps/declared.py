"""Steps described by a table: what each kind of step is made of, and how it is rebuilt from that.

Classes are imported when a step of theirs is encoded or read. Which modules, classes, arguments and
attributes there are stands in the tables here, never in a file.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._persist.values import decode, encode
from multilayer._sklearn.saving.parts import Holder
from multilayer._sklearn.saving.reader import (
    Arrays,
    StoredValues,
    Values,
    brief,
    encode_names,
    take_count,
    take_names,
)
from multilayer._sklearn.saving.steps.attributes import Attribute, State
from multilayer._sklearn.saving.steps.rules import ARGUMENTS, NOTHING

OUTPUTS = (None, "default", "pandas", "polars")  # what set_output takes
MOST_COLUMNS = 1_000_000  # where lists or sums over columns are made of no more than their number
TYPES: dict[str, Any] = {
    name: getattr(np, name)
    for name in ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8")
} | {"bool": bool, "int": int, "float": float}


@dataclass(frozen=True)
class Words:
    """What an argument that is code may be: by names, and what returns those that they stand for.

    A file is checked by the names alone, as it is also read where there is no scikit-learn.
    """

    names: tuple[str, ...]
    find: Callable[[], Mapping[str, Any]]


NO_WORDS: Mapping[str, Words] = {}
TYPE = Words(tuple(TYPES), lambda: TYPES)
"""What an argument ``dtype`` may be."""


def nothing(*_: Any) -> None:
    """Do nothing."""


def unchanged(step: Any) -> int:
    """Return as many columns as there are."""
    return int(step.n_features_in_)


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
    words : dict of str to Words
        Arguments that are code, with those that can be saved by name.
    check : callable
        Refuses arguments that a file must not have, when a step is encoded and when it is read.
    fits : callable
        Refuses arguments and attributes that do not fit together, and asks the arrays for the
        memory that `finish` takes.
    n_out : callable
        Returns how many columns ``transform`` makes.
    finish : callable
        Makes what ``transform`` needs beside, from the arguments and attributes.
    """

    name: str
    module: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    varying: tuple[str, ...] = ()
    words: Mapping[str, Words] = field(default_factory=dict)
    check: Callable[[Any], None] = nothing
    fits: Callable[[Any, Arrays], None] = nothing
    n_out: Callable[[Any], int] = unchanged
    finish: Callable[[Any], None] = nothing

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
            attribute.encode(name.strip("_"), getattr(step, name, None), state)
        return state.fitted, state.arrays

    # And back -----------------------------------------------------------------------------------

    def rebuild(self, params: Values, fitted: Values, arrays: Arrays) -> Any:
        """Make the step again."""
        step = constructed(self, decode_arguments(self, params))
        self._fill(step, fitted, arrays, lambda child: child.take)
        self.finish(step)
        return with_output(step, fitted)

    def read(self, params: Values, fitted: Values, arrays: Arrays) -> Holder:
        """Return what the step has, checked, without scikit-learn."""
        step = Holder(self.name, check_arguments(self.name, params, self.varying, self.words))
        self._fill(step, fitted, arrays, lambda child: child.read)
        check_output(fitted)
        arrays.check_all_taken()
        return step

    def _fill(self, step: Any, fitted: Values, arrays: Arrays, way: "Way") -> None:
        """Give a step, or what holds its arguments, what it has learnt; ``way`` reads children."""
        step.n_features_in_ = n_features = take_count(fitted, "n_features")
        self.check(step)
        names = take_names(fitted, n_features)
        if names is not None:
            step.feature_names_in_ = names
        state = State(fitted, arrays, {"n_features": n_features})
        for name, attribute in self.attributes.items():
            take = way(attribute) if isinstance(attribute, Child) else attribute.take
            value = take(name.strip("_"), state, step)
            if value is not None or not name.startswith("_"):
                setattr(step, name, value)
        self.fits(step, arrays)


@dataclass(frozen=True)
class Child:
    """An attribute that is a step itself, or None."""

    kind: Declared
    needed: Callable[[Any], bool]

    def encode(self, name: str, value: Any, state: State) -> None:
        """Put a step into the state of another."""
        if value is not None:
            fitted, arrays = self.kind.fitted(value)
            state.fitted[name] = {"params": self.kind.params(value), "fitted": fitted}
            state.arrays.update({f"{name}.{key}": array for key, array in arrays.items()})

    def take(self, name: str, state: State, step: Any) -> Any:
        """Return the step."""
        return self._taken(name, state, step, self.kind.rebuild)

    def read(self, name: str, state: State, step: Any) -> Any:
        """Return what the step has, without scikit-learn."""
        return self._taken(name, state, step, self.kind.read)

    def _taken(self, name: str, state: State, step: Any, made_of: Callable[..., Any]) -> Any:
        if not self.needed(step):
            return None
        match state.fitted.get(name):
            case {"params": dict(params), "fitted": dict(values), **rest} if not rest:
                fitted, own = StoredValues(values), state.arrays.below(f"{name}.")
                made = made_of(params, fitted, own)
                own.check_all_taken()
                fitted.check_all_taken()
                if made.n_features_in_ != step.n_features_in_:
                    raise ModelFileError(f"its {name} is of another number of columns.")
                return made
        raise ModelFileError(f"its value {name!r} is missing.")


Way: TypeAlias = Callable[[Child], Callable[[str, State, Any], Any]]


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
    words = kind.words[name].find()
    for word, known in words.items():
        if value is known or (isinstance(value, np.dtype) and value.type is known):
            return {"word": word}
    if value is None or (isinstance(value, str) and value in words):
        return value
    raise ModelFileError(
        f"{name} of {kind.name} must be one of {list(words)} to be saved, got {name}={value!r}. "
        "Give one of them by name before fit."
    )


def check_arguments(
    name: str,
    params: Values,
    varying: Collection[str] = (),
    words: Mapping[str, Words] = NO_WORDS,
) -> dict[str, Any]:
    """Return the arguments of a kind of step, when it has all of them in some release.

    Those that are code, other than types, are the words that stand for them.
    """
    rules = ARGUMENTS[name]
    if unknown := sorted(set(params) - set(rules)):
        raise ModelFileError(f"its {name} has arguments that no file has: {unknown}.")
    if missing := sorted(set(rules) - set(params) - set(varying)):
        raise ModelFileError(f"its {name} lacks {missing}.")
    values = {}
    for own, encoded in params.items():
        value = values[own] = _by_word(name, own, encoded, words)
        if rules[own] is NOTHING and value is not None:
            raise ModelFileError(f"its {name} has a function, {own}, which no file holds.")
        if not rules[own](value):
            raise ModelFileError(f"its {name} has an argument out of range: {own}={value!r}.")
    return values


def _by_word(kind: str, name: str, encoded: Any, words: Mapping[str, Words]) -> Any:
    if name not in words or encoded is None:
        return decode(encoded)
    match encoded:
        case {"word": str(word), **rest} if word in words[name].names and not rest:
            return TYPES.get(word, word)
        case str(word) if word in words[name].names:
            return word
    raise ModelFileError(f"its {kind} has a {name} that is none: {encoded!r}.")


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
    words = kind.words[name].find()
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
    """Return the configuration that set_output was given."""
    return getattr(step, "_sklearn_output_config", {}).get("transform")


def check_output(fitted: Values) -> str | None:
    """Return what transform returns, if that is something."""
    output = fitted.get("output")
    if output not in OUTPUTS:
        raise ModelFileError(f"its value 'output' must be one of {OUTPUTS}, got {output!r}.")
    return output


def with_output(step: Any, fitted: Values) -> Any:
    """Return a step after giving set_output the same configuration."""
    output = check_output(fitted)
    return step if output is None else step.set_output(transform=output)
