"""Steps as a file describes them, before anything is made of them."""

from typing import Any, NamedTuple

from multilayer._core.errors import ModelFileError
from multilayer._sklearn.saving.reader import Arrays, StoredValues, Values
from multilayer._sklearn.saving.steps.naming import prefixes_of
from multilayer._sklearn.saving.steps.table import COMPOSED
from multilayer._sklearn.saving.steps.table import KINDS as STEPS

WORDS = ("passthrough", "drop", "none")
"""What may stand in place of a step."""


PARTS = {"name", "kind", "params", "fitted"}
"""What the description of a step has; one that has steps within it has "steps" too."""
ESTIMATORS = ("MLPClassifier", "MLPRegressor", "Perceptron")


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
    if not steps:
        raise ModelFileError("it has no steps.")
    kinds = [_kind_of(step) for step in steps]
    below = [arrays.below(prefix) for prefix in prefixes_of(kinds)]
    return [_part(step, own) for step, own in zip(steps, below, strict=True)]


def _kind_of(step: dict[str, Any]) -> str:
    """Return the kind that a step says it is of, if there is such a kind."""
    kind = step.get("kind")
    if not isinstance(kind, str) or kind not in (*ESTIMATORS, *STEPS, *WORDS):
        raise ModelFileError(f"it has a step of a kind that this version lacks: {kind!r}.")
    return kind


def _part(step: dict[str, Any], arrays: Arrays) -> Part:
    match step:
        case {"name": str(name), "kind": str(kind)} if kind in WORDS:
            if len(step) > 2:
                raise ModelFileError(f"its step {name!r} is {kind!r}, which has nothing in it.")
            return Part(name, kind, {}, StoredValues({}), None, arrays)
        case {
            "name": str(name),
            "kind": str(kind),
            "params": dict(params),
            "fitted": dict(fitted),
        }:
            if unknown := sorted(set(step) - PARTS - ({"steps"} if kind in COMPOSED else set())):
                raise ModelFileError(
                    f"its step {name!r} has {unknown}, which belong to nothing in it."
                )
            return Part(name, kind, params, StoredValues(fitted), step.get("steps"), arrays)
    raise ModelFileError(f"its step {step['kind']} lacks a name, params or fitted values.")


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
