"""Losses of rows and their gradients against those of JAX in x64, in every instruction set."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from multilayer._objectives.losses import row_losses, score_sums
from multilayer._objectives.objective import LossNumbers, Objective

from .libraries import LOSSES

ROWS = 40
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
LEVELS = (0.05, 0.25, 0.5, 0.6, 0.99)


@dataclass(frozen=True)
class Case:
    """A loss with its arguments."""

    loss: str
    heads: tuple[int, ...]
    out: str = "identity"
    smoothing: float = 0.0
    delta: float = 0.7
    weigh_classes: bool = False
    scale: float = 2.0  # of the raw outputs

    @property
    def classifies(self):
        return self.loss in LOSSES[:3]

    @property
    def middle(self):
        return LEVELS.index(0.5) if self.loss == "quantile" else 0

    @property
    def objective(self):
        return Objective(self.loss, self.out, self.heads, self.middle)

    def class_weights(self):
        """A table for each head, zeros among them; or None."""
        if not self.weigh_classes:
            return None
        rng = np.random.default_rng(3)
        sizes = [2] * len(self.heads) if self.loss == "logistic" else self.heads
        tables = [rng.uniform(0, 3, size) for size in sizes]
        for table in tables:
            table[0] = 0.0
        return tables

    def problem(self):
        """Raw outputs and targets, representable in float32; weights of rows."""
        rng = np.random.default_rng(0)
        raw = rng.normal(size=(ROWS, sum(self.heads))) * self.scale
        raw[:4] = np.round(raw[:4])  # ties, kinks
        raw[4] = 0.0
        if self.classifies:
            sizes = [2] * len(self.heads) if self.loss == "logistic" else self.heads
            target = np.stack([rng.integers(0, size, ROWS) for size in sizes], axis=1)
        elif self.loss == "poisson":
            target = rng.poisson(1.5, (ROWS, len(self.heads))).astype(float)
        else:
            target = rng.normal(size=(ROWS, len(self.heads))) * 2
            target[:5] = np.round(target[:5])
            target[4] = 0.0  # met exactly, or at a distance of delta
            target[5] = raw[5, : len(self.heads)] + self.delta
        weight = rng.uniform(0, 2, ROWS)
        return raw.astype(np.float32), target.astype(np.float32), weight.astype(np.float32)


CASES = {
    "softmax of two": Case("softmax", (2,)),
    "softmax of one vector": Case("softmax", (8,)),
    "softmax of many": Case("softmax", (1000,), smoothing=0.2),
    "softmax of several": Case("softmax", (3, 17), smoothing=0.1, weigh_classes=True),
    "softmax, extreme": Case("softmax", (9, 4), scale=3e4),
    "one_vs_rest": Case("one_vs_rest", (9,)),
    "one_vs_rest of several": Case("one_vs_rest", (3, 12), smoothing=0.1, weigh_classes=True),
    "logistic": Case("logistic", (1,), smoothing=0.1),
    "logistic of several": Case("logistic", (1,) * 11, weigh_classes=True),
    "logistic, extreme": Case("logistic", (1, 1), scale=3e4),
    "squared_error": Case("squared_error", (1,)),
    "squared_error of exp": Case("squared_error", (1,) * 3, "exp"),
    "squared_error of relu": Case("squared_error", (1,) * 3, "relu"),
    "absolute_error": Case("absolute_error", (1,) * 9),
    "huber": Case("huber", (1,) * 9),
    "huber of tanh": Case("huber", (1,) * 9, "tanh"),
    "poisson of exp": Case("poisson", (1,) * 9, "exp"),
    "poisson of softplus": Case("poisson", (1,) * 2, "softplus", scale=30.0),
    "quantile": Case("quantile", (len(LEVELS),) * 3),
    "quantile, extreme": Case("quantile", (len(LEVELS),), scale=50.0),
    "gaussian_nll": Case("gaussian_nll", (2,) * 3),
}


def expected(case, raw, target, weight):
    """By JAX, in float64: losses, gradients, sums of the score."""
    with jax.enable_x64(True):
        tables = case.class_weights()
        numbers = LossNumbers(
            np.float64(case.smoothing),
            np.float64(case.delta),
            np.array(LEVELS),
            None if tables is None else tuple(tables),
        )
        if case.classifies and case.loss != "logistic":
            target = target.astype(np.int32)
            target = target[:, 0] if len(case.heads) == 1 else target
        else:
            target = target.astype(float)
        raw = raw.astype(float)

        @jax.jit
        def all_of_them(raw):
            rows, back = jax.vjp(lambda raw: row_losses(case.objective, raw, target, numbers), raw)
            sums = score_sums(case.objective, raw, target, weight.astype(float))
            return rows, *back(jnp.ones_like(rows)), sums

        return [np.asarray(each) for each in all_of_them(raw)]


@pytest.mark.parametrize("name", CASES)
def test_losses_gradients_and_scores(libraries, name):
    case = CASES[name]
    raw, target, weight = case.problem()
    right = expected(case, raw, target, weight)
    numbers = {"out_activation": case.out, "smoothing": case.smoothing, "delta": case.delta}
    if case.loss == "quantile":
        numbers |= {"levels": LEVELS, "middle": case.middle}
    numbers["class_weights"] = case.class_weights()
    for library in libraries:
        for dtype, tolerance in TOLERANCE.items():
            call = partial(library.losses, case.loss, case.heads, raw.astype(dtype), target)
            found = call(weight=weight, **numbers)
            for mine, his in zip(found, right, strict=True):
                assert_allclose(mine, his, rtol=tolerance, atol=tolerance)
            without, none, _ = call(slope=False, **numbers)
            np.testing.assert_array_equal(without, found[0])
            assert none is None


def test_the_first_of_equal_outputs_counts_as_numpy_has_it(libraries):
    raw = np.array([[1, 3, 3], [3, 3, 1], [2, 2, 2], [0, 1, 2]], np.float32)
    for library in libraries:
        for label in range(3):
            right = np.argmax(raw, axis=1) == label
            labels = np.full(len(raw), label)
            for loss in ("softmax", "one_vs_rest"):
                assert library.losses(loss, (3,), raw, labels)[2] == right.sum()
        nan = np.full((1, 2), np.nan, np.float32)
        assert library.losses("softmax", (2,), nan, np.zeros(1))[2] == 0
        assert np.isnan(library.losses("softmax", (2,), nan, np.zeros(1))[0]).all()
