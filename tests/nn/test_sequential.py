"""Networks made of layers: the engine's own network as oracle, layers of a user's own."""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from multilayer import InvalidArgumentError, nn
from multilayer._nn.layers import apply_in_training
from multilayer._nn.model import Disturbance
from multilayer._nn.network import Dense, Network

SIZES = (6, 5, 5, 3)
STILL = Disturbance(np.zeros(2, np.float32), np.float32(0), np.float32(0))


def layered(norm, residual):
    """The same network twice: of layers, and the engine's own."""
    norms = {None: [], "batch": [nn.batch_norm()], "layer": [nn.layer_norm()]}[norm]
    first = nn.sequential(nn.dense(5), *norms, nn.tanh)
    second = nn.residual(first) if residual else first
    own = Network(SIZES, ("tanh", "tanh"), norm=norm, residual=residual)
    return nn.sequential(first, second, nn.dense(3)), own


def copied(params, norm):
    """Parameters of `layered` networks as those of the engine's own network."""
    hidden = []
    for dense, *norms, _ in params[:2]:
        kept = norms[0]._asdict() if norm else {}
        hidden.append(Dense(dense.kernel, dense.bias, **kept))
    return (*hidden, Dense(*params[2]))


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("norm", [None, "batch", "layer"])
def test_layers_are_the_engines_network(norm, residual):
    network, own = layered(norm, residual)
    params = network.init(0, SIZES[0])
    rng = np.random.default_rng(0)
    x = rng.normal(size=(16, SIZES[0])).astype(np.float32)
    weight = rng.uniform(0.5, 2, 16).astype(np.float32)
    weight[::3] = 0
    trained, moved = network.apply_in_training(params, x, key=None, weight=weight)
    expected, theirs = own.apply_in_training(copied(params, norm), x, weight, STILL, None)
    assert_allclose(trained, expected, rtol=1e-5, atol=1e-6)
    for a, b in zip(jax.tree.leaves(copied(moved, norm)), jax.tree.leaves(theirs), strict=True):
        assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert_allclose(network.apply(moved, x), own.apply(theirs, x), rtol=1e-5, atol=1e-6)


def test_parameters_are_those_of_each_layer():
    network = nn.sequential(nn.dense(5), nn.relu, nn.sequential(nn.dense(4), nn.dropout(0.5)))
    params = network.init(0, 6)
    shapes = jax.tree.map(jnp.shape, params)
    assert shapes == (((6, 5), (5,)), (), (((5, 4), (4,)), ()))


def test_each_layer_has_a_key_of_its_own():
    network = nn.sequential(*[nn.dense(8)] * 3)
    kernels = [params.kernel for params in network.init(0, 8)]
    for one, other in pairwise(kernels):
        assert (one != other).all()
    # More layers at the end leave the weights of those before as they were.
    for one, other in zip(nn.sequential(*[nn.dense(8)] * 2).init(0, 8), kernels, strict=False):
        assert_array_equal(one.kernel, other)


def test_what_is_dropped_differs_from_layer_to_layer():
    network, x = nn.sequential(nn.dropout(0.5), nn.dropout(0.5)), np.ones((50, 40), np.float32)
    kept, _ = network.apply_in_training(((), ()), x, key=nn.key(0), weight=np.ones(50))
    assert set(np.unique(kept)) == {0, 4}
    assert abs(float((kept > 0).mean()) - 0.25) < 0.04  # half would be left of the same ones


def test_training_without_a_key_is_refused_where_it_is_needed():
    x, weight = np.ones((4, 3), np.float32), np.ones(4, np.float32)
    still = nn.sequential(nn.dense(2), nn.batch_norm())
    still.apply_in_training(still.init(0, 3), x, key=None, weight=weight)
    network = nn.sequential(nn.dense(2), nn.residual(nn.dropout(0.5)))
    with pytest.raises(InvalidArgumentError, match=r"dropout\(rate=0.5\) draws random numbers"):
        network.apply_in_training(network.init(0, 3), x, key=None, weight=weight)


def test_names_say_how_networks_are_made():
    network = nn.sequential(nn.dense(5), nn.relu, nn.dropout(0.5))
    made = eval(repr(network), {**vars(nn)})
    assert made == network


def test_functions_with_arguments_compare_by_them():
    def network(alpha):
        return nn.sequential(nn.dense(5), partial(jax.nn.elu, alpha=alpha))

    assert network(0.5) == network(0.5) != network(0.6)
    assert hash(network(0.5)) == hash(network(0.5))


