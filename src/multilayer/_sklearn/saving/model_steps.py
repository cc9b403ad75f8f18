"""The typed values of a model: its steps, and what becomes of columns in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._persist.description import decode, encode

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from multilayer._sklearn.saving.network_kinds import NetworkValues
    from multilayer._sklearn.saving.perceptron_kind import PerceptronValues
    from multilayer._sklearn.saving.tabular_kinds import TabularValues
    from multilayer._sklearn.targets.class_outputs import Classes


# Choices of columns, as a ColumnTransformer takes them, as plain data and back -------------------


Choice: TypeAlias = str | int | slice | Sequence[bool | int | str]
"""Columns by name or number, alone or several, a slice of them, or a mask."""


def encode_columns(name: str, columns: object) -> JSON:
    """Return a choice of columns as JSON: a name, a number, a slice, or a list of such or of bools.

    Arrays, series and the like become lists.
    """
    if isinstance(columns, slice):
        return {"slice": encode(name, [columns.start, columns.stop, columns.step])}
    if isinstance(columns, str | int | np.generic):
        return encode(name, columns)
    return encode(name, np.asarray(columns, dtype=object).tolist())


def decode_columns(encoded: JSON) -> Choice:
    """Return the choice of columns that :func:`encode_columns` was given."""
    match encoded:
        case {"slice": [start, stop, step], **rest} if not rest:
            bounds = all(part is None or type(part) in (int, str) for part in (start, stop))
            if bounds and (step is None or type(step) is int):
                return slice(start, stop, step)
        case list(columns) if len({type(column) for column in columns} - {bool, int, str}) == 0:
            return columns
        case str() | int():
            return encoded
    raise ModelFileError(f"its ColumnTransformer has no such columns: {decode(encoded)!r}.")


def places(columns: Choice, n_features: int, numbers: Mapping[str, int]) -> list[int]:
    """Return the numbers of the columns chosen.

    Parameters
    ----------
    columns : str, int, slice or list
        The choice.
    n_features : int
        Number of columns.
    numbers : dict of str to int
        Their numbers by name; empty where they have none.

    Raises
    ------
    ModelFileError
        There are no such columns (a ValueError).
    """
    try:
        if isinstance(columns, slice):
            return list(range(n_features))[_by_number(columns, numbers)]
        if isinstance(columns, str | int):
            columns = [columns]
        if columns and all(isinstance(column, bool) for column in columns):
            if len(columns) != n_features:
                raise IndexError(f"a mask of {len(columns)} for {n_features} columns")
            return [range(n_features)[i] for i, chosen in enumerate(columns) if chosen]
        return [range(n_features)[_number(column, numbers)] for column in columns]
    except (LookupError, ValueError) as error:
        raise ModelFileError(
            f"its ColumnTransformer takes unknown columns: {columns!r}."
        ) from error


def _by_number(columns: slice, numbers: Mapping[str, int]) -> slice:
    """Return a slice of numbers; a slice of names includes its end."""
    start, stop = columns.start, columns.stop
    if isinstance(stop, str):
        stop = numbers[stop] + 1
    return slice(_number(start, numbers), stop, columns.step)


def _number(column: "int | str", numbers: Mapping[str, int]) -> int:
    return numbers[column] if isinstance(column, str) else column


# The steps of a model file as typed values: the parser makes them, both readers use them ---------
#
# One reader builds scikit-learn's objects from them, the other functions of NumPy arrays. Nothing
# here needs more than NumPy.


PASSTHROUGH, DROP, NONE = "passthrough", "drop", "none"
PLACEHOLDERS = {PASSTHROUGH: PASSTHROUGH, DROP: DROP, NONE: None}
"""What may stand in place of a step: the names in files, and scikit-learn's values."""


def placeholder_of(step: object) -> str | None:
    """Return the name in files of what stands in place of a step; None where a step does."""
    for name, value in PLACEHOLDERS.items():
        if step is value or (isinstance(step, str) and step == value):
            return name
    return None


