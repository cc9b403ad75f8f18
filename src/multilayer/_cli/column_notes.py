"""What is remarkable about the columns of a raw table: row numbers, identifiers, leaks, roles."""

import ast
import re
import shlex
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Screen
from rich.text import Text

from multilayer._cli.console import plain, say
from multilayer._cli.settings import Choices
from multilayer._cli.table_files import Table
from multilayer._cli.tables import FEWEST, PERMUTES, RISES, drops, keeps, numbering, require_column
from multilayer._cli.target_column import Target
from multilayer._core.checks import check_choice, count, in_row, listed, refuse
from multilayer._core.errors import DataError, InvalidArgumentError, MultilayerError
from multilayer._sklearn.tabular.column_roles import NEARLY_ALL, ROLES
from multilayer._sklearn.tabular.encoder import TabularEncoder

if TYPE_CHECKING:
    from pandas import DataFrame, Series

SHORTEST = 12  # characters that a printed column is not cut below
MOST_SHOWN = 40  # columns whose roles are printed
IDENTIFIER = re.compile(r"(^|.*[^a-zA-Z])(id|ID|Id)|.*[a-z](Id|ID)")  # names of identifiers


# Which columns are learned from ------------------------------------------------------------------


def learned_columns(table: Table, target: str, choices: Choices) -> list[str]:
    """Return the columns that a model is trained on, as far as the options say."""
    options = {"--drop": choices.drop, "--id": choices.ids}
    chosen = {"--keep": choices.keep, "--role": list(choices.roles)}
    for option, names in {**options, **chosen}.items():
        for name in names:
            require_column(table, name, option)
    apart = {target, *choices.drop, *choices.ids}
    for option, names in chosen.items():
        for name in names:
            if name in apart:
                rule = "a column that is not the target, nor dropped, nor --id"
                refuse(option, rule, name)
    if target in choices.ids:
        refuse("--id", "another column than --target", target)
    unnamed = {name for name in table.unnamed if name not in (*choices.keep, *choices.roles)}
    names = [name for name in table.columns if name not in apart | unnamed]
    if not names:
        raise DataError(f"{table.path} has no column left to learn from.")
    if unnamed - apart:
        found = sorted(unnamed - apart)
        warn(
            f"columns without a name, {listed(found)}, which are left out: pandas writes row "
            f"numbers so. {keeps(found)} learns from them"
        )
    return names


def given_roles(choices: Choices) -> dict[str | int, str]:
    """Return the roles that need not be judged."""
    for column, role in choices.roles.items():
        check_choice(f"--role {column}", role, ROLES)
    roles: dict[str | int, str] = dict.fromkeys(choices.keep, "numeric")
    roles.update(choices.roles.items())
    return roles


def warn_of_columns(
    frame: "DataFrame",
    target: Target,
    y: np.ndarray,
    name: str,
    judged: Mapping[str | int, str],
) -> None:
    """Warn of columns that number the rows, or that give the target away."""
    used = [column for column in frame.columns if judged.get(column) != "drop"]
    if len(frame) < FEWEST:
        return
    numbered = [column for column in used if _seems_identifier(frame[column], column)]
    if numbered:
        warn(
            f"columns that seem to number or name the rows: {listed(numbered)}. If they do, leave "
            f"them out: {drops(numbered)}, or --id to have them in predictions"
        )
    leaks = [column for column in used if gives_away(frame[column], y, classes=target.is_classes)]
    if leaks:
        warn(
            f"columns that determine the target {name!r} one to one: {listed(leaks)}. If they are "
            f"not known when predictions are needed, leave them out: {drops(leaks)}"
        )


def warn(text: str) -> None:
    """Warn of something that a table has."""
    warnings.warn(f"the table has {text}.", UserWarning, stacklevel=3)


def _seems_identifier(series: "Series", name: str) -> bool:
    """Whether a column numbers the rows, or has the name of an identifier and nearly no repeats."""
    if series.dtype.kind not in "iuf":
        return False
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    if numbering(values) in (RISES, PERMUTES):
        return True
    return IDENTIFIER.fullmatch(name) is not None and series.nunique() >= NEARLY_ALL * len(series)


