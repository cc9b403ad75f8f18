"""Layers for tables in networks built by hand: RealMLP and TabM in a loop of one's own."""

import copy
import pickle
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax

from multilayer import InvalidArgumentError, MLPClassifier, nn
from multilayer._core.pytrees import leaves
from multilayer._nn.model import Factor

N_NUMBERS, N_CODES, MEMBERS = 2, 5, 3
SGD = optax.sgd(0.5)


def table(n_rows=300, seed=0):
    """Two skewed numbers and a category, and classes by all of them."""
    rng = np.random.default_rng(seed)
    code = rng.integers(0, N_CODES, n_rows)
    z = rng.normal(size=(n_rows, N_NUMBERS))
    y = (np.sin(3 * z[:, 0]) + z[:, 1] + (code % 2) > 0.5).astype(np.int32)
    return np.column_stack([np.exp(z), code]).astype(np.float32), y


X, Y = table()

REAL_MLP = nn.sequential(
    nn.robust_scaling(N_NUMBERS),
    nn.periodic_embedding(N_NUMBERS),
    nn.category_embedding((N_CODES,), 3),
    nn.scaling(),
    nn.ntk_dense(32),
    nn.parametric(nn.selu),
    nn.ntk_dense(32),
    nn.parametric("selu"),
    nn.ntk_dense(2),
)
TAB_M = nn.members(
    nn.shared(nn.quantile_scaling(N_NUMBERS, 30)),
    nn.shared(nn.piecewise_linear_embedding(N_NUMBERS, n_bins=16, size=4)),
    nn.shared(nn.category_embedding((N_CODES,), 3)),
    nn.batch_ensemble(32, "normal", groups=(4, 4, 3)),
    nn.relu,
    nn.dropout(0.05),
    nn.batch_ensemble(32),
    nn.relu,
    nn.linear(2),
    n_members=MEMBERS,
)


def squared(outputs, y):
    return ((outputs - y[:, None]) ** 2).sum(axis=1)


def loss_of_members(outputs, y):
    losses = nn.sparse_softmax_cross_entropy(outputs.reshape(-1, 2), jnp.repeat(y, MEMBERS))
    return losses.reshape(-1, MEMBERS).mean(axis=1)


def trained(network, loss, rate, n_epochs=25):
    step = nn.train_step(network, loss, optax.adam(rate, b2=0.95))
    state = step.init(network.init_on_data(nn.key(0), X))
    rng = np.random.default_rng(0)
    for _ in range(n_epochs):
        for X_batch, y_batch in nn.shuffle_batch(X, Y, 50, rng):
            state, _ = step(state, X_batch, y_batch)
    return jax.tree.map(np.asarray, state.params)


def test_real_mlp_learns():
    first = REAL_MLP.init_on_data(nn.key(0), X)
    params = trained(REAL_MLP, nn.sparse_softmax_cross_entropy, 0.02)
    X_test, y_test = table(500, seed=1)
    assert nn.accuracy(REAL_MLP.apply(params, X_test), y_test) > 0.88
    for part, own in zip(params[0], first[0], strict=True):  # what was measured
        assert_array_equal(part.value, own.value)


def test_tab_m_learns_and_its_members_differ():
    params = trained(TAB_M, loss_of_members, 0.01)
    X_test, y_test = table(500, seed=1)
    logits = np.asarray(TAB_M.apply(params, X_test)).reshape(-1, MEMBERS, 2)
    labels = logits.argmax(axis=2)
    assert ((labels == y_test[:, None]).mean(axis=0) > 0.85).all()
    assert (labels[:, 0] != labels[:, 1]).any()
    assert (softmax(logits, axis=2).mean(axis=1).argmax(axis=1) == y_test).mean() > 0.88


