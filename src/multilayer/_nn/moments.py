"""Mean and variance of the units of a layer, for batch normalisation."""

from typing import NamedTuple

from multilayer._core.types import Array

EPSILON = 1e-5  # added to a variance


class Moments(NamedTuple):
    """Mean and variance of each unit, shape ``(units,)``.

    Running moments are among a network's parameters, so that they are copied, averaged, saved and
    restored with them. No loss depends on them: their gradient is 0.
    """

    mean: Array
    variance: Array
