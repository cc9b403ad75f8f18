"""The steps of a model file as typed values: the parser makes them, both readers use them.

One reader builds scikit-learn's objects from them, the other functions of NumPy arrays. Nothing
here needs more than NumPy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.steps.columns import Choice

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from multilayer._sklearn.saving.network_kinds import NetworkValues
    from multilayer._sklearn.saving.perceptron_kind import PerceptronValues

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
    PipelineValues | UnionValues | FrozenValues | TargetValues | ColumnValues
)
StepValues: TypeAlias = "TransformerValues | CompositionValues | NetworkValues | PerceptronValues"


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