@pytest.mark.parametrize("network", [REAL_MLP, TAB_M], ids=["RealMLP", "TabM"])
def test_one_step_is_that_of_finite_differences(network):
    """Of gradient descent, each array's step multiplied by its rate: differences in float64."""
    still = [layer for layer in network.layers if not isinstance(layer, nn.dropout)]
    tab_m = network is TAB_M
    network = nn.members(*still, n_members=MEMBERS) if tab_m else nn.sequential(*still)
    rows, y = X[:40], Y[:40]
    params = network.init_on_data(nn.key(1), X)
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(1, 2 * (MEMBERS if tab_m else 1)))

    def loss(outputs, y):  # smooth, and the same in NumPy
        return ((outputs - y[:, None]) ** 2 * weight).sum(axis=1)

    step = nn.train_step(network, loss, SGD)
    after, _ = step(step.init(params), rows, y.astype(np.float32))
    names = jax.tree.leaves(network.factors(params), is_leaf=lambda n: isinstance(n, Factor))
    wide = [leaf.astype(np.float64) for leaf in leaves(params)]
    structure = jax.tree.structure(params)
    n_rates = 0
    for number, (old, new) in enumerate(zip(leaves(params), leaves(after.params), strict=True)):
        factor = names[number]
        if not isinstance(factor, Factor) or not np.any(new != old):
            assert_array_equal(new, old)
            continue
        direction, ends = rng.normal(size=old.shape), []
        for move in (1e-6, -1e-6):
            moved = [*wide[:number], wide[number] + move * direction, *wide[number + 1 :]]
            own = in_numpy(network, jax.tree.unflatten(structure, moved), rows.astype(np.float64))
            ends.append(loss(own, y).mean())
        expected = -0.5 * factor.rate * (ends[0] - ends[1]) / 2e-6
        found = ((np.float64(new) - old) * direction).sum()
        assert_allclose(found, expected, rtol=2e-4, atol=1e-5)
        n_rates += factor.rate != 1
    assert n_rates == (0 if tab_m else 10)


def in_numpy(network, params, x):
    """Apply a network in NumPy alone, of any type of floats."""
    x = x[None] if hasattr(network, "n_members") else x
    for layer, own in zip(network.layers, params, strict=True):
        x = np.maximum(x, 0) if layer == nn.sequential(nn.relu).layers[0] else layer.apply(own, x)
    return x if x.ndim == 2 else x.swapaxes(0, 1).reshape(len(x[0]), -1)


def test_rates_scale_the_steps():
    x, y = np.ones((4, 2), np.float32), np.zeros(4, np.float32)
    moved = {}
    for rate in (1, 6, 0):
        network = nn.scaling(rate=rate)
        step = nn.train_step(network, squared, SGD)
        state, _ = step(step.init(network.init(0, 2)), x, y)
        moved[rate] = 1 - state.params.scale
    assert_allclose(moved[6], 6 * moved[1])
    assert moved[1].all()
    assert not moved[0].any()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_learn_at_the_rates_of_layers():
    """One layer learns at 0, and stays as it was; so does what another one measured."""
    layers = nn.scaling(rate=0), nn.piecewise_linear_embedding(3, 4, 2), nn.scaling(), nn.dense(1)
    network = nn.sequential(*layers)
    own = MLPClassifier(network=network, max_iter=2, random_state=0, alpha=0.1).fit(X, Y)
    scales, embedding, others, _ = own.params_
    assert_array_equal(scales.scale, 1)
    assert np.any(others.scale != 1)
    ceiling = embedding.bins.value.ceiling
    assert set(ceiling.ravel()) == {np.float32(1), np.float32(1e9)}
    assert own.loss_curve_[-1] < 100  # the ends of open bins are no weights to penalise


def test_decay_spares_what_was_measured():
    network = nn.sequential(nn.piecewise_linear_embedding(3, 4, 2), nn.dense(1))
    step = nn.train_step(network, squared, optax.adamw(0.1, weight_decay=0.5))
    params = network.init_on_data(0, X)
    state, _ = step(step.init(params), X, Y)
    for part, old in zip(state.params[0].bins.value, params[0].bins.value, strict=True):
        assert_array_equal(part, old)
    assert np.any(state.params[0].slope != params[0].slope)


# First parameters --------------------------------------------------------------------------------


def test_layers_see_what_those_before_make_of_data():
    network = nn.sequential(nn.ntk_dense(6), nn.tanh, nn.residual(nn.ntk_dense(6)), nn.ntk_dense(4))
    data = np.random.default_rng(0).normal(5, 3, (200, 3))
    params = network.init_on_data(nn.key(0), data)
    x = data.astype(np.float32)
    for layer, own in zip(network.layers, params, strict=True):
        inner = layer.layer if isinstance(layer, nn.residual) else layer
        if isinstance(inner, nn.ntk_dense):
            assert_allclose(inner.apply(own, x).std(axis=0), 1, rtol=1e-3)
        x = np.asarray(layer.apply(own, x))


