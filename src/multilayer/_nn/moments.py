"""Mean and variance of the units of a layer, as batch normalisation keeps them."""

from typing import NamedTuple

from multilayer._core.types import Array

EPSILON = 1e-5  # added to a variance


class Moments(NamedTuple):
    """Mean and variance of each unit, shape ``(units,)``.

    Running moments stand among a network's parameters, so that whatever keeps, averages, saves or
    restores a network takes them along. No loss depends on them: their gradient is 0.
    """

    mean: Array
    variance: Array
