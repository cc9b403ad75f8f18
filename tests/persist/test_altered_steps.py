"""Steps whose description or arrays were changed are refused, or do no harm."""

import contextlib
import copy

import numpy as np
import pytest

from multilayer import ModelFileError
from multilayer._persist.memory import MemoryBudget
from multilayer._sklearn.saving.models import describe, rebuild
from multilayer._sklearn.saving.reader import StoredArrays

from .step_cases import CASES, QUIET, fitted_case

pytestmark = QUIET
ODD = (None, -1, "x", [], {}, 10**9, True, 0.5, [1], {"tuple": [1]}, {"float": "nan"}, 2**63, ...)
CHANGES = {
    "none": lambda array: array[:0],
    "negative": lambda array: -np.ones_like(array),
    "large": lambda array: np.full_like(array, 100),
    "an axis more": lambda array: array[None],
    "twice": lambda array: np.concatenate([array, array]),
    "other type": lambda array: array.astype("f8" if array.dtype.kind in "iub" else "i8"),
}


def places(node, at=()):
    """Yield the place of every value in parsed JSON."""
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield (*at, key)
            yield from places(value, (*at, key))


def changed(tree, place, value):
    """Return parsed JSON with another value at a place; it is taken away for an ellipsis."""
    tree = node = copy.deepcopy(tree)
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    if value is ...:
        del node[place[-1]]
    return tree


def made(steps, arrays):
    """Make a model, or return None where it is refused; nothing but a refusal may be raised."""
    try:
        own = {name: array.copy() for name, array in arrays.items()}
        return rebuild(True, steps, StoredArrays(own, MemoryBudget(2_000_000)))
    except ModelFileError:
        return None


@pytest.mark.filterwarnings("ignore")  # of NumPy about what the numbers came to
@pytest.mark.parametrize("name", CASES)
def test_altered_steps_are_refused_or_harmless(name):
    model, X = fitted_case(name), CASES[name].X
    described, rng = describe(model), np.random.default_rng(len(name))
    found = list(places(described.steps[:1]))
    altered = [
        (changed(described.steps, found[place], ODD[value]), described.arrays)
        for place, value in rng.integers((len(found), len(ODD)), size=(15, 2))
    ]
    for key in [key for key in described.arrays if not key.startswith("Perceptron")][:3]:
        array = np.atleast_1d(described.arrays[key])
        for change in CHANGES.values():
            altered.append((described.steps, {**described.arrays, key: change(array)}))
    for steps, arrays in altered:
        again = made(steps, arrays)
        if again is not None:
            with contextlib.suppress(ValueError):  # as for rows that do not fit
                again.predict(X)


def test_means_of_no_feature_are_refused():
    told = describe(fitted_case("TargetEncoder"))
    steps = copy.deepcopy(told.steps)
    steps[0]["fitted"].update(n_features=0, categories=[])
    assert made(steps, told.arrays) is None


def test_periodic_splines_of_too_few_knots_are_refused():
    told = describe(fitted_case("SplineTransformer, periodic"))
    (key,) = [key for key in told.arrays if key.startswith("SplineTransformer")]
    knots = told.arrays[key]  # of degree 3: ten make six splines, three of them again
    for n_knots, reason in ((9, "9 knots do not fit"), (10, "steps do not fit together")):
        own = StoredArrays({**told.arrays, key: knots[:n_knots]}, MemoryBudget(2_000_000))
        with pytest.raises(ModelFileError, match=reason):
            rebuild(True, told.steps, own)