def test_layers_of_other_kinds_are_drawn_by_their_width():
    network = nn.sequential(nn.dense(5), nn.batch_norm(), nn.relu, nn.ntk_dense(3))
    params = network.init_on_data(nn.key(0), 100 + X)
    hidden = nn.sequential(*network.layers[:3])
    seen, _ = hidden.apply_in_training(params[:3], 100 + X, key=None, weight=np.ones(len(X)))
    assert_allclose(np.asarray(network.layers[3].apply(params[3], seen)).std(axis=0), 1, rtol=1e-3)
    assert_array_equal(params[1].moments.mean, 0)  # moved by training


def test_members_come_apart_and_each_is_initialised_on_its_own_inputs():
    layers = (nn.scaling(initial="normal"), nn.ntk_dense(4), nn.tanh, nn.ntk_dense(2))
    network = nn.members(*layers, n_members=3)
    data = np.random.default_rng(0).normal(5, 3, (500, 3)).astype(np.float32)
    params = network.init_on_data(nn.key(0), data)
    for number in range(3):
        scale, first, _, last = (jax.tree.map(lambda leaf, i=number: leaf[i], p) for p in params)
        x = layers[1].apply(first, layers[0].apply(scale, data))
        assert_allclose(x.std(axis=0), 1, rtol=1e-3)
        x = layers[3].apply(last, np.tanh(x))
        assert_allclose(x.std(axis=0), 1, rtol=1e-3)
        assert_allclose(network.apply(params, data)[:, 2 * number : 2 * number + 2], x, atol=1e-4)


def test_columns_are_measured_on_all_rows_of_members():
    data = np.arange(3000, dtype=np.float32)[:, None]
    network = nn.members(nn.shared(nn.robust_scaling(1)), nn.linear(1), nn.linear(1), n_members=2)
    params = network.init_on_data(nn.key(0), data)
    assert params[0].centre.value == 1499.5


def test_the_same_key_draws_the_same_parameters():
    for network in (REAL_MLP, TAB_M):
        for draw in (network.init_on_data, lambda key, X, n=network: n.init(key, 3)):
            one, same, other = (draw(nn.key(seed), X) for seed in (0, 0, 1))
            for a, b in zip(leaves(one), leaves(same), strict=True):
                assert_array_equal(a, b)
            assert any((a != b).any() for a, b in zip(leaves(one), leaves(other), strict=True))


def test_networks_are_values():
    for network in (REAL_MLP, TAB_M):
        for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
            assert twin == network
            assert hash(twin) == hash(network)
    assert "n_members=3" in repr(TAB_M)
    assert nn.scaling(groups=[1, 2]) == nn.scaling(groups=(1, 2))
    assert nn.parametric(nn.selu) == nn.parametric("selu")


@dataclass(frozen=True)
class Shift:
    """A layer of a user's own that broadcasts."""

    broadcasts = True

    def init(self, key, n_inputs):
        rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        return rng.normal(size=n_inputs).astype(np.float32)

    def apply(self, params, x):
        return x + params[..., None, :]


def test_a_layer_of_ones_own_among_members():
    network = nn.members(Shift(), nn.linear(1), n_members=4)
    for params in (network.init(0, 3), network.init_on_data(0, X)):
        assert params[0].shape == (4, 3)
        assert len(np.unique(params[0])) == 12
        assert network.apply(params, X).shape == (len(X), 4)


def test_masks_differ_between_members():
    network = nn.members(nn.scaling(), nn.dropout(0.5), n_members=2)
    x, weight = np.ones((50, 4), np.float32), np.ones(50, np.float32)
    train = jax.jit(network.apply_in_training)
    dropped, _ = train(network.init(0, 4), x, key=nn.key(0), weight=weight)
    assert dropped.shape == (50, 8)
    assert (np.asarray(dropped)[:, :4] != np.asarray(dropped)[:, 4:]).any()


