"""The threshold logic unit. This module needs NumPy alone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from multilayer._core.checks import check_real, refuse
from multilayer._core.step_functions import heaviside, sign
from multilayer._core.types import Array

Step = Callable[[Array], Array]
Item = TypeVar("Item")


@dataclass(frozen=True, repr=False)
class ThresholdUnit:
    """A threshold logic unit: the step of a weighted sum of its inputs.

    Parameters
    ----------
    weights : sequence of float
        Weight of each input.
    bias : float
        Weight of the bias neuron, which always outputs 1: minus the threshold.
    step : {heaviside, sign}, default=heaviside
        The step function.

    Raises
    ------
    InvalidArgumentError
        An argument is none of these, or a number is not finite (a ValueError).

    Notes ----- ``h(x) = step(w_1 * x_1 + ... + w_n * x_n + bias)``, in float64. What a unit does at
    a sum of exactly 0 matters: small integers and halves have exact sums, 0.1 and 0.2 do not.
    McCulloch and Pitts (1943); Rosenblatt (1958).

    Examples
    --------
    Two of three, and the sides of a line in the plane:

    >>> from multilayer import nn
    >>> majority = nn.logic.ThresholdUnit((1, 1, 1), bias=-2)
    >>> int(majority([1, 0, 1]))
    1
    >>> line = nn.logic.ThresholdUnit((1, -1), bias=0.5, step=nn.sign)
    >>> line([[2.0, 1.0], [0.0, 0.5], [0.0, 3.0]])
    array([ 1,  0, -1])
    """

    weights: Sequence[float]  # a tuple, once made
    bias: float
    step: Step = heaviside

    def __post_init__(self) -> None:
        weights = as_tuple("weights", self.weights, "a number for each input")
        for i, weight in enumerate(weights):
            check_real(f"weights[{i}]", weight, "(-inf, inf)")
        check_real("bias", self.bias, "(-inf, inf)")
        if self.step not in (heaviside, sign):
            refuse("step", "nn.heaviside or nn.sign", self.step)
        # The way of a frozen dataclass.
        object.__setattr__(self, "weights", tuple(map(float, weights)))
        object.__setattr__(self, "bias", float(self.bias))

    def __repr__(self) -> str:
        return f"ThresholdUnit({self.weights}, bias={self.bias}, step={self.step.__name__})"

    def __call__(self, x: Array) -> np.ndarray:
        """Return the unit's outputs.

        Parameters
        ----------
        x : array_like of shape (rows, n_inputs) or (n_inputs,)
            Finite numbers.

        Returns
        -------
        a : ndarray of shape (rows,) or ()
            Whole numbers.

        Raises
        ------
        InvalidArgumentError
            The inputs are not of such a shape, or no such numbers (a ValueError).
        """
        z = as_inputs(x, len(self.weights)) @ np.array(self.weights) + self.bias
        return np.asarray(self.step(z)).astype(int)


def as_tuple(name: str, given: Iterable[Item], of_what: str) -> tuple[Item, ...]:
    """Return a sequence as a tuple; refuse what is none, and an empty one."""
    try:
        items = tuple(given)
    except TypeError:
        items = ()
    if not items:
        refuse(name, f"a sequence: {of_what}", given)
    return items


def as_inputs(x: npt.ArrayLike, n_inputs: int) -> np.ndarray:
    """Return rows of inputs, or a single row, in float64."""
    try:
        rows = np.asarray(x, dtype=float)
    except (TypeError, ValueError):
        refuse("x", f"rows of {n_inputs} numbers", x)
    if rows.ndim not in (1, 2) or rows.shape[-1] != n_inputs:
        refuse("x.shape", f"(rows, {n_inputs}) or ({n_inputs},)", rows.shape)
    if not np.isfinite(rows).all():
        refuse("x", "finite numbers", x)
    return rows
