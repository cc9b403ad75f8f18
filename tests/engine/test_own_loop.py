"""The step of a user's own loop: NumPy float64 and the engine as oracles, and its promises."""

import os
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning

from multilayer import ForkedProcessError, InvalidArgumentError, MLPClassifier, nn

N_INPUTS, CLASSES = 6, 3
NETWORK = nn.sequential(nn.dense(8), nn.tanh, nn.dense(CLASSES))
RANDOM = nn.sequential(nn.dense(8), nn.batch_norm(), nn.relu, nn.dropout(0.5), nn.dense(CLASSES))
LOSS = nn.sparse_softmax_cross_entropy
RATE = 0.5
SGD = optax.sgd(RATE)  # one object: the programs of equal steps are shared


@pytest.fixture
def batches():
    """Four batches of 20 rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4, 20, N_INPUTS)).astype(np.float32)
    return list(zip(X, rng.integers(CLASSES, size=(4, 20)), strict=True))


def assert_same(one, other, **tolerance):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert_allclose(a, b, **tolerance) if tolerance else assert_array_equal(a, b)


def begin(network=NETWORK, optimizer=SGD, loss=LOSS, seed=0):
    step = nn.train_step(network, loss, optimizer)
    return step, step.init(network.init(0, N_INPUTS), seed)


def train(step, state, batches):
    losses = []
    for X, y in batches:
        state, loss = step(state, X, y)
        losses.append(loss)
    return state, np.array(losses)


def descend(params, X, y):
    """A step of gradient descent written out in float64; returns parameters and the loss."""
    (W1, b1), (W2, b2) = params
    hidden = np.tanh(X @ W1 + b1)
    p = softmax(hidden @ W2 + b2, axis=1)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    d2 = (p - np.eye(CLASSES)[y]) / len(y)
    d1 = (d2 @ W2.T) * (1 - hidden**2)
    gradient = ((X.T @ d1, d1.sum(axis=0)), (hidden.T @ d2, d2.sum(axis=0)))
    return jax.tree.map(lambda w, g: w - RATE * g, params, gradient), loss


def test_gradient_descent(batches):
    step, state = begin()
    exact = [(layer.kernel.astype(float), layer.bias.astype(float)) for layer in state.params[::2]]
    exact = tuple(exact)
    for number, (X, y) in enumerate(batches, start=1):
        state, loss = step(state, X, y)
        exact, expected = descend(exact, X.astype(float), y)
        assert float(loss) == pytest.approx(expected, rel=1e-5)
        assert int(state.step) == number
    assert_same(state.params[::2], exact, rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning")
def test_steps_are_those_of_the_engine(batches):
    X, y = (np.concatenate(part) for part in zip(*batches, strict=True))
    settings = {"solver": "sgd", "momentum": 0, "alpha": 0, "learning_rate_init": RATE}
    clf = MLPClassifier(
        network=NETWORK, batch_size=20, shuffle=False, warm_start=True, max_iter=0, **settings
    ).fit(X, y)
    step = nn.train_step(NETWORK, LOSS, SGD)
    state, _ = train(step, step.init(clf.params_), batches * 3)
    clf.set_params(max_iter=3).fit(X, y)
    assert_same(state.params, clf.params_, rtol=1e-5, atol=1e-6)


def test_what_is_random_follows_from_seed_and_step(batches):
    step, state = begin(RANDOM, optax.adam(0.1))
    one, losses = train(step, state, batches)
    assert_same(train(step, state, batches)[0], one)
    middle, _ = train(step, state, batches[:2])
    assert_same(train(step, middle, batches[2:])[0], one)  # as if it had not been interrupted
    assert (train(step, state._replace(seed=np.uint32(1)), batches)[1] != losses).all()
    _, repeated = train(step, state._replace(step=np.int32(7)), batches)
    assert (repeated != losses).all()


def test_states_given_stay_as_they_are(batches):
    step, first = begin()
    kept = jax.tree.map(np.array, first)
    train(step, first, batches)
    assert_same(first, kept)
    params = NETWORK.init(0, N_INPUTS)
    state = step.init(params)
    params[0].kernel[:] = 99
    assert_same(state, kept)


def test_running_moments_are_no_matter_of_the_optimizer(batches):
    """They go to the batch's moments by a tenth, though the rule shrinks all it is given."""
    network = nn.sequential(nn.batch_norm(), nn.dense(CLASSES))
    step, state = begin(network, optax.adamw(0.1, weight_decay=0.9))
    X, y = batches[0]
    state, _ = step(state, X, y)
    assert_allclose(state.params[0].moments.mean, 0.1 * X.mean(axis=0), rtol=1e-5, atol=1e-7)
    expected = 0.9 + 0.1 * X.var(axis=0)
    assert_allclose(state.params[0].moments.variance, expected, rtol=1e-5)
    assert (state.params[0].scale != 1).all()