def gives_away(series: "Series", y: np.ndarray, *, classes: bool) -> bool:
    """Whether each value of a column goes with one value of the target, and the other way round.

    Where hardly a value comes twice that is nothing: numbers must be in the same order then, or in
    the opposite one.
    """
    codes = _codes(series.to_numpy(), series.isna().to_numpy())
    ranks = np.unique(y, return_inverse=True)[1]
    n_codes, n_ranks = codes.max() + 1, ranks.max() + 1
    if n_codes != n_ranks or n_codes < 2:
        return False
    if n_codes <= len(codes) / 2:
        pairs = codes.astype(np.int64) * n_ranks + ranks
        return len(np.unique(pairs)) == n_codes
    if classes or series.dtype.kind not in "iuf" or series.isna().any():
        return False
    return np.array_equal(codes, ranks) or np.array_equal(codes, n_ranks - 1 - ranks)


def _codes(values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Return the places of values among the different ones, a missing one before them."""
    if values.dtype.kind not in "iufbM":
        values = np.where(missing, "", values).astype(str)
    codes = np.unique(values[~missing], return_inverse=True)[1]
    found = np.zeros(len(values), np.int64)
    found[~missing] = codes + bool(missing.any())
    return found


# Roles -------------------------------------------------------------------------------------------


def fitted_encoder(frame: "DataFrame", roles: Mapping[str | int, str]) -> TabularEncoder:
    """Judge the columns of a table; what is refused names the options of the command line."""
    try:
        return TabularEncoder(feature_roles=roles).fit(frame)
    except MultilayerError as error:
        kind = InvalidArgumentError if isinstance(error, InvalidArgumentError) else DataError
        raise kind(in_options(str(error))) from error


ROLE = re.compile(r"""feature_roles=\{(?P<name>'[^']*'|"[^"]*"): '(?P<role>\w+)'\}""")
COLUMN = re.compile(r"""feature_roles\[(?P<name>'[^']*'|"[^"]*")\]""")


def in_options(message: str) -> str:
    """Return a message about ``feature_roles`` as one about ``--role``."""

    def option(found: re.Match[str]) -> str:
        name, role = ast.literal_eval(found["name"]), found.groupdict().get("role")
        return f"--role {shlex.quote(name if role is None else f'{name}={role}')}"

    message = COLUMN.sub(option, ROLE.sub(option, message))
    return message.replace("feature_roles", "--role").replace("X must", "the table must", 1)


def print_roles(console: Console, encoder: TabularEncoder) -> None:
    """Print what each column is taken for, and what becomes of it."""
    becomes = {column.name: column.in_words() for column in encoder.columns_}
    becomes |= {name: f"dropped: {in_options(why)}" for name, why in encoder.dropped_.items()}
    roles = encoder.feature_roles_
    columns: list[list[Text]] = []
    shown = _first_and_dropped(list(roles), encoder.dropped_)
    rows = [[str(name), encoder.dtypes_[name], roles[name], becomes[name]] for name in shown]
    screen = Screen(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False, header_style="dim")
    left = console.width - 2  # and three between columns
    for place, title in enumerate(("column", "type", "role", "becomes")):
        cells = [Text(plain(row[place])) for row in rows]
        most = max(console.width // 4 if title == "column" else left, SHORTEST)
        for cell in cells:
            cell.truncate(most, overflow="ellipsis")
        left -= max(len(title), *(cell.cell_len for cell in cells)) + 3
        columns.append(cells)
        screen.add_column(title, no_wrap=True)
    for name, *cells in zip(shown, *columns, strict=True):
        screen.add_row(*cells, style="dim" if name in encoder.dropped_ else None)
    console.print(screen)
    rest = [role for name, role in roles.items() if name not in set(shown)]
    if rest:
        counts = [f"{rest.count(role):,} {role}" for role in ROLES if role in rest]
        say(console, f"and {count(len(rest), 'more column')}: {in_row(counts)}")


def _first_and_dropped(names: list[str | int], dropped: Mapping[str | int, str]) -> list[str | int]:
    """Return the columns to show of many: the first ones, and those dropped, as far as they fit."""
    if len(names) <= MOST_SHOWN:
        return names
    first = set([name for name in names if name in dropped][: MOST_SHOWN // 2])
    for name in names:
        if len(first) == MOST_SHOWN:
            break
        first.add(name)
    return [name for name in names if name in first]
