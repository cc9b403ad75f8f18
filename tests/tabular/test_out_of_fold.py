"""What an ensemble is judged by: predictions for rows that a member has not seen."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss

from multilayer._core.numpy_activations import softmax
from multilayer._engine.callbacks.protocol import Stop
from multilayer._sklearn.tabular.ensemble import EncodedRows, Targets
from multilayer._sklearn.tabular.ensemble_training import folds_of
from multilayer._sklearn.tabular.out_of_fold import OutOfFold, view_shares
from multilayer._sklearn.tabular.probabilities import tempered
from multilayer._sklearn.tabular.recipe import (
    DROPPED,
    ENCODED,
    PLAIN,
    EnsembleRecipe,
    choose_recipe,
    learning_rates,
    with_folds,
    with_members,
)

N = 12
FOLDS = [np.arange(0, 5), np.arange(5, N)]
RECIPE = EnsembleRecipe((PLAIN, DROPPED), n_folds=2, first_cycle=10, fewest_cycles=2)
NUMBERS = Targets(np.linspace(-1, 1, N)[:, None].astype(np.float32), np.ones(N), False)


def judge_of(outputs, targets=NUMBERS, **options):
    """Return a judge, for which members predict what a function of the evaluation says."""
    asked = iter(range(100))

    def predict(params):
        number = next(asked)
        return [outputs(view, number, FOLDS[fold]) for view in (0, 1) for fold in (0, 1)]

    return OutOfFold(RECIPE, FOLDS, targets, predict, **options)


def network(number):
    """Parameters of four members, with the evaluation in them."""
    return ({"kernel": np.arange(4.0) + 100 * number},)


def test_rows_get_the_prediction_of_the_member_that_has_not_seen_them():
    judge = judge_of(lambda view, number, rows: (rows + 100.0 * view)[:, None])
    first, second = judge.tables(judge._predict(None))
    assert_array_equal(first[:, 0], np.arange(N))
    assert_array_equal(second[:, 0], np.arange(N) + 100)


def test_the_best_members_of_each_view_are_stored():
    errors = {0: [0.5, 0.2, 0.4, 0.3], 1: [0.4, 0.5, 0.3, 0.3]}
    y = NUMBERS.y
    judge = judge_of(lambda view, number, rows: y[rows] + errors[view][number])
    for number in range(4):
        loss, score = judge.judge(None, network(number))
        mean = np.mean([errors[view][number] for view in (0, 1)])
        assert loss == pytest.approx(mean**2, rel=1e-5)
        assert score == pytest.approx(1 - mean**2 / np.var(y), rel=1e-5)
    assert [best.number for best in judge.best] == [1, 3]  # of equal ones the last
    assert_array_equal(judge.stored.params[0]["kernel"], [100, 101, 302, 303])


def test_training_ends_after_a_cycle_without_gain():
    errors = [1.0, 0.9, 0.5] + [0.4999] * 20  # the third cycle gains less than half a percent
    judge = judge_of(lambda view, number, rows: NUMBERS.y[rows] + errors[number])
    judge.on_train_begin(SimpleNamespace())
    said = []
    for number in range(7):
        judge.judge(None, network(number))
        said.append(judge.on_epoch_end({}))
    assert said == [None] * 6 + [Stop("converged")]


def test_no_cycle_begins_that_would_end_too_late(monkeypatch):
    clock = iter([0.0, 10.0, 30.0, 45.0])
    name = "multilayer._sklearn.tabular.out_of_fold.time.monotonic"
    monkeypatch.setattr(name, lambda: next(clock))
    judge = judge_of(lambda view, number, rows: NUMBERS.y[rows] + 0.5**number, deadline=80.0)
    judge.on_train_begin(SimpleNamespace())
    for expected in (None, None, Stop("time_budget")):  # 20 s of a cycle: 40 s more are too many
        judge.judge(None, network(0))
        said = judge.on_epoch_end({})
        assert said == expected


def test_a_scorer_chooses_before_the_loss():
    losses, scores = [0.1, 0.2, 0.05], iter([3.0, 3.0, 9.0, 9.0, 9.0, 9.0, 1.0, 1.0, 1.0])
    judge = judge_of(
        lambda view, number, rows: NUMBERS.y[rows] + losses[number],
        scorer=lambda table: next(scores),
    )
    for number in range(3):
        judge.judge(None, network(number))
    assert [best.number for best in judge.best] == [1, 1]


def test_calibration_finds_the_temperature_and_never_raises_the_loss():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3))
    y = np.array([rng.choice(3, p=p) for p in softmax(logits)])
    targets = Targets(y.astype(np.int32), np.ones(len(y)), True)
    overconfident = softmax(2 * logits)
    temperature, loss = targets.calibrated(overconfident)
    assert temperature == pytest.approx(0.5, abs=0.06)
    assert loss == pytest.approx(log_loss(y, tempered(overconfident, temperature)), rel=1e-6)
    assert loss < log_loss(y, overconfident)


def test_weights_count_as_copies_of_rows():
    rng = np.random.default_rng(0)
    table, y = softmax(rng.normal(size=(30, 3))), rng.integers(0, 3, 30).astype(np.int32)
    copies = rng.integers(1, 4, 30)
    weighed = Targets(y, copies, True)
    repeated = Targets(np.repeat(y, copies), np.ones(copies.sum()), True)
    rows = np.repeat(table, copies, axis=0)
    assert weighed.calibrated(table) == pytest.approx(repeated.calibrated(rows))
    assert weighed.score(table) == pytest.approx(repeated.score(rows))


def test_the_mixture_takes_the_better_view():
    y = NUMBERS.y.astype(float)
    assert_array_equal(view_shares([y + 1, y], NUMBERS), [0, 1])
    assert_array_equal(view_shares([y - 0.1, y + 0.1], NUMBERS), [0.5, 0.5])
    assert_array_equal(view_shares([y], NUMBERS), [1])


# Folds, recipes and schedules --------------------------------------------------------------------


def rows(y, groups=None):
    X, weight = np.zeros((len(y), 1), np.float32), np.ones(len(y), np.float32)
    return EncodedRows(X, None, np.asarray(y, np.int32), weight, 2, groups)


def test_folds_have_the_classes_in_proportion_and_groups_on_one_side():
    y = np.arange(40) % 4 == 0
    recipe = EnsembleRecipe((ENCODED,), n_folds=4, n_repeats=2)
    folds = folds_of(recipe, rows(y), 0)
    assert len(folds) == 8
    assert_array_equal(np.sort(np.concatenate(folds[:4])), np.arange(40))
    assert_array_equal(np.sort(np.concatenate(folds[4:])), np.arange(40))
    assert {int(y[fold].sum()) for fold in folds} <= {2, 3}
    assert any((a != b).any() for a, b in zip(folds[:4], folds[4:], strict=True))
    groups = np.arange(40) // 5
    for fold in folds_of(recipe, rows(y, groups), 0):
        assert not set(groups[fold]) & set(np.delete(groups, fold))


def test_a_class_with_fewer_rows_than_folds_is_no_obstacle():
    folds = folds_of(EnsembleRecipe((ENCODED,), 4), rows([0] * 30 + [1]), 0)
    assert_array_equal(np.sort(np.concatenate(folds)), np.arange(31))


@pytest.mark.parametrize(
    ("n_rows", "batch"),
    [(2, 1), (10, 8), (100, 64), (1900, 64), (2100, 128), (50_000, 256), (10**6, 512)],
)
def test_batches(n_rows, batch):
    assert choose_recipe(classification=True, n_rows=n_rows).batch_size == batch


@pytest.mark.parametrize(("n_rows", "first_cycle"), [(100, 64), (10_000, 64), (10**6, 237)])
def test_cycles_of_many_rows_are_longer(n_rows, first_cycle):
    recipe = choose_recipe(classification=True, n_rows=n_rows)
    assert recipe.first_cycle == first_cycle
    seen = recipe.most_epochs * recipe.first_cycle * recipe.batch_size / (0.75 * n_rows)
    assert seen >= 5


def test_members_are_sets_of_views_and_repeats():
    recipe = choose_recipe(classification=True, n_rows=500)
    assert (recipe.n_members, recipe.n_folds, len(recipe.views)) == (8, 4, 2)
    more = with_members(recipe, 16)
    assert (more.n_members, more.n_repeats, len(more.views)) == (16, 2, 2)
    one_view = with_members(recipe, 4)
    assert (one_view.n_members, one_view.views) == (4, (DROPPED,))
    with pytest.raises(ValueError, match="n_estimators must be a multiple of n_folds=4, got"):
        with_members(recipe, 6)
    assert with_folds(recipe, 2, 100).n_members == 4


def test_each_cycle_of_the_rate_is_twice_as_long():
    recipe = EnsembleRecipe((ENCODED,), 4, first_cycle=10, learning_rate=0.5)
    ends = np.array([0, 10, 30, 70, 150])
    assert_allclose(learning_rates(recipe, ends), 0, atol=1e-12)
    middles = 10 * (2 ** (np.arange(4) + 0.5) - 1)
    assert_allclose(learning_rates(recipe, middles), 0.5)
