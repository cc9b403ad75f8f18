"""Transformers by a table: what a file has of each kind, and how scikit-learn's is built from it.

Modules, classes, arguments and attributes are named in the records of kinds, never in a file.
Classes are imported when a transformer of theirs is encoded or built: a file is parsed without
scikit-learn.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._persist.description import decode, encode
from multilayer._sklearn.saving.model_steps import FittedStep, Shape, TransformerValues
from multilayer._sklearn.saving.reader import (
    StoredArrays,
    StoredValues,
    Values,
    brief,
    encode_names,
    take_count,
    take_names,
)
from multilayer._sklearn.saving.steps.argument_rules import NOTHING, Rules
from multilayer._sklearn.saving.steps.attributes import (
    Attribute,
    Encoded,
    Needed,
    Stored,
)

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

OUTPUTS = (None, "default", "pandas", "polars")  # what set_output takes
MOST_COLUMNS = 1_000_000  # where a list over all columns is made from their number alone
TYPES: dict[str, type] = {
    name: getattr(np, name)
    for name in ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8")
} | {"bool": bool, "int": int, "float": float}


@dataclass(frozen=True)
class Words:
    """Values of an argument that is code: their names, and a function that returns them by name.

    A file is parsed by the names alone, as it is also read where there is no scikit-learn.
    """

    names: tuple[str, ...]
    find: Callable[[], Mapping[str, object]]


NO_WORDS: Mapping[str, Words] = {}
TYPE = Words(tuple(TYPES), lambda: TYPES)
"""What an argument ``dtype`` may be."""


def no_check(step: FittedStep) -> None:
    """Accept any step."""


def no_conditions(step: FittedStep, arrays: StoredArrays) -> None:
    """Accept any step, which takes no further memory."""


def unchanged(step: FittedStep) -> int:
    """Return as many columns as there are."""
    return int(step.n_features_in_)


@dataclass(frozen=True)
class TransformerKind:
    """A kind of transformer of scikit-learn.

    Attributes
    ----------
    name, module : str
        Its class, and where that is.
    arguments : dict of str to Rule
        Arguments of its constructor, and what they must be.
    attributes : dict of str to Attribute
        What it has learnt, in the order in which it is decoded.
    varying : tuple of str
        Arguments that not every release of scikit-learn has, or that take other words in some. They
        are written only where they are not the default.
    words : dict of str to Words
        Arguments that are code, with those that can be saved by name.
    inverts : bool
        Whether it has an inverse, so that targets may be transformed by it.
    check : callable
        Refuses arguments that a file must not have, when a step is encoded and when it is parsed.
    fits : callable
        Refuses arguments and attributes that do not fit together, and asks the arrays for the
        memory that `finish` takes.
    n_out : callable
        Returns how many columns ``transform`` makes.
    finish : callable
        Makes what scikit-learn's ``transform`` needs beside the arguments and attributes.
    """

    name: str
    module: str
    arguments: Rules
    attributes: Mapping[str, "Attribute | Child"] = field(default_factory=dict)
    varying: tuple[str, ...] = ()
    words: Mapping[str, Words] = field(default_factory=dict)
    inverts: bool = False
    check: Callable[[FittedStep], None] = no_check
    fits: Callable[[FittedStep, StoredArrays], None] = no_conditions
    n_out: Callable[[FittedStep], int] = unchanged
    finish: "Callable[[BaseEstimator], None]" = no_check

    @cached_property
    def cls(self) -> "type[BaseEstimator]":
        """The class."""
        return getattr(import_module(self.module), self.name)

    # From scikit-learn to plain data ------------------------------------------------------------

    def params(self, step: "BaseEstimator") -> dict[str, JSON]:
        """Return the constructor's arguments as JSON."""
        return encode_arguments(self.cls, step.get_params(deep=False), self.varying, self.words)

    def fitted(self, step: "BaseEstimator") -> tuple[dict[str, JSON], dict[str, np.ndarray]]:
        """Return the fitted values, as JSON and as arrays."""
        self.check(step)
        n_features = int(step.n_features_in_)
        values: dict[str, JSON] = {
            "n_features": n_features,
            "feature_names": encode_names(getattr(step, "feature_names_in_", None)),
            "output": output_of(step),
        }
        arrays: dict[str, np.ndarray] = {}
        into = Encoded({"n_features": n_features}, values, arrays)
        for name, attribute in self.attributes.items():
            attribute.encode(name.strip("_"), getattr(step, name, None), into)
        return values, arrays

    # From plain data to values ------------------------------------------------------------------

    def parse(
        self, params: Values, fitted: StoredValues, arrays: StoredArrays
    ) -> TransformerValues:
        """Return what a file has of a step, checked; all of its values and arrays are taken."""
        arguments = parse_arguments(self.name, params, self.arguments, self.varying, self.words)
        step = TransformerValues(self.name, arguments, take_output(fitted))
        learnt = step.attributes
        n_features = learnt["n_features_in_"] = take_count(fitted, "n_features")
        self.check(step)
        names = take_names(fitted, n_features)
        if names is not None:
            learnt["feature_names_in_"] = names
        stored = Stored({"n_features": n_features}, fitted, arrays)
        for name, attribute in self.attributes.items():
            value = attribute.decode(name.strip("_"), stored, step)
            if value is not None or not name.startswith("_"):
                learnt[name] = value
        self.fits(step, arrays)
        arrays.check_all_taken()
        fitted.check_all_taken()
        return step

    def shape(self, values: TransformerValues) -> Shape:
        """Return how many columns a step takes and returns."""
        return Shape(values.n_features_in_, self.n_out(values), inverts=self.inverts)

    # And from values to scikit-learn ------------------------------------------------------------

    def build(self, values: TransformerValues) -> "BaseEstimator":
        """Return scikit-learn's transformer of these values."""
        step = constructed(self.cls, {n: self._code(n, v) for n, v in values.arguments.items()})
        for name, value in values.attributes.items():
            attribute = self.attributes.get(name)
            if isinstance(attribute, Child) and isinstance(value, TransformerValues):
                value = attribute.kind.build(value)
            setattr(step, name, value)
        self.finish(step)
        return with_output(step, values.output)

    def _code(self, name: str, value: object) -> object:
        """Return an argument; the code that it is the name of, where it is one."""
        if name in self.words and isinstance(value, str):
            return self.words[name].find()[value]
        return value


