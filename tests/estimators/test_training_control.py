"""Schedules and rules of training, and training that goes on."""

from functools import partial

import jax
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score, roc_auc_score

from multilayer import InvalidArgumentError, MLPClassifier, MLPRegressor
from multilayer._engine.xla.cache import PROGRAMS
from multilayer._sklearn.fit.samples import Samples, set_aside
from multilayer.callbacks import KeepBest

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
TRAIN, TEST = slice(0, 600), slice(600, 900)
VALIDATION = {"X_val": X[TEST], "y_val": y[TEST]}
SETTINGS = {
    "hidden_layer_sizes": (12, 12),
    "learning_rate_init": 0.01,
    "batch_size": 60,
    "max_iter": 6,
    "random_state": 0,
}


def classifier(**changes):
    return MLPClassifier(**SETTINGS | changes)


def fitted(**changes):
    return classifier(**changes).fit(X[TRAIN], y[TRAIN])


def assert_same_network(one, other, **tolerance):
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        assert_allclose(a, b, **{"rtol": 0, "atol": 0} | tolerance)


# Solvers ---------------------------------------------------------------------------------------


def test_a_factory_is_the_solver_of_that_name():
    ours = fitted(solver="adamw", weight_decay=0.1, beta_2=0.99, alpha=0)
    params = {"weight_decay": 0.1, "b2": 0.99, "mask": decays}
    theirs = fitted(solver=optax.adamw, solver_params=params, alpha=0)
    assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-4)


def decays(params):
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def test_numbers_of_a_factory_compile_nothing():
    fitted(solver=optax.lion, solver_params={"b1": 0.8, "weight_decay": 0.1})
    n_compiled = PROGRAMS.n_compiled
    one = fitted(solver=optax.lion, solver_params={"b1": 0.9, "weight_decay": 0.2})
    assert PROGRAMS.n_compiled == n_compiled
    other = fitted(solver=optax.lion, solver_params={"b1": 0.8, "weight_decay": 0.1})
    assert not np.array_equal(one.coefs_[0], other.coefs_[0])


def test_a_partial_of_a_factory_keeps_all_its_arguments():
    def scaled(factor, learning_rate, b1=0.9):
        return optax.adam(factor * learning_rate, b1=b1)

    one = fitted(solver=partial(scaled, 2.0, b1=0.8), learning_rate_init=0.005)
    other = fitted(solver=optax.adam, solver_params={"b1": 0.8}, learning_rate_init=0.01)
    assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-5)


def test_a_ready_rule_has_its_own_rate():
    rule = optax.adam(0.01)
    ready = fitted(solver=rule)
    assert_same_network(ready, fitted(solver=rule, learning_rate_init=5.0))
    assert_allclose(ready.loss_curve_, fitted(solver=optax.adam).loss_curve_, rtol=1e-5)
    with pytest.raises(
        InvalidArgumentError, match="learning_rate must be 'constant' for a ready-made solver"
    ):
        classifier(solver=rule, learning_rate="cosine").fit(X, y)
    with pytest.raises(
        InvalidArgumentError, match="solver_params must be None for a ready-made solver"
    ):
        classifier(solver=rule, solver_params={"b1": 0.5}).fit(X, y)


def test_unknown_arguments_of_a_factory_are_refused():
    with pytest.raises(InvalidArgumentError, match=r"Remove \['beta_1'\]"):
        classifier(solver=optax.lion, solver_params={"beta_1": 0.9}).fit(X, y)


# What stops it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scoring", ["loss", "f1_macro", "neg_log_loss"])
def test_early_stopping_on_what_was_asked_for(scoring):
    clf = classifier(early_stopping=True, scoring=scoring, max_iter=60, n_iter_no_change=3)
    clf.fit(X[TRAIN], y[TRAIN], **VALIDATION)
    assert clf.stop_reason_ == "converged"
    column = "validation_loss" if scoring == "loss" else "validation_score"
    values = clf.history_[column] * (-1 if scoring == "loss" else 1)
    expected = {
        "loss": lambda: -clf.evaluate(X[TEST], y[TEST])["average_loss"],
        "f1_macro": lambda: f1_score(y[TEST], clf.predict(X[TEST]), average="macro"),
        "neg_log_loss": lambda: -clf.evaluate(X[TEST], y[TEST])["average_loss"],
    }[scoring]()
    assert_allclose(values.max(), expected, rtol=1e-4)  # the best network was returned to


EASY = slice(600, 606)  # so few rows that many epochs have the same score


def best_by_score_and_loss(history):
    """Number of the epoch of the best score, the lowest loss among those."""
    return np.lexsort([history["validation_loss"], -history["validation_score"]])[0]


@pytest.mark.parametrize("scoring", [None, "accuracy"], ids=["inside", "outside"])
def test_of_epochs_with_the_same_score_the_lowest_loss_is_kept(scoring):
    clf = classifier(early_stopping=True, scoring=scoring, n_iter_no_change=8, max_iter=20)
    for _ in range(2):  # the second time from the first one's end
        clf.fit(X[TRAIN], y[TRAIN], X_val=X[EASY], y_val=y[EASY])
        clf.set_params(warm_start=True, learning_rate_init=0.03)
        best = best_by_score_and_loss(clf.history_)
        assert best > clf.history_["validation_score"].argmax()  # the first of the ties
        loss = clf.evaluate(X[EASY], y[EASY])["average_loss"]
        assert_allclose(loss, clf.history_["validation_loss"][best], rtol=1e-4)


