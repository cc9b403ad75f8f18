"""The rule against loops written as the papers have it, in exact arithmetic where sums decide."""

from fractions import Fraction
from itertools import repeat

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import linprog

from multilayer._core.errors import DivergenceError
from multilayer._data.row_blocks import RowBlocks
from multilayer._sklearn.perceptron.rule import (
    Lesson,
    Penalty,
    Rule,
    Stopping,
    Unit,
    one_pass,
    penalised_pass,
    train,
)

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([-1.0, 1, 1, -1])


def lesson(X, targets, sizes=None):
    return Lesson(RowBlocks(X), targets, np.ones(len(targets)) if sizes is None else sizes)


def new_unit(n_features):
    return Unit(np.zeros(n_features))


def in_order(n_rows):
    return repeat(np.arange(n_rows))


def whole_numbers(seed, n_rows=60, n_features=5, size=3):
    rng = np.random.default_rng(seed)
    X = rng.integers(-size, size + 1, (n_rows, n_features)).astype(float)
    return X, rng.choice([-1.0, 1.0], n_rows), rng.permutation(n_rows)


# One pass ---------------------------------------------------------------------------------------


def exactly(X, targets, sizes, order, rule):
    """The rule in fractions: weights and bias, and each row's loss and update."""
    weights, bias, loss, updates = [Fraction(0)] * X.shape[1], Fraction(0), Fraction(0), 0
    for i in order:
        x, y = [Fraction(value) for value in X[i]], Fraction(targets[i])
        margin = y * (sum(w * value for w, value in zip(weights, x, strict=True)) + bias)
        if margin > 0:
            continue
        loss -= margin
        step = Fraction(sizes[i]) * y
        updates += step != 0
        weights = [w + step * value for w, value in zip(weights, x, strict=True)]
        bias += step * Fraction(rule.bias_share) * rule.learns_bias
    return [float(w) for w in weights], float(bias), float(loss), updates


@pytest.mark.parametrize("block_rows", [1, 2, 7, 60, 1000])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    "rule", [Rule(), Rule(bias_share=0.25), Rule(learns_bias=False)], ids=["bias", "share", "none"]
)
def test_pass_over_whole_numbers_is_exact(block_rows, form, rule):
    X, targets, order = whole_numbers(0)
    sizes = np.random.default_rng(1).choice([0.0, 0.5, 1.0, 2.0], len(X))
    task, unit = lesson(form(X), targets, sizes), new_unit(5)
    task.rows.block_rows = block_rows
    tally = one_pass(unit, task, order, rule)
    weights, bias, loss, updates = exactly(X, targets, sizes, order, rule)
    assert_array_equal(unit.weights, weights)
    assert (unit.bias, tally.loss, tally.updates) == (bias, loss, updates)
    assert 5 < updates < 50


@pytest.mark.parametrize("target", [-1.0, 1.0])
def test_tie_is_an_error_of_either_class(target):
    unit = new_unit(2)
    tally = one_pass(
        unit, lesson(np.array([[3.0, 4.0]]), np.array([target])), np.array([0]), Rule()
    )
    assert tally == (0, 1)
    assert_array_equal(unit.weights, target * np.array([3.0, 4.0]))
    assert unit.bias == target


def one_by_one(X, targets, weights):
    """Loss of rows that move nothing, sums in float64 from the first feature to the last."""
    loss = 0.0
    for x, target in zip(X.tolist(), targets.tolist(), strict=True):
        score = 0.0
        for w, value in zip(weights.tolist(), x, strict=True):
            score += w * value
        loss += max(0.0, -target * score)
    return loss


def test_sums_are_taken_from_the_first_feature_to_the_last():
    """Rows whose score is all rounding: by another order of addition it is another one."""
    rng = np.random.default_rng(0)
    X = rng.choice([1.0, -1.0, 1e16, -1e16], (500, 24))
    targets, weights = rng.choice([-1.0, 1.0], 500), np.ones(24)
    task = lesson(X, targets, np.zeros(500))
    tally = one_pass(Unit(weights), task, np.arange(500), Rule())
    assert tally == (one_by_one(X, targets, weights), 0)