@dataclass(frozen=True)
class Child:
    """An attribute that is a transformer itself, or None."""

    kind: TransformerKind
    needed: Needed

    def encode(self, name: str, value: "BaseEstimator | None", into: Encoded) -> None:
        """Add the transformer."""
        if value is not None:
            fitted, arrays = self.kind.fitted(value)
            into.fitted[name] = {"params": self.kind.params(value), "fitted": fitted}
            into.arrays.update({f"{name}.{key}": array for key, array in arrays.items()})

    def decode(self, name: str, stored: Stored, step: FittedStep) -> TransformerValues | None:
        """Return the values of the transformer."""
        if not self.needed(step):
            return None
        match stored.fitted.get(name):
            case {"params": dict(params), "fitted": dict(fitted), **rest} if not rest:
                arrays = stored.arrays.below(f"{name}.")
                values = self.kind.parse(params, StoredValues(fitted), arrays)
                if values.n_features_in_ != step.n_features_in_:
                    raise ModelFileError(f"its {name} is of another number of columns.")
                return values
        raise ModelFileError(f"its value {name!r} is missing.")


# Arguments --------------------------------------------------------------------------------------


def encode_arguments(
    cls: "type[BaseEstimator]",
    given: Mapping[str, object],
    varying: Collection[str] = (),
    words: Mapping[str, Words] = NO_WORDS,
) -> dict[str, JSON]:
    """Return the arguments of a step as JSON; random generators become None."""
    known = inspect.signature(cls).parameters
    encoded: dict[str, JSON] = {}
    for name, value in given.items():
        default = known[name].default
        if name in varying and (value is default or value == default):
            continue
        if isinstance(value, np.random.RandomState | np.random.Generator):
            encoded[name] = None
        elif name in words:
            encoded[name] = _encode_code(cls.__name__, name, value, words[name].find())
        else:
            encoded[name] = encode(f"{name} of {cls.__name__}", value)
    return encoded


