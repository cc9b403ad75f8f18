"""TabularEncoder: the roles of columns, and what each becomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from multilayer._core.errors import DataError, ModelFileError
from multilayer._core.types import JSON
from multilayer._data.column_encodings import (
    BooleanEncoding,
    CategoricalEncoding,
    ColumnEncoding,
    DatetimeEncoding,
    NumericEncoding,
    OrdinalEncoding,
    Scaling,
)
from multilayer._data.encoding import TableEncoding
from multilayer._data.moments import PARTS, zone_name
from multilayer._data.raw_columns import Level, plain_level
from multilayer._sklearn.saving.frozen_records import decode_record, encode_record, field_names
from multilayer._sklearn.saving.label_arrays import decode_labels, encode_labels
from multilayer._sklearn.saving.model_steps import FittedStep, TransformerValues
from multilayer._sklearn.saving.reader import StoredArrays, StoredValues, brief, take, take_list
from multilayer._sklearn.saving.steps.argument_rules import FLAG, NOTHING, count, either
from multilayer._sklearn.saving.steps.attributes import Encoded, Stored
from multilayer._sklearn.saving.steps.transformer_kind import TransformerKind
from multilayer._sklearn.tabular.column_roles import ROLES

COLUMNS: dict[str, type[ColumnEncoding]] = {
    "numeric": NumericEncoding,
    "categorical": CategoricalEncoding,
    "ordinal": OrdinalEncoding,
    "boolean": BooleanEncoding,
    "datetime": DatetimeEncoding,
}
"""What the columns of each role become."""
LEVELS = "levels"
"""The field that may be long, and is written as labels: as an array where they are many."""
REMEDY = "Make its values text before fit."
COLUMN_COST = 2_000  # bytes of the record of a column
INTEGERS = range(-(2**63), 2**63)

Columns = Callable[[FittedStep], list[str | int]]
"""Names of some columns of a table, or their places where they have no names."""


def roles_by_column(value: object) -> bool:
    """Whether a value is None, or roles of columns by name or place."""
    return value is None or (
        isinstance(value, dict)
        and all(
            type(column) in (str, int) and isinstance(role, str) and role in ROLES
            for column, role in value.items()
        )
    )


# Fitted attributes, each a list of values by column -----------------------------------------------


def every_column(step: FittedStep) -> list[str | int]:
    """Return all columns."""
    names = step.feature_names
    return list(range(step.n_features_in_)) if names is None else names.tolist()


def dropped_columns(step: FittedStep) -> list[str | int]:
    """Return the columns that are left out."""
    return [column for column, role in step.feature_roles_.items() if role == "drop"]


@dataclass(frozen=True)
class WordsByColumn:
    """Words by column."""

    columns: Columns
    known: tuple[str, ...] = ()  # which they must be; empty for any

    def encode(self, name: str, value: Mapping[str | int, str], into: Encoded) -> None:
        """Add them in the order of the columns."""
        into.fitted[name] = list(value.values())

    def decode(self, name: str, stored: Stored, step: FittedStep) -> dict[str | int, str]:
        """Return them by column."""
        columns = self.columns(step)
        found: dict[str | int, str] = {}
        for column, word in zip(columns, take_list(stored.fitted, name, len(columns)), strict=True):
            if not isinstance(word, str) or (self.known and word not in self.known):
                rule = f"among {self.known}" if self.known else "text"
                raise ModelFileError(f"its value {name!r} must be {rule}, got {word!r:.200}.")
            found[column] = word
        if len(found) < len(columns):
            raise ModelFileError("its encoder has two columns of one name.")
        return found


class Encodings:
    """What the columns that are used become."""

    def encode(self, name: str, value: TableEncoding, into: Encoded) -> None:
        """Add a record for each column."""
        records: list[JSON] = []
        for number, column in enumerate(value.columns):
            without = [part for part in ("name", LEVELS) if part in field_names(type(column))]
            record = encode_record(column, without=without)
            if LEVELS in without:
                array = array_of_levels(getattr(column, LEVELS), column.name)
                shown = f"levels of column {column.name!r}"
                key = f"{LEVELS}.{number}"
                record[LEVELS] = encode_labels(key, array, into.arrays, shown, REMEDY)
            records.append(record)
        into.fitted[name] = {"smooth_clip": value.smooth_clip, "columns": records}

    def decode(self, name: str, stored: Stored, step: FittedStep) -> TableEncoding:
        """Return the encoding of the table."""
        values = StoredValues(_object(stored, name))
        used = [(column, role) for column, role in step.feature_roles_.items() if role != "drop"]
        if not used:
            raise ModelFileError("its encoder must have a column.")
        records = take_list(values, "columns", len(used))
        stored.arrays.spend(COLUMN_COST * len(used))
        columns = tuple(
            _take_column(number, column, COLUMNS[role], record, stored.arrays)
            for number, ((column, role), record) in enumerate(zip(used, records, strict=True))
        )
        smooth_clip = take(values, "smooth_clip", bool)
        values.check_all_taken()
        names = step.feature_names
        names = None if names is None else tuple(names.tolist())
        return TableEncoding(columns, names, step.n_features_in_, smooth_clip)


def _object(stored: Stored, name: str) -> Mapping[str, JSON]:
    found = stored.fitted.get(name)
    if not isinstance(found, dict):
        raise ModelFileError(f"its value {name!r} is missing or no object.")
    return found


def _take_column(
    number: int,
    name: str | int,
    kind: type[ColumnEncoding],
    record: JSON,
    arrays: StoredArrays,
) -> ColumnEncoding:
    given: dict[str, object] = {"name": name}
    if LEVELS in field_names(kind):
        if not isinstance(record, dict) or LEVELS not in record:
            raise ModelFileError(f"its column {name!r} lacks levels.")
        labels = decode_labels(f"{LEVELS}.{number}", record[LEVELS], arrays)
        given[LEVELS] = _levels(name, labels)
        record = {key: value for key, value in record.items() if key != LEVELS}
    column = decode_record(kind, record, given=given)
    _check_column(column)
    return column


# Levels of categories -----------------------------------------------------------------------------


def array_of_levels(levels: tuple[Level, ...], name: str | int) -> np.ndarray:
    """Return levels as an array that can be written."""
    if levels and all(type(level) is int and level in INTEGERS for level in levels):
        return np.array(levels, np.int64)
    array = np.empty(len(levels), object)
    for place, level in enumerate(levels):
        if type(level) is int and level not in INTEGERS:  # such as 1e30, which is a whole number
            if float(level) != level:
                raise ModelFileError(
                    f"levels of column {name!r} must be integers of 64 bits to be saved, got "
                    f"{level!r:.60}. {REMEDY}"
                )
            level = float(level)
        array[place] = level
    return array


def _levels(name: str | int, labels: np.ndarray) -> tuple[Level, ...]:
    """Return the levels that labels of a file stand for."""
    levels = tuple(map(plain_level, labels.tolist()))
    missing = [level for level in labels.tolist() if level is None or level != level]
    if missing or len(set(levels)) < len(levels):
        raise ModelFileError(f"its column {name!r} must have levels that differ.")
    return levels


# Checks of what was read --------------------------------------------------------------------------


def _check_column(column: ColumnEncoding) -> None:
    """Refuse a column that becomes nothing, or has an impossible scaling, part or zone."""
    scalings = [value for value in vars(column).values() if isinstance(value, Scaling)]
    if isinstance(column, DatetimeEncoding):
        parts = [part for part, _ in column.parts]
        if len(set(parts)) < len(parts) or not set(parts) <= set(PARTS):
            raise ModelFileError(f"its column {column.name!r} must have parts among {PARTS}.")
        scalings += [scaling for _, scaling in column.parts]
        _check_zone(column)
    for scaling in scalings:
        if not (scaling.factor > 0 and scaling.low <= scaling.high):
            raise ModelFileError(f"its column {column.name!r} has an impossible scaling.")
    if not (column.n_numeric or column.n_flags or column.cardinality is not None):
        raise ModelFileError(f"its column {column.name!r} becomes nothing.")


def _check_zone(column: DatetimeEncoding) -> None:
    if column.zone is None:
        return
    try:
        zone_name(column.zone)
    except (DataError, OSError) as error:
        raise ModelFileError(
            f"its column {column.name!r} has dates of a time zone that is not known here: "
            f"{brief(error)}"
        ) from error


# The kind -----------------------------------------------------------------------------------------


def n_encoded(step: FittedStep) -> int:
    """Return how many columns the encoded table has."""
    return int(step._encoding.layout.n_columns)


ENCODER = TransformerKind(
    "TabularEncoder",
    "multilayer._sklearn.tabular.encoder",
    {
        "feature_roles": roles_by_column,
        "max_one_hot": either(NOTHING, count(2)),
        "min_frequency": count(1),
        "smooth_clip": FLAG,
    },
    {
        "dtypes_": WordsByColumn(every_column),
        "feature_roles_": WordsByColumn(every_column, ROLES),
        "dropped_": WordsByColumn(dropped_columns),
        "_encoding": Encodings(),
    },
    n_out=n_encoded,
)
KINDS = (ENCODER,)


def encoding_of(values: TransformerValues) -> TableEncoding:
    """Return the encoding of an encoder that was read from a file."""
    encoding = values.attributes["_encoding"]
    assert isinstance(encoding, TableEncoding)
    return encoding