def test_doubt_covers_the_rounding_of_products():
    """Tenths that add up to 0 in one order of addition, and to nearly 0 in another."""
    rng = np.random.default_rng(0)
    half = rng.integers(-99, 100, (400, 20)) / 10
    X = rng.permuted(np.hstack([half, -half]), axis=1)
    targets, weights = rng.choice([-1.0, 1.0], 400), np.ones(40)
    # First a row that makes the weights 1, then those that move nothing.
    task = lesson(np.vstack([weights, X]), np.append(1.0, targets), np.append(1.0, np.zeros(400)))
    tally = one_pass(new_unit(40), task, np.arange(401), Rule(learns_bias=False))
    assert tally == (one_by_one(X, targets, weights), 1)


def test_rows_of_great_norm_are_looked_at():
    """The square of the norm overflows: the bound on rounding says nothing then."""
    X, targets = np.array([[1e200, 1.0], [-1e200, 1.0]]), np.array([1.0, 1.0])
    unit = new_unit(2)
    with np.errstate(over="ignore", invalid="ignore"):
        assert one_pass(unit, lesson(X, targets), np.arange(2), Rule()).updates == 2
    assert_array_equal(unit.weights, [0.0, 2.0])


# Penalties --------------------------------------------------------------------------------------


def penalised_one_by_one(X, targets, order, rule):
    """L2 by shrinking each weight, L1 as in figure 2 of Tsuruoka et al., on features not 0."""
    weights, bias = np.zeros(X.shape[1]), 0.0
    owed, paid = 0.0, np.zeros(X.shape[1])
    for i in order:
        error = targets[i] * (X[i] @ weights + bias) <= 0
        weights *= 1 - (1 - rule.l1_ratio) * rule.eta * rule.alpha
        if error:
            weights += rule.eta * targets[i] * X[i]
            bias += rule.eta * targets[i]
        owed += rule.l1_ratio * rule.eta * rule.alpha
        for j in np.flatnonzero(X[i]):
            before = weights[j]
            if before > 0:
                weights[j] = max(0.0, before - (owed + paid[j]))
            elif before < 0:
                weights[j] = min(0.0, before + (owed - paid[j]))
            paid[j] += weights[j] - before
    return weights, bias


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_penalties(l1_ratio, form):
    rng = np.random.default_rng(3)
    X, targets = rng.normal(size=(80, 6)), rng.choice([-1.0, 1.0], 80)
    if form is not np.asarray:
        X[rng.random(X.shape) < 0.5] = 0
    order, rule = rng.permutation(80), Rule(eta=0.5, alpha=0.02, l1_ratio=l1_ratio)
    unit = new_unit(6)
    penalty = Penalty.on(unit)
    penalised_pass(unit, penalty, lesson(form(X), targets, np.full(80, 0.5)), order, rule)
    penalty.settle(unit)
    weights, bias = penalised_one_by_one(X, targets, order, rule)
    assert_allclose(unit.weights, weights, rtol=1e-12, atol=1e-14)
    assert unit.bias == bias


def test_l2_beyond_1_makes_weights_0():
    unit = Unit(np.array([1.0, -2.0]))
    penalty = Penalty.on(unit)
    rule = Rule(eta=10, alpha=1)
    X, targets = np.array([[1.0, 0.0]]), np.array([1.0])
    penalised_pass(unit, penalty, lesson(X, targets), np.array([0]), rule)
    penalty.settle(unit)
    assert_array_equal(unit.weights, [0, 0])


def test_loss_contains_the_penalty():
    unit = Unit(np.array([3.0, -4.0]))
    X, targets = np.array([[-1.0, 0.0]]), np.array([1.0])  # loss 3
    rule = Rule(alpha=0.1, l1_ratio=0.25)
    tally = penalised_pass(unit, Penalty.on(unit), lesson(X, targets), np.array([0]), rule)
    assert tally.loss == pytest.approx(3 + 0.1 * (0.75 * 25 / 2 + 0.25 * 7))


# Training ---------------------------------------------------------------------------------------


def test_without_tol_the_first_pass_without_an_error_is_the_last():
    X, targets = XOR[0], np.array([-1.0, -1, -1, 1])  # AND
    unit, passes = new_unit(2), []
    outcome = train(
        unit, lesson(X, targets), in_order(4), Rule(), Stopping(100), watch=passes.append
    )
    assert (outcome.converged, outcome.inseparable) == (True, False)
    assert outcome.passes == len(passes) < 20
    assert all(targets * (X @ unit.weights + unit.bias) > 0)
    assert passes[-1]["loss"] == 0


