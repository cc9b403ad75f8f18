"""Steps as a file describes them, before anything is made of them."""

from typing import Any, NamedTuple

import numpy as np

from multilayer._core.errors import ModelFileError
from multilayer.estimators.steps.naming import prefixes_of
from multilayer.estimators.stored import Arrays, Values

WORDS = ("passthrough", "drop", "none")
"""What may stand in place of a step."""


PARTS = {"name", "kind", "params", "fitted", "steps"}
"""What the description of a step has; "steps" where there are steps within it."""


class Part(NamedTuple):
    """One step of a file."""

    name: str
    kind: str
    params: Values
    fitted: Values
    members: Any  # descriptions of the steps within it, None where there are none
    arrays: Arrays


def parts_of(steps: Any, arrays: Arrays) -> list[Part]:
    """Return steps that stand beside one another, each with its own arrays."""
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise ModelFileError("it has no list of steps.")
    kinds = [step.get("kind") for step in steps]
    if not all(isinstance(kind, str) for kind in kinds):
        raise ModelFileError(f"it has steps that are of no kind: {kinds}.")
    below = [arrays.below(prefix) for prefix in prefixes_of(kinds)]
    arrays.check_all_taken()
    return [_part(step, own) for step, own in zip(steps, below, strict=True)]


def _part(step: dict[str, Any], arrays: Arrays) -> Part:
    match step:
        case {"name": str(name), "kind": str(kind)} if kind in WORDS and len(step) == 2:
            return Part(name, kind, {}, {}, None, arrays)
        case {
            "name": str(name),
            "kind": str(kind),
            "params": dict(params),
            "fitted": dict(fitted),
        } if set(step) <= PARTS:
            return Part(name, kind, params, fitted, step.get("steps"), arrays)
    raise ModelFileError(f"its step {step.get('kind')} has other parts than {sorted(PARTS)}.")


def only_member(part: Part) -> Part:
    """Return the member of a step that has one."""
    members = parts_of(part.members, part.arrays)
    if len(members) != 1:
        raise ModelFileError(f"its {part.kind} must have one member, got {len(members)}.")
    return members[0]


class Holder:
    """The arguments and attributes of a step: what it lacks is refused when it is asked for."""

    def __init__(self, kind: str, values: dict[str, Any]) -> None:
        self.kind = kind
        vars(self).update(values)

    def __getattr__(self, name: str) -> Any:
        raise ModelFileError(f"its {vars(self).get('kind')} lacks {name}.")

    def word(self, name: str, *words: Any) -> Any:
        """Return an argument that must be one of these."""
        value = getattr(self, name)
        if not any(type(value) is type(word) and value == word for word in words):
            raise ModelFileError(f"its {self.kind} has {name}={value!r}, which is none of {words}.")
        return value

    def number(self, name: str, *, nan: bool = False) -> float:
        """Return an argument that must be a number; `nan` says whether it may be NaN."""
        value = getattr(self, name)
        if type(value) not in (int, float) or (value != value and not nan):
            raise ModelFileError(f"its {self.kind} has {name}={value!r}, which is no number.")
        return value

    def type_of_results(self) -> np.dtype | None:
        """Return the argument `dtype`: a type of numbers, or None."""
        given = self.dtype
        if given is None:
            return None
        try:
            dtype = np.dtype(given)
        except (TypeError, ValueError):
            dtype = np.dtype(object)
        if dtype.kind not in "biuf":
            raise ModelFileError(f"its {self.kind} has dtype={given!r}, no type of numbers.")
        return dtype
