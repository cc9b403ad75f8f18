"""What a fit finds out about the columns of a training table: one record for each."""

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from multilayer._core.checks import refuse
from multilayer._core.errors import DataError
from multilayer._data.column_encodings import (
    BooleanEncoding,
    CategoricalEncoding,
    ColumnEncoding,
    DatetimeEncoding,
    NumericEncoding,
    OrdinalEncoding,
    Scaling,
    read_booleans,
    read_levels,
    read_numbers,
    read_times,
)
from multilayer._data.moments import PARTS, calendar_part, on_the_clock
from multilayer._data.raw_columns import (
    Level,
    RawColumn,
    RawLevels,
    RawNumbers,
    RawTimes,
    sort_key,
)
from multilayer._data.raw_tables import RawTable
from multilayer._sklearn.tabular.column_roles import (
    Judgement,
    Role,
    columns_of_table,
    is_empty,
    judge,
    refuse_columns,
)


@dataclass(frozen=True)
class FittedTable:
    """What a fit found out about a table."""

    columns: tuple[ColumnEncoding, ...]
    roles: dict[str | int, Role]
    dropped: dict[str | int, str]  # why each dropped column is


@dataclass(frozen=True)
class CategoryRules:
    """When the levels of categories get flags, codes, or nothing of their own."""

    max_one_hot: int | None
    min_frequency: int


Content: TypeAlias = RawNumbers | RawLevels | RawTimes
"""A column read as its role needs it."""


class Useless(Exception):
    """A column has nothing to learn from; the text says why."""


def fit_table(
    table: RawTable, given_roles: dict[str | int, Role], rules: CategoryRules
) -> FittedTable:
    """Judge and fit every column of a table."""
    columns: list[ColumnEncoding] = []
    roles: dict[str | int, Role] = {}
    dropped: dict[str | int, str] = {}
    refused: dict[str | int, Judgement] = {}
    contents: dict[tuple[Role, bytes], str | int] = {}
    for place, name in enumerate(columns_of_table(table)):
        given = given_roles.get(name)
        if given == "drop":
            roles[name], dropped[name] = "drop", "feature_roles says so"
            continue
        raw = table.column(place)
        if given is not None:
            judged = _as_given(raw, given)
        else:
            judged = judge(raw, only_column=table.n_columns == 1)
        if judged.refused:
            refused[name] = judged
            continue
        try:
            if judged.role == "drop":
                raise Useless(judged.reason)
            content = read_as(raw, name, judged.role)
            column = fit_column(content, name, judged.role, rules)
            twin = contents.setdefault((judged.role, _digest(content)), name)
            if twin != name:
                raise Useless(f"the same content as {twin!r}")
        except Useless as reason:
            roles[name], dropped[name] = "drop", str(reason)
        else:
            roles[name] = judged.role
            columns.append(column)
    refuse_columns(refused)
    return FittedTable(tuple(columns), roles, dropped)


def _as_given(raw: RawColumn, role: Role) -> Judgement:
    return Judgement("drop", "all values are missing") if is_empty(raw) else Judgement(role)


def read_as(raw: RawColumn, name: str | int, role: Role) -> Content:
    """Read a column as its role needs it; refuse one that cannot have the role."""
    try:
        if role == "numeric":
            return RawNumbers(read_numbers(raw, name))
        if role == "boolean":
            return RawNumbers(read_booleans(raw, name), boolean=True)
        if role == "datetime":
            return read_times(raw, name)
        levels = read_levels(raw, name)
    except DataError as error:
        raise DataError(f"{error} Its role is {role!r}: see feature_roles.") from None
    if role == "ordinal" and not (levels.declared or isinstance(raw, RawNumbers)):
        refuse(
            f"feature_roles[{name!r}]",
            "a role that the column can have",
            role,
            "Its values have no order: make it an ordered Categorical of pandas, or an Enum of "
            "polars.",
        )
    return levels


def fit_column(
    content: Content, name: str | int, role: Role, rules: CategoryRules
) -> ColumnEncoding:
    """Fit a column of a role; raise Useless if there is nothing to learn from it."""
    if isinstance(content, RawTimes):
        return _fit_datetime(content, name)
    if isinstance(content, RawNumbers):
        fit = _fit_boolean if content.boolean else _fit_numeric
        return fit(content.values, name)
    if role == "ordinal":
        return _fit_ordinal(content, name)
    return _fit_categorical(content, name, rules)