def test_rows_of_size_0_are_no_errors():
    """XOR without the row (1, 1) is OR without it."""
    X, targets = XOR
    sizes = np.array([1.0, 1, 1, 0])
    outcome = train(new_unit(2), lesson(X, targets, sizes), in_order(4), Rule(), Stopping(100))
    assert outcome.converged


@pytest.mark.parametrize(
    ("losses", "tol", "patience", "passes"),
    [
        ([5, 4, 3, 2, 1, 0], 0.5, 1, None),  # always enough
        ([5, 4, 3.6, 3], 0.5, 1, 3),  # 0.4 is too little
        ([5, 4, 4, 3, 3, 3], 0.5, 2, 6),  # the count starts anew
        ([5, 4.6, 4.2, 3.8], 0.5, 2, 3),  # as the lowest so far is what counts
        ([5, 4.5], 0.5, 1, None),  # just enough
        ([1, 1, 1], 0.0, 1, None),  # with tol=0 only a rise is too little
        ([1, 2], 0.0, 1, 2),
    ],
)
def test_patience(losses, tol, patience, passes):
    rule = Stopping(100, tol, patience)
    over = [rule.is_over(loss, unchanged=False) for loss in losses]
    assert (over.index(True) + 1 if any(over) else None) == passes


def test_score_takes_the_place_of_the_loss():
    X, targets, _ = whole_numbers(2)
    scores = iter([0.1, 0.5, 0.5, 0.4, 0.3])
    outcome = train(
        new_unit(5),
        lesson(X, targets),
        in_order(60),
        Rule(),
        Stopping(100, 0.1, 2),
        score=lambda unit: next(scores),
    )
    assert outcome.passes == 4


def test_score_sees_the_weights_under_a_penalty():
    X, targets, _ = whole_numbers(2)
    seen = []

    def score(unit):
        seen.append(unit.weights.copy())
        return 0.0

    unit = new_unit(5)
    train(unit, lesson(X, targets), in_order(60), Rule(alpha=0.1), Stopping(1), score=score)
    assert_array_equal(seen[-1], unit.weights)


def separable(X, targets):
    """Whether weights and a bias exist with margins of at least 1: a linear program decides."""
    rows = -targets[:, None] * np.column_stack([X, np.ones(len(X))])
    found = linprog(np.zeros(rows.shape[1]), rows, -np.ones(len(X)), bounds=(None, None))
    return found.status == 0


def test_what_is_proven_is_true():
    """Small sets of whole numbers: converged means separable, inseparable means not."""
    proven = converged = 0
    for seed in range(60):
        X, targets, _ = whole_numbers(seed, n_rows=5, n_features=2, size=1)
        orders = iter(np.random.default_rng(seed).permuted(np.tile(np.arange(5), (200, 1)), axis=1))
        outcome = train(new_unit(2), lesson(X, targets), orders, Rule(), Stopping(200))
        assert outcome.converged == separable(X, targets)
        assert not (outcome.converged and outcome.inseparable)
        proven += outcome.inseparable
        converged += outcome.converged
    assert converged + proven == 60
    assert 10 < proven < 50


def test_bias_alone_tells_two_states_apart():
    """-1 and -2 have the same hash in Python."""
    X, targets = XOR[0], np.array([-1.0, -1, -1, 1])
    orders = iter([np.array([3, 1, 2, 0]), np.arange(4), np.array([3, 1, 2, 0]), np.arange(4)])
    unit = new_unit(2)
    assert not train(unit, lesson(X, targets), orders, Rule(), Stopping(4)).inseparable


@pytest.mark.parametrize("alpha", [0.0, 1e-4])
def test_overflow_is_refused(alpha):
    X, targets = np.full((4, 1), 1e308), np.array([1.0, 1, -1, -1])
    sizes = np.array([1.0, 1, 1, 1]) * 4
    with pytest.raises(DivergenceError, match=r"in pass 1\. Scale the columns"):
        train(new_unit(1), lesson(X, targets, sizes), in_order(4), Rule(alpha=alpha), Stopping(5))
