"""A network of the user's, as the engine sees it."""

from dataclasses import dataclass
from typing import Any

from multilayer._core.types import Array
from multilayer._nn.model import Disturbance, Parameters


@dataclass(frozen=True)
class OwnNetwork:
    """Any object with ``init`` and ``apply``; equal objects share their programs."""

    model: Any
    n_frozen = 0

    @property
    def random(self) -> bool:
        """Whether training may draw random numbers."""
        return hasattr(self.model, "apply_in_training")

    def at_prediction(self) -> "OwnNetwork":
        """Return the network itself: how it predicts is its own matter."""
        return self

    def apply(self, params: Parameters, x: Array) -> Array:
        """Return the outputs before the output activation, shape ``(rows, outputs)``."""
        return self.model.apply(params, x)

    def apply_in_training(
        self, params: Parameters, x: Array, weight: Array, disturbance: Disturbance, key: Array
    ) -> tuple[Array, Parameters]:
        """Return the outputs of a batch, and the parameters with running moments moved."""
        del disturbance  # the network's own layers disturb
        if not self.random:
            return self.model.apply(params, x), params
        return self.model.apply_in_training(params, x, key=key, weight=weight)
