"""Functions of vectors and activations against NumPy and SciPy, in every instruction set."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import special

from .libraries import ACTIVATIONS

RNG_SEED, N = 0, 20_000
TOLERANCE = {"float32": 1e-6, "float64": 1e-13}
LONGEST = np.longdouble  # more digits than float64 where the machine has them


def tail(z):
    """P(Z > z) of a standard normal Z, for z >= 0: SciPy's own loses digits of the square."""
    scaled = special.erfcx((z / np.sqrt(LONGEST(2))).astype(np.float64))
    return 0.5 * scaled * np.exp(-z * z / 2)


def normal_below(z):
    return np.where(z < 0, tail(np.abs(z)), 1 - tail(np.abs(z)))


def logistic(z):
    small = np.exp(-np.abs(z))
    return np.where(z < 0, small, 1) / (1 + small)


def softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def elu(z):
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def mish_slope(z):
    t = np.tanh(softplus(z))
    return t + z * logistic(z) / np.cosh(softplus(z)) ** 2


ALPHA, SCALE = LONGEST("1.6732632423543772848"), LONGEST("1.0507009873554804934")
BELL = 1 / np.sqrt(2 * LONGEST(np.pi))
REFERENCES = {
    # The values, the slopes. Slopes at kinks are those of JAX.
    "identity": (lambda z: z, np.ones_like),
    "logistic": (logistic, lambda z: logistic(z) * logistic(-z)),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1, 0)),
    "leaky_relu": (lambda z: np.where(z < 0, z / 100, z), lambda z: np.where(z < 0, 0.01, 1)),
    "elu": (elu, lambda z: np.where(z > 0, 1, np.exp(np.minimum(z, 0)))),
    "selu": (
        lambda z: SCALE * np.where(z > 0, z, ALPHA * elu(z)),
        lambda z: SCALE * np.where(z > 0, 1, ALPHA * np.exp(np.minimum(z, 0))),
    ),
    "gelu": (
        lambda z: z * normal_below(z),
        lambda z: normal_below(z) + z * BELL * np.exp(-z * z / 2),
    ),
    "silu": (lambda z: z * logistic(z), lambda z: logistic(z) * (1 + z * logistic(-z))),
    "mish": (lambda z: z * np.tanh(softplus(z)), mish_slope),
    "softplus": (softplus, logistic),
    "exp": (np.exp, np.exp),
}
FUNCTIONS = {
    "exp": (np.exp, -87.0, 88.0),
    "expm1": (np.expm1, -100.0, 88.0),
    "log": (np.log, 1e-37, 1e38),
    "log1p_of_share": (np.log1p, 0.0, 1.0),
    "tanh": (np.tanh, -100.0, 100.0),
    "normal_below": (normal_below, -12.0, 12.0),
    "cosine_of_turns": (lambda x: np.cos(2 * LONGEST(np.pi) * x), -0.5, 0.5),
}


def spread(low, high, dtype):
    """Numbers from low to high: even ones, and as many of every size, both signs; around 1."""
    rng = np.random.default_rng(RNG_SEED)
    sizes = np.exp(rng.uniform(np.log(1e-37), np.log(high), N)) * rng.choice([-1, 1], N)
    numbers = [rng.uniform(low, high, N), sizes, rng.uniform(0.5, 2, N), [low, high, 0.0, -0.0]]
    return np.clip(np.concatenate(numbers), low, high).astype(dtype)