@dataclass(frozen=True)
class Shape:
    """What a step takes and returns."""

    takes: int | None  # columns; None where it takes any number
    gives: int | None  # columns that transform returns; None for as many as it gets
    transforms: bool = True
    inverts: bool = False
    predicts: str | None = None  # LABELS or NUMBERS
    n_targets: int | None = None


LABELS, NUMBERS = "labels", "numbers"


@dataclass(frozen=True)
class TransformerValues:
    """The arguments and fitted attributes of a transformer, by scikit-learn's names.

    Both are read as attributes of this object, as of the transformer itself. Code that is an
    argument (a score function) is its name here.
    """

    kind: str
    arguments: Mapping[str, object]
    output: str | None  # what set_output was given
    attributes: dict[str, object] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute or argument; a file that lacks it is refused."""
        for values in (vars(self).get("attributes", {}), vars(self).get("arguments", {})):
            if name in values:
                return values[name]
        if name.startswith("__"):
            raise AttributeError(name)
        raise ModelFileError(f"its {vars(self).get('kind')} lacks {name}.")

    @property
    def feature_names(self) -> np.ndarray | None:
        """Names of the columns in training."""
        return self.__dict__["attributes"].get("feature_names_in_")


FittedStep: TypeAlias = "BaseEstimator | TransformerValues"
"""What has the arguments and attributes of a transformer: itself, or its values."""


@dataclass(frozen=True)
class PipelineValues:
    """What a Pipeline has beside its members."""

    output: str | None


@dataclass(frozen=True)
class UnionValues:
    """What a FeatureUnion has beside its members."""

    arguments: Mapping[str, object]
    weights: Mapping[str, float]  # of members by name; 1 where there is none
    output: str | None


@dataclass(frozen=True)
class FrozenValues:
    """What a FrozenEstimator has beside its member: nothing."""


@dataclass(frozen=True)
class TargetValues:
    """What a TransformedTargetRegressor has beside its regressor and its transformer."""

    arguments: Mapping[str, object]
    given: bool  # whether a transformer was given, rather than none
    n_axes: int  # of y in training


@dataclass(frozen=True)
class EnsembleValues:
    """What an ensemble has beside its members, and what these have in common."""

    arguments: Mapping[str, object]
    weights: tuple[float, ...]  # of the members, shares of 1
    kind: str | None = None  # of class targets; None for numbers
    classes: "Classes | None" = None
    targets: tuple[int, bool] = (1, True)  # how many numbers, and whether y has one axis


@dataclass(frozen=True)
class ColumnValues:
    """What a ColumnTransformer has beside its members."""

    arguments: Mapping[str, object]
    weights: Mapping[str, float]
    output: str | None
    n_features: int
    feature_names: np.ndarray | None
    sparse_output: bool
    given: Sequence[str]  # for each transformer a placeholder, or STEP for the member itself
    remainder: str  # the same for what remains
    chosen: Sequence[Choice]  # the columns of each member: names, numbers, a slice or a mask
    places: Sequence[Sequence[int]]  # the numbers of these columns
    outputs: Sequence[tuple[int, int]]  # for each of `given`, and what remains, its columns out

    @property
    def has_rest(self) -> bool:
        """Whether the last member takes what remains."""
        return len(self.chosen) > len(self.given)


STEP = "step"
"""What was given is the member, before it was fitted."""
CompositionValues: TypeAlias = (
    PipelineValues | UnionValues | FrozenValues | TargetValues | EnsembleValues | ColumnValues
)
StepValues: TypeAlias = (
    "TransformerValues | CompositionValues | NetworkValues | PerceptronValues | TabularValues"
)


@dataclass(frozen=True)
class ModelStep:
    """One step of a model file, checked.

    Attributes
    ----------
    name, kind : str
        Its name among its siblings, and the name of its class or of a placeholder.
    values : StepValues or None
        What it has learnt; None for a placeholder.
    shape : Shape
        What it takes and returns.
    members : tuple of ModelStep
        The steps within it.
    """

    name: str
    kind: str
    values: "StepValues | None"
    shape: Shape
    members: "tuple[ModelStep, ...]" = ()

    @property
    def is_placeholder(self) -> bool:
        """Whether this stands in place of a step."""
        return self.kind in PLACEHOLDERS