def _encode_code(kind: str, name: str, value: object, known: Mapping[str, object]) -> JSON:
    """Return an argument that is code by its name."""
    for word, code in known.items():
        if value is code or (isinstance(value, np.dtype) and value.type is code):
            return {"word": word}
    if value is None or (isinstance(value, str) and value in known):
        return value
    raise ModelFileError(
        f"{name} of {kind} must be one of {list(known)} to be saved, got {name}={value!r}. "
        "Give one of them by name before fit."
    )


def parse_arguments(
    kind: str,
    params: Values,
    rules: Rules,
    varying: Collection[str] = (),
    words: Mapping[str, Words] = NO_WORDS,
) -> dict[str, object]:
    """Return the arguments of a step, when they are all that its kind has in some release.

    Those that are code, other than types, are the words that stand for them.
    """
    if unknown := sorted(set(params) - set(rules)):
        raise ModelFileError(f"its {kind} has arguments that no file has: {unknown}.")
    if missing := sorted(set(rules) - set(params) - set(varying)):
        raise ModelFileError(f"its {kind} lacks {missing}.")
    values = {}
    for name, encoded in params.items():
        value = values[name] = _parse_argument(kind, name, encoded, words)
        if rules[name] is NOTHING and value is not None:
            raise ModelFileError(f"its {kind} has a function, {name}, which no file contains.")
        if not rules[name](value):
            raise ModelFileError(f"its {kind} has an argument out of range: {name}={value!r}.")
    return values


def _parse_argument(kind: str, name: str, encoded: JSON, words: Mapping[str, Words]) -> object:
    if name not in words or encoded is None:
        return decode(encoded)
    match encoded:
        case {"word": str(word), **rest} if word in words[name].names and not rest:
            return TYPES.get(word, word)
        case str(word) if word in words[name].names:
            return word
    raise ModelFileError(f"its {kind} has an unknown {name}: {encoded!r}.")


def constructed(cls: "type[BaseEstimator]", arguments: Mapping[str, object]) -> "BaseEstimator":
    """Return a step with these arguments, checked by the rules of the scikit-learn at hand."""
    unknown = sorted(set(arguments) - set(inspect.signature(cls).parameters))
    if unknown:
        raise ModelFileError(
            f"its {cls.__name__} has arguments that this scikit-learn lacks: {unknown}. Install "
            "the one that wrote it: `multilayer info` says which."
        )
    step = cls(**arguments)
    try:
        if hasattr(step, "_parameter_constraints"):  # which not every class has
            step._validate_params()
    except (TypeError, ValueError) as error:
        raise ModelFileError(
            f"its {cls.__name__} has an argument out of range: {brief(error)}"
        ) from error
    return step


# The setting of set_output ----------------------------------------------------------------------


def output_of(step: "BaseEstimator") -> str | None:
    """Return the configuration that set_output was given."""
    return getattr(step, "_sklearn_output_config", {}).get("transform")


def take_output(fitted: Values) -> str | None:
    """Return the configuration for set_output, if it is one."""
    output = fitted.get("output")
    if output is None or (isinstance(output, str) and output in OUTPUTS):
        return output
    raise ModelFileError(f"its value 'output' must be one of {OUTPUTS}, got {output!r}.")


def with_output(step: "BaseEstimator", output: str | None) -> "BaseEstimator":
    """Return a step after giving set_output this configuration."""
    return step if output is None else step.set_output(transform=output)
