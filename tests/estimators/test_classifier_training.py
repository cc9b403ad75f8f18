"""Training by MLPClassifier: schedules, validation data, going on."""

import pickle

import numpy as np
import pytest

from multilayer import MLPClassifier
from multilayer.callbacks import Callback

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
y3 = rng.integers(3, size=120)
X = rng.normal(size=(120, 4)) + np.eye(3, 4)[y3]
TRAIN, HELD_OUT = slice(0, 90), slice(90, None)


def classifier(**arguments):
    defaults = {"hidden_layer_sizes": 6, "max_iter": 5, "batch_size": 32, "random_state": 0}
    return MLPClassifier(**defaults | arguments)


def assert_same_network(a, b, **tolerance):
    for mine, theirs in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_allclose(mine, theirs, **{"rtol": 0, "atol": 0} | tolerance)


# Schedules ----------------------------------------------------------------------------------------

BASE, TOTAL, PER_EPOCH = 0.01, 40, 4
last_steps = PER_EPOCH * np.arange(1, 11) - 1  # the step whose rate an epoch reports
t = last_steps / TOTAL

SCHEDULES = {
    "constant": ("constant", None, np.ones(10)),
    "warm-up": (
        "constant",
        {"warmup_fraction": 0.5, "start_factor": 0.2},
        np.where(t < 0.5, 0.2 + 0.8 * t / 0.5, 1),
    ),
    "step": ("step", {"drop_factor": 0.5, "n_drops": 3}, 0.5 ** np.floor(4 * t)),
    "exponential": ("exponential", None, 0.01**t),
    "linear": ("linear", {"end_factor": 0.1}, 1 - 0.9 * t),
    "cosine": ("cosine", None, (1 + np.cos(np.pi * t)) / 2),
    "one_cycle": (
        "one_cycle",
        None,
        np.where(
            t < 0.2,
            1 - 0.9 * (1 + np.cos(np.pi * t / 0.2)) / 2,
            0.001 + 0.999 * (1 + np.cos(np.pi * (t - 0.2) / 0.8)) / 2,
        ),
    ),
}


@pytest.mark.parametrize("case", SCHEDULES)
def test_schedule_follows_its_formula(case):
    name, numbers, factors = SCHEDULES[case]
    clf = classifier(
        learning_rate=name,
        schedule_params=numbers,
        learning_rate_init=BASE,
        max_iter=10,
        n_iter_no_change=np.inf,
    ).fit(X, y3)
    np.testing.assert_allclose(clf.history_["learning_rate"], BASE * factors, rtol=1e-5)


def test_a_planned_schedule_ends_without_a_warning(recwarn):
    classifier(learning_rate="cosine").fit(X, y3)
    assert not recwarn.list
    classifier().fit(X, y3)
    assert [w.category.__name__ for w in recwarn.list] == ["ConvergenceWarning"]


# Validation ---------------------------------------------------------------------------------------


def test_validation_data_only_make_curves():
    settings = {"alpha": 1.0, "label_smoothing": 0.2}  # in the training loss alone
    with_curves = classifier(**settings).fit(
        X[TRAIN], y3[TRAIN], X_val=X[HELD_OUT], y_val=y3[HELD_OUT], sample_weight_val=np.ones(30)
    )
    assert_same_network(with_curves, classifier(**settings).fit(X[TRAIN], y3[TRAIN]))
    figures = with_curves.evaluate(X[HELD_OUT], y3[HELD_OUT])
    history = with_curves.history_
    assert history["validation_loss"][-1] == pytest.approx(figures["average_loss"], rel=1e-5)
    assert history["validation_score"][-1] == pytest.approx(figures["accuracy"], rel=1e-6)
    assert with_curves.validation_scores_ == history["validation_score"].tolist()
    assert with_curves.best_validation_score_ == max(with_curves.validation_scores_)
    assert with_curves.best_loss_ == min(with_curves.loss_curve_)


def test_validation_weights():
    weight = rng.integers(0, 3, 30)
    repeated = np.repeat(np.arange(90, 120), weight)
    weighted = classifier().fit(
        X[TRAIN], y3[TRAIN], X_val=X[HELD_OUT], y_val=y3[HELD_OUT], sample_weight_val=weight
    )
    copies = classifier().fit(X[TRAIN], y3[TRAIN], X_val=X[repeated], y_val=y3[repeated])
    for name in ("validation_loss", "validation_score"):
        np.testing.assert_allclose(weighted.history_[name], copies.history_[name], rtol=1e-5)


def test_early_stopping_returns_to_the_best_epoch():
    settings = {"max_iter": 100, "learning_rate_init": 0.05, "n_iter_no_change": 5}
    clf = classifier(**settings, early_stopping=True).fit(
        X[TRAIN], y3[TRAIN], X_val=X[HELD_OUT], y_val=y3[HELD_OUT]
    )
    best = int(np.argmax(clf.validation_scores_))
    assert clf.n_iter_ < 100
    assert best < clf.n_iter_ - 1
    assert clf.score(X[HELD_OUT], y3[HELD_OUT]) == pytest.approx(clf.best_validation_score_)
    assert clf.best_loss_ is None
    assert clf.stop_reason_ == "converged"
    until = classifier(**settings | {"max_iter": best + 1}).fit(X[TRAIN], y3[TRAIN])
    assert_same_network(clf, until)


def test_early_stopping_sets_rows_aside():
    clf = classifier(early_stopping=True, validation_fraction=0.25).fit(X, y3)
    assert clf.t_ == 5 * 90
    assert len(clf.validation_scores_) == 5
    assert {round(s * 30, 3) % 1 for s in clf.validation_scores_} == {0.0}


# Going on -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [{}, {"solver": "sgd"}, {"dropout": 0.3}])
def test_two_fits_of_five_epochs_are_one_of_ten(arguments):
    once = classifier(max_iter=10, **arguments).fit(X, y3)
    twice = classifier(warm_start=True, **arguments).fit(X, y3).fit(X, y3)
    assert_same_network(once, twice)
    assert once.loss_curve_ == twice.loss_curve_
    assert (twice.n_iter_, twice.t_) == (5, 10 * 120)


def test_partial_fits_are_epochs_of_fit():
    fitted = classifier(max_iter=3).fit(X, y3)
    parts = classifier()
    for _ in range(3):
        parts.partial_fit(X, y3, classes=[0, 1, 2])
    assert_same_network(fitted, parts)
    assert (parts.n_iter_, len(parts.loss_curve_)) == (1, 3)


def test_fit_without_warm_start_begins_anew():
    clf = classifier().fit(X, y3 % 2)
    assert_same_network(clf.fit(X, y3), classifier().fit(X, y3))


def test_pickles_go_on_where_they_were():
    clf = classifier(warm_start=True, dropout=0.2).fit(X, y3)
    copy = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(copy.predict_proba(X), clf.predict_proba(X))
    assert_same_network(copy.fit(X, y3), clf.fit(X, y3))


def test_callbacks_see_every_epoch_once():
    class Listen(Callback):
        def __init__(self):
            self.epochs, self.steps = [], []

        def on_epoch_end(self, report):
            self.epochs.append(report["epoch"])

        def on_progress(self, progress):
            self.steps.append((progress.step, progress.total_steps))

    listener = Listen()
    classifier(callbacks=[listener]).fit(X, y3)
    assert listener.epochs == [0, 1, 2, 3, 4]
    assert listener.steps[-1] == (20, 20)
