"""The role of each column of a raw table: judged by its type and content, or as the user says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from multilayer._core.checks import check_choice, did_you_mean, in_row, listed, refuse
from multilayer._core.errors import DataError
from multilayer._data.column_encodings import described
from multilayer._data.raw_columns import (
    RawColumn,
    RawLevels,
    RawNumbers,
    RawTimes,
    Unreadable,
    as_numbers,
    as_times,
    missing,
    spells_codes,
)
from multilayer._data.raw_tables import RawTable

Role: TypeAlias = Literal["numeric", "categorical", "ordinal", "boolean", "datetime", "drop"]
ROLES: tuple[Role, ...] = get_args(Role)

FEWEST_ROWS = 20
"""Values below which neither identifiers nor free text are looked for: all may differ by chance."""

NEARLY_ALL = 0.95
"""Fraction of the values that differ from all others in identifiers and in free text."""

SEVERAL_WORDS = 3.0
"""Mean number of words from which on text is free text: a full name has two, a title more."""


@dataclass(frozen=True)
class Judgement:
    """What a column is taken for."""

    role: Role
    reason: str = ""  # why it is dropped, if it is
    refused: Literal["", "free text", "other types"] = ""  # why the table is refused, if it is


def checked_roles(given: Mapping[str | int, str] | None, table: RawTable) -> dict[str | int, Role]:
    """Return the user's roles, which name columns that are there."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        refuse("feature_roles", "a dictionary {column: role} or None", given)
    known = columns_of_table(table)
    roles: dict[str | int, Role] = {}
    for column, role in given.items():
        if column not in known or isinstance(column, bool):
            refuse(
                "feature_roles",
                "a dictionary whose keys are columns of X",
                given,
                f"X has no column {column!r}: it has {listed(known)}. "
                f"{did_you_mean(column, [str(name) for name in known])}",
            )
        check_choice(f"feature_roles[{column!r}]", role, ROLES)
        roles[known[known.index(column)]] = role  # type: ignore[assignment]
    return roles


def columns_of_table(table: RawTable) -> list[str | int]:
    """Return the names of columns, or their places if they have no names."""
    return list(range(table.n_columns)) if table.names is None else list(table.names)


def judge(raw: RawColumn, *, only_column: bool) -> Judgement:
    """Return the role of a column, by its type and content.

    A column that counts the rows is no identifier if it is the only one.
    """
    if isinstance(raw, Unreadable):
        return Judgement("drop", described(raw), "other types")
    if is_empty(raw):
        return Judgement("drop", "all values are missing")
    if isinstance(raw, RawTimes):
        return Judgement("datetime")
    if isinstance(raw, RawLevels):
        if raw.declared:
            return Judgement("ordinal" if raw.ordered else "categorical")
        numbers = None if spells_codes(raw) else as_numbers(raw)
        if numbers is None:
            return Judgement("datetime") if as_times(raw) is not None else _judge_text(raw)
        if np.isnan(numbers).all():
            return Judgement("drop", "all values are missing")
        raw = RawNumbers(numbers)
    if raw.boolean:
        return Judgement("boolean")
    if not only_column and _counts_rows(raw.values):
        return Judgement("drop", f"an identifier: it counts the rows from {raw.values[0]:g}")
    return Judgement("numeric")


def is_empty(raw: RawColumn) -> bool:
    """Whether all values of a column are missing."""
    if isinstance(raw, Unreadable):
        return False
    return bool(missing(raw).all())


def _counts_rows(values: np.ndarray) -> bool:
    if len(values) < FEWEST_ROWS or values[0] not in (0, 1):
        return False
    return np.array_equal(values, np.arange(len(values)) + values[0])


def _judge_text(raw: RawLevels) -> Judgement:
    """Distinguish categories from identifiers and from free text."""
    n_values = int(np.count_nonzero(raw.codes >= 0))
    if n_values < FEWEST_ROWS or len(raw.values) < NEARLY_ALL * n_values:
        return Judgement("categorical")
    words = sum(len(str(value).split()) for value in raw.values) / len(raw.values)
    if words < SEVERAL_WORDS:
        unique = f"{len(raw.values):,} different values in {n_values:,} rows"
        return Judgement("drop", f"an identifier: {unique}")
    return Judgement("drop", described(raw), "free text")


def refuse_columns(judged: Mapping[str | int, Judgement]) -> None:
    """Refuse a table with columns that no encoding is known for, all of them in one message."""
    for why, remedy in (
        (
            "free text",
            "encode them first, for example with skrub's TextEncoder, or with sklearn's "
            "TfidfVectorizer and TruncatedSVD. If the values are categories, say so",
        ),
        ("other types", "turn them into numbers, text or categories"),
    ):
        found = {name: each.reason for name, each in judged.items() if each.refused == why}
        if found:
            shown = in_row([f"{name!r} ({reason})" for name, reason in found.items()])
            first, roles = next(iter(found)), ["drop"] + ["categorical"] * (why == "free text")
            overrides = [f"feature_roles={{{first!r}: {role!r}}}" for role in roles]
            categories = f" with {overrides[1]}" if len(roles) == 2 else ""
            raise DataError(
                f"X must not contain columns of {why}, got {shown}. Leave them out with "
                f"{overrides[0]}, or {remedy}{categories}."
            )
