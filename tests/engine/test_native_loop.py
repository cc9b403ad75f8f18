"""Steps of a user's own loop that go natively: XLA as an oracle, and that nobody notices."""

import copy
import pickle
import threading
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from multilayer import nn
from multilayer._engine import engines
from multilayer._engine.native.handle import Handle

N_INPUTS, UNITS = 6, 3
NETWORK = nn.sequential(nn.dense(8), nn.tanh, nn.dense(UNITS))
NOISY = nn.sequential(nn.dropout(0.1), nn.dense(8), nn.relu, nn.dropout(0.5), nn.dense(UNITS))
LOSS = nn.sparse_softmax_cross_entropy
MOMENTUM = optax.sgd(0.1, 0.9)
BY_XLA = engines.Choice(engines.XLA, "a test asks for it")


@pytest.fixture
def batches():
    """Four batches of 20 rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4, 20, N_INPUTS)).astype(np.float32)
    return list(zip(X, rng.integers(UNITS, size=(4, 20)), strict=True))


def begin(network=NETWORK, optimizer=MOMENTUM, loss=LOSS, **more):
    step = nn.train_step(network, loss, optimizer, **more)
    return step, step.init(network.init(0, N_INPUTS))


def train(step, state, batches):
    losses = []
    for batch in batches:
        state, loss = step(state, *batch)
        losses.append(loss)
    return state, losses


def is_native(state):
    return state.native is not None


def assert_same(one, other, **tolerance):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert_allclose(a, b, **tolerance) if tolerance else assert_array_equal(a, b)


# The same as by XLA -------------------------------------------------------------------------------


def as_numbers(y):
    return np.stack([y, y**2, 1 - y], axis=1).astype(float) / 2


@pytest.mark.parametrize(
    "loss",
    [
        nn.sparse_softmax_cross_entropy,
        nn.sigmoid_cross_entropy,
        nn.squared_error,
        nn.absolute_error,
        partial(nn.huber, delta=0.3),
    ],
    ids=["softmax", "sigmoid", "squared", "absolute", "huber"],
)
def test_losses_are_those_of_xla(loss, batches, monkeypatch):
    if loss is not LOSS:
        batches = [(X, np.clip(as_numbers(y), 0, 1)) for X, y in batches]
    weights = [np.linspace(0, 2, 20) if i % 2 else None for i in range(4)]
    batches = [(*batch, w) for batch, w in zip(batches, weights, strict=True)]
    compare_with_xla(monkeypatch, batches, loss=loss, weight_normalization="data")


NORMED = [
    nn.sequential(nn.dense(8), norm(), nn.elu, nn.dense(UNITS))
    for norm in (nn.batch_norm, nn.layer_norm)
]


@pytest.mark.parametrize(
    ("network", "optimizer"),
    [
        (NETWORK, MOMENTUM),
        (NETWORK, optax.sgd(0.1, 0.8, nesterov=True)),
        (nn.dense(UNITS), optax.adagrad(0.1)),
        (NORMED[0], MOMENTUM),
        (NORMED[1], optax.adam(0.01, b1=0.8)),
    ],
    ids=["momentum", "Nesterov", "AdaGrad", "batch norm", "Adam, layer norm"],
)
def test_optimizers_and_layers_are_those_of_xla(network, optimizer, batches, monkeypatch):
    batches = [(*batch, np.linspace(0, 1, 20)) for batch in batches]
    compare_with_xla(monkeypatch, batches, network=network, optimizer=optimizer)


def compare_with_xla(monkeypatch, batches, **arguments):
    step, first = begin(**arguments)
    state, losses = train(step, first, batches * 2)
    assert is_native(state)
    monkeypatch.setattr(engines, "choose", lambda *given, **more: BY_XLA)
    step, first = begin(**arguments)
    other, expected = train(step, first, batches * 2)
    assert not is_native(other)
    assert_allclose(np.array(losses), np.array(expected), rtol=1e-4)
    assert jax.tree.structure(state) == jax.tree.structure(other)
    assert_same(state, other, rtol=1e-3, atol=2e-6)


def test_dropout_follows_from_seed_and_step(batches):
    step, state = begin(NOISY)
    one, losses = train(step, state, batches)
    assert is_native(one)
    assert_same(train(step, state, batches)[0], one)
    middle, _ = train(step, state, batches[:2])
    restored = jax.tree.map(np.array, middle)
    assert_same(train(step, restored, batches[2:])[0], one)
    for other in (state._replace(seed=np.uint32(1)), state._replace(step=np.int32(9))):
        assert float(train(step, other, batches[:1])[1][0]) != float(losses[0])


def test_float64(batches):
    """In the type of the parameters, where JAX computes in it."""
    with jax.enable_x64(True):
        step, first = begin()
        wide = jax.tree.map(lambda leaf: leaf.astype(np.float64), first.params)
        state, losses = train(step, step.init(wide), [(X.astype(float), y) for X, y in batches])
        assert is_native(state)
        assert {leaf.dtype for leaf in jax.tree.leaves(state.params)} == {np.dtype(np.float64)}
        z = np.tanh(batches[0][0].astype(float) @ wide[0].kernel) @ wide[2].kernel
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        expected = -np.log(p[np.arange(20), batches[0][1]]).mean()
        assert float(losses[0]) == pytest.approx(expected, rel=1e-12)
        assert not is_native(step(first, *batches[0])[0])  # float32 in a process of float64


# Nobody notices that steps are gathered -----------------------------------------------------------


@pytest.fixture
def eager(batches):
    """A step, its first state, and all states and losses after it, each looked at at once."""
    step, first = begin(NOISY)
    states, losses = [first], []
    for batch in batches * 30:  # more than are gathered
        state, loss = step(states[-1], *batch)
        jax.tree.leaves(state)
        states.append(state)
        losses.append(float(loss))
    return step, states, np.array(losses, np.float32)


def test_steps_are_the_same_however_many_are_gathered(eager, batches):
    step, states, expected = eager
    state, losses = train(step, states[0], batches * 30)
    assert_array_equal(np.array(losses), expected)
    assert_same(state, states[-1])
    assert int(state.step) == len(losses)


def test_states_that_somebody_has_stay_as_they_are(eager, batches):
    step, states, _ = eager
    state, saved = states[0], {}
    for i, batch in enumerate(batches * 30, start=1):
        state, _ = step(state, *batch)
        if i in (1, 2, 63, 64, 65, 100):
            saved[i] = state
    for i, kept in reversed(saved.items()):
        assert_same(kept, states[i])


def test_a_loop_goes_on_from_any_state(eager, batches):
    step, states, _ = eager
    state, middle = states[0], None
    for i, batch in enumerate(batches * 30):
        if i == 40:
            middle = state
        state, _ = step(state, *batch)
    again, _ = train(step, middle, batches * 20)
    assert_same(again, state)
    one, other = step(middle, *batches[0]), step(middle, *batches[0])  # two from one
    assert_same(one, other)
    assert_same(one[0], states[41])


def test_changed_parameters_are_followed(batches):
    step, state = begin()
    state, _ = train(step, state, batches)
    smaller = state._replace(params=jax.tree.map(lambda leaf: leaf / 2, state.params))
    expected, _ = step(jax.tree.map(np.array, smaller), *batches[0])
    found, _ = step(smaller, *batches[0])
    assert is_native(found)
    assert_same(found, expected)


def test_a_state_of_another_step_is_followed(batches):
    step, state = begin()
    state, _ = train(step, state, batches)
    slower, _ = begin(optimizer=optax.sgd(0.01, 0.9))
    other, _ = slower(state, *batches[0])
    expected, _ = slower(jax.tree.map(np.array, state), *batches[0])
    assert_same(other, expected)
    assert (
        np.asarray(other.params[0].kernel) != step(state, *batches[0])[0].params[0].kernel
    ).any()


def test_batches_of_any_size_and_type(batches):
    step, state = begin()
    X, y = (np.concatenate(part) for part in zip(*batches, strict=True))
    cuts = [(0, 20), (20, 37), (37, 80), (0, 1), (1, 33)]
    several = [(X[i:j], y[i:j]) for i, j in cuts]
    whole, _ = train(step, state, several)
    one = state
    for batch in several:  # a network in the library for each
        one, _ = step(jax.tree.map(np.array, one), *batch)
    assert_same(whole, one)
    pixels = (X * 8 + 100).clip(0, 255).astype(np.uint8)
    for inputs in (pixels, pixels > 100, jnp.asarray(pixels), np.asfortranarray(pixels)):
        expected, _ = step(state, np.array(inputs, np.float32), y)
        found, _ = step(state, inputs, y.astype(np.uint8))
        assert is_native(found)
        assert_same(found.params, expected.params)


@pytest.mark.parametrize("before", [True, False], ids=["before a call", "after it"])
def test_an_interrupt_loses_nothing(eager, batches, monkeypatch, before):
    step, states, _ = eager
    state, inside = states[0], Handle.train

    def interrupted(self, call):
        if not before:
            inside(self, call)
        monkeypatch.setattr(Handle, "train", inside)
        raise KeyboardInterrupt

    for batch in batches * 3:
        state, _ = step(state, *batch)
    monkeypatch.setattr(Handle, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        jax.tree.leaves(state)
    for batch in batches * 3:
        state, _ = step(state, *batch)
    assert_same(state, states[24])


def test_nothing_is_left_of_states_that_are_gone(batches):
    step, state = begin()
    state, _ = train(step, state, batches * 100)
    (chain,) = {point.chain for _, point in [state.native]}
    assert len(chain._points) < 70  # those gathered, the last one read or not
    saved = state
    after, _ = train(step, state, batches)
    jax.tree.leaves(after)
    assert saved.native[1].chain is None  # no network in the library for what is saved
    assert_same(
        step(saved, *batches[0])[0], train(step, jax.tree.map(np.array, saved), batches[:1])[0]
    )


def test_threads_share_a_state(eager, batches):
    step, states, _ = eager
    found = {}

    def go(name):
        found[name], _ = train(step, states[0], batches * 30)

    workers = [threading.Thread(target=go, args=(i,)) for i in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for state in found.values():
        assert_same(state, states[-1])


# What is returned ---------------------------------------------------------------------------------


def test_a_state_is_a_named_tuple_and_a_pytree(batches):
    step, state = begin()
    state, _ = train(step, state, batches)
    params, opt_state, number, seed = state
    assert (int(number), int(seed), len(state)) == (4, 0, 4)
    assert state[0] is params is state.params
    assert state.opt_state is opt_state
    assert isinstance(params[0].kernel, jax.Array)
    with pytest.raises(AttributeError, match=r"use state._replace\(params=...\)"):
        state.params = ()
    with pytest.raises(ValueError, match="'weights'"):
        state._replace(weights=())
    for again in (copy.copy(state), copy.deepcopy(state), pickle.loads(pickle.dumps(state))):
        assert_same(again, state)
        assert_same(step(again, *batches[0]), step(state, *batches[0]))
    assert jax.jit(lambda s: s.step + 1)(state) == 5
    assert repr(state).startswith("LoopState(params=(Affine(kernel=Array(")


def test_a_loss_is_an_array(batches):
    step, state = begin()
    _, losses = train(step, state, batches)
    loss, value = losses[0], float(losses[0])
    assert (loss.shape, loss.dtype, loss.item()) == ((), np.float32, value)
    assert f"{loss:.3f}" == f"{value:.3f}"
    assert repr(loss) == repr(jnp.float32(value))
    assert (loss > 0, loss == value, bool(loss), int(loss)) == (True, True, True, int(value))
    for total in (loss + 1, 1 + loss, np.float32(1) + loss, jnp.float32(1) + loss):
        assert float(total) == pytest.approx(1 + value)
    assert float(loss + loss) == float(loss * 2) == pytest.approx(2 * value)
    mean = np.mean([float(each) for each in losses])
    assert np.mean(losses) == pytest.approx(mean)
    assert float(jnp.stack(losses).mean()) == pytest.approx(mean)
    assert float(jnp.sqrt(loss)) == float(jax.jit(jnp.sqrt)(loss)) == pytest.approx(value**0.5)
    assert jax.block_until_ready(loss) is loss
    assert pickle.loads(pickle.dumps(loss)) == value


# What is a matter of XLA --------------------------------------------------------------------------


def test_what_is_unusual_goes_by_xla(batches):
    step, first = begin(optimizer=optax.adam(0.1))
    X, y = batches[0]
    state, _ = step(first, X, y)
    assert is_native(state)
    after, loss = step(state, X, np.full(20, UNITS))
    assert not is_native(after)
    assert np.isnan(float(loss))  # of a label that is no class
    after, loss = step(state, X, y, np.zeros(20))
    assert loss == 0
    assert int(after.opt_state[0].count) == 2  # a step of Adam's
    assert is_native(step(after, X, y)[0])
    assert not is_native(step(state, X.astype(np.float16), y)[0])
