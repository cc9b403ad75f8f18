"""Argument checks with one style of message: name, rule, value, remedy."""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import NoReturn

from multilayer._core.errors import InvalidArgumentError
from multilayer._core.suggestions import did_you_mean

LONGEST_SHOWN = 1000
"""Characters of a value in a message."""


def refuse(name: str, rule: str, value: object, remedy: str = "") -> NoReturn:
    """Raise the error for an argument that breaks its rule."""
    shown = repr(value)
    if len(shown) > LONGEST_SHOWN:
        shown = f"{shown[:LONGEST_SHOWN]}..."
    message = f"{name} must be {rule}, got {name}={shown}."
    raise InvalidArgumentError(f"{message} {remedy}".rstrip())


def check_choice(name: str, value: object, choices: Iterable[str], other: str = "") -> None:
    """Check that a string option is one of its choices; ``other`` says what else is taken."""
    names = sorted(choices)
    if not (isinstance(value, str) and value in names):
        rule = f"one of {names}" + (f", or {other}" if other else "")
        refuse(name, rule, value, did_you_mean(value, names))


def check_bool(name: str, value: object) -> None:
    """Check that a flag is True or False (NumPy's too)."""
    if type(value).__name__ not in ("bool", "bool_"):
        refuse(name, "True or False", value)


def check_integer(name: str, value: object, low: int, high: float = math.inf) -> None:
    """Check that a count is an integer in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        rule = f"an integer of at least {low}"
        refuse(name, rule if high == math.inf else f"an integer from {low} to {high:g}", value)


def check_real(name: str, value: object, interval: str) -> None:
    """Check that a number lies in an interval written as in mathematics, such as ``"[0, 1)"``."""
    low, high = (float(end) for end in interval[1:-1].split(","))
    inside = (
        isinstance(value, Real)
        and not isinstance(value, bool)
        and (low <= float(value) if interval[0] == "[" else low < float(value))
        and (float(value) <= high if interval[-1] == "]" else float(value) < high)
    )
    if not inside:
        refuse(name, f"a number in {interval}", value)
