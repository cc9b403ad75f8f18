"""Activation functions and their derivatives, as numbers and as lines."""

import numpy as np
import pytest

from multilayer import InvalidArgumentError, nn
from multilayer.plots import ActivationDisplay
from multilayer.plots._activation import compute, jump, points


def test_values_are_those_of_the_functions():
    curves = compute(["tanh", "relu"], (-2, 3))
    z = curves.z
    assert (z[0], z[-1]) == (-2, 3)
    np.testing.assert_allclose(curves.values, [np.tanh(z), np.maximum(z, 0)], atol=1e-6)
    np.testing.assert_allclose(curves.derivatives, [1 - np.tanh(z) ** 2, z > 0], atol=1e-6)


@pytest.fixture(scope="module")
def every():
    return compute(None, (-5, 5))


def test_all_of_the_names(every):
    assert every.names == list(nn.ACTIVATIONS)
    assert np.isfinite(every.values).all()
    # The derivatives are those of finite differences, away from 0.
    smooth = np.abs(every.z) > 0.1
    rough = np.gradient(every.values, every.z, axis=1)
    np.testing.assert_allclose(every.derivatives[:, smooth], rough[:, smooth], atol=0.02)


def test_points_have_both_sides_of_zero():
    z = points((-1, 1))
    assert (np.diff(z) > 0).all()
    at = jump(z, np.sign(z))
    assert z[at] == 0
    assert jump(z, z) is None
    assert jump(points((1, 2)), np.sign(points((1, 2)))) is None


@pytest.mark.parametrize(
    ("name", "limits", "value"), [("heaviside", [0], [1]), ("sign", [-1, 1], [0])]
)
def test_a_jump_is_a_gap(name, limits, value):
    (ax,) = ActivationDisplay.from_names([name]).axes_
    line, hollow, full, derivative = ax.lines
    z, y = line.get_data()
    assert np.isnan(y[z == 0]).all()  # no line from one side to the other
    assert list(hollow.get_ydata()) == limits
    assert hollow.get_markerfacecolor() == "white"
    assert list(full.get_ydata()) == value
    assert not np.asarray(derivative.get_ydata()).any()


def test_a_derivative_jumps_too():
    (ax,) = ActivationDisplay.from_names(["relu"]).axes_
    function, derivative, hollow, full = ax.lines
    assert np.isfinite(function.get_ydata()).all()
    assert np.isnan(derivative.get_ydata()).sum() == 1
    assert (list(hollow.get_ydata()), list(full.get_ydata())) == ([1], [0])


def test_a_new_figure(every, overlaps):
    display = ActivationDisplay(*every).plot(texts={"function": "f", "derivative": "f'"})
    assert [ax.get_title() for ax in display.axes_] == list(nn.ACTIVATIONS)
    assert len(display.figure_.axes) == len(nn.ACTIVATIONS)  # unused ones are gone
    (legend,) = display.figure_.legends
    assert [text.get_text() for text in legend.get_texts()] == ["f", "f'"]
    display.figure_.canvas.draw()
    titles = [text for ax in display.axes_ for text in (ax.title, ax.xaxis.label)]
    assert overlaps([*titles, *legend.get_texts()]) == 0


def test_given_axes(plt):
    figure, axes = plt.subplots(2, 2)
    display = ActivationDisplay.from_names(["elu", "selu"], axes=axes)
    assert list(display.axes_) == list(axes[0])
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert axes[0, 0].get_legend() is not None
    assert not axes[1, 0].lines


def test_data_of_ones_own():
    display = ActivationDisplay(["double"], [0, 1], [[0, 2]], [[2, 2]]).plot()
    (ax,) = display.axes_
    assert [list(line.get_ydata()) for line in ax.lines] == [[0, 2], [2, 2]]
    with pytest.raises(InvalidArgumentError, match=r"derivatives\.shape must be \(1, 2\)"):
        ActivationDisplay(["double"], [0, 1], [[0, 2]], [[2]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": ["rely"]}, "names must be None or a sequence of names among"),
        ({"names": "relu"}, "names must be"),
        ({"names": []}, "names must be"),
        ({"z_range": (1, 1)}, r"z_range\[1\] must be a number in \(1, inf\)"),
        ({"z_range": 5}, "z_range must be a pair"),
        ({"names": ["relu", "tanh"], "axes": "here"}, "axes must be 2 matplotlib axes"),
        ({"names": ["relu"], "texts": {"slope": ""}}, "texts must be a dict with keys among"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        ActivationDisplay.from_names(**arguments)
