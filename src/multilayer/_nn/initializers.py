"""Initial weights, drawn on the host: no program is compiled for them.

Each initialiser is named after its distribution; ``fan_in`` and ``fan_out`` are the numbers of
inputs and outputs of the layer. The command line's help lists the names without importing NumPy,
hence the late imports here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, TypeAlias

from multilayer._nn.activation_names import Activation

if TYPE_CHECKING:
    import numpy as np

Random: TypeAlias = "np.random.RandomState | np.random.Generator"
Draw: TypeAlias = Callable[[Random, int, int], "np.ndarray"]


@dataclass(frozen=True)
class Initializer:
    """A distribution of the first weights of a layer."""

    name: str
    draw: Draw  # (random, fan_in, fan_out) -> float64 (fan_in, fan_out)
    auto_for: tuple[str, ...] = ()  # activations under which "auto" is this one


def _uniform(bound: Callable[[int, int], float]) -> Draw:
    def draw(rng: Random, fan_in: int, fan_out: int) -> "np.ndarray":
        limit = bound(fan_in, fan_out)
        return rng.uniform(-limit, limit, (fan_in, fan_out))

    return draw


def _normal(std: Callable[[int, int], float]) -> Draw:
    def draw(rng: Random, fan_in: int, fan_out: int) -> "np.ndarray":
        return rng.normal(0.0, std(fan_in, fan_out), (fan_in, fan_out))

    return draw


def _truncated_normal(rng: Random, fan_in: int, fan_out: int) -> "np.ndarray":
    """Normal of standard deviation 2/sqrt(fan_in), redrawn where beyond two of them."""
    values = rng.normal(size=(fan_in, fan_out))
    while (outside := abs(values) > 2.0).any():
        values[outside] = rng.normal(size=int(outside.sum()))
    return values * (2.0 / sqrt(fan_in))


def _orthogonal(rng: Random, fan_in: int, fan_out: int) -> "np.ndarray":
    """Orthonormal columns, or rows where there are fewer of them (Saxe et al., 2014)."""
    import numpy as np

    gaussian = rng.normal(size=(max(fan_in, fan_out), min(fan_in, fan_out)))
    q, r = np.linalg.qr(gaussian)
    q = q * np.sign(np.diag(r))[None, :]  # without this the distribution is not uniform
    return q if fan_in >= fan_out else q.T


GLOROT = "glorot_uniform"

WEIGHT_INITIALIZERS = {
    initializer.name: initializer
    for initializer in (
        # Glorot and Bengio (2010), equation 16; scikit-learn's default, which takes 2 in place of 6
        # under the name of the logistic activation.
        Initializer(GLOROT, _uniform(lambda n, m: sqrt(6.0 / (n + m)))),
        Initializer("glorot_normal", _normal(lambda n, m: sqrt(2.0 / (n + m)))),
        # He et al. (2015), equation 10.
        Initializer("he_uniform", _uniform(lambda n, m: sqrt(6.0 / n))),
        Initializer("he_normal", _normal(lambda n, m: sqrt(2.0 / n))),
        # LeCun et al. (1998), section 4.6; what Klambauer et al. (2017) ask for with "selu".
        Initializer("lecun_uniform", _uniform(lambda n, m: sqrt(3.0 / n))),
        Initializer("lecun_normal", _normal(lambda n, m: sqrt(1.0 / n)), ("selu",)),
        Initializer("truncated_normal", _truncated_normal),
        Initializer("orthogonal", _orthogonal),
        Initializer(
            "glorot_uniform_logistic", _uniform(lambda n, m: sqrt(2.0 / (n + m))), ("logistic",)
        ),
    )
}
"""Every initialiser of weights by its name: all lists of them are derived from this table."""

WEIGHT_INITS = ("auto", *WEIGHT_INITIALIZERS)
"""What an estimator takes: "auto" draws the weights that suit the activation."""


def auto(activation: Activation) -> str:
    """Return the name of what "auto" is under an activation."""
    suited = (name for name, each in WEIGHT_INITIALIZERS.items() if activation in each.auto_for)
    return next(suited, GLOROT)


def glorot_bias(rng: Random, fan_in: int, fan_out: int, factor: float) -> "np.ndarray":
    """Scikit-learn's initial biases: uniform within the bound of the layer's weights."""
    limit = sqrt(factor / (fan_in + fan_out))
    return rng.uniform(-limit, limit, fan_out)


def draw_layer(
    rng: Random, fan_in: int, fan_out: int, *, weights: str, bias: str, activation: Activation
) -> "tuple[np.ndarray, np.ndarray]":
    """Initial kernel ``(fan_in, fan_out)`` and bias ``(fan_out,)`` of one layer, in float64.

    ``"auto"`` draws what scikit-learn draws, in the same order: with the same random state the
    two start from the same weights. "selu", which scikit-learn lacks, gets the weights it needs to
    normalise itself.
    """
    import numpy as np

    name = auto(activation) if weights == "auto" else weights
    kernel = WEIGHT_INITIALIZERS[name].draw(rng, fan_in, fan_out)
    if bias == "zeros":
        return kernel, np.zeros(fan_out)
    return kernel, glorot_bias(rng, fan_in, fan_out, 2.0 if activation == "logistic" else 6.0)
