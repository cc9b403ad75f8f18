"""Cross-entropies against sums written out in float64, and against scikit-learn."""

import jax
import numpy as np
import pytest
from jax.test_util import check_grads
from numpy.testing import assert_allclose
from scipy.special import expit, log_expit, log_softmax
from sklearn.base import clone
from sklearn.metrics import log_loss

from multilayer import MLPClassifier
from multilayer._objectives.losses import row_losses
from multilayer._objectives.objective import LossNumbers, Objective
from multilayer._sklearn.targets.class_labels import weights_of_rows

ROWS = 40
HEADS = {"softmax": (3, 2, 4), "one_vs_rest": (3, 2, 4), "logistic": (1, 1, 1)}


def numbers(smoothing=0.0, tables=None, dtype=np.float32):
    tables = None if tables is None else tuple(table.astype(dtype) for table in tables)
    return LossNumbers(dtype(smoothing), dtype(1), np.zeros(0, dtype), tables)


def problem(loss, dtype=np.float32, scale=3.0):
    """Raw outputs and targets of three heads, and weights of their classes, one of them 0."""
    rng = np.random.default_rng(3)
    heads = HEADS[loss]
    raw = (scale * rng.normal(size=(ROWS, sum(heads)))).astype(dtype)
    classes = [max(n, 2) for n in heads]
    y = np.column_stack([rng.integers(n, size=ROWS) for n in classes])
    tables = [rng.uniform(0.2, 4, n) for n in classes]
    tables[1][0] = 0.0
    return (
        Objective(loss, "auto", heads),
        raw,
        y.astype(dtype if loss == "logistic" else int),
        tables,
    )


def of_one_head(loss, logits, own, smoothing):
    """Loss of one row and head, class by class."""
    if loss == "logistic":
        (z,), yes = logits, own
        target = yes * (1 - smoothing) + smoothing / 2
        return -target * log_expit(z) - (1 - target) * log_expit(-z)
    n = len(logits)
    if loss == "softmax":
        target = (1 - smoothing) * np.eye(n)[int(own)] + smoothing / n
        return -np.sum(target * log_softmax(logits))
    target = (1 - smoothing) * np.eye(n)[int(own)] + smoothing / 2
    return -np.sum(target * log_expit(logits) + (1 - target) * log_expit(-logits))


def reference(objective, raw, y, smoothing):
    """Losses (rows, heads) in float64."""
    parts = np.split(np.float64(raw), np.cumsum(objective.heads)[:-1], axis=1)
    return np.array(
        [
            [
                of_one_head(objective.loss, part[i], y[i, h], smoothing)
                for h, part in enumerate(parts)
            ]
            for i in range(len(raw))
        ]
    )


losses_of_rows = jax.jit(row_losses, static_argnums=0)