# A user's own -----------------------------------------------------------------------------------


class Scales(NamedTuple):
    factor: jax.Array


@dataclass(frozen=True)
class Scale:
    """A layer as a user writes it: no base class, two methods."""

    start: float

    def init(self, key, n_inputs):
        return Scales(self.start + 0.1 * jax.random.normal(key, (n_inputs,)))

    def apply(self, params, x):
        return x * params.factor[None, :]


def test_layer_of_a_users_own():
    network = nn.sequential(nn.dense(4), Scale(2.0), nn.relu)
    params = network.init(nn.key(0), 3)
    assert params[1].factor.shape == (4,)
    x, weight = np.ones((5, 3), np.float32), np.ones(5, np.float32)
    trained, moved = network.apply_in_training(params, x, key=None, weight=weight)
    assert_array_equal(trained, network.apply(params, x))
    assert_array_equal(moved[1].factor, params[1].factor)
    assert network == nn.sequential(nn.dense(4), Scale(2.0), nn.relu)


def functions():
    return {
        "init": lambda key, n_inputs: jnp.ones(n_inputs),
        "apply": lambda params, x: x * params[None, :],
        "apply_in_training": lambda params, x, *, key, weight: (x + params[None, :], params + 1),
    }


def test_layer_from_functions():
    mine, x, weight = functions(), np.full((2, 3), 5, np.float32), np.ones(2, np.float32)
    layer = nn.from_functions(**mine)
    params = layer.init(nn.key(0), 3)
    assert_array_equal(layer.apply(params, x), x)
    outputs, moved = nn.sequential(layer).apply_in_training((params,), x, key=None, weight=weight)
    assert_array_equal(outputs, x + 1)
    assert_array_equal(moved[0], [2, 2, 2])
    assert layer == nn.from_functions(**mine)
    del mine["apply_in_training"]
    plain = nn.from_functions(**mine)
    outputs, same = apply_in_training(plain, params, x, key=None, weight=weight)
    assert_array_equal(outputs, x)
    assert same is params
    assert plain != layer


class Mutable:
    __hash__ = None

    def init(self, key, n_inputs):
        return ()

    def apply(self, params, x):
        return x


def layer(init=lambda key, n_inputs: (), apply=lambda params, x: x):
    return nn.from_functions(init, apply)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (nn.sequential, "layers must be at least one layer"),
        (lambda: nn.sequential(nn.dense(3), "relu"), r"layers\[1\] .*functions, such as nn.relu"),
        (lambda: nn.sequential(None), r"layers\[0\] must be a layer"),
        (lambda: nn.sequential(Scale), "Give an instance of the class"),
        (lambda: nn.sequential(Mutable()), "hashable"),
        (lambda: nn.residual(3), "layer must be a layer"),
        (lambda: nn.residual(nn.dense(4)).init(0, 3), "as wide as its 3 inputs.*It has 4"),
        (lambda: nn.from_functions(None, len), "init must be a function"),
        (lambda: nn.from_functions(len, None), "apply must be a function"),
        (lambda: nn.from_functions(len, len, 3), "apply_in_training must be a function or None"),
        (lambda: nn.sequential(layer(init=lambda *_: np.ones(3, int))).init(0, 3), "of floats"),
        (lambda: nn.sequential(layer(init=lambda *_: [0.5])).init(0, 3), "of floats.*0.5"),
        (
            lambda: nn.sequential(layer(apply=lambda p, x: x[0])).init(0, 3),
            r"For 3 rows of 3 inputs it returns shape \(3,\)",
        ),
        (lambda: nn.sequential(layer(apply=lambda p, x: x.T)).init(0, 4), r"shape \(4, 3\)"),
        (lambda: nn.sequential(layer(apply=lambda p, x: (x, x))).init(0, 3), "no single array"),
        (lambda: nn.sequential(nn.relu).init(0, 0), "n_inputs"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(InvalidArgumentError, match=words):
        make()


@pytest.mark.parametrize("missing", ["init", "apply"])
def test_half_a_layer_is_refused(missing):
    half = type("Half", (), {name: len for name in ("init", "apply") if name != missing})
    with pytest.raises(InvalidArgumentError, match=f"It has no method {missing}"):
        nn.sequential(half())