def check(found, expected, absolute=0.0):
    """Within the tolerance of the type; numbers near the smallest one may lose digits."""
    assert np.isfinite(found).all()
    expected = np.asarray(expected, LONGEST)
    allowed = TOLERANCE[found.dtype.name] * np.abs(expected) + absolute
    allowed += 32 * np.finfo(found.dtype).smallest_subnormal
    worst = np.argmax(np.abs(found - expected) - allowed)
    assert abs(found[worst] - expected[worst]) <= allowed[worst], (found[worst], expected[worst])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_their_digits_everywhere(libraries, name, dtype):
    function, low, high = FUNCTIONS[name]
    x = spread(low, high, dtype)
    # Where cos passes 0, the rounding of its argument is what is left.
    absolute = TOLERANCE[dtype] / 2 if name == "cosine_of_turns" else 0.0
    for library in libraries:
        check(library.function(name, x), function(x.astype(LONGEST)), absolute)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_extremes_of_functions(libraries, dtype):
    info = np.finfo(dtype)
    inf, nan, smallest = np.inf, np.nan, info.smallest_subnormal
    small = 4 * info.tiny
    cases = {
        "exp": (
            [inf, -inf, nan, 0, 89e3, -89e3, np.log(info.max) * (1 + 2 * info.eps)],
            [inf, 0, nan, 1, inf, 0, inf],
        ),
        "expm1": ([inf, -inf, nan, 0, small, 89e3, -89e3], [inf, -1, nan, 0, small, inf, -1]),
        "log": ([inf, -inf, nan, 0, -1, 1], [inf, nan, nan, -inf, nan, 0]),
        "log1p_of_share": ([nan, 0, smallest], [nan, 0, smallest]),
        "tanh": ([inf, -inf, nan, 0, small], [1, -1, nan, 0, small]),
        "normal_below": ([inf, -inf, nan, 0], [1, 0, nan, 0.5]),
    }
    for library in libraries:
        for name, (x, expected) in cases.items():
            found = library.function(name, np.array(x, dtype))
            right = np.array(expected, dtype)
            last_digit = 4 * info.eps if name == "normal_below" else 0
            np.testing.assert_allclose(found, right, last_digit, err_msg=name)
        near = np.array([np.log(LONGEST(info.max)) * (1 - 2 * info.eps)], dtype)  # just below inf
        check(library.function("exp", near), np.exp(near.astype(LONGEST)))
        # Numbers below the smallest normal one: to their own last digit.
        below = np.log(LONGEST(info.tiny) * np.array([0.5, 2.0**-10])).astype(dtype)
        found = library.function("exp", below)
        assert np.abs(found - np.exp(below.astype(LONGEST))).max() <= 2 * smallest
        tiny = np.array([smallest, 3 * smallest, info.tiny / 2], dtype)
        check(library.function("log", tiny), np.log(tiny.astype(LONGEST)))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_and_their_slopes(libraries, name, dtype):
    z = spread(-80.0, 80.0, dtype)
    value, slope = REFERENCES[name]
    exact = z.astype(LONGEST)
    absolute = 0.0
    if name in ("elu", "selu", "gelu", "silu", "mish"):
        absolute = TOLERANCE[dtype]  # these slopes are differences of larger numbers
    elif name == "tanh":
        absolute = 4 * np.finfo(dtype).tiny  # what the slope does not fall below
    for library in libraries:
        values, slopes = library.activation(name, z)
        check(values, value(exact))
        check(slopes, slope(exact), absolute)
        only_values, none = library.activation(name, z, slope=False)
        assert_array_equal(only_values, values)
        assert none is None


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_activations_at_kinks_and_extremes(libraries, dtype):
    large = np.finfo(dtype).max
    limits = {
        # At -large, 0, large: values and slopes.
        "identity": ([-large, 0, large], [1, 1, 1]),
        "logistic": ([0, 0.5, 1], [0, 0.25, 0]),
        "tanh": ([-1, 0, 1], [0, 1, 0]),
        "relu": ([0, 0, large], [0, 0, 1]),
        "leaky_relu": ([np.dtype(dtype).type(0.01) * -large, 0, large], [0.01, 1, 1]),
        "elu": ([-1, 0, large], [0, 1, 1]),
        "selu": ([-ALPHA * SCALE, 0, np.inf], [0, ALPHA * SCALE, SCALE]),
        "gelu": ([0, 0, large], [0, 0.5, 1]),
        "silu": ([0, 0, large], [0, 0.5, 1]),
        "mish": ([0, 0, large], [0, 0.6, 1]),
        "softplus": ([0, np.log(LONGEST(2)), large], [0, 0.5, 1]),
        "exp": ([0, 1, np.inf], [0, 1, np.inf]),
    }
    assert tuple(limits) == ACTIVATIONS
    z = np.array([-large, 0, large, np.nan], dtype)
    for library in libraries:
        for name, expected in limits.items():
            for found, right in zip(library.activation(name, z), expected, strict=True):
                right = np.array(right).astype(dtype)
                np.testing.assert_allclose(
                    found[:3], right, rtol=4 * np.finfo(dtype).eps, atol=1e-30, err_msg=name
                )
            assert np.isnan(library.activation(name, z)[0][3]), name
