"""The guide's adapters for modules of Flax and Equinox, with stand-ins of the same shape.

Neither library is needed here; where they are installed the guide itself is run with them.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from multilayer import nn

GUIDE = Path(__file__).parents[2] / "docs" / "build-it-yourself.md"
CLASSES = 3


def adapter(section):
    """The first example of a section, executed: its names."""
    text = GUIDE.read_text().partition(f"## {section}\n")[2]
    code = re.search(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)[1]
    names = {"__name__": "guide", "jax": jax, "jnp": jnp}
    exec(compile(code, GUIDE, "exec"), names)
    return names


def learn(network):
    """Train on a task with a line between the classes; return what was learnt and how well."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)).astype(np.float32)
    y = X[:, :CLASSES].argmax(axis=1)
    step = nn.train_step(network, nn.sparse_softmax_cross_entropy, optax.sgd(0.5))
    state = step.init(network.init(nn.key(0), 4))
    for _ in range(3):
        for X_batch, y_batch in nn.shuffle_batch(X, y, 30, rng):
            state, _ = step(state, X_batch, y_batch)
    return state.params, float(nn.accuracy(network.apply(state.params, X), y))


@dataclass(frozen=True)
class FlaxLike:
    """Linear, with a dictionary of parameters, and with noise from a key while it trains."""

    n_classes: int

    def init(self, key, x):
        return {"params": {"kernel": 0.1 * jax.random.normal(key, (x.shape[1], self.n_classes))}}

    def apply(self, variables, x, training=False, rngs=None):
        if training:
            x = x + 0.1 * jax.random.normal(rngs["dropout"], x.shape)
        return x @ variables["params"]["kernel"]


def test_flax(monkeypatch):
    flax = ModuleType("flax")
    flax.linen = SimpleNamespace(Module=object)
    monkeypatch.setitem(sys.modules, "flax", flax)
    make = adapter("A module of Flax")["FromFlax"]
    assert make(FlaxLike(CLASSES)) == make(FlaxLike(CLASSES))
    params, accuracy = learn(make(FlaxLike(CLASSES)))
    assert params["params"]["kernel"].shape == (4, CLASSES)
    assert accuracy > 0.9


@jax.tree_util.register_pytree_node_class
class EquinoxLike:
    """Linear for one row; among its leaves, as there, a function that is no parameter."""

    def __init__(self, kernel, function):
        self.kernel, self.function = kernel, function

    def tree_flatten(self):
        return (self.kernel, self.function), None

    @classmethod
    def tree_unflatten(cls, _, leaves):
        return cls(*leaves)

    def __call__(self, x):
        return self.function(x) @ self.kernel


def _tree_filter(tree, keep):
    return jax.tree.map(lambda leaf: leaf if keep(leaf) else None, tree)


def _filter_eval_shape(make, key, n_inputs):
    def shape(leaf):
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) if hasattr(leaf, "shape") else leaf

    return jax.tree.map(shape, make(key, n_inputs))


def _combine(*trees):
    def first(*leaves):
        return next(leaf for leaf in leaves if leaf is not None)

    return jax.tree.map(first, *trees, is_leaf=lambda leaf: leaf is None)


@pytest.fixture
def equinox(monkeypatch):
    module = ModuleType("equinox")
    module.filter, module.combine = _tree_filter, _combine
    module.filter_eval_shape = _filter_eval_shape
    module.is_inexact_array = lambda leaf: hasattr(leaf, "dtype")
    monkeypatch.setitem(sys.modules, "equinox", module)
    return module


def linear(key, n_inputs):
    return EquinoxLike(0.1 * jax.random.normal(key, (n_inputs, CLASSES)), lambda x: 2 * x)


def test_equinox(equinox):
    make = adapter("A module of Equinox")["FromEquinox"]
    assert make(linear) == make(linear)
    network = make(linear)
    params = network.init(nn.key(0), 4)
    assert_array_equal(params.kernel, linear(nn.key(0), 4).kernel)
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    assert_allclose(network.apply(params, x), 2 * x @ params.kernel, rtol=1e-5)
    assert learn(network)[1] > 0.9
