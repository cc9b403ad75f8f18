"""What is done to gradients and weights around a rule: by hand, alone and in training."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from multilayer._objectives.losses import penalty, penalty_gradient
from multilayer._optim.rules import average, clip, limit_columns

from .reference import KERNELS, data, descend, estimator, loss_and_gradient, parts, vector

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RATE = 0.3


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# Alone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [0.1, 0.9, 1.1, 1e9])
def test_clip(times):
    """A norm over all arrays together."""
    gradient = (random(4, 3), random(3, seed=1))
    norm = np.sqrt(sum(np.sum(np.float64(part) ** 2) for part in gradient))
    clipped = jax.jit(clip)(gradient, np.float32(times * norm))
    for found, part in zip(clipped, gradient, strict=True):
        assert_allclose(found, part * min(1, times), rtol=1e-5)


def test_clip_leaves_a_gradient_of_nothing_alone():
    assert_array_equal(jax.jit(clip)(np.zeros(3, np.float32), np.float32(1)), np.zeros(3))


def test_limit_columns():
    kernel = random(5, 4) * np.float32([1, 0.1, 0, 30])
    found = np.asarray(jax.jit(limit_columns)(kernel, np.float32(0.7)))
    norms = np.linalg.norm(np.float64(kernel), axis=0)
    assert (norms > 0.7).tolist() == [True, False, False, True]
    assert_allclose(found[:, [0, 3]], (kernel * 0.7 / norms.clip(0.7))[:, [0, 3]], rtol=1e-5)
    assert_array_equal(found[:, 1:3], kernel[:, 1:3])


@pytest.mark.parametrize(("step", "d"), [(0, 0.1), (5, 6 / 15), (89, 0.9), (10**6, 0.9)])
def test_average(step, d):
    old, new = random(4), random(4, seed=1)
    found = jax.jit(average)(old, new, np.float32(0.9), np.int32(step))
    assert_allclose(found, d * old + (1 - d) * new, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0, None])
def test_penalty(ratio):
    """Elastic net (Zou and Hastie, 2005); a weight of 0 has no L1 slope."""
    kernel = random(90, 60)
    kernel[:5] = 0
    traced = None if ratio is None else np.float32(ratio)
    value, slope = jax.jit(lambda k: (penalty(k, traced), penalty_gradient(k, traced)))(kernel)
    ratio, w = ratio or 0.0, np.float64(kernel)
    expected = ratio * np.abs(w).sum() + (1 - ratio) * 0.5 * (w**2).sum()
    assert float(value) == pytest.approx(expected, rel=1e-5)
    assert_allclose(slope, ratio * np.sign(w) + (1 - ratio) * w, rtol=1e-5)


# In training ----------------------------------------------------------------------------------


def shortened(flat, largest):
    return flat * min(1, largest / np.linalg.norm(flat))


def elastic_net(flat, weight, alpha, ratio):
    """The penalty as it stands in a batch's loss, and its gradient; biases are free of it."""
    kernels = flat * KERNELS
    share = alpha / weight.sum()
    value = ratio * np.abs(kernels).sum() + (1 - ratio) * 0.5 * (kernels**2).sum()
    return share * value, share * (ratio * np.sign(kernels) + (1 - ratio) * kernels)


def held(flat, largest):
    """Incoming weights of the hidden units, not those of the outputs, within a norm."""
    flat = flat.copy()
    hidden = parts(flat)[0]
    hidden *= np.minimum(1, largest / np.linalg.norm(hidden, axis=0))
    return flat


CASES = {
    "clip_norm": {"clip_norm": 0.05},
    "max_norm": {"max_norm": 0.8},
    "ema_decay": {"ema_decay": 0.6},
    "l1_ratio": {"alpha": 2.0, "l1_ratio": 0.4},
    "all": {"clip_norm": 0.4, "max_norm": 0.8, "ema_decay": 0.5, "alpha": 3.0, "l1_ratio": 0.2},
}


@pytest.mark.parametrize("case", CASES)
def test_training(case):
    """Plain descent, written out: the penalty comes first, then the clipping, then the limit."""
    arguments = CASES[case]
    X, y, weight = data()
    reg = estimator(solver="sgd", momentum=0.0, learning_rate_init=RATE, **arguments)
    with jax.enable_x64(True):
        start = vector(clone(reg).set_params(max_iter=0).fit(X, y, weight))
        reg.fit(X, y, weight)
    net = arguments.get("alpha", 0.0), arguments.get("l1_ratio", 0.0)
    clipped, limit = arguments.get("clip_norm", np.inf), arguments.get("max_norm", np.inf)
    told = []

    def change(flat, gradient):
        value, slope = elastic_net(flat, weight, *net)
        # The mean over the two targets is told, as in scikit-learn; the sum is followed.
        told.append(loss_and_gradient(flat, X, y, weight)[0] / 2 + value)
        return shortened(gradient + slope, clipped)

    def rule(flat, gradient, rate):
        return held(flat - rate * gradient, limit)

    mean = start
    for t, flat in enumerate(descend(start, rule, RATE, weight, change)):
        d = min(arguments.get("ema_decay", 0.0), (1 + t) / (10 + t))
        mean = d * mean + (1 - d) * flat
    assert_allclose(vector(reg), mean, rtol=1e-10, atol=1e-10)
    assert_allclose(reg.loss_curve_, told, rtol=1e-10)
    *_, plain = descend(start, lambda flat, g, rate: flat - rate * g, RATE, weight)
    assert np.abs(mean - plain).max() > 5e-3  # the case does something here
