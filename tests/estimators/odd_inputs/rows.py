"""Rows of the table: an odd input, and how our answer compares with scikit-learn's."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .harness import Case

Make = Callable[[], Case]


@dataclass(frozen=True)
class Base:
    """What every row can say."""

    slow: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Same(Base):
    """Both take it: predictions of the same kind and, up to ``tolerance``, of the same values."""

    make: Make
    tolerance: float | None = 1e-3  # None: values are left to chance, only the kind is compared
    why: str = ""  # why values are not compared, or why warnings differ
    warns: bool | None = None  # None: as scikit-learn does; else whether we give a UserWarning


@dataclass(frozen=True)
class Refused(Base):
    """Both refuse it, in the same method; our text matches ``text``."""

    make: Make
    text: str
    sooner: bool = False  # we refuse in fit what scikit-learn refuses in predict only


@dataclass(frozen=True)
class OursRefuses(Base):
    """We refuse, with a text that matches ``text``, what scikit-learn takes."""

    make: Make
    text: str
    why: str


@dataclass(frozen=True)
class OursAccepts(Base):
    """We take what scikit-learn refuses.

    Our predictions are those of scikit-learn for ``plain``, the same input in a form that it takes;
    where there is none, the test named in ``why`` holds ours to something else.
    """

    make: Make
    why: str
    plain: Make | None = None


AnyRow = TypeVar("AnyRow", bound=Base)


def slow(row: AnyRow) -> AnyRow:
    """Mark a row whose program no other row shares: compiling it takes a second."""
    return replace(row, slow=True)


Row = Same | Refused | OursRefuses | OursAccepts
