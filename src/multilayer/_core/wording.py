"""Phrases that messages share: numbers of things, and names one after the other."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

Name = TypeVar("Name")
MOST_NAMED = 8


def count(number: int, noun: str) -> str:
    """Return "1 row", "2,000 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Iterable[object], most: int = MOST_NAMED) -> str:
    """Return names in quotes with commas, the first ones of many."""
    return in_row([repr(name) for name in names], most)


def counted(numbers: Mapping[Name, int], most: int = MOST_NAMED) -> str:
    """Return names with a number behind each, the first ones of many."""
    return in_row([f"{name!r} ({number:,})" for name, number in numbers.items()], most)


def in_row(shown: list[str], most: int = MOST_NAMED) -> str:
    """Return texts with commas between them, the first ones of many."""
    first = ", ".join(shown[:most])
    return first if len(shown) <= most else f"{first} and {len(shown) - most:,} more"
