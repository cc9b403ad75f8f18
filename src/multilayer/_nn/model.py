"""What the engine requires of a network, and the running moments of a network."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from multilayer._core.types import Array

# Mean and variance of the units of a layer, for batch normalisation ------------------------------


EPSILON = 1e-5  # added to a variance


class Moments(NamedTuple):
    """Mean and variance of each unit, shape ``(units,)``.

    Running moments are among a network's parameters, so that they are copied, averaged, saved and
    restored with them. No loss depends on them: their gradient is 0.
    """

    mean: Array
    variance: Array


class Fixed(NamedTuple):
    """Numbers among a network's parameters that training leaves as they are, such as quantiles."""

    value: Any


class Rate(NamedTuple):
    """A number of training among a network's parameters, such as a chance of dropout.

    Training leaves it as it is, and multiplies it by the strength of the step where
    regularisation is annealed.
    """

    value: Array


def is_fixed(node: object) -> bool:
    """Whether a node of a tree of parameters is changed by no update rule."""
    return isinstance(node, Moments | Fixed | Rate)


def is_constant(node: object) -> bool:
    """Whether a node of a tree is no matter of an update rule, which has no state for it."""
    return isinstance(node, Fixed | Rate)


@dataclass(frozen=True)
class Factor:
    """How one array of parameters learns."""

    rate: float = 1.0  # its share of the learning rate
    decay: float = 1.0  # its share of the weight decay, beside that of the rate


# What the engine requires of a network, of dense layers or a user's own --------------------------


Parameters: TypeAlias = Any
"""A pytree of arrays: a tuple of ``Dense`` layers, or the parameters of a user's network."""


class Disturbance(NamedTuple):
    """What training adds to a forward pass of dense layers, as traced numbers."""

    dropout: Array  # (hidden layers,) chance of each unit to be dropped
    input_dropout: Array
    input_noise: Array  # standard deviation


class Model(Protocol):
    """The shape of a network: static and hashable, part of the key of a compiled program."""

    @property
    def random(self) -> bool:
        """Whether training draws random numbers."""

    @property
    def n_frozen(self) -> int:
        """Number of first layers that training leaves as they are."""

    def at_prediction(self) -> "Model":
        """Return the network without what is a matter of training alone."""

    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the outputs before the output activation (logits), shape ``(rows, outputs)``."""

    def apply_in_training(
        self, params: Parameters, x: Array, weight: Array, disturbance: Disturbance, key: Array
    ) -> tuple[Array, Parameters]:
        """Return the outputs of a batch, and the parameters with running moments moved.

        ``weight`` are the rows' weights, shape ``(rows,)``; ``key`` is the source of what is
        random, None where nothing is.
        """


class FactoredModel(Model, Protocol):
    """A network whose arrays learn at rates of their own."""

    def factors(self, params: Parameters) -> Parameters:
        """Return how each array learns: a tree of :class:`Factor` like the parameters."""
