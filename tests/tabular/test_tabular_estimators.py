"""TabularClassifier and TabularRegressor: raw tables in, predictions out."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score

from multilayer import (
    DataError,
    InvalidArgumentError,
    TabularClassifier,
    TabularRegressor,
    load,
    save,
)
from multilayer._engine.xla.cache import PROGRAMS
from multilayer.callbacks import Callback, Stop

FEW = {"n_folds": 2, "n_estimators": 2, "random_state": 0}


def visits(n=240, seed=0):
    """A frame of every kind of column, and targets that depend on most of them."""
    rng = np.random.default_rng(seed)
    city = rng.choice(["Rome", "Lima", "Oslo", "Bonn", "Nice", "Cork", "Bern", "Graz", "Linz"], n)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.1, np.nan, rng.integers(18, 90, n)),
            "income": rng.lognormal(10, 1, n),
            "city": city,
            "member": rng.random(n) < 0.5,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), "D"),
            "plan": pd.Categorical(rng.choice(["free", "paid", None], n)),
        }
    )
    score = np.log(frame["income"]) - 10 + frame["member"] + np.isin(city, ["Rome", "Lima"])
    return frame, score.to_numpy() + rng.normal(0, 0.2, n)


@pytest.fixture(scope="module")
def data():
    return visits()


@pytest.fixture(scope="module")
def labels(data):
    return np.where(data[1] > np.quantile(data[1], 0.6), "high", "low")


@pytest.fixture(scope="module")
def classifier(data, labels):
    return TabularClassifier(**FEW).fit(data[0], labels)


@pytest.fixture(scope="module")
def regressor(data):
    return TabularRegressor(**FEW).fit(data[0], 1000 + 50 * data[1])


# What a fit makes --------------------------------------------------------------------------------


def test_a_raw_frame_is_classified(classifier):
    frame, score = visits(400, seed=1)
    truth = np.where(score > np.quantile(visits()[1], 0.6), "high", "low")
    assert classifier.score(frame, truth) > 0.85
    p = classifier.predict_proba(frame)
    assert_allclose(p.sum(axis=1), 1)
    assert log_loss(truth, p, labels=classifier.classes_) < 0.4
    assert_array_equal(classifier.predict(frame), classifier.classes_[p.argmax(axis=1)])
    assert_allclose(classifier.predict_log_proba(frame), np.log(p))


def test_a_raw_frame_is_regressed_in_the_units_of_y(regressor):
    frame, score = visits(400, seed=1)
    assert regressor.score(frame, 1000 + 50 * score) > 0.9
    trained = 1000 + 50 * visits()[1]
    predicted = regressor.predict(frame)
    assert predicted.shape == (400,)
    assert trained.min() <= predicted.min() <= predicted.max() <= trained.max()


def test_several_numbers_at_once(data):
    y = np.column_stack([data[1], -3 * data[1] + 7])
    reg = TabularRegressor(**FEW).fit(data[0], y)
    assert reg.predict(data[0]).shape == y.shape
    assert reg.predict_interval(data[0]).shape == (240, 2, 2)
    assert reg.score(data[0], y) > 0.9


def test_what_a_fit_did_is_reported(classifier):
    report = classifier.report_
    assert (report.n_rows, report.n_members, report.n_folds) == (240, 2, 2)
    assert report.n_epochs == classifier.n_iter_ == len(classifier.history_["loss"])
    assert report.n_steps == 64 * report.n_epochs
    assert sum(report.view_weights) == pytest.approx(1)
    assert 0.8 < report.out_of_fold_score <= 1
    assert report.stop_reason == classifier.stop_reason_
    assert np.isfinite(classifier.history_["validation_loss"]).all()
    text = classifier.summary()
    assert "out_of_fold_loss" in text
    assert "city" in text
    assert classifier.feature_roles_["day"] == "datetime"
    assert classifier.feature_names_in_.tolist() == list(visits()[0])


def test_equal_seeds_give_equal_bits_and_others_do_not(data, labels, classifier):
    again = TabularClassifier(**FEW).fit(data[0], labels)
    other = TabularClassifier(**{**FEW, "random_state": 1}).fit(data[0], labels)
    p = classifier.predict_proba(data[0])
    assert_array_equal(again.predict_proba(data[0]), p)
    assert (other.predict_proba(data[0]) != p).any()


def test_xla_needs_two_programs_for_a_fit_and_none_for_the_next_of_the_same_shape(
    data, labels, by_xla
):
    frame, _ = visits(230, seed=5)
    y = np.where(visits(230, seed=5)[1] > 1.5, "high", "low")
    few = {**FEW, "callbacks": [StopAt(1, Stop("enough"))]}
    TabularClassifier(**few).fit(data[0].iloc[:230], labels[:230])
    before = PROGRAMS.n_compiled
    assert before > 0
    TabularClassifier(**{**few, "random_state": 3}).fit(data[0].iloc[5:235], labels[5:235])
    assert PROGRAMS.n_compiled == before
    few |= {"n_folds": 3, "n_estimators": 3}
    TabularClassifier(**few).fit(frame.drop(columns="day"), y)
    assert PROGRAMS.n_compiled - before <= 2


def test_pickles_and_clones(data, classifier, regressor):
    for model in (classifier, regressor):
        again = pickle.loads(pickle.dumps(model))
        assert_array_equal(again.predict(data[0]), model.predict(data[0]))
        assert clone(model).get_params() == model.get_params()


def test_columns_are_found_by_name_and_missing_ones_are_named(data, classifier):
    frame = data[0]
    turned = frame[frame.columns[::-1]]
    assert_array_equal(classifier.predict_proba(turned), classifier.predict_proba(frame))
    with pytest.raises(DataError, match="income"):
        classifier.predict(frame.drop(columns="income"))


def test_with_cross_validation_and_permutation_importance(data, labels, regressor):
    scores = cross_val_score(TabularClassifier(**FEW), data[0], labels, cv=2)
    assert scores.mean() > 0.8
    found = permutation_importance(regressor, data[0], data[1], n_repeats=1, random_state=0)
    importance = dict(zip(data[0].columns, found.importances_mean, strict=True))
    assert importance["income"] > importance["age"]
    assert importance["member"] > importance["plan"]


# Intervals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_intervals_contain_new_targets_as_often_as_promised(regressor, coverage):
    frame, score = visits(2000, seed=3)
    low, high = regressor.predict_interval(frame, coverage).T
    y = 1000 + 50 * score
    found = np.mean((low <= y) & (y <= high))
    # Of two networks, each trained on half the rows: the mean of both is better than either.
    assert coverage - 0.05 < found < coverage + 0.5 * (1 - coverage)
    assert_allclose((low + high) / 2, regressor.predict(frame))


@pytest.mark.parametrize("coverage", [0, 1, 1.5, "0.9", None, 0.999])
def test_coverage_that_cannot_be_promised_is_refused(regressor, data, coverage):
    with pytest.raises(InvalidArgumentError, match="coverage must be"):
        regressor.predict_interval(data[0], coverage)


# Weights and groups ------------------------------------------------------------------------------


def test_rows_without_weight_are_left_out(data, labels):
    weight = np.ones(240)
    weight[::7] = 0
    some = np.flatnonzero(weight)
    weighed = TabularClassifier(**FEW).fit(data[0], labels, weight)
    removed = TabularClassifier(**FEW).fit(data[0].iloc[some], labels[some])
    assert_array_equal(weighed.predict_proba(data[0]), removed.predict_proba(data[0]))
    assert weighed.report_.n_rows == len(some)


def test_class_weights_shift_predictions_to_the_rare_class(data):
    y = (data[1] > np.quantile(data[1], 0.85)).astype(int)
    plain = TabularClassifier(**FEW).fit(data[0], y)
    balanced = TabularClassifier(**FEW, class_weight="balanced").fit(data[0], y)
    assert balanced.predict_proba(data[0])[:, 1].mean() > plain.predict_proba(data[0])[:, 1].mean()
    assert balanced.predict(data[0])[y == 1].mean() >= plain.predict(data[0])[y == 1].mean()


def test_groups_are_not_split(data, labels):
    groups = np.arange(240) // 20
    clf = TabularClassifier(**FEW).fit(data[0], labels, groups=groups)
    assert clf.report_.n_rows == 240
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        TabularClassifier(**FEW).fit(data[0], labels, groups=groups[1:])


# How training ends -------------------------------------------------------------------------------


def test_a_time_budget_ends_training(data, labels):
    clf = TabularClassifier(**FEW, time_budget=1e-3).fit(data[0], labels)
    assert (clf.stop_reason_, clf.n_iter_) == ("time_budget", 1)
    assert clf.predict_proba(data[0]).shape == (240, 2)


class StopAt(Callback):
    def __init__(self, epoch, what):
        self.epoch, self.what = epoch, what

    def on_epoch_end(self, report):
        if report["epoch"] == self.epoch:
            if isinstance(self.what, BaseException):
                raise self.what
            return self.what
        return None


def test_callbacks_end_training(data, labels):
    clf = TabularClassifier(**FEW, callbacks=[StopAt(1, Stop("enough"))]).fit(data[0], labels)
    assert (clf.stop_reason_, clf.n_iter_) == ("enough", 2)


def test_an_interrupt_leaves_the_networks_so_far(data, labels):
    clf = TabularClassifier(**FEW, callbacks=[StopAt(2, KeyboardInterrupt())])
    with pytest.warns(UserWarning, match="interrupted by user"):
        clf.fit(data[0], labels)
    assert clf.stop_reason_ == "interrupted"
    assert clf.score(data[0], labels) > 0.7


def test_a_failing_callback_is_raised_once_the_networks_are_there(data, labels):
    clf = TabularClassifier(**FEW, callbacks=[StopAt(2, RuntimeError("broken"))])
    with pytest.raises(RuntimeError, match="broken"):
        clf.fit(data[0], labels)
    assert clf.stop_reason_ == "failed"
    assert clf.score(data[0], labels) > 0.7


def test_verbose_prints_a_line_for_each_epoch(data, labels, capsys):
    clf = TabularClassifier(**FEW, verbose=True).fit(data[0], labels)
    out = capsys.readouterr().out
    assert out.count("Iteration ") == clf.n_iter_
    assert out.startswith(f"Training {'natively' if clf.engine_ == 'native' else 'by XLA'}")


@pytest.fixture(scope="module")
def stopped_early(data):
    """A regressor of six epochs."""
    few = {**FEW, "callbacks": [StopAt(5, Stop("enough"))]}
    return TabularRegressor(**few).fit(data[0], 1000 + 50 * data[1])


def test_both_engines_predict_alike_and_each_is_remembered(data, stopped_early, by_xla, tmp_path):
    assert stopped_early.engine_ == "native"
    assert stopped_early.score(data[0], 1000 + 50 * data[1]) > 0.9
    by_other = clone(stopped_early).fit(data[0], 1000 + 50 * data[1])
    assert by_other.engine_ == "xla"
    expected = by_other.predict(data[0])
    save(by_other, tmp_path / "model")
    assert load(tmp_path / "model").engine_ == "xla"
    assert_array_equal(load(tmp_path / "model").predict(data[0]), expected)
    # Without dropout the two draw nothing: they differ in rounding, which training makes larger.
    difference = np.sqrt(np.mean((expected - stopped_early.predict(data[0])) ** 2))
    assert difference < 0.15 * np.std(50 * data[1])


def test_a_device_that_is_not_there_is_refused(data, labels):
    with pytest.raises(InvalidArgumentError, match=r"device must be .*'gpu'"):
        TabularClassifier(**FEW, device="gpu").fit(data[0], labels)


@pytest.mark.parametrize("scoring", ["roc_auc", "accuracy", "neg_brier_score"])
def test_a_scorer_chooses_the_epoch(data, labels, scoring):
    y = labels == "high"
    clf = TabularClassifier(**FEW, scoring=scoring).fit(data[0], y)
    best = clf.history_["validation_score"].max()
    assert clf.history_["validation_score"][clf.report_.best_epochs[0]] == best


def test_a_scorer_of_numbers(data):
    reg = TabularRegressor(**FEW, scoring="mae").fit(data[0], data[1])
    assert (reg.history_["validation_score"] < 0).all()


# Refusals ----------------------------------------------------------------------------------------

BAD_ARGUMENTS = {
    "n_folds": (1, 2.5, "many"),
    "n_estimators": (0, 3, "few"),
    "time_budget": (0, -1, "long"),
    "scoring": ("acuracy", 3),
    "verbose": ("yes",),
    "device": ("tpu", None),
    "feature_roles": ({"age": "number"}, {"agee": "numeric"}),
    "class_weight": ({"hihg": 2},),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, bad in BAD_ARGUMENTS.items() for value in bad]
)
def test_bad_arguments_are_refused_by_name(data, labels, name, value):
    clf = TabularClassifier(n_folds=2).set_params(**{name: value})
    with pytest.raises(InvalidArgumentError, match=name):
        clf.fit(data[0], labels)
    assert not hasattr(clf, "report_")


def test_a_scorer_that_fails_is_refused_before_training(data):
    three = np.digitize(data[1], np.quantile(data[1], (0.3, 0.7)))
    with pytest.raises(InvalidArgumentError, match="scoring"):
        TabularClassifier(**FEW, scoring="f1").fit(data[0], three)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a"] * 240, "at least 2 classes"),
        ([None, "a"] * 120, "missing"),
        (np.zeros((240, 2), int), "one column of classes"),
        (None, "requires y to be passed"),
        (["a", "b"], "inconsistent"),
    ],
)
def test_bad_labels_are_refused(data, y, message):
    with pytest.raises(ValueError, match=message):
        TabularClassifier(**FEW).fit(data[0], y)


@pytest.mark.parametrize(
    ("y", "message"), [(["a", "b"] * 120, "numbers"), ([np.nan, 1.0] * 120, "NaN|missing")]
)
def test_bad_numbers_are_refused(data, y, message):
    with pytest.raises(ValueError, match=message):
        TabularRegressor(**FEW).fit(data[0], y)


def test_a_refused_fit_leaves_the_model_of_before(data, labels, classifier):
    fitted = pickle.loads(pickle.dumps(classifier))
    with pytest.raises(DataError):
        fitted.fit(data[0], ["a"] * 240)
    assert_array_equal(fitted.predict(data[0]), classifier.predict(data[0]))


def test_the_users_data_stay_as_they_are(data, labels):
    frame, weight = data[0].copy(), np.full(240, 2.0)
    TabularClassifier(**FEW).fit(frame, labels, weight)
    pd.testing.assert_frame_equal(frame, data[0])
    assert (weight == 2).all()


@pytest.mark.slow
def test_shuffled_labels_are_predicted_by_chance(data):
    rng = np.random.default_rng(0)
    scores = []
    for seed in range(6):
        frame, y = visits(300, seed)[0], rng.permutation(np.repeat([0, 1], 150))
        scores.append(cross_val_score(TabularClassifier(random_state=seed), frame, y, cv=3))
    assert abs(np.mean(scores) - 0.5) < 3 * 0.5 / np.sqrt(6 * 300)


def test_fit_starts_what_importing_does_not():
    import subprocess
    import sys

    code = (
        "import sys; from multilayer import TabularClassifier; TabularClassifier();"
        "print(any(m == 'jax' or m.startswith('jax.') for m in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