def drawn(layer, n_inputs):
    return layer.apply(layer.init(0, n_inputs), np.ones((2, n_inputs + 1), np.float32))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.scaling(rate=-1), "rate must be a number in"),
        (lambda: nn.scaling(used=1), "used must be True or False"),
        (lambda: nn.scaling(initial="zeros"), "initial must be one of"),
        (lambda: nn.scaling(groups=3), "groups must be a tuple of integers"),
        (lambda: nn.scaling(groups=(2, 0)), "each of groups must be an integer of at least 1"),
        (lambda: nn.scaling(groups=(2, 2)).init(0, 3), "sizes that add up to the 3 inputs"),
        (lambda: nn.ntk_dense(0), "n_units"),
        (lambda: nn.ntk_dense(2, initial="ones"), "initial must be one of"),
        (lambda: nn.ntk_dense(2, bias_rate="1"), "bias_rate"),
        (lambda: nn.linear(1.5), "n_units"),
        (lambda: nn.linear(1).init_on_data(0, np.ones(3)), r"X\.shape must be \(rows, n_inputs\)"),
        (lambda: nn.linear(1).init_on_data(0, np.ones((0, 3))), "at least one row"),
        (lambda: nn.linear(1).init_on_data(0, [["a"]]), r"X\.dtype must be a type of numbers"),
        (lambda: nn.sequential(nn.relu).init_on_data(0, [["a"]]), r"X\.dtype"),
        (lambda: nn.parametric("swish"), "activation must be one of"),
        (lambda: nn.parametric(3), "activation must be one of .*or a function of arrays"),
        (lambda: nn.robust_scaling(-1), "n_columns"),
        (lambda: nn.robust_scaling(4).init(0, 3), "n_columns must be at most .*inputs, 3"),
        (lambda: nn.quantile_scaling(-1), "n_columns"),
        (lambda: nn.quantile_scaling(1, 1), "n_quantiles must be an integer of at least 2"),
        (lambda: nn.quantile_scaling(4).init(0, 3), "n_columns must be at most .*inputs, 3"),
        (lambda: nn.periodic_embedding(4).init(0, 3), "n_columns must be at most"),
        (lambda: nn.periodic_embedding(1, sigma=np.nan), "sigma"),
        (lambda: nn.piecewise_linear_embedding(4).init(0, 3), "n_columns must be at most"),
        (lambda: nn.piecewise_linear_embedding(1, n_bins=0), "n_bins"),
        (lambda: nn.category_embedding((3, 3), 2).init(0, 1), "number of cardinalities must be"),
        (lambda: nn.category_embedding((0,)), "each of cardinalities"),
        (lambda: nn.batch_ensemble(2, "twos"), "initial must be one of"),
        (lambda: nn.shared(nn.dense(2)), "layer must be a layer for tables"),
        (lambda: nn.shared(nn.batch_ensemble(2)), "one that knows nothing of members"),
        (lambda: nn.members(n_members=2), "layers must be at least one layer"),
        (lambda: nn.members(nn.linear(2), n_members=0), "n_members must be an integer"),
        (
            lambda: nn.members(nn.dense(2), n_members=2),
            r"layers\[0\] must be a layer that broad.*for",
        ),
        (lambda: nn.members(nn.relu, nn.layer_norm(), n_members=2), r"layers\[1\] must be a layer"),
        (lambda: nn.members(TAB_M, n_members=2), r"layers\[0\] must be a layer that broadcasts"),
        (
            lambda: nn.members(nn.linear(2), lambda x: x[0], n_members=2).init(0, 3),
            r"layers\[1\] must be a layer with outputs of shape \(members, rows, units\)",
        ),
        (lambda: TAB_M.apply(TAB_M.init(0, 3), X[0]), r"x\.shape must be \(rows, n_inputs\)"),
        (lambda: drawn(nn.scaling(), 1), r"x\.shape must be \(rows, 1\)"),
        (lambda: drawn(nn.parametric("relu"), 1), r"x\.shape must be \(rows, 1\)"),
        (lambda: drawn(nn.ntk_dense(2), 1), r"x\.shape must be \(rows, 1\)"),
        (lambda: drawn(nn.batch_ensemble(2), 1), r"x\.shape must be \(rows, 1\)"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(InvalidArgumentError, match=words):
        make()
