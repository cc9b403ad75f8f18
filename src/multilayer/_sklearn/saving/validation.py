"""The one judge of model files: what every reader refuses, before anything is made of it.

It needs NumPy alone: no scikit-learn, no JAX. Each step is read by the tables of its kind; then the
steps must fit together: each must take as many columns as the one before returns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from multilayer._core.errors import InvalidArgumentError, ModelFileError
from multilayer._persist.memory_budget import MemoryBudget
from multilayer._sklearn.arguments.constructors import ClassifierArguments, RegressorArguments
from multilayer._sklearn.perceptron.arguments import PerceptronArguments
from multilayer._sklearn.saving import network_state
from multilayer._sklearn.saving.parts import WORDS, Part, parts_of
from multilayer._sklearn.saving.perceptron_arrays import read_perceptron
from multilayer._sklearn.saving.reader import (
    Arrays,
    StoredArrays,
    Values,
    brief,
    take,
    take_count,
    take_list,
    take_names,
)
from multilayer._sklearn.saving.steps.columns import decode_columns, places
from multilayer._sklearn.saving.steps.declared import MOST_COLUMNS, check_arguments, check_output
from multilayer._sklearn.saving.steps.rules import VARYING
from multilayer._sklearn.saving.steps.table import COMPOSED, find

INVERTED = frozenset(
    (
        *("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "FunctionTransformer"),
        *("QuantileTransformer", "PowerTransformer", "KBinsDiscretizer", "OneHotEncoder"),
        *("OrdinalEncoder", "SimpleImputer", "PCA", "TruncatedSVD", "VarianceThreshold"),
        "SelectKBest",
    )
)
"""Kinds of steps that can be undone."""
REST, STEP = "remainder", "step"
COLUMN_COST = 500  # bytes of what a ColumnTransformer keeps for a column
LABELS, NUMBERS = "labels", "numbers"


@dataclass(frozen=True)
class Shape:
    """What a step takes and returns."""

    takes: int | None  # columns; None where it takes any number
    gives: int | None  # columns that transform returns; None for as many as it gets
    transforms: bool = True
    inverts: bool = False
    predicts: str | None = None  # LABELS or NUMBERS
    n_targets: int | None = None


ANY = Shape(None, None, inverts=True)
"""What stands in place of a step and passes all on."""
NONE = Shape(None, 0)
"""What stands in place of a step and passes nothing on."""


def check_model(
    pipeline: bool, steps: Any, arrays: StoredArrays, *, features: Sequence[str] | None = None
) -> int:
    """Refuse what is no model.

    Parameters
    ----------
    pipeline : bool
        Whether it is a pipeline.
    steps : list of dict
        Descriptions of its steps, as parsed from JSON.
    arrays : StoredArrays
        Its arrays; they stay there.
    features : sequence of str or None
        Names of the columns of its training data, where they are known.

    Returns
    -------
    n_bytes : int
        Memory that may be taken beside them once this is done.

    Raises
    ------
    ModelFileError
        Something is missing, of a wrong kind or does not fit together (a ValueError).
    """
    room = MemoryBudget(arrays.room.left)
    own = StoredArrays(arrays, room, allow_nonfinite=arrays.allow_nonfinite)
    parts = parts_of(steps, own)
    if pipeline:
        found = _pipeline_of(parts, [_shape(part) for part in parts])
    elif len(parts) == 1:
        found = _shape(parts[0])
    else:
        raise ModelFileError(f"it has steps that are no model: {[part.kind for part in parts]}.")
    own.check_all_taken()
    if found.predicts is None:
        raise ModelFileError(f"it has steps that are no model: {[part.kind for part in parts]}.")
    if features and found.takes not in (None, len(features)):
        raise ModelFileError(
            f"its data have {len(features)} features, where it takes {found.takes} columns."
        )
    return room.left


def _shape(part: Part) -> Shape:
    """Return what a step takes and returns, all in it checked."""
    if part.kind in WORDS:
        return NONE if part.kind == "drop" else ANY
    try:
        if part.kind in ESTIMATORS:
            found = ESTIMATORS[part.kind](part.params, part.fitted, part.arrays)
        elif part.kind in COMPOSED:
            members = parts_of(part.members, part.arrays)
            check_arguments(part.kind, part.params, VARYING.get(part.kind, ()))
            found = COMPOSITIONS[part.kind](part, members, [_shape(each) for each in members])
        else:
            found = _declared(part)
    except InvalidArgumentError as error:
        raise ModelFileError(
            f"its step {part.name!r} has an argument out of range: {brief(error)}"
        ) from error
    part.arrays.check_all_taken()
    part.fitted.check_all_taken()
    return found


def _declared(part: Part) -> Shape:
    kind = find(part.kind)
    step = kind.read(part.params, part.fitted, part.arrays)
    return Shape(step.n_features_in_, kind.n_out(step), inverts=part.kind in INVERTED)


# Estimators -------------------------------------------------------------------------------------


def _classifier(params: Values, fitted: Values, arrays: Arrays) -> Shape:
    read = network_state.read_classifier(ClassifierArguments, params, fitted, arrays)
    return replace(_network(read), predicts=LABELS)


def _regressor(params: Values, fitted: Values, arrays: Arrays) -> Shape:
    read = network_state.read_regressor(RegressorArguments, params, fitted, arrays)
    return replace(_network(read), predicts=NUMBERS, n_targets=read._n_targets)


def _network(read: Any) -> Shape:
    hidden = read._network.layer_sizes[1:-1]
    n_units = hidden[read.transform_layer] if hidden else None
    return Shape(read.n_features_in_, n_units, transforms=bool(hidden))


def _perceptron(params: Values, fitted: Values, arrays: Arrays) -> Shape:
    read = read_perceptron(PerceptronArguments, params, fitted, arrays)
    return Shape(read.n_features_in_, None, transforms=False, predicts=LABELS)


ESTIMATORS: Mapping[str, Callable[[Values, Values, Arrays], Shape]] = {
    "MLPClassifier": _classifier,
    "MLPRegressor": _regressor,
    "Perceptron": _perceptron,
}


# Compositions -----------------------------------------------------------------------------------


def _pipeline(part: Part, members: Sequence[Part], shapes: Sequence[Shape]) -> Shape:
    check_output(part.fitted)
    return _pipeline_of(members, shapes)


def _pipeline_of(members: Sequence[Part], shapes: Sequence[Shape]) -> Shape:
    """Return what steps one after the other take and return."""
    if any(each.kind == "drop" for each in members):
        raise ModelFileError("its Pipeline has a step 'drop', which drops all columns.")
    if not all(shape.transforms for shape in shapes[:-1]):
        raise ModelFileError("its Pipeline has a step that transforms nothing.")
    takes = width = None
    for shape in shapes:
        if shape.takes is not None:
            if width is not None and shape.takes != width:
                raise ModelFileError(
                    f"its steps do not fit together: one takes {shape.takes} columns, the one "
                    f"before returns {width}."
                )
            takes = shape.takes if takes is None else takes
        width = width if shape.gives is None else shape.gives
    inverts = all(shape.inverts for shape in shapes)
    return replace(shapes[-1], takes=takes, gives=width, inverts=inverts)


def _union(part: Part, members: Sequence[Part], shapes: Sequence[Shape]) -> Shape:
    check_output(part.fitted)
    _require_transformers(part, members, shapes, "none")
    widths = {shape.takes for shape in shapes if shape.takes is not None}
    if len(widths) > 1:
        raise ModelFileError(f"its FeatureUnion has steps that take {sorted(widths)} columns.")
    takes = min(widths, default=None)
    gives = [takes if shape.gives is None else shape.gives for shape in shapes]
    return Shape(takes, None if None in gives else sum(n for n in gives if n is not None))


def _require_transformers(
    part: Part, members: Sequence[Part], shapes: Sequence[Shape], word: str
) -> None:
    """Refuse members that transform nothing, or are a word without a meaning here."""
    names = [each.name for each in members]
    if len(set(names)) < len(names):
        raise ModelFileError(f"its {part.kind} has two steps of one name.")
    for each, shape in zip(members, shapes, strict=True):
        if not shape.transforms or each.kind == word:
            raise ModelFileError(
                f"its {part.kind} has a step {each.name!r} that transforms nothing."
            )


def _frozen(part: Part, members: Sequence[Part], shapes: Sequence[Shape]) -> Shape:
    if len(members) != 1 or members[0].name != "estimator" or members[0].kind in WORDS:
        raise ModelFileError("its FrozenEstimator must have one member.")
    return shapes[0]


def _target(part: Part, members: Sequence[Part], shapes: Sequence[Shape]) -> Shape:
    names = [each.name for each in members]
    if names != ["regressor", "transformer"] or members[1].kind in WORDS:
        raise ModelFileError("its TransformedTargetRegressor lacks a regressor or transformer.")
    regressor, transformer = shapes
    if regressor.predicts != NUMBERS or not transformer.inverts:
        raise ModelFileError("its TransformedTargetRegressor lacks a regressor or transformer.")
    take(part.fitted, "transformed", bool)
    n_axes = take(part.fitted, "training_dim", int)
    if n_axes not in (1, 2):
        raise ModelFileError("its targets must have 1 or 2 axes.")
    n_targets = transformer.takes
    if n_axes == 1 and n_targets not in (1, None):
        raise ModelFileError(f"its targets of 1 axis are transformed as {n_targets}.")
    if None not in (transformer.gives, regressor.n_targets) and (
        transformer.gives != regressor.n_targets
    ):
        raise ModelFileError(
            f"its regressor predicts {regressor.n_targets} targets, its transformer takes "
            f"{transformer.gives}."
        )
    return Shape(regressor.takes, None, transforms=False, predicts=NUMBERS, n_targets=n_targets)


def _columns(part: Part, members: Sequence[Part], shapes: Sequence[Shape]) -> Shape:
    fitted = part.fitted
    check_output(fitted)
    _require_transformers(part, members, shapes, "none")
    n_features = take_count(fitted, "n_features")
    if n_features > MOST_COLUMNS:
        raise ModelFileError(f"its ColumnTransformer has {n_features} columns: too many.")
    part.arrays.spend(COLUMN_COST * n_features)
    names = take_names(fitted, n_features)
    take(fitted, "sparse_output", bool)
    given = take(fitted, "given", list)
    has_rest = len(members) == len(given) + 1 and members[-1].name == REST
    if not (has_rest or len(members) == len(given)):
        raise ModelFileError("its ColumnTransformer has other members than were given.")
    for word, member in zip(given, members, strict=False):
        _check_given(word, member)
    _check_given(fitted.get(REST), members[-1] if has_rest else None)
    numbers = {name: i for i, name in enumerate(() if names is None else names)}
    encoded = take_list(fitted, "columns", len(members))
    chosen = [places(decode_columns(each), n_features, numbers) for each in encoded]
    taken = {i for each in chosen[: len(given)] for i in each}
    if has_rest and chosen[-1] != [i for i in range(n_features) if i not in taken]:
        raise ModelFileError("its ColumnTransformer has other remaining columns than it takes.")
    return Shape(n_features, _check_outputs(fitted, given, members, shapes, chosen))


GIVEN = {"drop": ("drop",), "passthrough": ("passthrough", "FunctionTransformer")}
"""What a word given in place of a step becomes when it is fitted."""


def _check_given(word: Any, member: Part | None) -> None:
    """Refuse a member that is not what was given in its place."""
    if isinstance(word, str) and word in GIVEN:
        good = member is None or member.kind in GIVEN[word]
    else:
        good = word == STEP and member is not None and member.kind not in WORDS
    if not good:
        raise ModelFileError("its ColumnTransformer has other members than were given.")


def _check_outputs(
    fitted: Values,
    given: Sequence[Any],
    members: Sequence[Part],
    shapes: Sequence[Shape],
    chosen: Sequence[Sequence[int]],
) -> int:
    """Return how many columns come out, after a look at those that are said to."""
    place, bounds = 0, []
    for member, shape, columns in zip(members, shapes, chosen, strict=True):
        if shape.takes is not None and shape.takes != len(columns):
            raise ModelFileError(f"its step {member.name!r} was fitted to other columns.")
        width = len(columns) if shape.gives is None else shape.gives
        used = member.kind != "drop" and len(columns) > 0
        bounds.append([place, place + width] if used else [0, 0])
        place += width if used else 0
    if len(members) == len(given):  # nothing remained
        bounds.append([0, 0])
    if take_list(fitted, "outputs", len(bounds)) != bounds:
        raise ModelFileError("its ColumnTransformer has outputs that are not those of its members.")
    return place


COMPOSITIONS: Mapping[str, Callable[[Part, Sequence[Part], Sequence[Shape]], Shape]] = {
    "Pipeline": _pipeline,
    "FeatureUnion": _union,
    "FrozenEstimator": _frozen,
    "TransformedTargetRegressor": _target,
    "ColumnTransformer": _columns,
}
