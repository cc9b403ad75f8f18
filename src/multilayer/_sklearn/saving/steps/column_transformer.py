"""A fitted ColumnTransformer as plain data and back.

Choices of columns by a function are kept as the columns that it chose.
"""

from typing import Any

from sklearn.base import clone

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.reader import (
    Arrays,
    Values,
    encode_names,
    take,
    take_count,
    take_list,
    take_names,
)
from multilayer._sklearn.saving.steps.columns import decode_columns, encode_columns, places
from multilayer._sklearn.saving.steps.compositions import (
    Composition,
    Encoded,
    Members,
    require_transformers,
)
from multilayer._sklearn.saving.steps.declared import constructed, output_of, with_output
from multilayer._sklearn.saving.steps.rules import VARYING

REST = "remainder"
WORDS = ("passthrough", "drop")
COLUMN_COST = 500  # bytes of what is kept for a column
STEP = "step"  # what was given is the member, before it was fitted


def _members(step: Any) -> Members:
    """Return the fitted transformers, in order; those of the remaining columns are the last."""
    members = [(name, transformer) for name, transformer, _ in step.transformers_]
    unused = [
        name
        for (name, transformer), columns in zip(members, _columns(step), strict=False)
        if transformer not in WORDS and not _chosen(step, columns)
    ]
    if step.remainder not in WORDS and len(members) == len(step.transformers):
        unused.append(REST)
    if unused:
        raise ModelFileError(
            f"ColumnTransformer must have columns for each transformer to be saved, {unused} got "
            "none and were not fitted. Leave them out before fit."
        )
    return members


def _columns(step: Any) -> list[Any]:
    """Return the columns of each transformer, the remaining ones last."""
    return [*step._columns, step._remainder[2]]


def _chosen(step: Any, columns: Any) -> list[int]:
    encoded = decode_columns(encode_columns("columns", columns))
    return places(encoded, step.n_features_in_, _numbers(step))


def _numbers(step: Any) -> dict[str, int]:
    """Return the numbers of the columns by name."""
    return {name: i for i, name in enumerate(getattr(step, "feature_names_in_", ()))}


def _fitted(step: Any) -> Encoded:
    names = [name for name, *_ in step.transformers] + [REST]
    for name, columns in zip(names, _columns(step), strict=True):
        if _chosen(step, columns) != list(step._transformer_to_input_indices[name]):
            raise ModelFileError(
                f"the columns of {name!r} must be names, numbers, a slice or a mask to be saved, "
                f"got {columns!r}. Give them as one of these before fit."
            )
    encoded = [encode_columns("columns", columns) for columns in _columns(step)]
    outputs = [step.output_indices_[name] for name in names]
    values = {
        "n_features": step.n_features_in_,
        "feature_names": encode_names(getattr(step, "feature_names_in_", None)),
        "output": output_of(step),
        "sparse_output": bool(step.sparse_output_),
        "columns": encoded[: len(step.transformers_)],
        "given": [given if given in WORDS else STEP for _, given, _ in step.transformers],
        REST: step.remainder if step.remainder in WORDS else STEP,
        "outputs": [[bounds.start, bounds.stop] for bounds in outputs],
    }
    return values, {}


def _make(
    kind: Composition, arguments: dict[str, Any], fitted: Values, members: Members, arrays: Arrays
) -> Any:
    require_transformers(kind, members)
    given = take(fitted, "given", list)
    has_rest = len(members) == len(given) + 1 and members[-1][0] == REST
    columns = [decode_columns(each) for each in take_list(fitted, "columns", len(members))]
    names = [name for name, _ in members]
    if not (has_rest or len(members) == len(given)) or len(set(names)) < len(names):
        raise ModelFileError("its ColumnTransformer has other members than were given.")
    templates = [_template(word, member) for word, (_, member) in zip(given, members, strict=False)]
    rest = _template(fitted.get(REST), members[-1][1] if has_rest else None)
    step = constructed(
        kind,
        {
            **arguments,
            "transformers": list(zip(names, templates, columns, strict=False))[: len(given)],
            REST: rest,
        },
    )
    step.n_features_in_ = take_count(fitted, "n_features")
    arrays.spend(COLUMN_COST * step.n_features_in_)
    feature_names = take_names(fitted, step.n_features_in_)
    if feature_names is not None:
        step.feature_names_in_ = feature_names
    step.transformers_ = [
        (name, member, chosen) for (name, member), chosen in zip(members, columns, strict=True)
    ]
    step.sparse_output_ = take(fitted, "sparse_output", bool)
    _find_columns(step, names[: len(given)], columns, has_rest=has_rest)
    _take_outputs(step, fitted, [*names[: len(given)], REST])
    return with_output(step, fitted)


def _template(word: Any, member: Any) -> Any:
    """Return what was given for a member: a word, or the member before it was fitted."""
    if word in WORDS:
        return word
    if word != STEP or member is None or member in WORDS:
        raise ModelFileError("its ColumnTransformer lacks a member.")
    return clone(member)


def _find_columns(step: Any, names: list[str], columns: list[Any], *, has_rest: bool) -> None:
    """Set what says which columns each member takes."""
    known = _numbers(step)
    indices = {
        name: places(chosen, step.n_features_in_, known)
        for name, chosen in zip(names, columns, strict=False)
    }
    taken = {i for chosen in indices.values() for i in chosen}
    remaining = [i for i in range(step.n_features_in_) if i not in taken]
    if has_rest and places(columns[-1], step.n_features_in_, known) != remaining:
        raise ModelFileError("its ColumnTransformer has other remaining columns than it takes.")
    step._columns = columns[: len(names)]
    step._remainder = (REST, step.remainder, columns[-1] if has_rest else remaining)
    step._transformer_to_input_indices = {**indices, REST: remaining}


def _take_outputs(step: Any, fitted: Values, names: list[str]) -> None:
    """Set which columns come out of each member."""
    step.output_indices_ = {}
    for name, bounds in zip(names, take_list(fitted, "outputs", len(names)), strict=True):
        match bounds:
            case [int(start), int(stop)] if 0 <= start <= stop:
                step.output_indices_[name] = slice(start, stop)
            case _:
                raise ModelFileError("its ColumnTransformer has outputs that are no numbers.")


KINDS = (
    Composition(
        "ColumnTransformer",
        "sklearn.compose",
        ("transformers", REST, "n_jobs"),
        _members,
        _fitted,
        _make,
        varying=VARYING["ColumnTransformer"],
    ),
)