# Numbers, ranks, dates, booleans -----------------------------------------------------------------


def fit_scaling(values: np.ndarray) -> Scaling | None:
    """Return the scaling of numbers by median and quartiles, None if they are all equal.

    Where the quartiles are equal, half the range takes the place of their distance.
    """
    values = values[~np.isnan(values)]
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        return None
    if len(finite) < len(values):
        values = np.clip(values, low, high)
    lower, median, upper = np.percentile(values, [25, 50, 75]).tolist()
    # Halves, since the range of float64 numbers can be beyond float64.
    spread = upper / 2 - lower / 2
    factor = 0.5 / spread if spread > 0 else 1 / (high / 2 - low / 2)
    return Scaling(median, min(factor, float(np.finfo(np.float64).max)), low, high)


def _fit_numeric(values: np.ndarray, name: str | int) -> NumericEncoding:
    scaling, indicator = fit_scaling(values), bool(np.isnan(values).any())
    if scaling is None and not np.isfinite(values).any():
        raise Useless("no value is finite")
    if scaling is None and not indicator:
        raise Useless("constant")
    return NumericEncoding(name, indicator, scaling)


def _fit_ordinal(column: RawLevels, name: str | int) -> OrdinalEncoding:
    ranks = np.array([*range(len(column.values)), np.nan])[column.codes]
    scaling, indicator = fit_scaling(ranks), bool((column.codes < 0).any())
    if scaling is None and not indicator:
        raise Useless("constant")
    return OrdinalEncoding(name, indicator, tuple(column.values), scaling)


def _fit_datetime(times: RawTimes, name: str | int) -> DatetimeEncoding:
    seconds, indicator = fit_scaling(times.seconds), bool(np.isnan(times.seconds).any())
    if seconds is None and not indicator:
        raise Useless("constant")
    clock = on_the_clock(times.seconds, times.zone)
    found = ((part, fit_scaling(calendar_part(clock, part))) for part in PARTS)
    parts = tuple((part, scaling) for part, scaling in found if scaling is not None)
    return DatetimeEncoding(name, indicator, seconds, parts, times.zone)


def _fit_boolean(values: np.ndarray, name: str | int) -> BooleanEncoding:
    missing = np.isnan(values)
    varies = len(np.unique(values[~missing])) > 1
    if not varies and not missing.any():
        raise Useless("constant")
    return BooleanEncoding(name, bool(missing.any()), varies)


# Categories --------------------------------------------------------------------------------------


def _fit_categorical(
    column: RawLevels, name: str | int, rules: CategoryRules
) -> CategoricalEncoding:
    present = column.codes[column.codes >= 0]
    counts = np.bincount(present, minlength=len(column.values))
    frequent: list[Level] = [
        value
        for value, number in zip(column.values, counts.tolist(), strict=True)
        if number >= rules.min_frequency
    ]
    frequent.sort(key=sort_key)
    missing = len(present) < len(column.codes)
    infrequent = len(frequent) < int(np.count_nonzero(counts))
    n_slots = len(frequent) + missing + infrequent
    if n_slots < 2:
        raise Useless(
            f"no value occurs at least {rules.min_frequency} times" if infrequent else "constant"
        )
    embedded = rules.max_one_hot is not None and n_slots > rules.max_one_hot
    return CategoricalEncoding(name, tuple(frequent), missing, infrequent, embedded)


# Columns of the same content ---------------------------------------------------------------------


def _digest(content: Content) -> bytes:
    """Return what columns of a role share that have the same values, whatever their types."""
    if isinstance(content, RawNumbers):
        return _hashed(content.values, "")
    if isinstance(content, RawTimes):
        return _hashed(content.seconds, str(content.zone))
    used = np.unique(content.codes[content.codes >= 0])
    order = sorted(used.tolist(), key=lambda code: sort_key(content.values[code]))
    ranks = np.full(len(content.values) + 1, -1)
    ranks[order] = np.arange(len(order))
    return _hashed(ranks[content.codes], repr([content.values[code] for code in order]))


def _hashed(values: np.ndarray, text: str) -> bytes:
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, and no -0.0
    digest = hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=16)
    digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.digest()
