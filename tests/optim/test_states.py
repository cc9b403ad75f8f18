"""What update rules remember, without JAX: the arrays of the Optax rules, by the same names."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from multilayer._core import pytrees
from multilayer._nn.network import Dense
from multilayer._optim.rules import RULES, make_rule
from multilayer._optim.states import MEMORIES, first_optimizer_state, slots_of, state_of

PARAMS = tuple(
    Dense(np.full((n, m), n, np.float32), np.full(m, m, np.float32)) for n, m in ((3, 2), (2, 1))
)
NUMBERS = {
    **{"momentum": 0.9, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8, "weight_decay": 0.1},
    **{"initial_accumulator_value": 0.25, "decay": 0.5},
}


@pytest.mark.parametrize("rule", RULES)
def test_first_states_are_those_of_optax(rule):
    numbers = {name: np.float32(value) for name, value in NUMBERS.items()}
    expected = make_rule(rule, numbers, np.float32(0.1), False, {}).init(PARAMS)
    state = first_optimizer_state(rule, PARAMS, numbers)
    assert pytrees.outline(state) == pytrees.outline(expected)
    pairs = zip(pytrees.named_leaves(state), pytrees.named_leaves(expected), strict=True)
    for (name, leaf), (other_name, other) in pairs:
        assert name == other_name
        assert leaf.dtype == other.dtype
        assert_array_equal(leaf, other)


@pytest.mark.parametrize("rule", MEMORIES)
def test_slots_go_back_to_where_they_were(rule):
    state = first_optimizer_state(rule, PARAMS, NUMBERS)
    slots = slots_of(rule, state, PARAMS)
    memory = MEMORIES[rule]
    assert (slots.updates is not None) == memory.counts
    for i, slot in enumerate(slots[1:]):
        expected = repr(pytrees.outline(PARAMS)) if i < memory.n_slots else "[]"
        assert repr(pytrees.outline(slot)) == expected
    assert repr(state_of(rule, slots)) == repr(state)


def test_solvers_whose_arrays_are_alike_differ_in_their_outlines():
    """A warm start under another solver begins with a state of that one."""
    outlines = [repr(pytrees.outline(first_optimizer_state(r, PARAMS, NUMBERS))) for r in MEMORIES]
    assert len(set(outlines)) == len(outlines)