def test_keep_best_takes_the_lowest_loss_of_the_best_scores():
    keeps = KeepBest("validation_score")
    clf = classifier(callbacks=[keeps], max_iter=12)
    clf.fit(X[TRAIN], y[TRAIN], X_val=X[EASY], y_val=y[EASY])
    assert keeps.best_epoch == best_by_score_and_loss(clf.history_)
    assert keeps.best_epoch > clf.history_["validation_score"].argmax()


def test_a_score_that_is_met_again_is_no_gain():
    """Also without a tolerance: patience is counted from the first epoch of the best score."""
    clf = classifier(early_stopping=True, tol=0.0, n_iter_no_change=4, max_iter=60)
    clf.fit(X[TRAIN], y[TRAIN], X_val=X[EASY], y_val=y[EASY])
    assert clf.stop_reason_ == "converged"
    assert clf.n_iter_ == clf.history_["validation_score"].argmax() + 1 + 5


def test_a_scorer_sees_labels_and_weights_as_they_were_given():
    seen = []

    def auc(estimator, inputs, labels, sample_weight=None):
        seen.append((labels, sample_weight))
        return roc_auc_score(labels, estimator.predict_proba(inputs)[:, 1])

    few = y < 2
    names = np.array(["zero", "one"])[y[few]]
    weights = np.arange(few.sum()) + 1.0
    clf = classifier(scoring=auc, max_iter=2)
    clf.fit(X[few], names, X_val=X[few], y_val=names, sample_weight_val=weights)
    assert len(seen) == 3  # before training, and after each epoch
    assert_array_equal(seen[0][0], names)
    assert_array_equal(seen[0][1], weights)
    assert_allclose(clf.validation_scores_[-1], auc(clf, X[few], names))


def test_a_scorer_and_frames_with_names():
    pandas = pytest.importorskip("pandas", reason="optional: tables")
    frame = pandas.DataFrame(X[TRAIN], columns=[f"pixel {i}" for i in range(64)])
    clf = classifier(early_stopping=True, scoring="accuracy", max_iter=2).fit(frame, y[TRAIN])
    plain = classifier(early_stopping=True, max_iter=2).fit(frame, y[TRAIN])
    assert_allclose(clf.validation_scores_, plain.validation_scores_)


def test_a_regressor_is_scored_in_units_of_y():
    target = 1000 * X[:, 20] + 5000
    reg = MLPRegressor(
        hidden_layer_sizes=(8,),
        early_stopping=True,
        scoring="neg_mean_absolute_error",
        standardize_target=True,
        max_iter=20,
        random_state=0,
    ).fit(X, target)
    assert 0 < -reg.best_validation_score_ < 1000


def test_a_scorer_that_breaks_during_training_leaves_a_network():
    calls = iter(range(9))

    def broken(estimator, inputs, labels):
        if next(calls) < 2:  # before training, and after the first epoch
            return 0.5
        raise ZeroDivisionError("mine")

    clf = classifier(scoring=broken)
    with pytest.raises(ZeroDivisionError, match="mine"):
        clf.fit(X[TRAIN], y[TRAIN], **VALIDATION)
    assert clf.stop_reason_ == "failed"
    assert clf.validation_scores_ == [0.5]
    assert clf.predict(X[TEST]).shape == (300,)


# Averages and groups of batches ------------------------------------------------------------------


def test_average_is_what_predicts_and_is_validated():
    plain = classifier().fit(X[TRAIN], y[TRAIN], **VALIDATION)
    average = classifier(ema_decay=0.95).fit(X[TRAIN], y[TRAIN], **VALIDATION)
    assert_allclose(average.loss_curve_, plain.loss_curve_, rtol=1e-5)  # the same training
    assert not np.allclose(average.coefs_[0], plain.coefs_[0], atol=1e-3)
    score = average.score(X[TEST], y[TEST])
    assert_allclose(average.validation_scores_[-1], score, rtol=1e-6)


@pytest.mark.parametrize("norm", [None, "batch"])
def test_groups_of_batches_are_one_batch(norm):
    if norm == "batch":  # whose moments are those of the batches, not of their group
        settings = {"batch_size": 60, "accumulate_steps": 1}
    else:
        settings = {"batch_size": 15, "accumulate_steps": 4}
    one = fitted(norm=norm, batch_size=60, alpha=0.5)
    other = fitted(norm=norm, alpha=0.5, **settings)
    assert_same_network(one, other, atol=2e-4)
    assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-4)


# Going on --------------------------------------------------------------------------------------

