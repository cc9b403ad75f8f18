"""Where units are drawn, and where numbers fit."""

import numpy as np
import pytest

from multilayer.plots._network_drawing import (
    RADIUS,
    Connections,
    connections_of,
    drawn_layers,
    gaps,
    height_of,
    place_numbers,
    shown_units,
)


def test_shown_units():
    assert shown_units(10, 10).tolist() == list(range(10))
    assert shown_units(300, 5).tolist() == [0, 1, 2, 298, 299]
    assert shown_units(3, 2).tolist() == [0, 2]


def test_layers_are_centred_above_their_bias_neurons():
    first, second, last = drawn_layers((2, 5, 1), with_bias=True, max_units=4)
    assert (first.y.tolist(), first.dots, first.bias) == ([0.5, -0.5], None, -1.5)
    assert (second.y.tolist(), second.dots, second.bias) == ([2, 1, -1, -2], 0, -3)
    assert (last.y.tolist(), last.bias) == ([0], None)
    assert [layer.x for layer in (first, second, last)] == [0, 1, 2]
    assert height_of([first, second, last]) == 2 + 3 + 1


def test_connections_carry_the_weights_of_the_units_drawn():
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(7, 3)), rng.normal(size=3)
    layers = drawn_layers((7, 3), with_bias=True, max_units=4)
    (connections,) = connections_of(layers, [kernel], [bias])
    expected = np.vstack([kernel[[0, 1, 5, 6]], bias])  # of 7 units the first and the last two
    np.testing.assert_array_equal(connections.weight.reshape(5, 3), expected)
    np.testing.assert_array_equal(connections.start[:3], [[0, 2]] * 3)
    np.testing.assert_array_equal(connections.end[:3], [[1, 1], [1, 0], [1, -1]])
    np.testing.assert_array_equal(connections.start[-1], [0, -3])
    (without,) = connections_of(drawn_layers((7, 3), with_bias=False, max_units=4), [kernel], None)
    assert len(without.weight) == 12


def test_distances_from_lines():
    start, way = np.array([[0, 0], [0, 1.0]]), np.array([[2, 0], [1, 1.0]])
    np.testing.assert_allclose(gaps(np.array([[1.0, 3.0]]), start, way), [[3, np.sqrt(0.5)]])


def between(n_inputs, n_units, distance=2.6):
    y, heights = np.arange(n_inputs) - n_inputs / 2, np.arange(n_units) - n_units / 2
    start = np.array([[0, a] for a in y for _ in heights], float)
    end = np.array([[distance, b] for _ in y for b in heights], float)
    return Connections(start, end, np.ones(len(start)))


@pytest.mark.parametrize(("n_inputs", "n_units"), [(1, 1), (3, 1), (3, 2), (4, 3), (5, 3)])
def test_numbers_are_apart(n_inputs, n_units):
    connections, (width, height) = between(n_inputs, n_units), (0.4, 0.17)
    centres = place_numbers(connections, np.full(len(connections.weight), width), height)
    assert centres is not None
    aside, up = np.abs(centres[:, np.newaxis] - centres).transpose(2, 0, 1)
    covered = (aside < width) & (up < height)
    assert covered.sum() == len(centres)  # each by itself alone
    assert (centres[:, 0] - width / 2 > RADIUS).all()
    assert (centres[:, 0] + width / 2 < 2.6 - RADIUS).all()
    lines = gaps(centres, connections.start, connections.end - connections.start)
    np.fill_diagonal(lines, np.inf)
    assert (lines.min(axis=1) >= height / 2).all()


def test_there_may_be_no_room():
    assert place_numbers(between(8, 8), np.full(64, 0.4), 0.17) is None
    assert place_numbers(between(1, 1), np.array([2.6]), 0.17) is None  # longer than the way
