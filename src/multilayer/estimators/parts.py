"""Steps as a file describes them, before anything is made of them."""

from typing import Any, NamedTuple

from multilayer._core.errors import ModelFileError
from multilayer.estimators.steps.naming import prefixes_of
from multilayer.estimators.stored import Arrays, StoredValues, Values

WORDS = ("passthrough", "drop", "none")
"""What may stand in place of a step."""


PARTS = {"name", "kind", "params", "fitted", "steps"}
"""What the description of a step has; "steps" where there are steps within it."""


class Part(NamedTuple):
    """One step of a file."""

    name: str
    kind: str
    params: Values
    fitted: StoredValues
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
            return Part(name, kind, {}, StoredValues({}), None, arrays)
        case {
            "name": str(name),
            "kind": str(kind),
            "params": dict(params),
            "fitted": dict(fitted),
        } if set(step) <= PARTS:
            return Part(name, kind, params, StoredValues(fitted), step.get("steps"), arrays)
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
        if name.startswith("__") or name == "feature_names_in_":  # which not every step has
            raise AttributeError(name)
        raise ModelFileError(f"its {vars(self).get('kind')} lacks {name}.")