GOING_ON = {
    "adam": {},
    "momentum": {"solver": "sgd"},
    "average": {"ema_decay": 0.95},
    "batch norm": {"norm": "batch"},
    "groups": {"accumulate_steps": 3},
    "factory": {"solver": optax.lion},
    "noise": {"input_noise": 0.2, "input_dropout": 0.1, "dropout": 0.1},
}


@pytest.mark.parametrize("changes", GOING_ON.values(), ids=GOING_ON)
def test_three_and_three_epochs_are_six(changes):
    whole = fitted(**changes)
    clf = classifier(warm_start=True, max_iter=3, **changes)
    clf.fit(X[TRAIN], y[TRAIN]).fit(X[TRAIN], y[TRAIN])
    assert_same_network(whole, clf)
    assert_array_equal(whole.loss_curve_, clf.loss_curve_)


def test_partial_fit_under_early_stopping():
    clf = classifier(early_stopping=True, n_iter_no_change=2, tol=10.0)
    clf.fit(X[TRAIN], y[TRAIN])
    epochs = len(clf.loss_curve_)
    clf.partial_fit(X[TRAIN], y[TRAIN])
    assert len(clf.loss_curve_) == epochs + 1
    assert clf.validation_scores_ is None
    for _ in range(4):
        clf.partial_fit(X[TRAIN], y[TRAIN], **VALIDATION)
        if clf.stop_reason_ == "converged":
            break
    assert clf.stop_reason_ == "converged"
    assert_allclose(clf.validation_scores_[-1], clf.score(X[TEST], y[TEST]), rtol=1e-6)


def test_classes_declared_first():
    clf = classifier()
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        clf.partial_fit(X[:9], y[:9])
    clf.partial_fit(X[:9], np.zeros(9, int), classes=np.arange(10))
    clf.partial_fit(X[TRAIN], y[TRAIN])
    assert clf.predict_proba(X[:3]).shape == (3, 10)


def test_the_network_that_goes_on_keeps_its_shape():
    clf = fitted(warm_start=True, norm="batch", max_iter=1)
    with pytest.raises(InvalidArgumentError, match="norm must be 'batch', as in the network that"):
        clf.set_params(norm="layer").fit(X[TRAIN], y[TRAIN])
    clf.set_params(norm="batch", activation="tanh", dropout=0.1).fit(X[TRAIN], y[TRAIN])
    assert len(clf.loss_curve_) == 2


def test_no_epoch_gives_an_initialised_network():
    clf = fitted(max_iter=0, norm="layer")
    assert clf.predict(X[TEST]).shape == (300,)
    assert clf.n_iter_ == 0
    assert clf.loss_curve_ == []
    assert len(clf.history_["loss"]) == 0


def test_a_schedule_of_partial_fit_spans_max_iter_calls():
    clf = classifier(learning_rate="linear", max_iter=4)
    for _ in range(6):
        clf.partial_fit(X[TRAIN], y[TRAIN], classes=range(10))
    rates = clf.history_["learning_rate"]  # of the last of ten steps in each call
    expected = 0.01 * (1 - np.minimum((10 * np.arange(1, 7) - 1) / 40, 1))
    assert_allclose(rates, expected, atol=1e-8)


# Setting samples aside ----------------------------------------------------------------------


def samples_of(labels):
    labels = np.asarray(labels)
    n = len(labels)
    return Samples(np.arange(n)[:, None], np.zeros(n), np.ones(n), labels)


def test_classes_are_set_aside_in_proportion():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    rest, aside = set_aside(samples_of(labels), 0.1, seed=0, strata=labels)
    assert np.bincount(aside.labels).tolist() == [5, 3, 2]
    assert sorted([*rest.X[:, 0], *aside.X[:, 0]]) == list(range(100))


@pytest.mark.parametrize(
    ("counts", "fraction", "n_aside", "message"),
    [
        ([5] * 60, 0.1, 30, "too small for both sides, which are split at random: 31"),
        ([40, 1], 0.1, 5, "with a single row, which stays in training: 1"),
        ([2] * 10, 0.1, 2, "split at random: 9"),
        ([1] * 20, 0.1, 2, "split at random: 20"),
        ([2] * 40, 0.6, 48, "split at random: 9"),
        ([10] + [1] * 80, 0.1, 9, "split at random: 81"),
    ],
)
def test_rare_classes_are_set_aside_as_far_as_they_can_be(counts, fraction, n_aside, message):
    labels = np.repeat(np.arange(len(counts)), counts)
    with pytest.warns(UserWarning, match=message):
        rest, aside = set_aside(samples_of(labels), fraction, seed=3, strata=labels)
    assert len(aside) == n_aside
    assert sorted([*rest.X[:, 0], *aside.X[:, 0]]) == list(range(len(labels)))
    if "single row" in message:
        assert 1 in rest.labels
        assert 1 not in aside.labels


def test_early_stopping_trains_on_many_small_classes():
    labels = np.repeat(np.arange(60), 5)
    rows = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    clf = MLPClassifier((4,), max_iter=2, early_stopping=True, random_state=0)
    with pytest.warns(UserWarning, match="early_stopping cannot set 30 of 300 samples aside"):
        clf.fit(rows, labels)
    assert len(clf.validation_scores_) == 2
