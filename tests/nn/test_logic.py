"""Threshold logic units and their networks, against Python's own logic."""

import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from multilayer import InvalidArgumentError
from multilayer._nn.logic import (
    AND,
    AND_NOT,
    IDENTITY,
    NOT,
    OR,
    XOR,
    LogicNetwork,
    ThresholdUnit,
    heaviside,
    sign,
    truth_table,
)

MEANING = [
    (IDENTITY, lambda a: a),
    (NOT, lambda a: not a),
    (AND, lambda a, b: a and b),
    (OR, lambda a, b: a or b),
    (AND_NOT, lambda a, b: a and not b),
    (XOR, lambda a, b: a != b),
]
of_each_network = pytest.mark.parametrize(
    ("network", "meaning"), MEANING, ids=[network.output_names[0] for network, _ in MEANING]
)


# Networks ----------------------------------------------------------------------------------------


@of_each_network
def test_ready_networks(network, meaning):
    n_inputs = len(network.input_names)
    for bits in product((False, True), repeat=n_inputs):
        assert_array_equal(network(bits), [int(meaning(*bits))])
        assert_array_equal(network(np.array([bits, bits], dtype=int)), [[int(meaning(*bits))]] * 2)


@of_each_network
def test_truth_table(network, meaning):
    table = truth_table(network)
    assert len(table.inputs) == 2 ** len(network.input_names)
    assert len(np.unique(table.inputs, axis=0)) == len(table.inputs)
    expected = [[int(meaning(*map(bool, row)))] for row in table.inputs]
    assert_array_equal(table.outputs, expected)


def test_no_single_unit_is_xor():
    """What the chapter says a perceptron of one layer cannot do: no line parts these points."""
    x = truth_table(XOR).inputs
    weights = np.linspace(-3, 3, 13)
    for w in product(weights, repeat=2):
        for bias in weights:
            assert not np.array_equal(ThresholdUnit(w, bias)(x), [0, 1, 1, 0])


def test_numbers_of_a_network_give_its_outputs():
    """The properties that a drawing shows are the network: its outputs come from them alone."""
    network, x = XOR, truth_table(XOR).inputs
    a = x
    for weights, biases, steps in zip(network.weights, network.biases, network.steps, strict=True):
        assert weights.shape == (a.shape[1], len(biases))
        assert set(steps) == {"heaviside"}
        a = heaviside(a @ weights + biases)
    assert_array_equal(a, network(x))


def test_outputs_of_several_units():
    half_adder = LogicNetwork([[*XOR.layers[0]], [*XOR.layers[1], ThresholdUnit((0, 1), -1)]])
    assert half_adder.output_names == ("y1", "y2")
    for a, b in product((0, 1), repeat=2):
        total, carry = half_adder([a, b])
        assert 2 * carry + total == a + b


def test_text_of_a_table_lines_up():
    signs = LogicNetwork([[ThresholdUnit((1, -1), 0, step=sign)]], ("left", "b"))
    assert str(truth_table(signs)).splitlines() == [
        "left b | y1",
        "   0 0 |  0",
        "   0 1 | -1",
        "   1 0 |  1",
        "   1 1 |  0",
    ]


def test_equal_networks_are_equal():
    again = LogicNetwork(((ThresholdUnit([1, 1], -2),),), ["A", "B"], ["A and B"])
    assert again == AND
    assert hash(again) == hash(AND)
    assert again != OR


# Units -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [heaviside, sign])
def test_unit_is_the_step_of_a_weighted_sum(step):
    rng = np.random.default_rng(0)
    x, w, b = rng.integers(-4, 5, (200, 3)), (1.0, -2.0, 0.5), 0.5
    z = [sum(wi * xi for wi, xi in zip(w, row, strict=True)) + b for row in x.tolist()]
    assert 0 in z  # the case that matters
    if step is heaviside:
        expected = [0 if value < 0 else 1 for value in z]
    else:
        expected = [(value > 0) - (value < 0) for value in z]
    unit = ThresholdUnit(w, b, step)
    assert_array_equal(unit(x), expected)
    assert unit(x[0]) == expected[0]


def test_no_jax_is_needed():
    code = "import sys, multilayer._nn.logic; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((), 0), "weights must be a sequence: a number for each input"),
        ((1.0, 0), "weights must be a sequence"),
        ((("a",), 0), r"weights\[0\] must be a number"),
        (((1, np.nan), 0), r"weights\[1\] must be a number"),
        (((1,), np.inf), "bias must be a number"),
        (((1,), 0, np.tanh), "step must be nn.heaviside or nn.sign"),
    ],
)
def test_units_refused(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        ThresholdUnit(*arguments)


UNIT = ThresholdUnit((1, 1), -2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "layers must be a sequence"),
        ((UNIT,), "layers must be a sequence"),
        (([UNIT],), r"layers\[0\] must be a sequence"),
        (([[UNIT], []],), r"layers\[1\] must be a sequence"),
        (([[heaviside]],), r"layers\[0\] must be a sequence of ThresholdUnit"),
        (([[UNIT, ThresholdUnit((1,), 0)]],), r"layers\[0\] must be made of units of 2 weight"),
        (([[UNIT], [UNIT]],), r"layers\[1\] must be made of units of 1 weight"),
        (([[UNIT]], ("A",)), "input_names must be a sequence of 2 name"),
        (([[UNIT]], (1, 2)), "input_names must be a sequence of 2 name"),
        (([[UNIT]], "AB", "CD"), "output_names must be a sequence of 1 name"),
    ],
)
def test_networks_refused(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        LogicNetwork(*arguments)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([0, 1, 1], r"x\.shape must be \(rows, 2\) or \(2,\), got x\.shape=\(3,\)"),
        ([[[0, 1]]], r"x\.shape must be"),
        (["a", "b"], "x must be rows of 2 numbers"),
        ([0, np.nan], "x must be finite numbers"),
        ([0, 2], "x must be 0 and 1 alone"),
    ],
)
def test_inputs_refused(x, message):
    with pytest.raises(InvalidArgumentError, match=message):
        AND(x)


@pytest.mark.parametrize("network", [UNIT, LogicNetwork([[ThresholdUnit((1,) * 17, 0)]])])
def test_truth_tables_refused(network):
    with pytest.raises(InvalidArgumentError, match="network must be"):
        truth_table(network)