# Weights of rows --------------------------------------------------------------------------------

NORMALISED = nn.sequential(nn.dense(8), nn.batch_norm(), nn.tanh, nn.dense(CLASSES))


def test_weights_are_repeated_rows(batches):
    step, state = begin(NORMALISED)
    X, y = batches[0]
    weight = np.arange(20) % 3
    one, loss = step(state, X, y, weight.astype(np.float32))
    other, expected = step(state, np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert_same(one.params, other.params, rtol=1e-4, atol=1e-6)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_padding_changes_nothing(batches):
    step, state = begin(NORMALISED)
    X, y = batches[0]
    padded = np.concatenate([X, np.full((12, N_INPUTS), 99, np.float32)])
    labels = np.concatenate([y, np.zeros(12, int)])
    one, loss = step(state, padded, labels, np.repeat(np.float32([1, 0]), [20, 12]))
    other, expected = step(state, X, y)
    assert_same(one.params, other.params, rtol=1e-4, atol=1e-6)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_batch_without_weight(batches):
    step, state = begin(NORMALISED)
    after, loss = step(state, *batches[0], np.zeros(20, np.float32))
    assert loss == 0
    assert_same(after.params, state.params)


# Batches ----------------------------------------------------------------------------------------


def test_types_of_batches(batches):
    step, state = begin()
    X, y = batches[0]
    X = np.clip(X * 8 + 100, 0, 255).astype(np.uint8)
    expected, _ = step(state, X.astype(np.float32), y.astype(np.int32))
    for inputs in (X, X.astype(float), jnp.asarray(X), np.asfortranarray(X)):
        for labels in (y, y.astype(np.uint8), jnp.asarray(y)):
            assert_same(step(state, inputs, labels)[0].params, expected.params, rtol=1e-5)


@pytest.mark.parametrize("offset", [0, 1], ids=["aligned", "not aligned"])
def test_batch_may_be_overwritten_after_the_call(offset):
    """JAX itself would read it later, or never copy it, according to its address."""
    rows, units = 50, 784
    memory = np.empty(rows * units + 17, np.float32)
    begin_at = (-memory.ctypes.data % 64) // 4 + offset
    X = memory[begin_at : begin_at + rows * units].reshape(rows, units)
    network = nn.sequential(nn.dense(300), nn.relu, nn.dense(CLASSES))
    step = nn.train_step(network, LOSS, SGD)
    first = step.init(network.init(0, units))
    y = np.zeros(rows, int)
    fresh = [np.full((rows, units), i / 30, np.float32) for i in range(30)]
    expected, _ = train(step, first, [(values, y) for values in fresh])
    state = first
    for values in fresh:
        X[:] = values
        state, _ = step(state, X, y)
        X[:] = np.nan
    assert_same(state.params, expected.params)


# Programs ---------------------------------------------------------------------------------------


def test_equal_steps_share_their_programs(batches):
    def step():
        network = nn.sequential(nn.dense(9), nn.relu, nn.dense(CLASSES))
        return nn.train_step(network, partial(nn.huber, delta=2.0), SGD), network

    targets = np.zeros((20, CLASSES), np.float32)
    traced = []
    for _ in range(2):
        made, network = step()
        state = made.init(network.init(0, N_INPUTS))
        for X, _ in batches:
            state, _ = made(state, X, targets)
        traced.append(made._program)
    assert traced[0] is traced[1]
    assert traced[0]._cache_size() <= 2  # of first parameters from NumPy, and of JAX's after them


def test_child_of_a_fork_is_refused(batches, monkeypatch):
    step, state = begin()
    step(state, *batches[0])
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    with pytest.raises(ForkedProcessError):
        step(state, *batches[0])


@pytest.mark.parametrize(
    "optimizer",
    [
        optax.adam(optax.cosine_decay_schedule(0.1, 12)),
        optax.polyak_sgd(),  # looks at the loss
        optax.inject_hyperparams(optax.adamw)(learning_rate=0.1),
    ],
    ids=["schedule", "value", "numbers in the state"],
)
def test_optimizers_are_optaxs(optimizer, batches):
    """Step by step against the rule itself."""
    step, state = begin(optimizer=optimizer)
    rule = optax.with_extra_args_support(optimizer)
    params, opt_state = state.params, rule.init(state.params)

    @jax.jit
    def update(params, opt_state, X, y):
        def mean(params):
            return LOSS(NETWORK.apply(params, X), y).mean()

        value, gradient = jax.value_and_grad(mean)(params)
        updates, opt_state = rule.update(gradient, opt_state, params, value=value)
        return optax.apply_updates(params, updates), opt_state, value

    for X, y in batches:
        params, opt_state, value = update(params, opt_state, X, y)
        state, loss = step(state, X, y)
        assert float(loss) == pytest.approx(float(value), rel=1e-4)
    assert_same(state.params, params, rtol=1e-3, atol=1e-5)


# What cannot be ---------------------------------------------------------------------------------

X, Y = np.zeros((4, N_INPUTS), np.float32), np.zeros(4, int)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((X.tolist(), Y), "X must be an array of NumPy or JAX, got X='list'"),
        ((X, Y.tolist()), "y must be an array"),
        ((X.astype(object), Y), "X.dtype must be a type of numbers, got X.dtype='object'"),
        ((X, np.array(["a", "b", "a", "b"])), "y.dtype must be a type of numbers"),
        ((X, Y[:3]), r"y.shape must be \(4, ...\), a target for each row of X"),
        ((X[:0], Y[:0]), "at least one row"),
        ((X[:, :5], Y), r"x.shape must be \(rows, 6\), got x.shape=\(4, 5\)"),
        ((X, Y, np.ones(3)), r"sample_weight.shape must be \(4,\)"),
        ((X, Y, [1, 1, 1, 1]), "sample_weight must be an array"),
        ((X, Y.astype(float)), "Number the classes"),
    ],
)
def test_batches_that_do_not_fit_are_refused(arguments, words):
    step, state = begin()
    with pytest.raises(InvalidArgumentError, match=words):
        step(state, *arguments)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.train_step("mlp", LOSS, SGD), "network must be a layer"),
        (lambda: nn.train_step(NETWORK, "log_loss", SGD), r"loss must be .*nn.squared_error"),
        (lambda: nn.train_step(NETWORK, LOSS, "sgd"), r"optimizer must be .*optax.sgd\(0.01\)"),
        (lambda: nn.train_step(NETWORK, LOSS, optax.sgd), "optimizer must be"),
        (lambda: begin(seed=-1), "seed must be an integer from 0"),
        (lambda: begin(seed=2**32), "seed must be"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(InvalidArgumentError, match=words):
        make()


def test_loss_of_the_whole_batch_is_refused():
    step, state = begin(loss=lambda logits, labels: LOSS(logits, labels).mean())
    with pytest.raises(InvalidArgumentError, match=r"one value per row.* returns shape \(\)"):
        step(state, X, Y)


@pytest.mark.parametrize("rule", ["batch", "data"])
def test_what_weighted_losses_are_divided_by(rule):
    X, y = np.ones((4, 1), np.float32), np.array([[1.0], [2.0], [3.0], [4.0]], np.float32)
    weight = np.array([0.0, 1.0, 1.0, 4.0], np.float32)
    step = nn.train_step(nn.dense(1), nn.squared_error, optax.sgd(0.0), weight_normalization=rule)
    state = step.init(nn.dense(1).init(nn.key(0), n_inputs=1))
    outputs = np.asarray(nn.dense(1).apply(state.params, X))
    total = np.sum(0.5 * weight * np.square(outputs - y)[:, 0])
    _, loss = step(state, X, y, weight)
    assert float(loss) == pytest.approx(total / (6.0 if rule == "batch" else 4.0), rel=1e-6)


def test_other_rules_of_division_are_refused():
    with pytest.raises(InvalidArgumentError, match="weight_normalization must be one of"):
        nn.train_step(nn.dense(1), nn.squared_error, optax.sgd(0.1), weight_normalization="rows")
