"""A network of the user's, as the engine sees it."""

from dataclasses import dataclass

from multilayer._core.types import Array
from multilayer._nn.layer import Layer, apply_in_training
from multilayer._nn.model import Disturbance, Parameters


@dataclass(frozen=True)
class UserNetwork:
    """Any layer or network with ``init`` and ``apply``; equal ones share their programs."""

    layer: Layer
    n_frozen = 0

    @property
    def random(self) -> bool:
        """Whether training may draw random numbers."""
        return hasattr(self.layer, "apply_in_training")

    def at_prediction(self) -> "UserNetwork":
        """Return the network itself: how it predicts is its own matter."""
        return self

    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the outputs before the output activation, shape ``(rows, outputs)``."""
        return self.layer.apply(params, x)

    def apply_in_training(
        self, params: Parameters, x: Array, weight: Array, disturbance: Disturbance, key: Array
    ) -> tuple[Array, Parameters]:
        """Return the outputs of a batch, and the parameters with running moments moved."""
        del disturbance  # the layers disturb themselves
        return apply_in_training(self.layer, params, x, key=key, weight=weight)
