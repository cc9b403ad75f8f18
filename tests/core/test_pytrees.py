"""Trees without JAX are those of JAX: names, order, structure."""

from collections import OrderedDict
from dataclasses import dataclass

import jax
import numpy as np
import optax
import pytest

from multilayer._core import pytrees
from multilayer._nn.model import Moments
from multilayer._nn.network import Dense


@jax.tree_util.register_dataclass
@dataclass
class Registered:
    inner: object
    weight: object


ONE, TWO = np.ones(2), np.zeros((2, 3))
PARAMS = (Dense(TWO, ONE, ONE, ONE, Moments(ONE, ONE)), Dense(TWO, ONE))
TREES = {
    "leaf": ONE,
    "None": None,
    "empty": ((), [], {}),
    "layers": PARAMS,
    "nested": {"b": [ONE, (TWO, None)], "a": {"z": 1.5, "y": np.float32(2)}},
    "numbers as keys": {10: ONE, 9: TWO},
    "optimizer": jax.device_get(
        optax.chain(optax.adamw(0.1, mask=lambda p: jax.tree.map(lambda w: w.ndim > 1, p))).init(
            PARAMS
        )
    ),
    "registered": {"a": Registered({"k": ONE}, (TWO, 3))},
    "in order": OrderedDict(b=ONE, a=TWO),
    "on a device": [jax.numpy.ones(3), jax.random.key(0)],
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_leaves_and_names(tree):
    theirs = jax.tree_util.tree_flatten_with_path(tree)[0]
    names = [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in theirs]
    ours = list(pytrees.named_leaves(tree))
    assert [name for name, _ in ours] == names
    assert all(a is b for (_, a), (_, b) in zip(ours, theirs, strict=True))
    assert len(pytrees.leaves(tree)) == len(names)


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_structure(tree):
    leaves = jax.tree.leaves(tree)
    new = pytrees.with_leaves(tree, list(range(len(leaves))))
    assert jax.tree.structure(new) == jax.tree.structure(tree)
    assert jax.tree.leaves(new) == list(range(len(leaves)))
    same = pytrees.map_leaves(lambda leaf: leaf, tree)
    assert all(a is b for a, b in zip(jax.tree.leaves(same), leaves, strict=True))
