"""Losses and metrics of networks built by hand, against NumPy float64, Optax and scikit-learn."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_expit, log_softmax, softmax
from sklearn.metrics import accuracy_score, top_k_accuracy_score

from multilayer import InvalidArgumentError, nn

ROWS, OUTPUTS = 40, 5


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(0, 3, (ROWS, OUTPUTS)).astype(np.float32)


@pytest.fixture
def labels():
    return np.random.default_rng(1).integers(OUTPUTS, size=ROWS)


def targets_of(kind):
    rng = np.random.default_rng(2)
    return {
        "probabilities": softmax(rng.normal(size=(ROWS, OUTPUTS)), axis=1).astype(np.float32),
        "yes or no": rng.integers(2, size=(ROWS, OUTPUTS)),
        "numbers": rng.normal(0, 3, (ROWS, OUTPUTS)).astype(np.float32),
    }[kind]


def huber(outputs, targets, delta):
    d = np.abs(outputs - targets)
    return np.where(d <= delta, d**2 / 2, delta * (d - delta / 2))


@pytest.mark.parametrize(
    ("loss", "kind", "formula"),
    [
        (nn.softmax_cross_entropy, "probabilities", lambda z, t: -t * log_softmax(z, axis=1)),
        (
            nn.sigmoid_cross_entropy,
            "yes or no",
            lambda z, t: -np.where(t == 1, log_expit(z), log_expit(-z)),
        ),
        (nn.squared_error, "numbers", lambda z, t: (z - t) ** 2 / 2),
        (nn.absolute_error, "numbers", lambda z, t: np.abs(z - t)),
        (nn.huber, "numbers", lambda z, t: huber(z, t, 1.0)),
        (partial(nn.huber, delta=2.5), "numbers", lambda z, t: huber(z, t, 2.5)),
    ],
)
def test_losses_are_their_formulas(loss, kind, formula, logits):
    targets = targets_of(kind)
    expected = formula(logits.astype(np.float64), targets.astype(np.float64)).sum(axis=1)
    found = loss(logits, targets)
    assert found.dtype == np.float32
    assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert_allclose(jax.jit(loss)(logits, targets), expected, rtol=1e-5, atol=1e-5)


def test_sparse_cross_entropy(logits, labels):
    found = nn.sparse_softmax_cross_entropy(logits, labels)
    exact = log_softmax(logits.astype(np.float64), axis=1)
    assert_allclose(found, -exact[np.arange(ROWS), labels], rtol=1e-5)
    optaxs = optax.losses.softmax_cross_entropy_with_integer_labels(logits, labels)
    assert_allclose(found, optaxs, rtol=1e-5, atol=1e-6)
    of_one_hot = nn.softmax_cross_entropy(logits, np.eye(OUTPUTS)[labels])
    assert_allclose(found, of_one_hot, rtol=1e-5, atol=1e-6)


def test_gradient_of_the_sparse_cross_entropy(logits, labels):
    """The softmax less the one-hot labels, which is what the chapter derives."""
    gradient = jax.grad(lambda z: nn.sparse_softmax_cross_entropy(z, labels).sum())(logits)
    expected = softmax(logits.astype(np.float64), axis=1) - np.eye(OUTPUTS)[labels]
    assert_allclose(gradient, expected, atol=1e-6)


def test_extreme_logits_stay_finite():
    z = np.array([[1e4, -1e4], [-1e4, 1e4]], np.float32)
    assert_array_equal(nn.sparse_softmax_cross_entropy(z, np.array([0, 0])), [0, 2e4])
    assert_array_equal(nn.sigmoid_cross_entropy(z, np.array([[1, 0], [1, 0]])), [0, 2e4])


def test_labels_that_are_no_class_are_told():
    losses = nn.sparse_softmax_cross_entropy(np.zeros((3, 2)), np.array([-1, 1, 2]))
    assert_array_equal(np.isnan(losses), [True, False, True])


# Metrics ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 4])
def test_in_top_k(logits, labels, k):
    hits = nn.in_top_k(logits, labels, k)
    assert hits.dtype == bool
    expected = top_k_accuracy_score(labels, logits, k=k, labels=np.arange(OUTPUTS))
    assert float(hits.mean()) == pytest.approx(expected)
    assert_array_equal(nn.in_top_k(softmax(logits, axis=1), labels, k), hits)


def test_in_top_k_counts_all_classes_that_tie():
    logits = np.array([[1.0, 1.0, 0.0]] * 3)
    assert_array_equal(nn.in_top_k(logits, np.arange(3), 1), [True, True, False])
    assert_array_equal(nn.in_top_k(logits, np.arange(3), 7), [True, True, True])


def test_what_is_not_finite_is_no_hit():
    logits = np.array([[np.nan, 0.0], [np.inf, 0.0], [-np.inf, np.nan]])
    assert_array_equal(nn.in_top_k(logits, np.array([0, 0, 0]), 2), [False, False, False])
    assert_array_equal(nn.in_top_k(np.zeros((2, 2)), np.array([-1, 2]), 2), [False, False])


def test_accuracy(logits, labels):
    share = nn.accuracy(logits, labels)
    assert share.shape == ()
    assert float(share) == pytest.approx(accuracy_score(labels, logits.argmax(axis=1)))


# What does not fit ------------------------------------------------------------------------------

SQUARE = np.zeros((3, 3), np.float32)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nn.sparse_softmax_cross_entropy(SQUARE, SQUARE), "one-hot targets"),
        (lambda: nn.sparse_softmax_cross_entropy(SQUARE, np.zeros(3)), "Number the classes"),
        (lambda: nn.sparse_softmax_cross_entropy(np.zeros(3), np.zeros(3, int)), "logits.shape"),
        (lambda: nn.accuracy(SQUARE, np.zeros(2, int)), r"labels.shape must be \(3,\)"),
        (lambda: nn.in_top_k(SQUARE, np.zeros(3, int), 0), "k must be an integer of at least 1"),
        (lambda: nn.squared_error(np.zeros((3, 1)), np.zeros(3)), r"y\[:, None\]"),
        (lambda: nn.absolute_error(np.zeros(3), np.zeros(3)), r"outputs.shape must be \(rows,"),
        (lambda: nn.sigmoid_cross_entropy(SQUARE, np.zeros((3, 1))), "targets.shape"),
        (lambda: nn.softmax_cross_entropy(SQUARE, np.zeros((2, 3))), "that of the logits"),
        (lambda: nn.huber(SQUARE, SQUARE, delta=0), r"delta must be a number in \(0, inf\)"),
        (lambda: jax.jit(nn.squared_error)(jnp.zeros((3, 1)), jnp.zeros(3)), "targets.shape"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call, words):
    with pytest.raises(InvalidArgumentError, match=words):
        call()
