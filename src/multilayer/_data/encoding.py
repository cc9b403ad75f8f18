"""Temporary layout."""
from dataclasses import dataclass
@dataclass(frozen=True)
class TableLayout:
    """x"""
    n_numeric: int
    n_flags: int
    cardinalities: tuple[int, ...] = ()
