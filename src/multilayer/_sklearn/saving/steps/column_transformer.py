"""A fitted ColumnTransformer as plain data and back.

In place of a function that chooses columns a file has the columns that it chose.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from multilayer._core.errors import ModelFileError
from multilayer._core.types import JSON
from multilayer._sklearn.saving.model_steps import (
    DROP,
    PASSTHROUGH,
    STEP,
    ColumnValues,
    ModelStep,
    Shape,
    decode_columns,
    encode_columns,
    placeholder_of,
    places,
)
from multilayer._sklearn.saving.reader import (
    encode_names,
    take,
    take_count,
    take_list,
    take_names,
)
from multilayer._sklearn.saving.steps.argument_rules import (
    FLAG,
    WEIGHTS,
    count,
    either,
    of_type,
    one_of,
    real,
)
from multilayer._sklearn.saving.steps.compositions import (
    Built,
    CompositionKind,
    Parsed,
    Parts,
    require_transformers,
    unfitted,
)
from multilayer._sklearn.saving.steps.transformer_kind import (
    MOST_COLUMNS,
    constructed,
    output_of,
    take_output,
    with_output,
)

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

REST = "remainder"
COLUMN_COST = 500  # bytes that a ColumnTransformer takes for a column

# From scikit-learn to plain data ----------------------------------------------------------------


def _members(step: "BaseEstimator") -> Built:
    """Return the fitted transformers, in order; those of the remaining columns are the last."""
    members = [(name, transformer) for name, transformer, _ in step.transformers_]
    unused = [
        name
        for (name, transformer), columns in zip(members, _columns(step), strict=False)
        if placeholder_of(transformer) is None and not _chosen(step, columns)
    ]
    if placeholder_of(step.remainder) is None and len(members) == len(step.transformers):
        unused.append(REST)
    if unused:
        raise ModelFileError(
            f"ColumnTransformer must have columns for each transformer to be saved, {unused} got "
            "none and were not fitted. Leave them out before fit."
        )
    return members


def _columns(step: "BaseEstimator") -> list[object]:
    """Return the columns of each transformer, the remaining ones last."""
    return [*step._columns, step._remainder[2]]


def _chosen(step: "BaseEstimator", columns: object) -> list[int]:
    encoded = decode_columns(encode_columns("columns", columns))
    return places(encoded, step.n_features_in_, _numbers(step))


def _numbers(step: "BaseEstimator") -> dict[str, int]:
    """Return the numbers of the columns by name."""
    return {name: i for i, name in enumerate(getattr(step, "feature_names_in_", ()))}


def _fitted_values(step: "BaseEstimator") -> dict[str, JSON]:
    names = [name for name, *_ in step.transformers] + [REST]
    for name, columns in zip(names, _columns(step), strict=True):
        if _chosen(step, columns) != list(step._transformer_to_input_indices[name]):
            raise ModelFileError(
                f"the columns of {name!r} must be names, numbers, a slice or a mask to be saved, "
                f"got {columns!r}. Give them as one of these before fit."
            )
    encoded = [encode_columns("columns", columns) for columns in _columns(step)]
    outputs = [step.output_indices_[name] for name in names]
    return {
        "n_features": step.n_features_in_,
        "feature_names": encode_names(getattr(step, "feature_names_in_", None)),
        "output": output_of(step),
        "sparse_output": bool(step.sparse_output_),
        "columns": encoded[: len(step.transformers_)],
        "given": [placeholder_of(given) or STEP for _, given, _ in step.transformers],
        REST: placeholder_of(step.remainder) or STEP,
        "outputs": [[bounds.start, bounds.stop] for bounds in outputs],
    }


# From plain data to values ----------------------------------------------------------------------


def _parse(parts: Parts) -> Parsed:
    fitted, members = parts.fitted, parts.members
    output = take_output(fitted)
    require_transformers("ColumnTransformer", members)
    n_features = take_count(fitted, "n_features")
    if n_features > MOST_COLUMNS:
        raise ModelFileError(f"its ColumnTransformer has {n_features} columns: too many.")
    parts.arrays.spend(COLUMN_COST * n_features)
    names = take_names(fitted, n_features)
    sparse_output = take(fitted, "sparse_output", bool)
    words = take(fitted, "given", list)
    has_rest = len(members) == len(words) + 1 and members[-1].name == REST
    if not (has_rest or len(members) == len(words)):
        raise ModelFileError("its ColumnTransformer has other members than were given.")
    given = [_given(word, member) for word, member in zip(words, members, strict=False)]
    remainder = _given(fitted.get(REST), members[-1] if has_rest else None)
    numbers = {name: i for i, name in enumerate(() if names is None else names)}
    chosen = [decode_columns(each) for each in take_list(fitted, "columns", len(members))]
    found = [places(each, n_features, numbers) for each in chosen]
    if has_rest and found[-1] != remaining(n_features, found[: len(given)]):
        raise ModelFileError("its ColumnTransformer has other remaining columns than it takes.")
    outputs = _outputs(members, found)
    if not has_rest:
        outputs.append((0, 0))  # nothing remained
    if list(map(_bounds, take_list(fitted, "outputs", len(outputs)))) != outputs:
        raise ModelFileError("its ColumnTransformer has outputs that are not those of its members.")
    values = ColumnValues(
        parts.arguments,
        parts.weights,
        output,
        n_features,
        names,
        sparse_output,
        given,
        remainder,
        chosen,
        found,
        outputs,
    )
    return values, Shape(n_features, max(stop for _, stop in outputs))


def remaining(n_features: int, chosen: Sequence[Sequence[int]]) -> list[int]:
    """Return the numbers of the columns that are in none of the choices."""
    taken = {i for each in chosen for i in each}
    return [i for i in range(n_features) if i not in taken]


BECOMES = {DROP: (DROP,), PASSTHROUGH: (PASSTHROUGH, "FunctionTransformer")}
"""What a placeholder given in place of a step becomes when it is fitted."""


def _given(word: object, member: ModelStep | None) -> str:
    """Return what was given in place of a member, which must be what that becomes."""
    if isinstance(word, str) and word in BECOMES:
        good = member is None or member.kind in BECOMES[word]
    else:
        good = word == STEP and member is not None and not member.is_placeholder
    if not good:
        raise ModelFileError("its ColumnTransformer has other members than were given.")
    return str(word)


def _outputs(
    members: Sequence[ModelStep], chosen: Sequence[Sequence[int]]
) -> list[tuple[int, int]]:
    """Return the range of output columns of each member."""
    place, bounds = 0, []
    for member, columns in zip(members, chosen, strict=True):
        takes, gives = member.shape.takes, member.shape.gives
        if takes is not None and takes != len(columns):
            raise ModelFileError(f"its step {member.name!r} was fitted to other columns.")
        used = member.kind != DROP and len(columns) > 0
        width = (len(columns) if gives is None else gives) if used else 0
        bounds.append((place, place + width) if used else (0, 0))
        place += width
    return bounds


def _bounds(encoded: JSON) -> tuple[int, int] | None:
    """Return two whole numbers; None where they are none."""
    match encoded:
        case [int(start), int(stop)]:
            return start, stop
    return None


# And from values to scikit-learn ----------------------------------------------------------------


def _build(cls: "type[BaseEstimator]", values: ColumnValues, members: Built) -> "BaseEstimator":
    names = [name for name, _ in members][: len(values.given)]
    templates = [
        unfitted(member) if word == STEP else word
        for word, (_, member) in zip(values.given, members, strict=False)
    ]
    rest = unfitted(members[-1][1]) if values.remainder == STEP else values.remainder
    given = list(zip(names, templates, values.chosen, strict=False))
    step = constructed(cls, {**values.arguments, "transformers": given, REST: rest})
    step.n_features_in_ = values.n_features
    if values.feature_names is not None:
        step.feature_names_in_ = values.feature_names
    step.transformers_ = [
        (name, member, chosen)
        for (name, member), chosen in zip(members, values.chosen, strict=True)
    ]
    step.sparse_output_ = values.sparse_output
    unused = remaining(values.n_features, values.places[: len(names)])
    step._columns = values.chosen[: len(names)]
    step._remainder = (REST, rest, values.chosen[-1] if values.has_rest else unused)
    indices = dict(zip(names, values.places, strict=False))
    step._transformer_to_input_indices = {**indices, REST: unused}
    step.output_indices_ = {
        name: slice(*bounds) for name, bounds in zip([*names, REST], values.outputs, strict=True)
    }
    return with_output(step, values.output)


KINDS = (
    CompositionKind(
        "ColumnTransformer",
        "sklearn.compose",
        {
            "sparse_threshold": real(0, 1),
            "transformer_weights": WEIGHTS,
            "verbose": either(FLAG, count(0)),
            "verbose_feature_names_out": either(FLAG, of_type(str)),
            "force_int_remainder_cols": either(FLAG, one_of("deprecated")),
        },
        ("transformers", REST, "n_jobs"),
        _members,
        _fitted_values,
        _parse,
        _build,
        varying=("force_int_remainder_cols",),
    ),
)
