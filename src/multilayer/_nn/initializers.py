"""Initial weights, drawn on the host: no program is compiled for them.

Each initialiser is named after its distribution; ``fan_in`` and ``fan_out`` are the numbers of
inputs and outputs of the layer. The command line's help lists the names without importing NumPy,
hence the late imports here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from textwrap import fill
from typing import TYPE_CHECKING, TypeAlias

from multilayer._core.activations import AnyActivation, record_of

if TYPE_CHECKING:
    import numpy as np

Random: TypeAlias = "np.random.RandomState | np.random.Generator"
Draw: TypeAlias = Callable[[Random, int, int], "np.ndarray"]


@dataclass(frozen=True)
class Initializer:
    """A distribution of the first weights of a layer."""

    name: str
    draw: Draw  # (random, fan_in, fan_out) -> float64 (fan_in, fan_out)
    description: str  # in the docstring of nn.dense, for n inputs and m units


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


WEIGHT_INITIALIZERS = {
    initializer.name: initializer
    for initializer in (
        # Equation 16 of the paper; scikit-learn's default.
        Initializer(
            "glorot_uniform",
            _uniform(lambda n, m: sqrt(6.0 / (n + m))),
            "within ``sqrt(6 / (n + m))`` (Glorot and Bengio, 2010)",
        ),
        Initializer(
            "glorot_normal",
            _normal(lambda n, m: sqrt(2.0 / (n + m))),
            "standard deviation ``sqrt(2 / (n + m))``",
        ),
        # Equation 10 of the paper.
        Initializer(
            "he_uniform",
            _uniform(lambda n, m: sqrt(6.0 / n)),
            "within ``sqrt(6 / n)``, for ReLU (He et al., 2015)",
        ),
        Initializer(
            "he_normal",
            _normal(lambda n, m: sqrt(2.0 / n)),
            "standard deviation ``sqrt(2 / n)``, for ReLU",
        ),
        # Section 4.6 of the paper; what Klambauer et al. (2017) ask for with "selu".
        Initializer(
            "lecun_uniform",
            _uniform(lambda n, m: sqrt(3.0 / n)),
            "within ``sqrt(3 / n)``, for SELU (LeCun et al., 1998)",
        ),
        Initializer(
            "lecun_normal",
            _normal(lambda n, m: sqrt(1.0 / n)),
            "standard deviation ``sqrt(1 / n)``, for SELU",
        ),
        Initializer(
            "truncated_normal",
            _truncated_normal,
            "standard deviation ``2 / sqrt(n)``, redrawn where beyond two of them: what "
            "chapter 10 of the 2019 book (TensorFlow 1) writes by hand",
        ),
        Initializer("orthogonal", _orthogonal, "orthonormal columns or rows (Saxe et al., 2014)"),
        Initializer(
            "glorot_uniform_logistic",
            _uniform(lambda n, m: sqrt(2.0 / (n + m))),
            "within ``sqrt(2 / (n + m))``, scikit-learn's choice under that activation",
        ),
    )
}
"""Every initialiser of weights by its name: all lists of them are derived from this table."""

WEIGHT_INITS = ("auto", *WEIGHT_INITIALIZERS)
"""What an estimator takes: "auto" draws the weights that suit the activation."""


def descriptions(indent: str) -> str:
    """Return the initialisers as a list of a docstring; its first line has the indent already."""
    items = (f'- "{name}": {each.description}' for name, each in WEIGHT_INITIALIZERS.items())
    wrapped = (fill(item, 96, subsequent_indent=f"{indent}  ") for item in items)
    return f";\n{indent}".join(wrapped) + "."


def glorot_bias(rng: Random, fan_in: int, fan_out: int, factor: float) -> "np.ndarray":
    """Scikit-learn's initial biases: uniform within the bound of the layer's weights."""
    limit = sqrt(factor / (fan_in + fan_out))
    return rng.uniform(-limit, limit, fan_out)


def draw_layer(
    rng: Random, fan_in: int, fan_out: int, *, weights: str, bias: str, activation: AnyActivation
) -> "tuple[np.ndarray, np.ndarray]":
    """Initial kernel ``(fan_in, fan_out)`` and bias ``(fan_out,)`` of one layer, in float64.

    ``"auto"`` draws what suits the activation: under those of scikit-learn what that draws, in the
    same order, so that with the same random state the two start from the same weights.
    """
    import numpy as np

    record = record_of(activation)
    name = record.weight_init if weights == "auto" else weights
    kernel = WEIGHT_INITIALIZERS[name].draw(rng, fan_in, fan_out)
    if bias == "zeros":
        return kernel, np.zeros(fan_out)
    return kernel, glorot_bias(rng, fan_in, fan_out, record.bias_factor)