@pytest.mark.parametrize("smoothing", [0.0, 0.15])
@pytest.mark.parametrize("loss", HEADS)
def test_several_heads_are_added_up(loss, smoothing):
    objective, raw, y, _ = problem(loss)
    found = losses_of_rows(objective, raw, y, numbers(smoothing))
    assert found.dtype == np.float32
    assert_allclose(found, reference(objective, raw, y, smoothing).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("loss", HEADS)
def test_each_head_is_weighed_by_its_own_classes(loss):
    """Rows weigh the mean over their heads; what they make of it is the sum written out."""
    objective, raw, y, tables = problem(loss)
    weight = np.random.default_rng(4).uniform(0, 2, ROWS)
    of_rows = weight * weights_of_rows(tables, y)
    found = losses_of_rows(objective, raw, y, numbers(0.1, tables))
    picked = np.column_stack([t[column.astype(int)] for t, column in zip(tables, y.T, strict=True)])
    expected = np.sum(weight[:, None] * picked * reference(objective, raw, y, 0.1))
    assert np.sum(of_rows * found) == pytest.approx(expected, rel=1e-5)
    assert np.sum(of_rows) == pytest.approx(np.sum(weight * picked.mean(axis=1)))
    assert (picked == 0).any()


def test_a_row_all_of_whose_classes_weigh_nothing():
    raw, y = np.ones((2, 2), np.float32), np.array([[0, 0], [1, 1]], np.float32)
    tables = [np.array([0.0, 1.0]), np.array([0.0, 3.0])]
    found = losses_of_rows(Objective("logistic", "logistic", (1, 1)), raw, y, numbers(0, tables))
    weight = -log_expit(1.0) * np.array([0, (1 + 3) / 2])  # over their mean, 2
    assert_allclose(found, weight, rtol=1e-5)


@pytest.mark.parametrize("loss", HEADS)
def test_slope_is_that_of_finite_differences(loss):
    with jax.enable_x64(True):
        objective, raw, y, tables = problem(loss, np.float64)
        of_loss = numbers(0.1, tables, np.float64)
        function = jax.jit(lambda raw: row_losses(objective, raw, y, of_loss))
        check_grads(function, (raw,), 1, ["rev"], 1e-7, 1e-7, 1e-5)


@pytest.mark.parametrize("loss", HEADS)
def test_large_outputs_have_losses_and_slopes(loss):
    objective, raw, y, _ = problem(loss, scale=1e4)
    raw[0], raw[1], raw[2] = 1e30, -1e30, 0.0
    of_loss = numbers(0.1)
    found = losses_of_rows(objective, raw, y, of_loss)
    # With smoothing, the loss of two logits that far apart is a difference of numbers as large.
    assert_allclose(found, reference(objective, raw, y, 0.1).sum(axis=1), rtol=1e-5, atol=1e-5)
    slope = jax.jit(jax.grad(lambda raw: row_losses(objective, raw, y, of_loss).sum()))(raw)
    assert np.isfinite(slope).all()
    assert np.abs(slope).max() <= 1


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
def test_scikit_learns_log_loss(loss):
    rng = np.random.default_rng(0)
    weight = rng.uniform(0, 2, ROWS)
    if loss == "softmax":
        raw, y = rng.normal(size=(ROWS, 4)).astype(np.float32), rng.integers(4, size=ROWS)
        objective, target = Objective(loss, loss, (4,)), y
        p = np.exp(log_softmax(np.float64(raw), axis=1))
    else:
        raw, y = rng.normal(size=(ROWS, 1)).astype(np.float32), rng.integers(2, size=ROWS)
        objective, target = Objective(loss, loss, (1,)), y[:, None].astype(np.float32)
        p = expit(np.float64(raw[:, 0]))
    found = np.average(losses_of_rows(objective, raw, target, numbers()), weights=weight)
    assert found == pytest.approx(log_loss(y, p, sample_weight=weight), rel=1e-5)


TARGETS = {
    "columns of classes": np.random.default_rng(1).choice(["a", "b", "c"], (ROWS, 2)),
    "indicator": np.random.default_rng(2).integers(2, size=(ROWS, 2)),
}


@pytest.mark.parametrize(
    ("target", "tables", "labels"),
    [
        ("columns of classes", [{"a": 3.0, "c": 0.5}, {"b": 2.0}], ["a", "b", "c"]),
        ("indicator", [{1: 5.0}, {0: 0.25}], [0, 1]),
    ],
)
def test_class_weights_in_training(target, tables, labels):
    """The loss of the only step, with the network as it was drawn."""
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(ROWS, 3)), TARGETS[target], rng.uniform(0.5, 2, ROWS)
    clf = MLPClassifier(
        (4,),
        class_weight=tables,
        label_smoothing=0.1,
        alpha=0.0,
        learning_rate="linear",  # which is over after max_iter epochs, without a warning
        max_iter=1,
        random_state=0,
    )
    raw = clone(clf).set_params(max_iter=0).fit(X, y, weight).decision_function(X)
    several = isinstance(raw, list)
    heads = raw if several else np.split(raw, 2, axis=1)
    loss = "softmax" if several else "logistic"
    total = share = 0.0
    for logits, column, table in zip(heads, y.T, tables, strict=True):
        own = np.searchsorted(labels, column)
        w = weight * [table.get(label, 1.0) for label in column.tolist()]
        pairs = zip(np.float64(logits), own, strict=True)
        total += np.sum(w * [of_one_head(loss, z, k, 0.1) for z, k in pairs])
        share += np.sum(w) / 2
    assert clf.fit(X, y, weight).loss_ == pytest.approx(total / share, rel=1e-5)
